/** @file How near in the map two vectors are that belong together, and the forces that follow from it. */
import { UsageError } from '../../errors.js';

/** A nearness of 1 / (1 + a · d^(2b)) at distance d. */
export interface Curve {
  a: number;
  b: number;
}

const POINTS = 300;
const STEPS = 100;

/**
 * The curve that comes nearest, in least squares up to three times `spread`, to a nearness of 1 up to `minDistance` and
 * of exp(−(d − minDistance) / spread) from there on (Levenberg–Marquardt, as `find_ab_params` of umap-learn).
 * @throws UsageError when one of them is not positive or `minDistance` exceeds `spread`.
 */
export function fitCurve(minDistance: number, spread: number): Curve {
  if (!(Number.isFinite(spread) && spread > 0))
    throw new UsageError(`spread: expected a number above 0 but received ${spread}`);
  if (!(minDistance >= 0 && minDistance <= spread))
    throw new UsageError(
      `minDistance: expected a number from 0 to spread, ${spread}, but received ${minDistance}`,
    );
  const distances = Array.from({ length: POINTS }, (_, i) => (3 * spread * i) / (POINTS - 1));
  const wanted = distances.map((d) => (d < minDistance ? 1 : Math.exp((minDistance - d) / spread)));
  let [a, b] = [1, 1];
  let damping = 1e-3;
  let { error, gradient, curvature } = closeness(distances, wanted, a, b);
  for (let step = 0; step < STEPS && damping < 1e12; step++) {
    const [p, q, r] = [curvature[0]! * (1 + damping), curvature[1]!, curvature[2]! * (1 + damping)];
    const determinant = p * r - q * q;
    const nextA = a + (r * gradient[0]! - q * gradient[1]!) / determinant;
    const nextB = b + (p * gradient[1]! - q * gradient[0]!) / determinant;
    const next = nextA > 0 && nextB > 0 ? closeness(distances, wanted, nextA, nextB) : undefined;
    if (next && next.error <= error) {
      [a, b] = [nextA, nextB];
      ({ error, gradient, curvature } = next);
      damping /= 10;
    } else damping *= 10;
  }
  return { a, b };
}

/** The squared error, and what its next step needs: Jᵀr and the upper half of JᵀJ. */
function closeness(distances: number[], wanted: number[], a: number, b: number) {
  let error = 0;
  const gradient = [0, 0];
  const curvature = [0, 0, 0];
  distances.forEach((d, i) => {
    const power = d > 0 ? d ** (2 * b) : 0;
    const value = 1 / (1 + a * power);
    const residual = wanted[i]! - value;
    const byA = -power * value * value;
    const byB = d > 0 ? 2 * a * Math.log(d) * byA : 0;
    error += residual * residual;
    gradient[0]! += byA * residual;
    gradient[1]! += byB * residual;
    curvature[0]! += byA * byA;
    curvature[1]! += byA * byB;
    curvature[2]! += byB * byB;
  });
  return { error, gradient, curvature };
}

/** Squared distances of 2⁻⁴⁰ to 2⁴⁰ have entries of their own, 2⁷ for each doubling. */
const BITS = 16;
const FIRST = (127 - 40) << (23 - BITS);
const ENTRIES = 80 << (23 - BITS);

/**
 * What the difference of two positions is multiplied by, for joined vertices (`pull`, negative) and for others (`push`),
 * at the {@link forceEntry} of their squared distance: a power and two divisions are the greater
 * part of the work otherwise, and an error of 0.4 % at most is nothing among random samples.
 */
export function forces({ a, b }: Curve): { pull: Float64Array; push: Float64Array } {
  const pull = new Float64Array(ENTRIES);
  const push = new Float64Array(ENTRIES);
  for (let i = 0; i < ENTRIES; i++) {
    bits[0] = ((i + FIRST) << BITS) | (1 << (BITS - 1));
    const square = float[0]!;
    const power = a * square ** b;
    pull[i] = (-2 * b * power) / (square * (1 + power));
    push[i] = (2 * b) / ((0.001 + square) * (1 + power));
  }
  return { pull, push };
}

const float = new Float32Array(1);
const bits = new Int32Array(float.buffer);

/** The place in the tables of {@link forces}: the upper bits of the squared distance as float32. */
export function forceEntry(square: number): number {
  float[0] = square;
  const i = (bits[0]! >> BITS) - FIRST;
  return i < 0 ? 0 : i < ENTRIES ? i : ENTRIES - 1;
}
