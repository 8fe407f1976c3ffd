/**
 * @file How well embeddings of the same label find each other. Precision@1, R-precision and MAP@R equal
 * pytorch-metric-learning's `AccuracyCalculator` (Musgrave, Belongie & Lim, "A metric learning reality check", ECCV
 * 2020); recall@k is that of Jégou et al., 2011, as the field reports it.
 */

import { type NearestOptions, nearest } from '../nearest.js';
import { checkLabels, countOf, type Vectors } from '../vectors.js';
import { type RankingMeasure, ranking } from './ranking.js';

export interface RetrievalOptions extends Pick<NearestOptions, 'distance' | 'session'> {
  /** Where to look, with labels. @default the queries themselves, none of which finds itself */
  reference?: { vectors: Vectors; labels: ArrayLike<number> } | undefined;
  /** The k of recall@k. @default [1, 5, 10] */
  k?: readonly number[] | undefined;
}

/** Means over the queries that something of their own label can be found for; NaN when there is no such query. */
export interface Retrieval {
  /** Part of the queries whose nearest neighbour has their label. */
  precisionAtOne: number;
  /** By k: part of the queries with their label among the k nearest neighbours. */
  recallAtK: Record<number, number>;
  /** Part of the R nearest neighbours with the query's label, of which there are R. */
  rPrecision: number;
  /** Mean average precision over the R nearest neighbours. */
  mapAtR: number;
  /** Queries that were counted. */
  queries: number;
}

/**
 * Finds the neighbours of every query and measures them.
 * @throws UsageError when labels, dimensions or k do not fit.
 */
export async function retrieval(
  queries: Vectors,
  labels: ArrayLike<number>,
  options: RetrievalOptions = {},
): Promise<Retrieval> {
  const { k = [1, 5, 10] } = options;
  const found = await ranking(queries, labels, { ...options, k: [1, ...k], whole: false });
  const mean = (name: RankingMeasure) =>
    found.values[name]!.reduce((sum, value) => sum + value, 0) / found.queries.length;
  return {
    precisionAtOne: mean('precision@1'),
    recallAtK: Object.fromEntries(k.map((n) => [n, mean(`recall@${n}`)])),
    rPrecision: mean('r-precision'),
    mapAtR: mean('map@r'),
    queries: found.queries.length,
  };
}

/**
 * Part of the queries whose nearest reference vector has their label (scikit-learn's `KNeighborsClassifier(1)`): unlike
 * precision@1 it counts queries whose label the reference does not have, as errors. Without a reference: leave one out.
 * @throws UsageError when labels or dimensions do not fit.
 */
export async function nearestNeighbourAccuracy(
  queries: Vectors,
  labels: ArrayLike<number>,
  options: Omit<RetrievalOptions, 'k'> = {},
): Promise<number> {
  const { reference, distance, session } = options;
  const count = countOf(queries, 'queries');
  checkLabels(labels, count, 'queries');
  if (reference) checkLabels(reference.labels, countOf(reference.vectors, 'reference'), 'reference');
  const indices = await nearest(queries, { k: 1, reference: reference?.vectors, distance, session });
  const found = reference?.labels ?? labels;
  let right = 0;
  for (let i = 0; i < count; i++) if (found[indices[i]!] === labels[i]) right++;
  return right / count;
}
