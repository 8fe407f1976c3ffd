/**
 * @file The largest eigenvalues of a symmetric matrix, in float64, by orthogonal iteration: a few vectors more than are
 * wanted are multiplied by a polynomial of the matrix, made orthonormal and turned to the matrix's own axes within their
 * span (Rayleigh–Ritz), until the wanted ones stand still. The polynomial is Chebyshev's, small on the part of the
 * spectrum that is not wanted, which takes a tenth of the products where eigenvalues lie close together.
 *
 * @see Rutishauser 1970, Simultaneous iteration method for symmetric matrices
 * @see Golub & Van Loan, Matrix Computations, 4th edition, 8.2.4 and 8.5
 */

/** Eigenvalues, largest first, and an eigenvector of unit length for each (zeros where the matrix has no further rank). */
export interface Eigen {
  values: number[];
  vectors: Float64Array[];
}

/** Vectors besides the wanted ones: they decide how fast the wanted ones settle. */
const SPARE = 10;
const ROUNDS = 200;
/** The highest degree of the polynomial, and how much more than the last vector the first may grow by it. */
const DEGREE = 20;
const GROWTH = 1e6;
/** Relative to the largest eigenvalue. */
const TOLERANCE = 1e-11;

/**
 * The `count` largest eigenvalues of a symmetric matrix without negative ones, as a covariance is.
 * @param matrix `size × size` numbers
 * @returns fewer than `count` when the matrix is smaller; the same for the same matrix
 */
export function largestEigen(matrix: Float64Array, size: number, count: number): Eigen {
  const block = Math.min(size, count + SPARE);
  let basis = orthonormal(Array.from({ length: block }, (_, i) => start(size, i)));
  for (let round = 0; ; round++) {
    const images = basis.map((vector) => times(matrix, vector));
    const inner = basis.map((vector) => Float64Array.from(images, (image) => dot(vector, image)));
    const { values, vectors } = jacobi(inner);
    const wanted = Math.min(count, block);
    const turned = vectors.map((weights) => combine(basis, weights));
    const turnedImages = vectors.map((weights) => combine(images, weights));
    const limit = TOLERANCE * Math.max(values[0]!, Number.MIN_VALUE);
    const settled = turned
      .slice(0, wanted)
      .every((vector, i) => distance(turnedImages[i]!, vector, values[i]!) <= limit);
    if (settled || round === ROUNDS)
      return { values: values.slice(0, wanted), vectors: turned.slice(0, wanted) };
    basis = orthonormal(filtered(matrix, turned, turnedImages, values));
  }
}

/**
 * Chebyshev's polynomial of the matrix, on the interval from 0 to the least of `values`, times the vectors. The degree
 * is such that rounding in the first vectors does not drown the last.
 */
function filtered(
  matrix: Float64Array,
  vectors: Float64Array[],
  images: Float64Array[],
  values: readonly number[],
): Float64Array[] {
  // Of a matrix of low rank the last value is zero, or less by rounding.
  const half = Math.max(values.at(-1)! / 2, Number.EPSILON * values[0]!);
  const steepness = Math.acosh(Math.max(1, values[0]! / half - 1));
  const degree = Math.min(DEGREE, Math.floor(Math.acosh(GROWTH) / steepness));
  if (!(degree > 1)) return images;
  let before = vectors;
  let last = images.map((image, i) => image.map((value, k) => value / half - vectors[i]![k]!));
  for (let d = 2; d <= degree; d++) {
    const next = last.map((vector, i) => {
      const older = before[i]!;
      return times(matrix, vector).map((value, k) => 2 * (value / half - vector[k]!) - older[k]!);
    });
    before = last;
    last = next;
  }
  return last;
}

