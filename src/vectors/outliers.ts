/** @file How far each vector lies from all others, by its nearest neighbours. */
import { UsageError } from '../errors.js';
import { type ApproximateNeighbourOptions, approximateNeighbourGraph } from './approximate-neighbours.js';
import { countOf, toUnit, type Vectors } from './vectors.js';

export interface OutlierOptions
  extends Pick<ApproximateNeighbourOptions, 'session' | 'onProgress' | 'signal'> {
  /** Neighbours that are looked at. @default 10, or as many as there are */
  k?: number | undefined;
}

/** The neighbours of each vector, nearest first, with Euclidean distances between the vectors at unit length. */
export interface NeighbourDistances {
  k: number;
  /** `[n × k]` */
  indices: Int32Array;
  /** `[n × k]`, 0..2; √(2 − 2 cos). */
  distances: Float64Array;
}

/**
 * The distances to the `k` nearest others: exact for up to some ten thousand vectors, of 95 % recall above.
 * @throws UsageError when there are no `k` others.
 */
export async function neighbourDistances(
  vectors: Vectors,
  options: OutlierOptions = {},
): Promise<NeighbourDistances> {
  const { data, dimension } = toUnit(vectors);
  const count = countOf(vectors, 'vectors');
  const { k = Math.min(10, count - 1), ...rest } = options;
  if (!Number.isInteger(k) || k < 1 || k >= count)
    throw new UsageError(`k: expected a whole number from 1 to ${count - 1} but received ${k}`, {
      hint: `there are ${count} vectors`,
    });
  const { indices } = await approximateNeighbourGraph(data, dimension, k, rest);
  const distances = new Float64Array(indices.length);
  for (let at = 0; at < indices.length; at++) {
    // From the differences: 2 − 2 cos would lose what tells near copies apart.
    const [a, b] = [Math.floor(at / k) * dimension, indices[at]! * dimension];
    let square = 0;
    for (let i = 0; i < dimension; i++) square += (data[a + i]! - data[b + i]!) ** 2;
    distances[at] = Math.sqrt(square);
  }
  return { k, indices, distances };
}

/** The mean distance of each vector to its neighbours: large for those that are far from everything. */
export function meanDistance({ k, distances }: NeighbourDistances): Float64Array {
  return new Float64Array(distances.length / k).map((_, i) => {
    let sum = 0;
    for (let j = i * k; j < (i + 1) * k; j++) sum += distances[j]!;
    return sum / k;
  });
}

/**
 * The local outlier factor: how much thinner it is around a vector than around its neighbours. About 1 within a cluster,
 * however dense it is; equal to scikit-learn's `-negative_outlier_factor_`.
 *
 * @see Breunig, Kriegel, Ng & Sander 2000, LOF: identifying density-based local outliers
 */
export function localOutlierFactor({ k, indices, distances }: NeighbourDistances): Float64Array {
  const count = distances.length / k;
  const reach = (at: number) => Math.max(distances[indices[at]! * k + k - 1]!, distances[at]!);
  const density = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    let sum = 0;
    for (let at = i * k; at < (i + 1) * k; at++) sum += reach(at);
    density[i] = 1 / (sum / k + 1e-10); // copies have no distance at all
  }
  return density.map((own, i) => {
    let sum = 0;
    for (let at = i * k; at < (i + 1) * k; at++) sum += density[indices[at]!]!;
    return sum / k / own;
  });
}

/**
 * The bound above which a score is out of the ordinary: the median and `width` times what the normal distribution would
 * have for its standard deviation, of the logarithms, as distances are skewed.
 *
 * @param width @default 3.5 (Iglewicz & Hoaglin, 1993)
 * @returns infinity where all scores are alike
 */
export function outlierBound(scores: ArrayLike<number>, width = 3.5): number {
  const logs = Float64Array.from(scores, (score) => Math.log(Math.max(score, 1e-12))).sort();
  const middle = median(logs);
  const spread = median(logs.map((x) => Math.abs(x - middle)).sort());
  return spread === 0 ? Number.POSITIVE_INFINITY : Math.exp(middle + width * 1.4826 * spread);
}

function median(sorted: Float64Array): number {
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}
