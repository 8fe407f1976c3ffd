import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { RuntimeError, UsageError } from '#src/errors.js';
import { Random } from '#src/random.js';
import { ExactSearch, type Nearest, neighbourGraph, normalizeRows } from '#src/vectors/index.js';

const session = { inline: true };

/** By definition, in float64: products sorted, the smaller index first. */
function byDefinition(
  queries: Float32Array,
  vectors: Float32Array,
  dimension: number,
  k: number,
  self?: number,
) {
  const rows = (data: Float32Array) =>
    Array.from({ length: data.length / dimension }, (_, i) =>
      data.subarray(i * dimension, (i + 1) * dimension),
    );
  const found = rows(queries).map((q, i) =>
    rows(vectors)
      .map((v, index) => ({ index, score: v.reduce((sum, x, d) => sum + x * q[d]!, 0) }))
      .filter(({ index }) => self === undefined || index !== self + i)
      .sort((a, b) => b.score - a.score || a.index - b.index),
  );
  return { all: found, best: found.map((list) => list.slice(0, k)) };
}

/** The scores are those of float64 within 1e-6, each belongs to its index, and only near-equals may change places. */
function expectExact(result: Nearest, { all, best }: ReturnType<typeof byDefinition>) {
  const k = best[0]!.length;
  expect(result.indices.length).toBe(best.length * k);
  best.forEach((list, row) => {
    const scores = new Map(all[row]!.map(({ index, score }) => [index, score]));
    const indices = result.indices.subarray(row * k, (row + 1) * k);
    expect(new Set(indices).size).toBe(k);
    list.forEach(({ score }, i) => {
      expect(Math.abs(result.scores[row * k + i]! - score)).toBeLessThan(1e-6);
      expect(Math.abs(scores.get(indices[i]!)! - score)).toBeLessThan(1e-6);
    });
  });
}

function random(count: number, dimension: number, seed: number, clusters = 0): Float32Array {
  const numbers = new Random(seed, 'exact-search');
  const centres = Float32Array.from({ length: clusters * dimension }, () => numbers.normal());
  const data = Float32Array.from({ length: count * dimension }, (_, i) => {
    const row = Math.floor(i / dimension);
    const centre = clusters > 0 ? centres[(row % clusters) * dimension + (i % dimension)]! : 0;
    return centre + (clusters > 0 ? 0.05 : 1) * numbers.normal();
  });
  normalizeRows(data, dimension);
  return data;
}

/** Searches, in blocks of `rows` vectors. */
async function search(
  vectors: Float32Array,
  dimension: number,
  queries: Float32Array,
  k: number,
  rows = 1e6,
) {
  const exact = await ExactSearch.open(vectors, dimension, { session, blockBytes: rows * dimension * 4 });
  try {
    return await exact.search(queries, k);
  } finally {
    await exact.close();
  }
}

