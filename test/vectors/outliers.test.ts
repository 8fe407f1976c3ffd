/** @file Outliers, representatives and label mistakes against scikit-learn, cleanlab (make_outliers.py) and plain loops. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Random } from '#src/random.js';
import { confidentMistakes } from '#src/vectors/label-mistakes.js';
import { localOutlierFactor, meanDistance, neighbourDistances, outlierBound } from '#src/vectors/outliers.js';
import { coreSet, medoids } from '#src/vectors/representatives.js';
import { toUnit } from '#src/vectors/vectors.js';

const golden = JSON.parse(
  readFileSync(new URL('../fixtures/vectors/outliers.json', import.meta.url), 'utf8'),
) as {
  dimension: number;
  points: number[];
  factors: number[];
  classes: number;
  given: number[];
  probabilities: number[];
  issues: number[];
};
const vectors = { data: Float32Array.from(golden.points), dimension: golden.dimension };
const distance = (data: Float32Array, d: number, i: number, j: number) =>
  Math.hypot(...Array.from({ length: d }, (_, k) => data[i * d + k]! - data[j * d + k]!));

describe('outliers', () => {
  it('have the local outlier factor of scikit-learn, copies included', async () => {
    const factors = localOutlierFactor(await neighbourDistances(vectors, { k: 8 }));
    expect(factors.length).toBe(golden.factors.length);
    factors.forEach((factor, i) => {
      expect(Math.abs(factor - golden.factors[i]!)).toBeLessThan(1e-5 * golden.factors[i]!);
    });
  });

  it('are far from their neighbours', async () => {
    const found = await neighbourDistances(vectors, { k: 4 });
    const means = meanDistance(found);
    const unit = toUnit(vectors).data;
    for (const i of [0, 77, 149]) {
      const all = Array.from(means, (_, j) => distance(unit, golden.dimension, i, j)).sort((a, b) => a - b);
      expect(means[i]).toBeCloseTo((all[1]! + all[2]! + all[3]! + all[4]!) / 4, 6);
    }
    await expect(neighbourDistances(vectors, { k: 153 })).rejects.toThrow(/k: expected .* from 1 to 152/);
  });

  it('are told by a bound that most scores do not reach', () => {
    const scores = [1, 1.1, 0.9, 1.05, 0.95, 1, 1.02, 9];
    const bound = outlierBound(scores);
    expect(bound).toBeGreaterThan(1.1);
    expect(bound).toBeLessThan(9);
    expect(outlierBound([2, 2, 2])).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('label mistakes', () => {
  it('are those of cleanlab, in its order', () => {
    const found = confidentMistakes(Float32Array.from(golden.probabilities), golden.given, golden.classes);
    expect(found.map(({ item }) => item)).toEqual(golden.issues);
    for (const { given, suggested } of found) expect(suggested).not.toBe(given);
    expect(() => confidentMistakes(new Float32Array(3), [0, 1], 2)).toThrow(/2 × 2 numbers/);
  });
});

describe('representatives', () => {
  // Three groups of 50, 30 and 5, and one point far away.
  const random = new Random(5, 'groups');
  const sizes = [50, 30, 5, 1];
  const owner = sizes.flatMap((size, group) => Array.from({ length: size }, () => group));
  const data = new Float32Array(owner.length * 3);
  owner.forEach((group, i) => {
    for (let k = 0; k < 3; k++)
      data[i * 3 + k] = (k === group ? 20 : 0) + (group === 3 ? -30 : 0) + random.normal();
  });

  it('in the middle of clusters come by what they stand for', async () => {
    const { chosen, owners, distances } = await medoids({ data, dimension: 3 }, 4);
    expect(Array.from(chosen, (i) => owner[i])).toEqual([0, 1, 2, 3]);
    owners.forEach((place, i) => {
      expect(owner[chosen[place]!]).toBe(owner[i]);
      expect(distances[i]).toBeCloseTo(distance(data, 3, i, chosen[place]!), 4);
    });
  });

  it('of the core-set leave nothing far away', async () => {
    const { chosen, owners, distances } = await coreSet({ data, dimension: 3 }, 5);
    expect(new Set(Array.from(chosen, (i) => owner[i]))).toEqual(new Set([0, 1, 2, 3]));
    // Greedy by definition: each one was the farthest from those before.
    for (let n = 1; n < chosen.length; n++) {
      const to = (i: number, m: number) => distance(data, 3, i, chosen[m]!);
      const least = owner.map((_, i) => Math.min(...Array.from({ length: n }, (_, m) => to(i, m))));
      expect(least[chosen[n]!]).toBeCloseTo(Math.max(...least), 4);
    }
    owners.forEach((place, i) => {
      const all = Array.from(chosen, (c) => distance(data, 3, i, c));
      expect(distances[i]).toBeCloseTo(Math.min(...all), 4);
      expect(all[place]).toBeCloseTo(Math.min(...all), 4);
    });
  });

  it('are fewer where only copies are left, and are not more than there are', async () => {
    const copies = { data: Float32Array.of(1, 1, 1, 1, 5, 5), dimension: 2 };
    expect((await coreSet(copies, 3)).chosen.length).toBe(2);
    expect((await medoids(copies, 2)).chosen.length).toBe(2);
    await expect(coreSet(copies, 4)).rejects.toThrow(/from 1 to 3/);
    await expect(medoids(copies, 0)).rejects.toThrow(/from 1 to 3/);
  });
});
