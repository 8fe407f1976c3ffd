/** @file Classification metrics against scikit-learn's, and their intervals against what they should cover. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { UsageError } from '#src/errors.js';
import { Random } from '#src/random.js';
import {
  type ClassificationReport,
  classificationReport,
  confusionMatrix,
} from '#src/vectors/metrics/classification.js';

interface Case {
  classes: number;
  labels: number[];
  probabilities: number[];
  expected: {
    accuracy: number;
    balancedAccuracy: number;
    macro: number[];
    weighted: number[];
    perClass: number[][];
    support: number[];
    confusion: number[][];
    topK: Record<string, number>;
    aucs: number[];
    auc: number;
    logLoss: number;
    brier: number;
    calibrationError: number;
    reliability: { counts: number[]; accuracy: number[]; confidence: number[] };
  };
}

const CASES = JSON.parse(
  readFileSync(new URL('../../fixtures/vectors/classification.json', import.meta.url), 'utf8'),
) as Record<string, Case>;

const close = (found: readonly number[], expected: readonly number[]) => {
  expect(found.length).toBe(expected.length);
  found.forEach((value, i) => {
    expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-9);
  });
};
const three = ({ precision, recall, f1 }: ClassificationReport['macro']) => [
  precision.value,
  recall.value,
  f1.value,
];

describe.each(Object.entries(CASES))('%s', (_name, { classes, labels, probabilities, expected }) => {
  const report = classificationReport(labels, Float32Array.from(probabilities), classes, {
    k: [2, 3],
    resamples: 200,
  });

  it('is measured as scikit-learn does', () => {
    close(
      [report.accuracy, report.balancedAccuracy, report.auc, report.logLoss, report.brier].map(
        ({ value }) => value,
      ),
      [expected.accuracy, expected.balancedAccuracy, expected.auc, expected.logLoss, expected.brier],
    );
    close(three(report.macro), expected.macro);
    close(three(report.weighted), expected.weighted);
    for (const [i, name] of (['precision', 'recall', 'f1'] as const).entries())
      close(
        report.classes.map((c) => c[name].value),
        expected.perClass[i]!,
      );
    close(
      report.classes.map((c) => c.auc.value),
      expected.aucs,
    );
    expect(report.classes.map((c) => c.support)).toEqual(expected.support);
    expect(report.confusion).toEqual(expected.confusion);
    close(
      Object.values(report.topK).map(({ value }) => value),
      Object.values(expected.topK),
    );
  });

  it('is as reliable as scikit-learn says', () => {
    close([report.calibrationError.value], [expected.calibrationError]);
    expect(report.reliability.map(({ count }) => count)).toEqual(expected.reliability.counts);
    const filled = report.reliability.filter(({ count }) => count > 0);
    close(
      filled.map(({ accuracy }) => accuracy),
      expected.reliability.accuracy,
    );
    close(
      filled.map(({ confidence }) => confidence),
      expected.reliability.confidence,
    );
  });

  it('lies within its intervals', () => {
    for (const { value, low, high } of [report.accuracy, report.auc, report.macro.f1, report.logLoss]) {
      expect(low).toBeLessThan(value);
      expect(high).toBeGreaterThan(value);
    }
  });
});

/** Items of ten classes whose likeliest class is right in 7 of 10 cases. */
function drawn(count: number, seed: number) {
  const random = new Random(seed, 'drawn');
  const labels = Int32Array.from({ length: count }, () => random.integer(10));
  const probabilities = new Float32Array(count * 10).fill(0.05);
  labels.forEach((label, i) => {
    const said = random.next() < 0.7 ? label : (label + 1 + random.integer(9)) % 10;
    for (let c = 0; c < 10; c++) probabilities[i * 10 + c]! += 0.01 * random.next();
    probabilities[i * 10 + said]! += 0.4;
  });
  return { labels, probabilities };
}

describe('intervals', () => {
  it('are those of a binomial for accuracy', () => {
    const { labels, probabilities } = drawn(2000, 1);
    const { value, low, high } = classificationReport(labels, probabilities, 10).accuracy;
    const half = 1.96 * Math.sqrt((value * (1 - value)) / 2000);
    expect(Math.abs((high - low) / 2 / half - 1)).toBeLessThan(0.1);
  });

  it('are wider when items are drawn in groups', () => {
    const { labels, probabilities } = drawn(100, 2);
    const four = (values: ArrayLike<number>, width: number) =>
      Array.from({ length: 400 * width }, (_, i) => values[i % (100 * width)]!);
    const twice = [four(labels, 1), Float32Array.from(four(probabilities, 10))] as const;
    const groups = Array.from({ length: 400 }, (_, i) => i % 100);
    const width = (given?: number[]) => {
      const { low, high } = classificationReport(...twice, 10, { groups: given, resamples: 2000 }).accuracy;
      return high - low;
    };
    expect(width(groups) / width()).toBeGreaterThan(1.7); // 2 of fourfold items
    expect(width(groups) / width()).toBeLessThan(2.4);
  });

  it('of 10,000 items take 1000 resamples within seconds', () => {
    const { labels, probabilities } = drawn(10_000, 3);
    const start = performance.now();
    const report = classificationReport(labels, probabilities, 10);
    expect(performance.now() - start).toBeLessThan(20_000);
    expect(report.auc.high - report.auc.low).toBeGreaterThan(0);
  });
});

describe('bad input', () => {
  const ok = Float32Array.of(0.9, 0.1, 0.2, 0.8);

  it('is refused', () => {
    expect(() => classificationReport([], new Float32Array(0), 2)).toThrow('received none');
    expect(() => classificationReport([0, 1], ok, 3)).toThrow('expected 2 × 3 probabilities');
    expect(() => classificationReport([0, 2], ok, 2)).toThrow('labels of 0 to 1 but received 2');
    expect(() => classificationReport([0, 1], ok.with(1, Number.NaN), 2)).toThrow(UsageError);
    expect(() => classificationReport([0, 1], ok.with(1, 1.5), 2)).toThrow('received 1.5');
    expect(() => confusionMatrix([0, 1], [0], 2)).toThrow(UsageError);
  });

  it('of one class has no ROC-AUC, and the rest', () => {
    const report = classificationReport([0, 0], ok, 2, { resamples: 10 });
    expect(report.auc.value).toBeNaN();
    expect(report.accuracy.value).toBe(0.5);
    expect(report.balancedAccuracy.value).toBe(0.5);
  });
});