describe('ExactSearch', () => {
  it.each([
    [1, 700, 1],
    [3, 900, 5],
    [17, 801, 16],
    [64, 1000, 100],
    [130, 501, 501],
    [512, 2000, 1000],
  ])('in %i dimensions finds, of %i vectors, the %i best', async (dimension, count, k) => {
    for (const clusters of [0, 7]) {
      const vectors = random(count, dimension, dimension, clusters);
      for (const many of [1, 2, 5, 16]) {
        const queries = random(many, dimension, many, clusters);
        expectExact(
          await search(vectors, dimension, queries, k),
          byDefinition(queries, vectors, dimension, k),
        );
      }
    }
  });

  it('finds in blocks what it finds in one', async () => {
    const vectors = random(1000, 33, 4, 5);
    const queries = random(9, 33, 5, 5);
    for (const k of [1, 10, 600, 1000]) {
      const whole = await search(vectors, 33, queries, k);
      for (const rows of [250, 301, 999]) expect(await search(vectors, 33, queries, k, rows)).toEqual(whole);
    }
  });

  it('puts the first of equals first, wherever they lie and in whichever block', async () => {
    const [count, dimension] = [3001, 48];
    const vectors = random(count, dimension, 6);
    const copies: number[] = [];
    for (let i = 5; i < count; i += 7) {
      vectors.copyWithin(i * dimension, 5 * dimension, 6 * dimension);
      copies.push(i);
    }
    const query = vectors.slice(5 * dimension, 6 * dimension);
    for (const many of [1, 2, 3, 16, 33])
      for (const rows of [1e6, 500]) {
        const queries = Float32Array.from({ length: many * dimension }, (_, i) => query[i % dimension]!);
        const { indices } = await search(vectors, dimension, queries, copies.length, rows);
        for (let i = 0; i < many; i++)
          expect([...indices.subarray(i * copies.length, (i + 1) * copies.length)]).toEqual(copies);
      }
  });

  it('scores zero vectors 0, between the near and the opposite', async () => {
    const vectors = Float32Array.of(-1, 0, 0, 0, 1, 0, 0, 0);
    const found = await search(vectors, 2, Float32Array.of(1, 0, 0, 0), 4);
    expect([...found.indices]).toEqual([2, 1, 3, 0, 0, 1, 2, 3]);
    expect([...found.scores]).toEqual([1, 0, 0, -1, 0, 0, 0, 0]);
  });

  it('leaves vectors and queries as they are, and does not need the vectors again', async () => {
    const vectors = random(300, 8, 9);
    const queries = random(4, 8, 10);
    const [before, asked] = [vectors.slice(), queries.slice()];
    const exact = await ExactSearch.open(vectors, 8); // in a thread of its own
    const first = await exact.search(queries, 20);
    expect([vectors, queries]).toEqual([before, asked]);
    expectExact(first, byDefinition(queries, vectors, 8, 20));
    vectors.fill(0);
    expect(await Promise.all([exact.search(queries, 20), exact.search(queries, 20)])).toEqual([first, first]);
    await exact.close();
    await exact.close();
    await expect(exact.search(queries, 1)).rejects.toThrow(RuntimeError);
  });

  it('compares more queries than fit at once', async () => {
    const vectors = random(40, 4, 1);
    const queries = new Float32Array(500_000 * 4);
    for (let i = 0; i < queries.length; i += 4) queries.set(vectors.subarray(0, 4), i);
    queries.set(vectors.subarray(4, 8), queries.length - 4);
    const { indices } = await search(vectors, 4, queries, 1);
    expect(indices.slice(0, -1).every((i) => i === 0)).toBe(true);
    expect(indices.at(-1)).toBe(1);
  });

  it('refuses what cannot be', async () => {
    const exact = await ExactSearch.open(random(10, 4, 1), 4, { session });
    const query = random(1, 4, 2);
    for (const k of [0, 11, 1.5, Number.NaN])
      await expect(exact.search(query, k)).rejects.toThrow(/k: expected a whole number from 1 to 10/);
    await expect(exact.search(query, 10, 0)).rejects.toThrow(/from 1 to 9/);
    await expect(exact.search(query, 1, 10)).rejects.toThrow(/self: expected/);
    await expect(exact.search(new Float32Array(3), 1)).rejects.toThrow(UsageError);
    await expect(exact.search(Float32Array.of(1, Number.NaN, 0, 0), 1)).rejects.toThrow(/finite/);
    expect((await exact.search(new Float32Array(0), 1)).indices).toHaveLength(0);
    await exact.close();
    await expect(ExactSearch.open(new Float32Array(0), 4)).rejects.toThrow(/at least one/);
    await expect(ExactSearch.open(new Float32Array(5), 4)).rejects.toThrow(UsageError);
    await expect(ExactSearch.open(new Float32Array(4).fill(Infinity), 4)).rejects.toThrow(/finite/);
  });
});

describe('neighbourGraph', () => {
  it('leaves each vector out of its own neighbours, copies included', async () => {
    const vectors = random(200, 20, 3, 4);
    for (let i = 0; i < 200; i += 3) vectors.copyWithin(i * 20, 0, 20);
    for (const k of [1, 5, 60, 199]) {
      const expected = byDefinition(vectors, vectors, 20, k, 0);
      for (const blockBytes of [undefined, 70 * 80])
        expectExact(await neighbourGraph(vectors, 20, k, { session, blockBytes }), expected);
    }
    await expect(neighbourGraph(vectors, 20, 200, { session })).rejects.toThrow(/from 1 to 199/);
  });

  it('and the search equal scikit-learn and NumPy', async () => {
    const file = new URL('../fixtures/embedding/exact-search.json', import.meta.url);
    const expected = JSON.parse(await readFile(file, 'utf8'));
    const { dimension, k } = expected;
    const vectors = Float32Array.from(expected.vectors as number[]);
    const found = await search(vectors, dimension, Float32Array.from(expected.queries as number[]), k);
    const graph = await neighbourGraph(vectors, dimension, k, { session });
    for (const [result, { indices, scores }] of [
      [found, expected.found],
      [graph, expected.graph],
    ] as const) {
      expect([...result.indices]).toEqual(indices);
      (scores as number[]).forEach((score, i) => {
        expect(Math.abs(result.scores[i]! - score)).toBeLessThan(1e-6);
      });
    }
  });
});
