/**
 * @file How well embeddings of the same label find each other. Precision@1, R-precision and MAP@R equal
 * pytorch-metric-learning's `AccuracyCalculator` (Musgrave, Belongie & Lim, "A metric learning reality check", ECCV
 * 2020); recall@k is that of Jégou et al., 2011, as the field reports it.
 */

import { UsageError } from '../../errors.js';
import { type NearestOptions, nearest, nearestBlocks } from '../nearest.js';
import { checkLabels, countOf, type Vectors } from '../vectors.js';

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
  const { k = [1, 5, 10], distance, session } = options;
  const count = countOf(queries, 'queries');
  checkLabels(labels, count, 'queries');
  const own = options.reference === undefined;
  const { vectors, labels: found } = options.reference ?? { vectors: queries, labels };
  const among = countOf(vectors, 'reference');
  checkLabels(found, among, 'reference');
  for (const n of k)
    if (!Number.isInteger(n) || n < 1)
      throw new UsageError(`recall@k: expected a whole number of at least 1 but received ${n}`);

  const relevant = new Map<number, number>();
  for (let i = 0; i < among; i++) relevant.set(found[i]!, (relevant.get(found[i]!) ?? (own ? -1 : 0)) + 1);
  let most = 0;
  for (let i = 0; i < count; i++) most = Math.max(most, relevant.get(labels[i]!) ?? 0);
  const depth = Math.min(Math.max(1, most, ...k), own ? among - 1 : among);
  const totals = new Totals(k);
  if (depth > 0 && most > 0) {
    const reference = own ? undefined : vectors;
    const blocks = nearestBlocks(queries, { k: depth, reference, distance, session });
    for await (const { first, positions } of blocks)
      for (let row = 0; row < positions.length / depth; row++) {
        const label = labels[first + row]!;
        const r = relevant.get(label) ?? 0;
        const neighbours = positions.subarray(row * depth, (row + 1) * depth);
        if (r > 0) totals.add(neighbours, (j) => found[j] === label, r);
      }
  }
  return totals.means();
}

/** Sums over the queries. */
class Totals {
  private queries = 0;
  private first = 0;
  private precision = 0;
  private average = 0;
  private readonly recalled: number[];

  constructor(private readonly k: readonly number[]) {
    this.recalled = k.map(() => 0);
  }

  /** Adds a query with `r` relevant items, by its neighbours in order. */
  add(neighbours: Int32Array, isRelevant: (index: number) => boolean, r: number): void {
    let hits = 0;
    let average = 0;
    let rank = 0; // of the first hit
    let withinR = 0;
    for (let i = 0; i < neighbours.length; i++) {
      if (i >= r && rank > 0) break;
      if (!isRelevant(neighbours[i]!)) continue;
      rank ||= i + 1;
      if (i >= r) break;
      average += ++hits / (i + 1);
      withinR = hits;
    }
    this.queries++;
    this.first += rank === 1 ? 1 : 0;
    this.precision += withinR / r;
    this.average += average / r;
    this.k.forEach((k, i) => {
      if (rank > 0 && rank <= k) this.recalled[i]!++;
    });
  }

  means(): Retrieval {
    const mean = (sum: number) => sum / this.queries;
    return {
      precisionAtOne: mean(this.first),
      recallAtK: Object.fromEntries(this.k.map((k, i) => [k, mean(this.recalled[i]!)])),
      rPrecision: mean(this.precision),
      mapAtR: mean(this.average),
      queries: this.queries,
    };
  }
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
