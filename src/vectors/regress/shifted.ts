/**
 * @file The solutions of (A + αI) x = b for many α at once. Lanczos' method, started from b and with every direction
 * made orthogonal to all before it, turns A into a small tridiagonal matrix, in which each further α costs next to
 * nothing; it stops as soon as the residual of the smallest α is rounding, at most after as many steps as A has rows.
 *
 * @see Golub & Van Loan, Matrix Computations, 4th edition, 10.1 and 10.3
 */

/** Relative to the length of b. */
const TOLERANCE = 1e-13;
/** Steps between looks at the residual. */
const CHECK = 8;

/**
 * @param matrix `size × size`, symmetric, without negative eigenvalues
 * @param shifts each above 0
 * @returns a solution for each shift, in their order
 */
export function solveShifted(
  matrix: Float64Array,
  rhs: Float64Array,
  shifts: readonly number[],
): Float64Array[] {
  const size = rhs.length;
  const length = norm(rhs);
  if (length === 0) return shifts.map(() => new Float64Array(size));
  const least = Math.min(...shifts);
  const basis = [rhs.map((value) => value / length)];
  const diagonal: number[] = [];
  const beside: number[] = [];
  for (;;) {
    const last = basis.at(-1)!;
    const next = times(matrix, last);
    diagonal.push(dot(next, last));
    for (let pass = 0; pass < 2; pass++)
      for (const other of basis) {
        const along = dot(next, other);
        for (let i = 0; i < size; i++) next[i]! -= along * other[i]!;
      }
    const left = norm(next);
    const steps = diagonal.length;
    if (steps === size || left <= 1e-14 * Math.max(...diagonal)) break;
    if (steps % CHECK === 0) {
      const weights = tridiagonal(diagonal, beside, least, length);
      if (left * Math.abs(weights[steps - 1]!) <= TOLERANCE * length) break;
    }
    beside.push(left);
    basis.push(next.map((value) => value / left));
  }
  return shifts.map((shift) => {
    const weights = tridiagonal(diagonal, beside, shift, length);
    const solution = new Float64Array(size);
    for (const [step, direction] of basis.entries())
      for (let i = 0; i < size; i++) solution[i]! += weights[step]! * direction[i]!;
    return solution;
  });
}

/** (T + shift) z = (first, 0, 0, …), by elimination without pivots, which positive definite matrices do not need. */
function tridiagonal(
  diagonal: readonly number[],
  beside: readonly number[],
  shift: number,
  first: number,
): number[] {
  const pivots = [diagonal[0]! + shift];
  const z = [first];
  for (let i = 1; i < diagonal.length; i++) {
    const factor = beside[i - 1]! / pivots[i - 1]!;
    pivots.push(diagonal[i]! + shift - factor * beside[i - 1]!);
    z.push(-factor * z[i - 1]!);
  }
  for (let i = diagonal.length - 1; i >= 0; i--) {
    const after = i + 1 < z.length ? beside[i]! * z[i + 1]! : 0;
    z[i] = (z[i]! - after) / pivots[i]!;
  }
  return z;
}

function times(matrix: Float64Array, vector: Float64Array): Float64Array {
  const n = vector.length;
  const result = new Float64Array(n);
  for (let i = 0, at = 0; i < n; i++) {
    let sum = 0;
    for (let k = 0; k < n; k++) sum += matrix[at++]! * vector[k]!;
    result[i] = sum;
  }
  return result;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function norm(vector: Float64Array): number {
  return Math.sqrt(dot(vector, vector));
}
