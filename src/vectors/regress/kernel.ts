/**
 * @file The Gaussian kernel exp(−γ‖a − b‖²), and kernel ridge regression with it, as scikit-learn's `KernelRidge`, but
 * for the targets' mean, which is taken off first and added again: far from all examples the mean is predicted, not zero.
 *
 * @see Saunders, Gammerman & Vovk 1998, Ridge regression learning algorithm in dual variables
 */
import { UsageError } from '../../errors.js';
import type { Vectors } from '../vectors.js';
import type { Products } from './products.js';
import { meanOf } from './ridge.js';
import { solveShifted } from './shifted.js';

/** A weighted sum of kernels, one on each support. */
export interface KernelMap {
  supports: Vectors;
  gamma: number;
  weights: Float64Array;
  intercept: number;
}

/** A kernel matrix of as many is 800 MB. */
const MOST = 10_000;
/** Rows of queries that are compared at a time. */
const BLOCK = 1024;

/** @throws UsageError when there are so many examples that their kernel matrix would not fit. */
export function checkKernelSize(count: number, method: string): void {
  if (count > MOST)
    throw new UsageError(`${method}: expected at most ${MOST} examples but received ${count}`, {
      hint: 'it compares every example with every other; ridge, knn and trees take any number',
    });
}

/** The kernel between all rows: `[rows of a × rows of b]`. */
export async function rbf(a: Vectors, b: Vectors, gamma: number, products: Products): Promise<Float64Array> {
  const { dimension } = a;
  const [x, y] = [Float64Array.from(a.data), Float64Array.from(b.data)];
  const [xx, yy] = [squares(x, dimension), squares(y, dimension)];
  const kernel = await products.rows(x, y, dimension);
  for (let i = 0, at = 0; i < xx.length; i++)
    for (let j = 0; j < yy.length; j++, at++)
      kernel[at] = Math.exp(-gamma * Math.max(0, xx[i]! + yy[j]! - 2 * kernel[at]!));
  return kernel;
}

/** A map for each α. Features and targets have been checked. */
export async function kernelRidge(
  features: Vectors,
  targets: ArrayLike<number>,
  gamma: number,
  alphas: readonly number[],
  products: Products,
): Promise<KernelMap[]> {
  checkKernelSize(targets.length, 'kernel-ridge');
  const intercept = meanOf(targets);
  const kernel = await rbf(features, features, gamma, products);
  const y = Float64Array.from({ length: targets.length }, (_, i) => targets[i]! - intercept);
  return solveShifted(kernel, y, alphas).map((weights) => ({
    supports: features,
    gamma,
    weights,
    intercept,
  }));
}

/** The value of a map for each row. */
export async function applyKernel(
  { supports, gamma, weights, intercept }: KernelMap,
  features: Vectors,
  products: Products,
): Promise<Float64Array> {
  const { data, dimension } = features;
  const result = new Float64Array(data.length / dimension);
  for (let first = 0; first < result.length; first += BLOCK) {
    const some = { data: data.subarray(first * dimension, (first + BLOCK) * dimension), dimension };
    const kernel = await rbf(some, supports, gamma, products);
    const size = weights.length;
    for (let row = 0; row * size < kernel.length; row++) {
      let sum = intercept;
      for (let j = 0, at = row * size; j < size; j++, at++) sum += kernel[at]! * weights[j]!;
      result[first + row] = sum;
    }
  }
  return result;
}

function squares(values: Float64Array, width: number): Float64Array {
  return Float64Array.from({ length: values.length / width }, (_, row) => {
    let sum = 0;
    for (let i = row * width; i < (row + 1) * width; i++) sum += values[i]! ** 2;
    return sum;
  });
}
