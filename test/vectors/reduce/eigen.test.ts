/** @file All eigenvalues, and components by random directions, against what defines them. */
import { describe, expect, it } from 'vitest';
import { Random } from '#src/random.js';
import { largestEigen } from '#src/vectors/reduce/eigen.js';
import { principalComponents } from '#src/vectors/reduce/pca.js';
import { randomizedComponents } from '#src/vectors/reduce/pca-randomized.js';
import { symmetricEigen } from '#src/vectors/reduce/symmetric-eigen.js';

/** B Bᵀ of a random B with `rank` columns. */
function positive(size: number, rank: number, seed: number): Float64Array {
  const random = new Random(seed, 'matrix');
  const b = new Float64Array(size * rank).map(() => random.normal());
  const a = new Float64Array(size * size);
  for (let i = 0; i < size; i++)
    for (let j = 0; j < size; j++)
      for (let k = 0; k < rank; k++) a[i * size + j]! += b[i * rank + k]! * b[j * rank + k]!;
  return a;
}

describe('symmetricEigen', () => {
  it.each([
    [1, 1],
    [2, 2],
    [7, 7],
    [40, 40],
    [60, 9],
  ])('solves A v = λ v with orthonormal v: %i × rank %i', (size, rank) => {
    const a = positive(size, rank, size);
    const { values, vectors } = symmetricEigen(a, size);
    expect(values).toEqual([...values].sort((x, y) => y - x));
    vectors.forEach((v, n) => {
      for (let i = 0; i < size; i++) {
        let sum = 0;
        for (let k = 0; k < size; k++) sum += a[i * size + k]! * v[k]!;
        expect(Math.abs(sum - values[n]! * v[i]!)).toBeLessThan(1e-12 * values[0]!);
      }
      vectors.slice(0, n + 1).forEach((w, m) => {
        const dot = v.reduce((all, x, k) => all + x * w[k]!, 0);
        expect(Math.abs(dot - (m === n ? 1 : 0))).toBeLessThan(1e-12);
      });
    });
    const trace = Array.from({ length: size }, (_, i) => a[i * size + i]!).reduce((x, y) => x + y, 0);
    expect(values.reduce((x, y) => x + y, 0)).toBeCloseTo(trace, 8);
  });

  it('agrees with the iteration for the largest', () => {
    const a = positive(50, 50, 4);
    const all = symmetricEigen(a, 50);
    largestEigen(a, 50, 3).values.forEach((value, i) => {
      expect(Math.abs(value - all.values[i]!)).toBeLessThan(1e-9 * all.values[0]!);
    });
  });

  it('takes a matrix without any number but zero, and a diagonal one', () => {
    expect(symmetricEigen(new Float64Array(9), 3).values).toEqual([0, 0, 0]);
    expect(symmetricEigen(Float64Array.of(1, 0, 0, 0, 3, 0, 0, 0, 2), 3).values).toEqual([3, 2, 1]);
  });
});

describe('randomizedComponents', () => {
  // 400 vectors of 300 numbers with variances that fall by a fifth from one direction to the next.
  const [count, dimension] = [400, 300];
  const random = new Random(1, 'vectors');
  const directions = Array.from({ length: 30 }, () => new Float64Array(dimension).map(() => random.normal()));
  const data = new Float32Array(count * dimension);
  for (let row = 0; row < count; row++)
    directions.forEach((direction, n) => {
      const along = 0.8 ** n * random.normal();
      for (let k = 0; k < dimension; k++) data[row * dimension + k]! += 1 + along * direction[k]!;
    });

  it('finds what the covariance says', async () => {
    const exact = await principalComponents([data], dimension, 8);
    const found = await randomizedComponents({ data, dimension }, 8);
    expect(found.count).toBe(count);
    for (let i = 0; i < 8; i++) {
      expect(found.variances[i]! / exact.variances[i]!).toBeCloseTo(1, 4);
      expect(found.shares[i]).toBeCloseTo(exact.shares[i]!, 5);
      const cosine = found.components[i]!.reduce((all, x, k) => all + x * exact.components[i]![k]!, 0);
      expect(cosine).toBeGreaterThan(0.9999);
    }
  });

  it('refuses more components than there are', async () => {
    await expect(randomizedComponents({ data, dimension }, 301)).rejects.toThrow(/from 1 to 300/);
  });
});

describe('principalComponents', () => {
  it('gives all of them, and zeros where there is no further variance', async () => {
    const data = Float32Array.of(1, 2, 3, 2, 4, 6, 3, 6, 9.5, 0, 0, 1);
    const { components, variances, shares } = await principalComponents([data], 3, 3);
    expect(shares.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 6);
    expect(variances[2]).toBeLessThan(1e-6);
    expect(components).toHaveLength(3);
    const flat = await principalComponents([Float32Array.of(1, 1, 2, 1, 3, 1)], 2, 2);
    expect(Array.from(flat.components[0]!)).toEqual([1, 0]);
    expect(Array.from(flat.components[1]!)).toEqual([0, 0]);
  });
});
