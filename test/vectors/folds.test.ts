/** @file Folds and bootstrap intervals, by what defines them. */
import { describe, expect, it } from 'vitest';
import { Random } from '#src/random.js';
import { bootstrap, bootstrapMean, foldOf, folds, quantile } from '#src/vectors/index.js';

const counts = (values: Iterable<number>) => {
  const found = new Map<number, number>();
  for (const value of values) found.set(value, (found.get(value) ?? 0) + 1);
  return found;
};

describe('folds', () => {
  const random = new Random(1, 'labels');
  const labels = Int32Array.from({ length: 203 }, () => [0, 0, 0, 0, 1, 1, 2][random.integer(7)]!);

  it('give every fold its share of every class, and differ by one at most', () => {
    const assignment = folds(203, { folds: 5, labels, seed: 3 });
    const sizes = [...counts(assignment).values()];
    expect(sizes).toHaveLength(5);
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(3); // one for each class
    for (const label of [0, 1, 2]) {
      const of = [...counts(assignment.filter((_, i) => labels[i] === label)).values()];
      expect(Math.max(...of) - Math.min(...of)).toBeLessThanOrEqual(1);
    }
    expect(folds(203, { folds: 5, labels, seed: 3 })).toEqual(assignment);
    expect(folds(203, { folds: 5, labels, seed: 4 })).not.toEqual(assignment);
  });

  it('never divide a group', () => {
    const groups = labels.map((_, i) => i % 40);
    const assignment = folds(203, { folds: 4, labels, groups });
    for (let group = 0; group < 40; group++)
      expect(new Set(assignment.filter((_, i) => groups[i] === group)).size).toBe(1);
    const sizes = [...counts(assignment).values()];
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(12); // two groups
  });

  it('say which items are within and without', () => {
    const assignment = folds(10, { folds: 2 });
    const { train, test } = foldOf(assignment, 1);
    expect([...train, ...test].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(test.every((i) => assignment[i] === 1)).toBe(true);
  });

  it('are not more than there are items or groups', () => {
    expect(() => folds(3, { folds: 4 })).toThrow(/from 2 to 3/);
    expect(() => folds(9, { folds: 3, groups: [0, 0, 0, 1, 1, 1, 1, 1, 1] })).toThrow(
      /from 2 to 2 but received 3/,
    );
  });
});

describe('bootstrap', () => {
  const random = new Random(2, 'values');
  const values = Float64Array.from({ length: 400 }, () => random.normal());
  const mean = values.reduce((a, b) => a + b, 0) / 400;

  it('has the interval of the mean that theory has', () => {
    const found = bootstrapMean(values, { resamples: 2000 });
    const error = Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / 400 / 400);
    expect(found.value).toBeCloseTo(mean, 12);
    expect(Math.abs(found.low - (mean - 1.96 * error))).toBeLessThan(0.15 * error);
    expect(Math.abs(found.high - (mean + 1.96 * error))).toBeLessThan(0.15 * error);
  });

  it('is wider where whole groups are drawn, of which all items are alike', () => {
    const groups = values.map((_, i) => Math.floor(i / 10));
    const alike = Float64Array.from(values, (_, i) => values[Math.floor(i / 10)]!);
    const width = ({ low, high }: { low: number; high: number }) => high - low;
    const alone = width(bootstrapMean(alike));
    expect(width(bootstrapMean(alike, { groups })) / alone).toBeGreaterThan(2.5);
    expect(width(bootstrapMean(alike, { groups })) / alone).toBeLessThan(4);
  });

  it('leaves out draws that have no answer, for the statistic that has none', () => {
    const found = bootstrap(3, (items) => ({
      odd: items.includes(2) ? 1 : Number.NaN,
      size: items.length,
    }));
    expect(found.odd).toEqual({ value: 1, low: 1, high: 1 });
    expect(found.size.high).toBe(3);
  });

  it('interpolates quantiles as NumPy does', () => {
    expect(quantile([1, 2, 4, 8], 0.5)).toBe(3); // numpy.quantile([1, 2, 4, 8], 0.5)
    expect(quantile([1, 2, 4, 8], 0.1)).toBeCloseTo(1.3, 12);
    expect(quantile([], 0.5)).toBeNaN();
  });
});
