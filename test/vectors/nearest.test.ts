/** @file Exact neighbours against distances in float64. */
import { expect, it } from 'vitest';
import { Random } from '#src/random.js';
import { nearest } from '#src/vectors/nearest.js';

const [count, dimension] = [180, 24];

function cloud(offset: number, spread: number): Float32Array {
  const random = new Random(4, 'cloud');
  return new Float32Array(count * dimension).map(() => offset + spread * random.normal());
}

function distance(data: Float32Array, a: number, b: number): number {
  let sum = 0;
  for (let d = 0; d < dimension; d++) sum += (data[a * dimension + d]! - data[b * dimension + d]!) ** 2;
  return sum;
}

it.each([
  [0, 1],
  [30, 0.01],
  [1000, 1],
])('is exact by Euclidean distance around %d, where points are %d apart', async (offset, spread) => {
  const data = cloud(offset, spread);
  const before = data.slice();
  const found = await nearest({ data, dimension }, { k: 1, distance: 'euclidean' });
  expect(data).toEqual(before);
  for (let i = 0; i < count; i++) {
    let least = Number.POSITIVE_INFINITY;
    for (let j = 0; j < count; j++) if (j !== i) least = Math.min(least, distance(data, i, j));
    expect(distance(data, i, found[i]!)).toBeLessThanOrEqual(least * (1 + 1e-4));
  }
});

it('stops when it is asked to', async () => {
  const signal = AbortSignal.abort(new Error('asked to'));
  await expect(nearest({ data: cloud(0, 1), dimension }, { k: 1, signal })).rejects.toThrow('asked to');
});
