/** @file Exact nearest neighbours among a few vectors, by cosine. */
import { cosineSimilarity } from './vectors.js';

/** A neighbour: its position among the vectors, and the cosine of the angle to it. */
export interface Neighbour {
  index: number;
  score: number;
}

/**
 * The `k` nearest other vectors of each query, nearest first; among equals the one that comes first. Zero vectors have
 * no direction: their score is NaN and they come last.
 *
 * Compares every pair: meant for up to some thousands of vectors.
 * @param queries positions among `vectors`. @default all
 */
export function nearestNeighbours(
  vectors: readonly Float32Array[],
  k: number,
  queries: readonly number[] = vectors.map((_, i) => i),
): Neighbour[][] {
  return queries.map((query) => {
    const all: Neighbour[] = [];
    for (const [index, vector] of vectors.entries())
      if (index !== query) all.push({ index, score: cosineSimilarity(vectors[query]!, vector) });
    return all.sort((a, b) => rank(b.score) - rank(a.score) || a.index - b.index).slice(0, k);
  });
}

/** A cosine as a number that sorts: NaN would make the order of all the others wrong. */
function rank(score: number): number {
  return Number.isNaN(score) ? -2 : score;
}
