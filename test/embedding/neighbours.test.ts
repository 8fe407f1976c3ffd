/** @file Exact nearest neighbours, where zero vectors are among them. */
import { expect, it } from 'vitest';
import { nearestNeighbours } from '#src/embedding/neighbours.js';

it('puts vectors without a direction last and the others in order', () => {
  const vectors = [
    [1, 0],
    [0, 0],
    [0, 1],
    [0, 0],
    [0.5, 0.5],
    [0.9, 0.1],
  ].map((v) => Float32Array.from(v));
  const [found] = nearestNeighbours(vectors, 5, [0]);
  expect(found!.map((n) => n.index)).toEqual([5, 4, 2, 1, 3]);
  expect(found!.map((n) => n.score)).toEqual([
    expect.closeTo(0.9 / Math.hypot(0.9, 0.1), 6),
    expect.closeTo(Math.SQRT1_2, 6),
    0,
    Number.NaN,
    Number.NaN,
  ]);
});
