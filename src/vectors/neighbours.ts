/** @file Exact nearest neighbours among a few vectors, by cosine, at once; among many, see {@link ExactSearch}. */
import { cosineSimilarity } from './vectors.js';

/** A neighbour: its position among the vectors, and the cosine of the angle to it. */
export interface Neighbour {
  index: number;
  score: number;
}

/**
 * The `k` vectors nearest to a query, nearest first; among equals the one that comes first. Zero vectors have no
 * direction: their score is NaN and they come last.
 */
export function nearestTo(query: Float32Array, vectors: readonly Float32Array[], k: number): Neighbour[] {
  return vectors
    .map((vector, index) => ({ index, score: cosineSimilarity(query, vector) }))
    .sort((a, b) => rank(b.score) - rank(a.score) || a.index - b.index)
    .slice(0, k);
}

/**
 * The `k` nearest other vectors of each query, in the order of {@link nearestTo}.
 *
 * Compares every pair: meant for up to some thousands of vectors.
 * @param queries positions among `vectors`. @default all
 */
export function nearestNeighbours(
  vectors: readonly Float32Array[],
  k: number,
  queries: readonly number[] = vectors.map((_, i) => i),
): Neighbour[][] {
  return queries.map((query) =>
    nearestTo(vectors[query]!, vectors, k + 1)
      .filter(({ index }) => index !== query)
      .slice(0, k),
  );
}

/** A cosine as a number that sorts: NaN would make the order of all the others wrong. */
function rank(score: number): number {
  return Number.isNaN(score) ? -2 : score;
}
