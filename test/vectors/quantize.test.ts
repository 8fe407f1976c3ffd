/** @file Vectors in fewer bits, and what that costs, against definitions computed one by one. */
import { describe, expect, it } from 'vitest';
import { Random } from '#src/random.js';
import {
  dequantizeInt8,
  nearestOf,
  neighbourRecall,
  quantizeBinary,
  quantizeInt8,
  signs,
} from '#src/vectors/quantize.js';
import { toUnit } from '#src/vectors/vectors.js';

const random = new Random(2, 'vectors');
const dimension = 20;
const vectors = toUnit({ data: new Float32Array(300 * dimension).map(() => random.normal()), dimension });
const row = (data: Float32Array, i: number) => data.subarray(i * dimension, (i + 1) * dimension);
const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, x, i) => sum + x * b[i]!, 0);
/** The k nearest others by a plain loop. */
function nearest(data: Float32Array, query: number, k: number): number[] {
  return Array.from({ length: 300 }, (_, i) => i)
    .filter((i) => i !== query)
    .sort((a, b) => dot(row(data, b), row(data, query)) - dot(row(data, a), row(data, query)) || a - b)
    .slice(0, k);
}

describe('int8', () => {
  it('keeps every number within half a step, but for the few largest', () => {
    const small = quantizeInt8(vectors);
    const back = dequantizeInt8(small).data;
    const beyond = vectors.data.filter((x, i) => Math.abs(x - back[i]!) > 0.50001 * small.scale).length;
    expect(beyond).toBeLessThanOrEqual(1);
    expect(Math.max(...small.data)).toBeLessThanOrEqual(127);
    expect(Math.min(...small.data)).toBeGreaterThanOrEqual(-127);
  });

  it('has a scale for zeros, too', () => {
    expect(quantizeInt8({ data: new Float32Array(4), dimension: 2 })).toEqual({
      data: new Int8Array(4),
      dimension: 2,
      scale: 1,
    });
  });
});

describe('binary', () => {
  it('packs signs as NumPy does', () => {
    const data = Float32Array.of(1, -1, 0, 2, 3, -4, 5, 6, 7, -8);
    expect(Array.from(quantizeBinary({ data, dimension: 10 }).data)).toEqual([0b10011011, 0b10000000]);
    expect(Array.from(signs(quantizeBinary({ data, dimension: 5 })).data)).toEqual([
      1, -1, -1, 1, 1, -1, 1, 1, 1, -1,
    ]);
  });
});

describe('neighbourRecall', () => {
  const queries = Array.from({ length: 50 }, (_, i) => 6 * i);

  it('is the mean overlap of both lists', async () => {
    const standIns = signs(quantizeBinary(vectors));
    let [kept, rescored] = [0, 0];
    const found = await nearestOf(standIns, queries, 20);
    queries.forEach((query, i) => {
      const truth = nearest(vectors.data, query, 5);
      const row = found.subarray(20 * i, 20 * (i + 1));
      kept += Array.from(row.slice(0, 5)).filter((j) => truth.includes(j)).length;
      rescored += truth.filter((j) => row.includes(j)).length;
    });
    expect(await neighbourRecall(vectors, standIns, queries, { k: 5 })).toBeCloseTo(kept / 250, 9);
    expect(await neighbourRecall(vectors, standIns, queries, { k: 5, rescore: 4 })).toBeCloseTo(
      rescored / 250,
      9,
    );
    expect(kept).toBeLessThan(rescored);
  });

  it('is 1 for the vectors themselves, and for copies of each other', async () => {
    expect(await neighbourRecall(vectors, vectors, queries)).toBe(1);
    const copies = { data: new Float32Array(40).fill(0.5), dimension: 4 };
    const indices = await nearestOf(copies, [3], 4);
    expect(new Set(indices).size).toBe(4);
    expect(indices).not.toContain(3);
  });

  it('refuses stand-ins for others', async () => {
    const others = { data: new Float32Array(8), dimension: 4 };
    await expect(neighbourRecall(vectors, others, [0])).rejects.toThrow(/as many as vectors, 300/);
  });
});
