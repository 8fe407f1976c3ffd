/**
 * @file Support vector regression with the Gaussian kernel: errors below ε cost nothing, larger ones their amount. Solved
 * by sequential minimal optimisation, two variables at a time, chosen with second-order information; as LIBSVM's, which
 * scikit-learn's `SVR` is.
 *
 * @see Fan, Chen & Lin 2005, Working set selection using second order information for training support vector machines
 * @see Chang & Lin 2011, LIBSVM: a library for support vector machines
 */
import type { Vectors } from '../vectors.js';
import { checkKernelSize, type KernelMap, rbf } from './kernel.js';
import type { Products } from './products.js';

export interface SvrOptions {
  /** The price of an error. @default 1 */
  c: number;
  /** Errors that cost nothing, in the targets' unit. @default 0.1 */
  epsilon: number;
  gamma: number;
  /** How far the optimality conditions may be missed. @default 1e-3 */
  tolerance?: number | undefined;
}

/** Features and targets have been checked. */
export async function supportVectors(
  features: Vectors,
  targets: ArrayLike<number>,
  { c, epsilon, gamma, tolerance = 1e-3 }: SvrOptions,
  products: Products,
): Promise<KernelMap> {
  const n = targets.length;
  checkKernelSize(n, 'svr');
  const kernel = await rbf(features, features, gamma, products);
  const { betas, intercept } = minimise(kernel, targets, c, epsilon, tolerance);
  const kept = Array.from({ length: n }, (_, i) => i).filter((i) => betas[i] !== 0);
  if (kept.length === 0) kept.push(0); // all targets within ε of each other: the intercept alone
  const { dimension } = features;
  const data = new Float32Array(kept.length * dimension);
  for (const [to, i] of kept.entries())
    data.set(features.data.subarray(i * dimension, (i + 1) * dimension), to * dimension);
  const weights = Float64Array.from(kept, (i) => betas[i]!);
  return { supports: { data, dimension }, gamma, weights, intercept };
}

/** Two variables for each example, one for errors upwards (sign 1) and one for those downwards (sign −1), within 0..C. */
function minimise(
  kernel: Float64Array,
  targets: ArrayLike<number>,
  c: number,
  epsilon: number,
  tolerance: number,
): { betas: Float64Array; intercept: number } {
  const n = targets.length;
  const alphas = new Float64Array(2 * n);
  const gradient = Float64Array.from({ length: 2 * n }, (_, t) =>
    t < n ? epsilon - targets[t]! : epsilon + targets[t - n]!,
  );
  const sign = (t: number) => (t < n ? 1 : -1);
  const mayRise = (t: number) => (t < n ? alphas[t]! < c : alphas[t]! > 0);
  const mayFall = (t: number) => (t < n ? alphas[t]! > 0 : alphas[t]! < c);
  const rounds = Math.max(1e6, 200 * n);
  for (let round = 0; round < rounds; round++) {
    let [i, most] = [-1, Number.NEGATIVE_INFINITY];
    for (let t = 0; t < 2 * n; t++) {
      const value = -sign(t) * gradient[t]!;
      if (value >= most && mayRise(t)) [i, most] = [t, value];
    }
    if (i < 0) break;
    const row = (i % n) * n;
    let [j, least, best] = [-1, Number.POSITIVE_INFINITY, 0];
    for (let t = 0; t < 2 * n; t++) {
      if (!mayFall(t)) continue;
      const value = -sign(t) * gradient[t]!;
      if (value < least) least = value;
      const gap = most - value;
      if (gap <= 0) continue;
      const curvature = Math.max(1e-12, 2 - 2 * kernel[row + (t % n)]!);
      const gain = -(gap * gap) / curvature;
      if (gain < best) [j, best] = [t, gain];
    }
    if (j < 0 || most - least < tolerance) break;
    const curvature = Math.max(1e-12, 2 - 2 * kernel[row + (j % n)]!);
    let step = (most + sign(j) * gradient[j]!) / curvature; // of both signed variables, in opposite directions
    step = Math.min(step, sign(i) > 0 ? c - alphas[i]! : alphas[i]!);
    step = Math.min(step, sign(j) > 0 ? alphas[j]! : c - alphas[j]!);
    alphas[i] = within(alphas[i]! + sign(i) * step, c);
    alphas[j] = within(alphas[j]! - sign(j) * step, c);
    const other = (j % n) * n;
    for (let t = 0; t < n; t++) {
      const change = step * (kernel[row + t]! - kernel[other + t]!);
      gradient[t]! += change;
      gradient[n + t]! -= change;
    }
  }
  const betas = Float64Array.from({ length: n }, (_, t) => alphas[t]! - alphas[n + t]!);
  let [free, count, high, low] = [0, 0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let t = 0; t < 2 * n; t++) {
    const value = -sign(t) * gradient[t]!;
    if (alphas[t]! > 0 && alphas[t]! < c) {
      free += value;
      count++;
    }
    if (mayRise(t)) low = Math.max(low, value);
    if (mayFall(t)) high = Math.min(high, value);
  }
  return { betas, intercept: count > 0 ? free / count : (low + high) / 2 };
}

/** Within 0..c, and at an end where rounding alone parts it from there. */
function within(value: number, c: number): number {
  if (value < 1e-14 * c) return 0;
  return value > c * (1 - 1e-14) ? c : value;
}
