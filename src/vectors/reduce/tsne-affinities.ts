/**
 * @file How much two vectors belong together, for t-SNE: each vector's neighbours get shares that fall with the squared
 * distance as a normal density whose width gives them the wanted perplexity (van der Maaten & Hinton, JMLR 2008).
 */
import { symmetric, type WeightedGraph } from './umap-graph.js';

const STEPS = 100;

/**
 * The symmetric shares of all pairs of neighbours, which sum to 1 over both directions.
 *
 * @param indices the `k` nearest of each vector, `[n × k]`
 * @param scores their cosines
 * @param perplexity how many neighbours count, effectively: two to the power of the entropy of their shares
 */
export function affinities(
  indices: Int32Array,
  scores: Float32Array,
  k: number,
  perplexity: number,
): WeightedGraph {
  const shares = new Float32Array(scores.length);
  const own = new Float64Array(k);
  for (let from = 0; from < scores.length; from += k) {
    const nearest = scores[from]!;
    for (let i = 0; i < k; i++) own[i] = Math.max(0, 2 * (nearest - scores[from + i]!)); // less that of the nearest
    shares.set(calibrated(own, Math.log(perplexity)), from);
  }
  const graph = symmetric(indices, shares, k, 0, (a, b) => a + b);
  let total = 0;
  for (const weight of graph.weights) total += weight;
  for (let i = 0; i < graph.weights.length; i++) graph.weights[i]! /= total;
  return graph;
}

/** Shares, which sum to 1, of this entropy in nats; where that cannot be, of one that comes near to it. */
function calibrated(squares: Float64Array, entropy: number): Float64Array {
  const shares = new Float64Array(squares.length);
  let [low, high, precision] = [0, Number.POSITIVE_INFINITY, 1];
  for (let step = 0; step < STEPS; step++) {
    let sum = 0;
    let weighted = 0;
    for (let i = 0; i < squares.length; i++) {
      const share = Math.exp(-precision * squares[i]!);
      shares[i] = share;
      sum += share;
      weighted += share * squares[i]!;
    }
    for (let i = 0; i < shares.length; i++) shares[i]! /= sum;
    const excess = Math.log(sum) + (precision * weighted) / sum - entropy;
    if (Math.abs(excess) < 1e-5) break;
    if (excess > 0) low = precision;
    else high = precision;
    precision = high === Number.POSITIVE_INFINITY ? precision * 2 : (low + high) / 2;
  }
  return shares;
}
