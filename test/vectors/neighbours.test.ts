/** @file Exact nearest neighbours, where zero vectors are among them. */
import { expect, it } from 'vitest';
import { nearestNeighbours, nearestTo } from '#src/vectors/neighbours.js';

const vectors = [
  [1, 0],
  [0, 0],
  [0, 1],
  [0, 0],
  [0.5, 0.5],
  [0.9, 0.1],
].map((v) => Float32Array.from(v));

it('puts vectors without a direction last and the others in order', () => {
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

it('leaves out the query itself, and only that, however many are equal to it', () => {
  const equal = [1, 2, 3].map(() => Float32Array.of(3, 4));
  expect(nearestNeighbours(equal, 2).map((list) => list.map((n) => n.index))).toEqual([
    [1, 2],
    [0, 2],
    [0, 1],
  ]);
  expect(nearestNeighbours(vectors, 9, [1])[0]!.map((n) => n.index)).toEqual([0, 2, 3, 4, 5]);
});

it('finds what is nearest to a vector that is not among them', () => {
  const found = nearestTo(Float32Array.of(0, -2), vectors, 3);
  expect(found.map((n) => [n.index, n.score])).toEqual([
    [0, 0],
    [5, expect.closeTo(-0.1 / Math.hypot(0.9, 0.1), 6)],
    [4, expect.closeTo(-Math.SQRT1_2, 6)],
  ]);
});
