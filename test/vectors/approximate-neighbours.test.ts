/** @file The neighbour graph through cells, against exact search. */
import { describe, expect, it } from 'vitest';
import { UsageError } from '#src/errors.js';
import { Random } from '#src/random.js';
import { approximateNeighbourGraph, graphRecall } from '#src/vectors/approximate-neighbours.js';
import { neighbourGraph } from '#src/vectors/exact-search.js';
import { normalizeRows } from '#src/vectors/vectors.js';

const session = { inline: true };
const options = { session, exactBelow: 500 };

/** Unit vectors without clusters, near a sheet of a few dimensions, as embeddings are. */
function sheet(count: number, dimension: number, seed = 0, latent = 5): Float32Array {
  const random = new Random(seed, 'sheet');
  const basis = Float64Array.from({ length: latent * dimension }, () => random.normal());
  const data = new Float32Array(count * dimension);
  for (let i = 0; i < count; i++) {
    const at = Float64Array.from({ length: latent }, () => random.normal());
    for (let d = 0; d < dimension; d++) {
      let value = 0.3 * random.normal();
      for (let l = 0; l < latent; l++) value += at[l]! * basis[l * dimension + d]!;
      data[i * dimension + d] = value;
    }
  }
  normalizeRows(data, dimension);
  return data;
}

/** The share of the exact neighbours that a graph has. */
function shared(found: Int32Array, exact: Int32Array, k: number): number {
  let both = 0;
  for (let from = 0; from < exact.length; from += k) {
    const wanted = new Set(exact.subarray(from, from + k));
    for (const i of found.subarray(from, from + k)) if (wanted.has(i)) both++;
  }
  return both / exact.length;
}

describe('approximateNeighbourGraph', { timeout: 120_000 }, () => {
  it('finds as many of the true neighbours as was asked for, and says how many', async () => {
    const [dimension, k] = [32, 10];
    const vectors = sheet(6000, dimension);
    const exact = await neighbourGraph(vectors, dimension, k, { session });
    let before = 0;
    for (const recall of [0.8, 0.95, 0.99]) {
      const found = await approximateNeighbourGraph(vectors, dimension, k, { ...options, recall });
      const share = shared(found.indices, exact.indices, k);
      expect(share).toBeGreaterThan(recall - 0.02);
      expect(Math.abs(found.recall - share)).toBeLessThan(0.02);
      expect(await graphRecall(vectors, dimension, found, k, { session })).toBeCloseTo(share, 1.5);
      expect(found.probes).toBeGreaterThan(before);
      before = found.probes;
    }
  });

  it('gives each vector k different others, nearest first, with their cosines', async () => {
    const [dimension, k] = [16, 12];
    const vectors = sheet(2000, dimension);
    const { indices, scores, probes } = await approximateNeighbourGraph(vectors, dimension, k, {
      ...options,
      probes: 3,
    });
    expect(probes).toBe(3);
    for (let i = 0; i < 2000; i++) {
      const own = indices.subarray(i * k, (i + 1) * k);
      expect(new Set([...own, i]).size).toBe(k + 1);
      for (let j = 0; j < k; j++) {
        let product = 0;
        for (let d = 0; d < dimension; d++)
          product += vectors[i * dimension + d]! * vectors[own[j]! * dimension + d]!;
        expect(Math.abs(scores[i * k + j]! - product)).toBeLessThan(1e-6);
        if (j > 0) expect(scores[i * k + j]!).toBeLessThanOrEqual(scores[i * k + j - 1]!);
      }
    }
  });

  it('finds copies of a vector, however many there are', async () => {
    const [dimension, k] = [24, 8];
    const vectors = sheet(3000, dimension);
    for (let i = 0; i < 1000; i++) vectors.copyWithin((3 * i + 1) * dimension, 0, dimension); // a thousand of the first
    vectors.copyWithin(2999 * dimension, 2 * dimension, 3 * dimension); // two of the third
    const exact = await neighbourGraph(vectors, dimension, k, { session });
    const found = await approximateNeighbourGraph(vectors, dimension, k, { ...options, recall: 0.99 });
    const isFirst = (i: number) => i === 0 || (i % 3 === 1 && i < 3000);
    for (const i of [0, 1, 1498, 2998]) {
      const own = found.indices.subarray(i * k, (i + 1) * k);
      expect([...own].every(isFirst)).toBe(true);
      expect(new Set([...own, i]).size).toBe(k + 1);
      expect(found.scores[i * k + k - 1]).toBeCloseTo(1, 6);
    }
    expect(found.indices[2999 * k]).toBe(2);
    expect(found.indices[2 * k]).toBe(2999);
    let [near, all] = [0, 0];
    exact.scores.forEach((score, i) => {
      all++;
      if (found.scores[i]! > score - 1e-5) near++;
    });
    expect(near / all).toBeGreaterThan(0.97);
  });

  it('manages a few kinds of vectors only, or one', async () => {
    const dimension = 8;
    for (const kinds of [3, 1]) {
      const few = sheet(kinds, dimension);
      const vectors = Float32Array.from({ length: 900 * dimension }, (_, i) => few[i % few.length]!);
      const { indices, scores } = await approximateNeighbourGraph(vectors, dimension, 400, options);
      for (const i of [0, 1, 899]) {
        expect(new Set([...indices.subarray(i * 400, (i + 1) * 400), i]).size).toBe(401);
        expect(scores[i * 400 + 298]).toBeCloseTo(1, 6);
      }
    }
  });

  it('gives the same graph for the same seed', async () => {
    const vectors = sheet(1500, 16);
    const graphs = [1, 1, 2].map((seed) => approximateNeighbourGraph(vectors, 16, 5, { ...options, seed }));
    const [a, b] = await Promise.all(graphs);
    expect(a).toEqual(b);
  });

  it('says how far it is, and stops when it is told to', async () => {
    const vectors = sheet(1500, 16);
    const seen: number[] = [];
    await approximateNeighbourGraph(vectors, 16, 5, {
      ...options,
      onProgress: (done) => void seen.push(done),
    });
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(seen.at(-1)).toBe(1500);
    const aborted = approximateNeighbourGraph(vectors, 16, 5, { ...options, signal: AbortSignal.abort() });
    await expect(aborted).rejects.toThrow(/abort/i);
  });

  it('refuses what makes no graph', async () => {
    const vectors = sheet(600, 16);
    await expect(approximateNeighbourGraph(vectors, 16, 600)).rejects.toThrow(/k: expected .* 1 to 599/);
    await expect(approximateNeighbourGraph(vectors, 7, 5)).rejects.toThrow(UsageError);
    await expect(approximateNeighbourGraph(vectors, 16, 5, { recall: 2 })).rejects.toThrow(/recall/);
    await expect(approximateNeighbourGraph(vectors, 16, 5, { probes: 0 })).rejects.toThrow(/probes/);
    await expect(approximateNeighbourGraph(vectors.fill(Number.NaN, 3, 4), 16, 5)).rejects.toThrow(/finite/);
  });
});
