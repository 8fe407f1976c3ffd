import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Random } from '#src/random.js';
import {
  type RegressionMetrics,
  regressionDifference,
  regressionIntervals,
  regressionMetrics,
} from '#src/vectors/metrics/regression.js';

interface Case {
  t: number[];
  p: number[];
  want: RegressionMetrics;
}
const fixture = new URL('../../fixtures/vectors/regress.json', import.meta.url);
const { metrics } = JSON.parse(readFileSync(fixture, 'utf8')) as { metrics: Case[] };

describe('regression metrics', () => {
  it.each(metrics)('are those of scikit-learn and SciPy, with ties', ({ t, p, want }) => {
    const found = regressionMetrics(t, p);
    for (const name of Object.keys(want) as (keyof RegressionMetrics)[])
      expect(Math.abs(found[name] - want[name]), name).toBeLessThan(1e-9);
  });

  it('say that nothing correlates with a constant', () => {
    const found = regressionMetrics([1, 2, 4], [0.1, 0.1, 0.1]);
    expect([found.pearson, found.spearman]).toEqual([Number.NaN, Number.NaN]);
    expect(regressionMetrics([3, 3], [3, 3]).r2).toBe(1);
    expect(regressionMetrics([3, 3], [3, 4]).r2).toBe(0);
  });

  it('refuse lists of other lengths', () => {
    expect(() => regressionMetrics([1, 2], [1])).toThrow('expected 2, one for each target, but received 1');
    expect(() => regressionMetrics([1], [1])).toThrow('at least two');
  });
});

describe('intervals', () => {
  const random = new Random(3, 'test');
  const t = Array.from({ length: 300 }, () => random.normal());
  const p = t.map((value) => value + random.normal());
  it('hold the value, and are as wide as the theory of the mean says', () => {
    const { mae } = regressionIntervals(t, p);
    const errors = t.map((value, i) => Math.abs(value - p[i]!));
    const sd = Math.sqrt(errors.reduce((sum, e) => sum + (e - mae.value) ** 2, 0) / errors.length);
    const width = (2 * 1.96 * sd) / Math.sqrt(errors.length);
    expect(mae.low).toBeLessThan(mae.value);
    expect(Math.abs((mae.high - mae.low) / width - 1)).toBeLessThan(0.15);
  });

  it('widen when items come in groups of copies', () => {
    const copies = <T>(list: T[]) => list.flatMap((x) => [x, x, x, x]);
    const groups = copies(t.map((_, i) => i));
    const alone = regressionIntervals(copies(t), copies(p), { resamples: 300 }).mae;
    const grouped = regressionIntervals(copies(t), copies(p), { resamples: 300, groups }).mae;
    const ratio = (grouped.high - grouped.low) / (alone.high - alone.low);
    expect(ratio).toBeGreaterThan(1.6); // √4 = 2, but for chance
    expect(ratio).toBeLessThan(2.4);
  });

  it('of a difference are narrower than those of both sides, since items are paired', () => {
    const better = p.map((value, i) => value + 0.1 * (t[i]! - value));
    const { mae } = regressionDifference(t, p, better);
    expect(mae.value).toBeCloseTo(-0.1 * regressionMetrics(t, p).mae, 12);
    expect(mae.high).toBeLessThan(0);
  });
});
