/** @file Few-shot accuracy against the exact expectation over every episode that can be drawn. */
import { describe, expect, it } from 'vitest';
import { UsageError } from '#src/errors.js';
import { Random } from '#src/random.js';
import { fewShotAccuracy, type Vectors } from '#src/vectors/index.js';

/** `classes` clusters of `each` vectors; `spread` 0 is noise. */
function clusters(classes: number, each: number, spread: number, seed: number): [Vectors, number[]] {
  const random = new Random(seed, 'clusters');
  const dimension = 4;
  const centres = Array.from({ length: classes * dimension }, () => random.normal() * spread);
  const labels = Array.from({ length: classes * each }, (_, i) => i % classes);
  const data = Float32Array.from(
    labels.flatMap((c) =>
      Array.from({ length: dimension }, (_, d) => centres[c * dimension + d]! + random.normal()),
    ),
  );
  return [{ data, dimension }, labels];
}

const square = ({ data, dimension }: Vectors, i: number, j: number): number => {
  let sum = 0;
  for (let d = 0; d < dimension; d++) sum += (data[i * dimension + d]! - data[j * dimension + d]!) ** 2;
  return sum;
};

/** 2-way 1-shot with one query a class: the mean over all (query, support of its class, support of another class). */
function expectation(vectors: Vectors, labels: number[], allowed: (i: number, j: number) => boolean): number {
  let [right, all] = [0, 0];
  for (let q = 0; q < labels.length; q++)
    for (let s = 0; s < labels.length; s++)
      for (let t = 0; t < labels.length; t++) {
        if (s === q || labels[s] !== labels[q] || labels[t] === labels[q]) continue;
        if (!allowed(q, s) || !allowed(q, t)) continue;
        all++;
        if (square(vectors, q, s) < square(vectors, q, t)) right++;
      }
  return right / all;
}

describe('few-shot accuracy', () => {
  const [vectors, labels] = clusters(5, 4, 1.5, 1);
  it('approaches the exact mean over all episodes, within its interval', () => {
    const exact = expectation(vectors, labels, () => true);
    const found = fewShotAccuracy(vectors, labels, {
      ways: 2,
      shots: 1,
      episodes: 6000,
      distance: 'euclidean',
    });
    expect(Math.abs(found.accuracy - exact)).toBeLessThan(found.interval[1] - found.accuracy);
    expect(found.interval[1] - found.accuracy).toBeLessThan(0.01);
    expect(exact).toBeGreaterThan(0.6);
    expect(exact).toBeLessThan(0.95);
  });

  it('is 1 for classes far apart and chance for noise', () => {
    const [apart, y] = clusters(20, 6, 100, 2);
    expect(fewShotAccuracy(apart, y, { ways: 20, shots: 1 })).toMatchObject({
      accuracy: 1,
      interval: [1, 1],
    });
    const [noise, z] = clusters(40, 10, 0, 3);
    const { interval } = fewShotAccuracy(noise, z, { ways: 20, shots: 1, episodes: 1000 });
    expect(interval[0]).toBeLessThan(0.065);
    expect(interval[1]).toBeGreaterThan(0.04);
  });

  it('gains from more shots, and repeats for a seed alone', () => {
    const accuracy = (shots: number, seed: number) =>
      fewShotAccuracy(vectors, labels, { ways: 5, shots, seed, episodes: 500 }).accuracy;
    expect(accuracy(3, 0)).toBeGreaterThan(accuracy(1, 0));
    expect(accuracy(1, 0)).toBe(accuracy(1, 0));
    expect(accuracy(1, 0)).not.toBe(accuracy(1, 1));
  });

  it('draws the classes of an episode from one group', () => {
    // Two groups at the same place: only between groups are the classes hard to tell apart.
    const [one, y] = clusters(4, 5, 50, 4);
    const data = Float32Array.from([...one.data, ...one.data]);
    const both = [...y, ...y.map((c) => c + 4)];
    const groups = both.map((c) => (c < 4 ? 0 : 1));
    const options = { ways: 4, shots: 1, episodes: 200 };
    expect(fewShotAccuracy({ data, dimension: 4 }, both, { ...options, groups }).accuracy).toBe(1);
    expect(fewShotAccuracy({ data, dimension: 4 }, both, options).accuracy).toBeLessThan(0.95);
  });

  it('takes labelled items and queries from two sources', () => {
    const sources = labels.map((_, i) => Math.floor(i / 5) % 2);
    const exact = expectation(vectors, labels, (i, j) => sources[i] !== sources[j]);
    const found = fewShotAccuracy(vectors, labels, {
      ways: 2,
      shots: 1,
      episodes: 6000,
      sources,
      distance: 'euclidean',
    });
    expect(Math.abs(found.accuracy - exact)).toBeLessThan(found.interval[1] - found.accuracy);
  });

  it('refuses what cannot be drawn', () => {
    const options = { ways: 2, shots: 1 };
    const refuse = (change: object, message: RegExp) => {
      expect(() => fewShotAccuracy(vectors, labels, { ...options, ...change })).toThrow(UsageError);
      expect(() => fewShotAccuracy(vectors, labels, { ...options, ...change })).toThrow(message);
    };
    refuse({ ways: 6 }, /expected 6 classes with at least 2 items each/);
    refuse({ shots: 4 }, /at least 5 items/);
    refuse({ ways: 1 }, /at least 2 for ways/);
    refuse({ groups: [1, 2] }, /expected 20 groups but received 2/);
    refuse({ sources: labels.map(() => 0) }, /two sources/);
    refuse({ groups: labels }, /of one group/);
  });
});