/** All eigenvalues of a small symmetric matrix, largest first, by Jacobi's rotations; each vector as weights of the rows. */
function jacobi(rows: Float64Array[]): Eigen {
  const n = rows.length;
  const a = rows.map((row, i) => row.map((value, j) => (value + rows[j]![i]!) / 2));
  const v = rows.map((_, i) => new Float64Array(n).fill(1, i, i + 1));
  for (let sweep = 0; sweep < 60; sweep++) {
    let off = 0;
    let all = 0;
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++) {
        all += a[i]![j]! ** 2;
        if (i !== j) off += a[i]![j]! ** 2;
      }
    if (off <= 1e-32 * all) break;
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) rotate(a, v, p, q);
  }
  const order = Array.from({ length: n }, (_, i) => i).sort((i, j) => a[j]![j]! - a[i]![i]! || i - j);
  return { values: order.map((i) => a[i]![i]!), vectors: order.map((i) => v[i]!) };
}

/** Makes `a[p][q]` zero; `v` holds the vectors, one a row. */
function rotate(a: Float64Array[], v: Float64Array[], p: number, q: number): void {
  const apq = a[p]![q]!;
  if (apq === 0) return;
  const theta = (a[q]![q]! - a[p]![p]!) / (2 * apq);
  const t = (theta >= 0 ? 1 : -1) / (Math.abs(theta) + Math.hypot(theta, 1));
  const c = 1 / Math.hypot(t, 1);
  const s = t * c;
  for (const row of a) {
    const [x, y] = [row[p]!, row[q]!];
    row[p] = c * x - s * y;
    row[q] = s * x + c * y;
  }
  for (const m of [a, v]) {
    const [rowP, rowQ] = [m[p]!, m[q]!];
    for (let k = 0; k < rowP.length; k++) {
      const [x, y] = [rowP[k]!, rowQ[k]!];
      rowP[k] = c * x - s * y;
      rowQ[k] = s * x + c * y;
    }
  }
}

/** The vectors made orthonormal in their order, twice, against rounding; those that depend on the others become zero. */
function orthonormal(vectors: Float64Array[]): Float64Array[] {
  const largest = Math.max(...vectors.map((vector) => Math.sqrt(dot(vector, vector))));
  const basis: Float64Array[] = [];
  for (const vector of vectors) {
    const next = vector.slice();
    for (let pass = 0; pass < 2; pass++)
      for (const other of basis) {
        const along = dot(next, other);
        for (let k = 0; k < next.length; k++) next[k]! -= along * other[k]!;
      }
    const length = Math.sqrt(dot(next, next));
    const scale = length > 1e-14 * largest ? 1 / length : 0;
    basis.push(next.map((value) => value * scale));
  }
  return basis;
}

function times(matrix: Float64Array, vector: Float64Array): Float64Array {
  const n = vector.length;
  const product = new Float64Array(n);
  for (let i = 0, at = 0; i < n; i++) {
    let sum = 0;
    for (let k = 0; k < n; k++) sum += matrix[at++]! * vector[k]!;
    product[i] = sum;
  }
  return product;
}

function combine(vectors: readonly Float64Array[], weights: Float64Array): Float64Array {
  const sum = new Float64Array(vectors[0]!.length);
  vectors.forEach((vector, i) => {
    const weight = weights[i]!;
    for (let k = 0; k < sum.length; k++) sum[k]! += weight * vector[k]!;
  });
  return sum;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += a[k]! * b[k]!;
  return sum;
}

/** ‖image − value · vector‖ */
function distance(image: Float64Array, vector: Float64Array, value: number): number {
  let sum = 0;
  for (let k = 0; k < image.length; k++) sum += (image[k]! - value * vector[k]!) ** 2;
  return Math.sqrt(sum);
}

/** Numbers in −½..½ without a pattern, the same every time. */
function start(size: number, seed: number): Float64Array {
  let state = (seed + 1) * 0x9e3779b9;
  return new Float64Array(size).map(() => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5) | 0;
    return ((state ^ (state >>> 13)) >>> 0) / 2 ** 32 - 0.5;
  });
}
