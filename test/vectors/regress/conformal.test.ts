/** @file Intervals of CV+, beside their definition taken word by word, and how often they hold. */
import { describe, expect, it } from 'vitest';
import { UsageError } from '#src/errors.js';
import { Random } from '#src/random.js';
import { CrossConformal } from '#src/vectors/regress/conformal.js';

/** Barber et al. 2021, equation for CV+: order statistics of all predictions ± residuals. */
function byDefinition(residuals: number[][], predictions: number[], level: number): [number, number] {
  const lower = residuals
    .flatMap((own, fold) => own.map((r) => predictions[fold]! - r))
    .sort((a, b) => a - b);
  const upper = residuals
    .flatMap((own, fold) => own.map((r) => predictions[fold]! + r))
    .sort((a, b) => a - b);
  const n = lower.length;
  const rank = Math.ceil(level * (n + 1) - 1e-9);
  if (rank > n) return [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  return [lower[n - rank]!, upper[rank - 1]!];
}

describe('CrossConformal', () => {
  it('takes the order statistics of the definition', () => {
    const random = new Random(3, 'conformal');
    for (let trial = 0; trial < 200; trial++) {
      const folds = 2 + random.integer(5);
      const residuals = Array.from({ length: folds }, () =>
        Array.from({ length: random.integer(12) }, () => Math.abs(random.normal())),
      );
      residuals[0]!.push(0.5, 0.5);
      const predictions = Array.from({ length: folds }, () => 10 * random.normal());
      const level = 0.5 + 0.49 * random.next();
      const { low, high } = new CrossConformal(residuals, level).interval(predictions);
      const [wantLow, wantHigh] = byDefinition(residuals, predictions, level);
      if (Number.isFinite(wantHigh)) {
        expect(low).toBeCloseTo(wantLow, 9);
        expect(high).toBeCloseTo(wantHigh, 9);
      } else expect([low, high]).toEqual([wantLow, wantHigh]);
    }
  });

  it('holds new numbers about as often as it says', () => {
    const random = new Random(8, 'coverage');
    const folds = 5;
    const residuals = Array.from({ length: folds }, () =>
      Array.from({ length: 80 }, () => Math.abs(random.normal())),
    );
    const conformal = new CrossConformal(residuals, 0.8);
    let held = 0;
    for (let i = 0; i < 4000; i++) {
      const { low, high } = conformal.interval(new Array<number>(folds).fill(0));
      const x = random.normal();
      if (low <= x && x <= high) held++;
    }
    expect(held / 4000).toBeGreaterThan(0.74);
    expect(held / 4000).toBeLessThan(0.86);
  });

  it('refuses what is no level, and no residuals', () => {
    expect(() => new CrossConformal([[1]], 1)).toThrow(UsageError);
    expect(() => new CrossConformal([[], []], 0.9)).toThrow('residuals: expected at least one');
  });
});
