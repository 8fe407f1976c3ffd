/** @file Near pairs against all pairs, and groups that do not chain. */
import { beforeAll, describe, expect, it } from 'vitest';
import { Random } from '#src/random.js';
import { type Nearest, neighbourGraph } from '#src/vectors/exact-search.js';
import { nearGroups, nearPairs } from '#src/vectors/near-pairs.js';
import { normalizeRows } from '#src/vectors/vectors.js';

const DIMENSION = 24;
const session = { inline: true };

/** Unit vectors at random; groups of copies with a little noise among them, of the given sizes. */
function withCopies(others: number, sizes: readonly number[], noise: number): Float32Array {
  const random = new Random(7, 'near-pairs-test');
  const total = others + sizes.reduce((sum, n) => sum + n, 0);
  const data = Float32Array.from({ length: total * DIMENSION }, () => random.normal());
  let row = others;
  for (const size of sizes) {
    const first = row * DIMENSION;
    for (let i = DIMENSION; i < size * DIMENSION; i++)
      data[first + i] = data[first + (i % DIMENSION)]! + noise * random.normal();
    row += size;
  }
  normalizeRows(data, DIMENSION);
  return data;
}

const cosineOf = (data: Float32Array) => (a: number, b: number) => {
  let sum = 0;
  for (let d = 0; d < DIMENSION; d++) sum += data[a * DIMENSION + d]! * data[b * DIMENSION + d]!;
  return sum;
};

describe('nearPairs', () => {
  const data = withCopies(600, [2, 3, 3, 40, 25], 0.02);
  const cosine = cosineOf(data);
  const count = data.length / DIMENSION;
  let graph: Nearest;
  beforeAll(async () => {
    graph = await neighbourGraph(data, DIMENSION, 6, { session });
  });

  it.each([0.6, 0.8, 0.95])(
    'finds all pairs above %f, also of groups larger than the lists',
    async (threshold) => {
      const { pairs, cosines } = await nearPairs(data, DIMENSION, { threshold, graph, session });
      const found = Array.from(cosines, (_, i) => `${pairs[2 * i]} ${pairs[2 * i + 1]}`);
      const expected: string[] = [];
      for (let a = 0; a < count; a++)
        for (let b = a + 1; b < count; b++) if (cosine(a, b) >= threshold) expected.push(`${a} ${b}`);
      expect(expected.length).toBeGreaterThan(1000);
      expect(found).toEqual(expected);
      for (const [i, value] of cosines.entries())
        expect(value).toBeCloseTo(cosine(pairs[2 * i]!, pairs[2 * i + 1]!), 5);
    },
  );

  it('lists no more than is asked for of large groups, which stay whole', async () => {
    const { pairs, cosines } = await nearPairs(data, DIMENSION, { threshold: 0.95, graph, most: 8, session });
    expect(cosines.length).toBeLessThan(65 * 8);
    const groups = nearGroups({
      pairs,
      rank: Array.from({ length: count }, (_, i) => i),
      near: (a, b) => cosine(a, b) >= 0.95,
    });
    expect(groups.map((group) => group.length).sort((a, b) => a - b)).toEqual([2, 3, 3, 25, 40]);
  });

  it('finds none where there is none', async () => {
    const few = data.slice(0, 3 * DIMENSION);
    const all = await neighbourGraph(few, DIMENSION, 2, { session });
    const { pairs } = await nearPairs(few, DIMENSION, { threshold: 0.999, graph: all, session });
    expect(pairs.length).toBe(0);
  });

  it('refuses a graph of other vectors and a threshold that is no cosine', async () => {
    const cut = data.subarray(0, 100 * DIMENSION);
    await expect(nearPairs(cut, DIMENSION, { threshold: 0.9, graph })).rejects.toThrow(/neighbours of 100/);
    await expect(nearPairs(data, DIMENSION, { threshold: 1.2, graph })).rejects.toThrow(/received 1.2/);
  });
});

describe('nearGroups', () => {
  const line = (a: number, b: number) => Math.abs(a - b) <= 1;

  it('does not chain: the first is near to all', () => {
    const pairs = [0, 1, 1, 2, 2, 3, 3, 4, 4, 5];
    expect(nearGroups({ pairs, rank: [0, 1, 2, 3, 4, 5], near: line })).toEqual([
      [0, 1],
      [2, 3],
      [4, 5],
    ]);
    expect(nearGroups({ pairs, rank: [1, 0, 2, 3, 0, 5], near: line })).toEqual([
      [1, 0, 2],
      [4, 3, 5],
    ]);
  });

  it('finds members that are listed with others alone', () => {
    const near = () => true;
    expect(nearGroups({ pairs: [3, 5, 5, 9, 9, 7], rank: new Array(10).fill(0), near })).toEqual([
      [3, 5, 7, 9],
    ]);
  });
});
