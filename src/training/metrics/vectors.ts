/** @file Embeddings as the metrics take them. */

import { allFinite, normalizeRows } from '../../embedding/vectors.js';
import { UsageError } from '../../errors.js';

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

/** @throws UsageError when there is not one label for each vector. */
export function checkLabels(labels: ArrayLike<number>, count: number, what: string): void {
  if (labels.length !== count)
    throw new UsageError(`${what}: expected ${count} labels but received ${labels.length}`);
}

/** Unit vectors in the same directions, which leaves the given ones as they are; a zero vector stays zero. */
export function toUnit({ data, dimension }: Vectors): Vectors {
  const copy = data.slice();
  normalizeRows(copy, dimension);
  return { data: copy, dimension };
}
