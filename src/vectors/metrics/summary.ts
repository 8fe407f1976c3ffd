/**
 * @file What a validation says in a few numbers with names, by the kind of data: labels, pairs or triplets.
 */

import { UsageError } from '../../errors.js';
import type { SessionOptions } from '../../graph/index.js';
import { checkLabels, countOf, toUnit } from '../vectors.js';
import { nmi } from './mutual-information.js';
import { retrieval } from './retrieval.js';

export interface SummaryOptions {
  /** @default 'cosine' */
  distance?: 'euclidean' | 'cosine' | undefined;
  /** The k of recall@k. @default [5, 10] */
  k?: readonly number[] | undefined;
  /** Seed of the clusters. @default 0 */
  seed?: number | undefined;
  /** Where the products are computed. */
  session?: SessionOptions | undefined;
}

/**
 * `precision@1`, `recall@k`, `r-precision`, `map@r` and `nmi` of labelled vectors, row-major [N, dimension], among
 * themselves.
 * @throws UsageError when there is not one label for each vector.
 */
export async function retrievalMetrics(
  vectors: Float32Array,
  dimension: number,
  labels: ArrayLike<number>,
  options: SummaryOptions = {},
): Promise<Record<string, number>> {
  const { k = [5, 10], distance, seed, session } = options;
  const all = { data: vectors, dimension };
  const found = await retrieval(all, labels, { k, distance, session });
  return {
    'precision@1': found.precisionAtOne,
    ...Object.fromEntries(Object.entries(found.recallAtK).map(([n, value]) => [`recall@${n}`, value])),
    'r-precision': found.rPrecision,
    'map@r': found.mapAtR,
    nmi: await nmi(all, labels, { distance, seed, session }),
  };
}

/**
 * Of pairs (rows 2i and 2i + 1), told apart by their distance: `auc`, the chance that a pair that belongs together is
 * nearer than one that does not (equals count half), as scikit-learn's `roc_auc_score`; `accuracy` at the best
 * `threshold` on the distance (at most it: together). NaN where there is only one kind of pair.
 * @throws UsageError when there is not one flag for each pair.
 */
export function pairMetrics(
  vectors: Float32Array,
  dimension: number,
  same: ArrayLike<number>,
  options: Pick<SummaryOptions, 'distance'> = {},
): { auc: number; accuracy: number; threshold: number } {
  const between = rowDistance(vectors, dimension, 2, options);
  checkLabels(same, between.rows, 'pairs');
  const pairs = Array.from({ length: between.rows }, (_, i) => ({
    distance: between.of(i, 0, 1),
    same: same[i]! !== 0,
  })).sort((a, b) => a.distance - b.distance);
  const positives = pairs.filter((p) => p.same).length;
  const negatives = pairs.length - positives;
  if (positives === 0 || negatives === 0)
    return { auc: Number.NaN, accuracy: Number.NaN, threshold: Number.NaN };

  let [nearPositives, nearNegatives, wins] = [0, 0, 0];
  let best = { right: negatives, threshold: 0 };
  for (let i = 0; i < pairs.length; ) {
    const { distance } = pairs[i]!;
    let [p, n] = [0, 0];
    for (; i < pairs.length && pairs[i]!.distance === distance; i++) pairs[i]!.same ? p++ : n++;
    wins += n * (nearPositives + p / 2);
    nearPositives += p;
    nearNegatives += n;
    const right = nearPositives + negatives - nearNegatives;
    const next = pairs[i]?.distance ?? distance;
    if (right > best.right) best = { right, threshold: (distance + next) / 2 };
  }
  return {
    auc: wins / (positives * negatives),
    accuracy: best.right / pairs.length,
    threshold: best.threshold,
  };
}

/**
 * Of triplets (rows 3i to 3i + 2: anchor, positive, negative): `accuracy`, the part whose positive is nearer to the
 * anchor than the negative, and `margin`, by how much on average.
 * @throws UsageError when the numbers are no triplets.
 */
export function tripletMetrics(
  vectors: Float32Array,
  dimension: number,
  options: Pick<SummaryOptions, 'distance'> = {},
): { accuracy: number; margin: number } {
  const between = rowDistance(vectors, dimension, 3, options);
  let [right, margin] = [0, 0];
  for (let i = 0; i < between.rows; i++) {
    const gap = between.of(i, 0, 2) - between.of(i, 0, 1);
    margin += gap;
    if (gap > 0) right++;
  }
  return { accuracy: right / between.rows, margin: margin / between.rows };
}

/** Euclidean distances within rows of `width` vectors; of unit vectors, they are in the order of cosine distances. */
function rowDistance(
  vectors: Float32Array,
  dimension: number,
  width: number,
  { distance = 'cosine' }: Pick<SummaryOptions, 'distance'>,
): { rows: number; of(row: number, a: number, b: number): number } {
  const count = countOf({ data: vectors, dimension }, 'vectors');
  if (count % width !== 0)
    throw new UsageError(`vectors: expected rows of ${width} but received ${count} vectors`);
  const { data } = distance === 'cosine' ? toUnit({ data: vectors, dimension }) : { data: vectors };
  return {
    rows: count / width,
    of(row, a, b) {
      let square = 0;
      const [x, y] = [(row * width + a) * dimension, (row * width + b) * dimension];
      for (let i = 0; i < dimension; i++) square += (data[x + i]! - data[y + i]!) ** 2;
      return Math.sqrt(square);
    },
  };
}
