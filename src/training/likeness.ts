/** @file The validation metrics of embeddings, compared by cosine, under the names in which logs show them. */
import { cosineSimilarity } from '../embedding/index.js';
import { nmi, retrievalMetrics } from './metrics/index.js';
import type { Metrics } from './task.js';

/**
 * How well vectors of one label find each other: precision@1, recall@5, MAP@R and, with a `seed` for k-means, NMI.
 * Vectors whose label no other has are not counted.
 */
export async function likeness(
  data: Float32Array,
  dimension: number,
  labels: ArrayLike<number>,
  seed?: number,
): Promise<Metrics> {
  const vectors = { data, dimension };
  const session = { inline: true };
  const found = await retrievalMetrics(vectors, labels, { k: [5], distance: 'cosine', session });
  return {
    'precision@1': found.precisionAtOne,
    'recall@5': found.recallAtK[5]!,
    'map@r': found.mapAtR,
    ...(seed === undefined
      ? {}
      : { nmi: await nmi(vectors, labels, { distance: 'cosine', seed, restarts: 1, session }) }),
  };
}

/**
 * How well cosine tells pairs that belong together: rows 2k and 2k + 1 are a pair. The area under the ROC curve, and
 * the accuracy at the best threshold.
 */
export function pairLikeness(data: Float32Array, dimension: number, same: ArrayLike<number>): Metrics {
  const row = (i: number) => data.subarray(i * dimension, (i + 1) * dimension);
  const scored = Array.from(same, (s, k) => ({
    same: s !== 0,
    score: cosineSimilarity(row(2 * k), row(2 * k + 1)),
  })).sort((a, b) => b.score - a.score);
  const positives = scored.filter((pair) => pair.same).length;
  const negatives = scored.length - positives;
  let above = 0; // positives with a higher score
  let ordered = 0;
  let best = negatives; // right when nothing is taken for a positive
  for (let i = 0; i < scored.length; ) {
    let end = i;
    while (end < scored.length && scored[end]!.score === scored[i]!.score) end++;
    const tied = scored.slice(i, end);
    const tiedPositives = tied.filter((pair) => pair.same).length;
    ordered += (tied.length - tiedPositives) * (above + tiedPositives / 2);
    above += tiedPositives;
    best = Math.max(best, above + negatives - (end - above));
    i = end;
  }
  return { auc: ordered / (positives * negatives), accuracy: best / scored.length };
}

/** The part of triplets (rows 3k, 3k + 1, 3k + 2) whose anchor is nearer to the positive than to the negative. */
export function tripletLikeness(data: Float32Array, dimension: number): Metrics {
  const row = (i: number) => data.subarray(i * dimension, (i + 1) * dimension);
  const count = data.length / dimension / 3;
  let right = 0;
  for (let k = 0; k < count; k++)
    if (cosineSimilarity(row(3 * k), row(3 * k + 1)) > cosineSimilarity(row(3 * k), row(3 * k + 2))) right++;
  return { accuracy: right / count };
}
