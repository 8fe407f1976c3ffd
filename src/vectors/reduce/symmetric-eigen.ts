/**
 * @file All eigenvalues of a symmetric matrix, in float64: Householder reflections make it tridiagonal, and implicit QL
 * iterations make that diagonal. Time grows with the cube of the size: 512 in half a second, 2048 in half a minute; for a few of the
 * largest, {@link largestEigen} is faster.
 *
 * @see Golub & Van Loan, Matrix Computations, 4th edition, 8.3
 */
import { RuntimeError } from '../../errors.js';
import type { Eigen } from './eigen.js';

/**
 * Eigenvalues, largest first, with their orthonormal vectors.
 * @param matrix `size × size` numbers, of which the lower triangle is read
 */
export function symmetricEigen(matrix: Float64Array, size: number): Eigen {
  const n = size;
  const a = matrix.slice();
  const diagonal = new Float64Array(n);
  const beside = new Float64Array(n);
  const q = tridiagonal(a, n, diagonal, beside);
  diagonalize(diagonal, beside, q, n);
  const order = Array.from({ length: n }, (_, i) => i).sort((i, j) => diagonal[j]! - diagonal[i]! || i - j);
  return {
    values: order.map((i) => diagonal[i]!),
    vectors: order.map((i) => q.slice(i * n, (i + 1) * n)),
  };
}

/** Makes `a` tridiagonal; returns the rows of Qᵀ with Qᵀ A Q = T. */
function tridiagonal(a: Float64Array, n: number, diagonal: Float64Array, beside: Float64Array): Float64Array {
  // Reflection k zeroes column k below the first subdiagonal; its vector v is kept in that column, its factor in `factors`.
  const factors = new Float64Array(n);
  const v = new Float64Array(n);
  const p = new Float64Array(n);
  for (let k = 0; k < n - 2; k++) {
    let scale = 0;
    for (let i = k + 1; i < n; i++) scale = Math.max(scale, Math.abs(a[i * n + k]!));
    let square = 0;
    for (let i = k + 1; i < n; i++) {
      v[i] = scale === 0 ? 0 : a[i * n + k]! / scale;
      if (i > k + 1) square += v[i]! * v[i]!;
    }
    if (square === 0) {
      beside[k] = a[(k + 1) * n + k]!;
      continue;
    }
    const first = v[k + 1]!;
    const length = Math.sqrt(first * first + square) * (first < 0 ? 1 : -1);
    v[k + 1] = first - length;
    beside[k] = length * scale;
    const factor = 2 / (v[k + 1]! * v[k + 1]! + square);
    factors[k] = factor;
    // A ← A − v wᵀ − w vᵀ on what remains, w = p − (factor/2 · pᵀv) v, p = factor · A v
    p.fill(0, k + 1);
    for (let i = k + 1; i < n; i++) {
      const row = i * n;
      const vi = v[i]!;
      let sum = a[row + i]! * vi;
      for (let j = k + 1; j < i; j++) {
        sum += a[row + j]! * v[j]!;
        p[j]! += a[row + j]! * vi;
      }
      p[i]! += sum;
    }
    let half = 0;
    for (let i = k + 1; i < n; i++) half += p[i]! * v[i]!;
    half *= (factor * factor) / 2;
    for (let i = k + 1; i < n; i++) p[i] = factor * p[i]! - half * v[i]!;
    for (let i = k + 1; i < n; i++) {
      const row = i * n;
      const [vi, pi] = [v[i]!, p[i]!];
      for (let j = k + 1; j <= i; j++) a[row + j]! -= vi * p[j]! + pi * v[j]!;
      a[row + k] = vi;
    }
  }
  for (let i = 0; i < n; i++) diagonal[i] = a[i * n + i]!;
  if (n > 1) beside[n - 2] = a[(n - 1) * n + n - 2]!;
  return reflections(a, n, factors);
}

/** The product of the reflections, the last first, as rows: row i is column i of Q. */
function reflections(a: Float64Array, n: number, factors: Float64Array): Float64Array {
  const q = new Float64Array(n * n);
  for (let i = 0; i < n; i++) q[i * n + i] = 1;
  const v = new Float64Array(n);
  for (let k = n - 3; k >= 0; k--) {
    const factor = factors[k]!;
    if (factor === 0) continue;
    for (let i = k + 1; i < n; i++) v[i] = a[i * n + k]!;
    // Column by column, Q ← (1 − factor v vᵀ) Q.
    for (let column = k + 1; column < n; column++) {
      const at = column * n;
      let sum = 0;
      for (let i = k + 1; i < n; i++) sum += v[i]! * q[at + i]!;
      sum *= factor;
      for (let i = k + 1; i < n; i++) q[at + i]! -= sum * v[i]!;
    }
  }
  return q;
}

/** Implicit QL with Wilkinson's shift; turns the rows of `q` along. */
function diagonalize(d: Float64Array, e: Float64Array, q: Float64Array, n: number): void {
  for (let start = 0; start < n; start++) {
    for (let round = 0; ; round++) {
      let end = start;
      for (; end < n - 1; end++) {
        const both = Math.abs(d[end]!) + Math.abs(d[end + 1]!);
        if (Math.abs(e[end]!) <= Number.EPSILON * both) break;
      }
      if (end === start) break;
      if (round === 60) throw new RuntimeError('eigenvalues: the iteration does not settle');
      let g = (d[start + 1]! - d[start]!) / (2 * e[start]!);
      let r = Math.hypot(g, 1);
      g = d[end]! - d[start]! + e[start]! / (g + (g < 0 ? -r : r));
      let [s, c, p] = [1, 1, 0];
      let i = end - 1;
      for (; i >= start; i--) {
        const f = s * e[i]!;
        const b = c * e[i]!;
        r = Math.hypot(f, g);
        e[i + 1] = r;
        if (r === 0) {
          d[i + 1]! -= p;
          e[end] = 0;
          break;
        }
        s = f / r;
        c = g / r;
        g = d[i + 1]! - p;
        r = (d[i]! - g) * s + 2 * c * b;
        p = s * r;
        d[i + 1] = g + p;
        g = c * r - b;
        const [low, high] = [i * n, (i + 1) * n];
        for (let k = 0; k < n; k++) {
          const x = q[high + k]!;
          const y = q[low + k]!;
          q[high + k] = s * y + c * x;
          q[low + k] = c * y - s * x;
        }
      }
      if (r === 0 && i >= start) continue;
      d[start]! -= p;
      e[start] = g;
      e[end] = 0;
    }
  }
}
