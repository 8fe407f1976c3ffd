/**
 * @file The weighted graph that a map is drawn from: how surely each of two vectors belongs to the neighbourhood of the
 * other (McInnes, Healy & Melville 2018, arXiv:1802.03426, section 3.1).
 */

/** A symmetric graph: those joined to vertex i are `ends[starts[i] … starts[i + 1])`. */
export interface WeightedGraph {
  starts: Int32Array;
  ends: Int32Array;
  /** 0..1, the same in both directions. */
  weights: Float32Array;
}

/** What rounding in float32 makes of a distance of zero. */
const ZERO = 1e-6;
/** No neighbourhood is narrower than this share of the mean distance in it. */
const NARROWEST = 1e-3;

/** Distances 1 − cosine of a graph of unit vectors, rounding cut off. */
export function cosineDistances(scores: Float32Array): Float32Array {
  return scores.map((score) => {
    const distance = 1 - score;
    return distance > ZERO ? distance : 0;
  });
}

/**
 * How surely each neighbour belongs to the neighbourhood, `[n × k]` in 0..1: 1 up to the nearest that is no copy, from
 * there on falling exponentially, at a rate that makes their sum log₂(k + 1).
 */
export function memberships(distances: Float32Array, k: number): Float32Array {
  const result = new Float32Array(distances.length);
  const target = Math.log2(k + 1);
  let mean = 0;
  for (const distance of distances) mean += distance / distances.length;
  for (let from = 0; from < distances.length; from += k) {
    let nearest = 0;
    let own = 0;
    for (let i = from + k - 1; i >= from; i--) {
      const distance = distances[i]!;
      own += distance / k;
      if (distance > 0) nearest = distance;
    }
    const floor = NARROWEST * (own > 0 ? own : mean);
    const width = Math.max(floor, widthFor(distances, from, k, nearest, target));
    for (let i = from; i < from + k; i++) {
      const beyond = distances[i]! - nearest;
      result[i] = beyond > 0 ? Math.exp(-beyond / width) : 1;
    }
  }
  return result;
}

function widthFor(distances: Float32Array, from: number, k: number, nearest: number, target: number): number {
  let low = 0;
  let high = Number.POSITIVE_INFINITY;
  let width = 1;
  for (let step = 0; step < 64; step++) {
    let sum = 0;
    for (let i = from; i < from + k; i++) {
      const beyond = distances[i]! - nearest;
      sum += beyond > 0 ? Math.exp(-beyond / width) : 1;
    }
    if (Math.abs(sum - target) < 1e-5) break;
    if (sum > target) high = width;
    else low = width;
    width = high === Number.POSITIVE_INFINITY ? width * 2 : (low + high) / 2;
  }
  return width;
}

/**
 * The symmetric graph of directed weights a (from i to j) and b (from j to i): a + b − ab, the fuzzy union, or what
 * `join` makes of them.
 * @param least edges of less weight are left out, as a share of the greatest weight.
 */
export function symmetric(
  indices: Int32Array,
  weights: Float32Array,
  k: number,
  least = 0,
  join: (a: number, b: number) => number = (a, b) => a + b - a * b,
): WeightedGraph {
  const count = indices.length / k;
  const joined = new Float32Array(weights.length); // 0 where the edge is kept in the other direction
  let greatest = 0;
  for (let i = 0; i < count; i++)
    for (let at = i * k; at < (i + 1) * k; at++) {
      const j = indices[at]!;
      const back = indices.subarray(j * k, (j + 1) * k).indexOf(i);
      if (back >= 0 && j < i) continue;
      joined[at] = join(weights[at]!, back >= 0 ? weights[j * k + back]! : 0);
      greatest = Math.max(greatest, joined[at]!);
    }
  const limit = least * greatest;
  const starts = new Int32Array(count + 1);
  for (let at = 0; at < joined.length; at++) {
    if (!(joined[at]! > 0 && joined[at]! >= limit)) continue;
    starts[Math.floor(at / k) + 1]!++;
    starts[indices[at]! + 1]!++;
  }
  for (let i = 0; i < count; i++) starts[i + 1]! += starts[i]!;
  const next = starts.slice();
  const ends = new Int32Array(starts[count]!);
  const own = new Float32Array(ends.length);
  const put = (from: number, to: number, weight: number) => {
    const place = next[from]!++;
    ends[place] = to;
    own[place] = weight;
  };
  for (let at = 0; at < joined.length; at++) {
    const weight = joined[at]!;
    if (!(weight > 0 && weight >= limit)) continue;
    put(Math.floor(at / k), indices[at]!, weight);
    put(indices[at]!, Math.floor(at / k), weight);
  }
  return { starts, ends, weights: own };
}
