import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { largestEigen } from '#src/vectors/reduce/eigen.js';
import { principalComponents, projectVector } from '#src/vectors/reduce/pca.js';

// Made by test/fixtures/collection/make_pca.py with scikit-learn.
const golden = JSON.parse(readFileSync('test/fixtures/collection/pca.json', 'utf8')) as Record<
  'components' | 'projected',
  number[][]
> &
  Record<'mean' | 'variances' | 'shares' | 'first', number[]>;
const ROWS = 600;
const DIM = 24;

/** Half to even, as NumPy rounds. */
function round(x: number): number {
  const down = Math.floor(x);
  return x - down === 0.5 ? down + (down % 2 === 0 ? 0 : 1) : Math.round(x);
}

const vectors = Float32Array.from({ length: ROWS * DIM }, (_, at) => {
  const [i, j] = [Math.floor(at / DIM), at % DIM];
  const noise = ((i * 7919 + j * 104729 + i * j * 31) % 1009) - 504;
  return 5 + round((noise * 64) / (1 + j * j)) / 64 / 16 + ((i % 7) - 3) / 4;
});

function close(found: ArrayLike<number>, wanted: readonly number[], tolerance: number): void {
  expect(found.length).toBe(wanted.length);
  wanted.forEach((value, i) => {
    expect(Math.abs(found[i]! - value), `${i}: ${found[i]} for ${value}`).toBeLessThan(tolerance);
  });
}

describe('principal components', () => {
  it('are those of scikit-learn, signs included, however the vectors are cut into batches', async () => {
    expect([...vectors.subarray(DIM, 2 * DIM)]).toEqual(golden.first);
    const batches = [vectors.subarray(0, DIM), vectors.subarray(DIM, 100 * DIM), vectors.subarray(100 * DIM)];
    for (const cut of [[vectors], batches]) {
      const pca = await principalComponents(cut, DIM, 3);
      expect(pca.count).toBe(ROWS);
      close(pca.mean, golden.mean, 1e-6);
      pca.components.forEach((component, i) => {
        close(component, golden.components[i]!, 2e-6);
      });
      close(pca.shares, golden.shares, 1e-6);
      pca.variances.forEach((variance, i) => {
        expect(variance / golden.variances[i]!).toBeCloseTo(1, 5);
      });
      golden.projected.forEach((wanted, i) => {
        close(projectVector(pca, vectors.subarray(i * DIM, (i + 1) * DIM)), wanted, 2e-5);
      });
    }
  });

  it('of fewer directions than are asked for end in zeros', async () => {
    const line = Float32Array.from([0, 0, 1, 2, 2, 4, 3, 6]);
    const pca = await principalComponents([line], 2);
    close(pca.components[0]!, [1 / Math.sqrt(5), 2 / Math.sqrt(5)], 1e-7);
    expect(pca.variances[1]).toBeLessThan(1e-12);
    const one = await principalComponents([Float32Array.from([1, 2, 4])], 1);
    expect([...one.components[0]!, ...one.components[1]!]).toEqual([1, 0]);
    const same = await principalComponents([Float32Array.from([3, 4])], 2);
    expect(projectVector(same, Float32Array.from([3, 4])).map(Math.abs)).toEqual([0, 0]);
    expect((await principalComponents([], 2)).count).toBe(0);
    await expect(principalComponents([new Float32Array(5)], 2)).rejects.toThrow('received 5 numbers');
  });

  it('of vectors on one line in many dimensions lie on it', async () => {
    const size = 40;
    const points = Float32Array.from(
      { length: 100 * size },
      (_, at) => Math.floor(at / size) * (1 + (at % size)),
    );
    const { components, shares } = await principalComponents([points], size);
    const length = Math.hypot(...Array.from({ length: size }, (_, k) => k + 1));
    close(
      components[0]!,
      Array.from({ length: size }, (_, k) => (k + 1) / length),
      1e-6,
    );
    expect(shares[0]).toBeCloseTo(1, 5);
  });

  it('are eigenvectors also where eigenvalues are equal', () => {
    const size = 30;
    const matrix = new Float64Array(size * size);
    for (let i = 0; i < size; i++) matrix[i * size + i] = i < 20 ? 4 : 1;
    const { values, vectors: found } = largestEigen(matrix, size, 2);
    close(values, [4, 4], 1e-10);
    for (const vector of found) expect(vector.subarray(20).every((v) => Math.abs(v) < 1e-8)).toBe(true);
  });
});
