/** @file Arithmetic on single vectors. */

/**
 * Scales every row of `width` numbers to unit Euclidean length, in place, with the length taken in float64. A zero
 * row stays zero.
 */
export function normalizeRows(values: Float32Array, width: number): void {
  for (let start = 0; start < values.length; start += width) {
    let sum = 0;
    for (let i = start; i < start + width; i++) sum += values[i]! * values[i]!;
    if (sum === 0) continue;
    const factor = 1 / Math.sqrt(sum);
    for (let i = start; i < start + width; i++) values[i]! *= factor;
  }
}

/** The cosine of the angle between two vectors, in −1..1; NaN when one of them is zero. */
export function cosineSimilarity(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let ab = 0;
  let aa = 0;
  let bb = 0;
  for (let i = 0; i < a.length; i++) {
    ab += a[i]! * b[i]!;
    aa += a[i]! * a[i]!;
    bb += b[i]! * b[i]!;
  }
  return ab / Math.sqrt(aa * bb);
}

/** True when every number is finite. */
export function allFinite(values: Float32Array): boolean {
  for (const x of values) if (!Number.isFinite(x)) return false;
  return true;
}
