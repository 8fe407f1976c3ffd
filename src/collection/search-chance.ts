/** @file How likely the hits of a query are to be more than chance. */
import { normalProbability } from '../embedding/normal.js';
import type { Collection } from './collection.js';
import type { Space } from './manifest.js';

/** Items of the sample: enough for a mean and a deviation, and read in a few milliseconds. */
const SAMPLE = 1024;

/**
 * For each score the probability that it is more than the best of `total` items would have by chance, were the query's
 * scores normally distributed with the mean and deviation that they have over a random sample of the space.
 * @param query of unit length
 * @param total items that the hits were chosen from
 */
export async function chancesOf(
  collection: Collection,
  space: Space,
  query: Float32Array,
  scores: readonly number[],
  total: number,
): Promise<number[]> {
  if (scores.length === 0) return [];
  const { items } = await collection.tablesOf(space);
  const { ids, vectors } = await items.sample(SAMPLE, 1, { vectors: true });
  const dimension = query.length;
  const sample = ids.map((_, row) => {
    let sum = 0;
    let squares = 0;
    for (let d = 0; d < dimension; d++) {
      const x = vectors[row * dimension + d]!;
      sum += x * query[d]!;
      squares += x * x;
    }
    return sum / Math.sqrt(squares);
  });
  const mean = sample.reduce((a, b) => a + b, 0) / sample.length;
  const variance = sample.reduce((a, b) => a + (b - mean) ** 2, 0) / Math.max(1, sample.length - 1);
  if (!(variance > 0)) return scores.map(() => 0);
  return scores.map((score) => normalProbability((score - mean) / Math.sqrt(variance)) ** total);
}
