/** @file What the metrics do with embeddings before they measure them. */

import { normalizeRows, type Vectors } from '../../embedding/vectors.js';
import { UsageError } from '../../errors.js';

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
