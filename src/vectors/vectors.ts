/** @file Vectors in one array, and arithmetic on single ones. */
import { UsageError } from '../errors.js';

/** N vectors of `dimension` numbers, one after the other. */
export interface Vectors {
  data: Float32Array;
  dimension: number;
}

/** How many vectors there are. @throws UsageError when the numbers do not divide or one of them is not finite. */
export function countOf({ data, dimension }: Vectors, what: string): number {
  if (!Number.isInteger(dimension) || dimension < 1 || data.length % dimension !== 0)
    throw new UsageError(`${what}: ${data.length} numbers are no vectors of ${dimension}`);
  if (!allFinite(data))
    throw new UsageError(`${what}: expected finite numbers but received NaN or infinity`, {
      hint: 'the network that made them has diverged',
    });
  return data.length / dimension;
}

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
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) return false; // for…of: ten times slower
  return true;
}

/** @throws UsageError when there is not one label for each vector. */
export function checkLabels(labels: ArrayLike<number>, count: number, what: string): void {
  if (labels.length !== count)
    throw new UsageError(`${what}: expected ${count} labels but received ${labels.length}`);
}

/** True when every vector has unit length, to 5e-6. */
export function isUnit({ data, dimension }: Vectors): boolean {
  for (let from = 0; from < data.length; from += dimension) {
    let square = 0;
    for (let i = from; i < from + dimension; i++) square += data[i]! * data[i]!;
    if (Math.abs(square - 1) > 1e-5) return false;
  }
  return true;
}

/** Unit vectors in the same directions, which leaves the given ones as they are; a zero vector stays zero. */
export function toUnit({ data, dimension }: Vectors): Vectors {
  const copy = data.slice();
  normalizeRows(copy, dimension);
  return { data: copy, dimension };
}
