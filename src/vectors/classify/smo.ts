/**
 * @file Support vector machines of two classes by sequential minimal optimisation (Platt, 1998) with the working set of
 * Fan, Chen & Lin, "Working set selection using second order information for training support vector machines", JMLR
 * 2005, as LIBSVM solves them.
 */
import { RuntimeError } from '../../errors.js';

/** The solution: score(x) = Σ coefficient · K(x, item) + bias. */
export interface SupportVectors {
  /** α · y of each item; 0 for those that support nothing. */
  coefficients: Float64Array;
  bias: number;
}

/** Curvature where the kernel sees two items as one. */
const FLAT = 1e-12;

/**
 * Minimises ½ Σ αᵢ αⱼ yᵢ yⱼ Kᵢⱼ − Σ αᵢ with 0 ≤ αᵢ ≤ limitᵢ and Σ αᵢ yᵢ = 0.
 *
 * @param kernel `[n × n]`.
 * @param signs the class of each item, 1 or −1: some of each.
 * @param tolerance how far the optimality conditions may be missed (LIBSVM's epsilon).
 * @throws RuntimeError when ten million steps do not suffice.
 */
export function smo(
  kernel: Float32Array,
  signs: Int8Array,
  limits: Float64Array,
  tolerance: number,
): SupportVectors {
  const n = signs.length;
  const alphas = new Float64Array(n);
  /** yᵢ − Σ αⱼ yⱼ Kᵢⱼ: what the bias would have to be for the item to lie on the margin. */
  const errors = Float64Array.from(signs);
  const mayRise = (i: number) => (signs[i]! > 0 ? alphas[i]! < limits[i]! : alphas[i]! > 0);
  const mayFall = (i: number) => (signs[i]! > 0 ? alphas[i]! > 0 : alphas[i]! < limits[i]!);
  for (let steps = Math.max(1e7, 100 * n); ; steps--) {
    let i = -1;
    for (let t = 0; t < n; t++) if (mayRise(t) && (i < 0 || errors[t]! > errors[i]!)) i = t;
    if (i < 0) break;
    const high = errors[i]!;
    const own = i * n;
    const diagonal = kernel[own + i]!;
    let j = -1;
    let best = 0;
    let low = Number.POSITIVE_INFINITY;
    for (let t = 0; t < n; t++) {
      const error = errors[t]!;
      if (!mayFall(t)) continue;
      if (error < low) low = error;
      const gap = high - error;
      if (gap <= 0) continue;
      const gain = (gap * gap) / Math.max(diagonal + kernel[t * n + t]! - 2 * kernel[own + t]!, FLAT);
      if (gain > best) [best, j] = [gain, t];
    }
    if (j < 0 || high - low < tolerance) break;
    if (steps === 0)
      throw new RuntimeError('support vector machine: no solution within ten million steps', {
        hint: 'use a smaller regularization',
      });
    const other = j * n;
    const curvature = Math.max(diagonal + kernel[other + j]! - 2 * kernel[own + j]!, FLAT);
    const roomI = signs[i]! > 0 ? limits[i]! - alphas[i]! : alphas[i]!;
    const roomJ = signs[j]! > 0 ? alphas[j]! : limits[j]! - alphas[j]!;
    const step = Math.min((high - errors[j]!) / curvature, roomI, roomJ);
    alphas[i] = step === roomI ? (signs[i]! > 0 ? limits[i]! : 0) : alphas[i]! + signs[i]! * step;
    alphas[j] = step === roomJ ? (signs[j]! > 0 ? 0 : limits[j]!) : alphas[j]! - signs[j]! * step;
    for (let t = 0; t < n; t++) errors[t]! -= step * (kernel[own + t]! - kernel[other + t]!);
  }
  return { coefficients: alphas.map((a, t) => a * signs[t]!), bias: biasOf(errors, alphas, limits, mayRise) };
}

/** The mean over items on the margin; without any, the middle of what the others allow. */
function biasOf(
  errors: Float64Array,
  alphas: Float64Array,
  limits: Float64Array,
  mayRise: (i: number) => boolean,
): number {
  let sum = 0;
  let free = 0;
  let least = Number.NEGATIVE_INFINITY;
  let most = Number.POSITIVE_INFINITY;
  errors.forEach((error, i) => {
    if (alphas[i]! > 0 && alphas[i]! < limits[i]!) {
      sum += error;
      free++;
    } else if (mayRise(i)) least = Math.max(least, error);
    else most = Math.min(most, error);
  });
  return free > 0 ? sum / free : (least + most) / 2;
}
