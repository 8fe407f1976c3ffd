/** @file Which items of a set are unlike the others, and which have no like. */

import { type ItemFailure, UsageError } from '../errors.js';
import { type AutoencoderOptions, loadAutoencoder } from '../training/reconstruct.js';
import {
  localOutlierFactor,
  meanDistance,
  neighbourDistances,
  type OutlierOptions,
  outlierBound,
} from '../vectors/outliers.js';
import type { VectorSet } from './vector-set.js';

/** What can say that an item is unlike the others. */
export const OUTLIER_METHODS = ['distance', 'density', 'reconstruction'] as const;
export type OutlierMethod = (typeof OUTLIER_METHODS)[number];

/** Options of {@link findOutliers}. */
export interface FindOutliersOptions extends OutlierOptions {
  /**
   * - `distance`: the mean distance to the `k` nearest neighbours: what is far from everything.
   * - `density`: the local outlier factor: what lies apart from a crowd of its own kind, however near.
   * - `reconstruction`: how badly an autoencoder draws the picture: what its training images did not prepare it for.
   *
   * @default 'distance'
   */
  method?: OutlierMethod | undefined;
  /** The autoencoder of `reconstruction`. @default the bundled mini-autoencoder; one trained on these images says more */
  autoencoder?: string | undefined;
  autoencoderOptions?: AutoencoderOptions | undefined;
  /** Told of images that cannot be read; they have no score. */
  onFailure?: ((failure: ItemFailure) => void) | undefined;
}

/** An item and how unlike the others it is. */
export interface Outlier {
  id: string;
  row: number;
  /** Larger is less like the others; what it is depends on the method. */
  score: number;
  /** Whether the score is out of the ordinary. */
  outlier: boolean;
  /** The nearest other item, and the Euclidean distance of both at unit length, 0..2; not by reconstruction. */
  nearest?: { id: string; distance: number };
}

export interface OutlierReport {
  method: OutlierMethod;
  /** Scores above it are out of the ordinary: 3.5 robust standard deviations from the median, of the logarithms. */
  bound: number;
  /** All items that have a score, the least like the others first. */
  items: Outlier[];
}

/**
 * Scores every item by how unlike the others it is.
 * @throws UsageError when there are fewer than three items; ModelError when the autoencoder is none.
 */
export async function findOutliers(
  set: VectorSet,
  options: FindOutliersOptions = {},
): Promise<OutlierReport> {
  const { method = 'distance' } = options;
  if (set.count < 3)
    throw new UsageError(`${set.source}: expected at least 3 items but there are ${set.count}`);
  let scores: Float64Array;
  let nearest: ((row: number) => Outlier['nearest']) | undefined;
  switch (method) {
    case 'distance':
    case 'density': {
      const found = await neighbourDistances(set, options);
      const { k, indices, distances } = found;
      scores = method === 'distance' ? meanDistance(found) : localOutlierFactor(found);
      nearest = (row) => ({ id: set.ids[indices[row * k]!]!, distance: distances[row * k]! });
      break;
    }
    case 'reconstruction':
      scores = await reconstructionErrors(set, options);
      break;
    default:
      throw new UsageError(
        `method: expected one of ${OUTLIER_METHODS.join(', ')} but received ${method satisfies never}`,
      );
  }
  const known = scores.filter((score) => !Number.isNaN(score));
  const bound = outlierBound(known);
  const items = set.ids
    .map((id, row): Outlier => {
      const score = scores[row]!;
      return { id, row, score, outlier: score > bound, ...(nearest && { nearest: nearest(row) }) };
    })
    .filter(({ score }) => !Number.isNaN(score))
    .sort((a, b) => b.score - a.score || a.row - b.row);
  return { method, bound, items };
}

/** The mean squared error of each picture, 0..1; NaN for one that cannot be read. */
async function reconstructionErrors(
  set: VectorSet,
  { autoencoder, autoencoderOptions, onFailure, onProgress, signal }: FindOutliersOptions,
): Promise<Float64Array> {
  const errors = new Float64Array(set.count).fill(Number.NaN);
  await using network = await loadAutoencoder(autoencoder, autoencoderOptions);
  const files = set.ids.map((_, row) => set.file(row));
  for await (const result of network.reconstruct(files, { signal })) {
    if ('failure' in result) onFailure?.(result.failure);
    else errors[result.index] = result.mse;
    onProgress?.(result.index + 1, set.count);
  }
  if (errors.every((error) => Number.isNaN(error)))
    throw new UsageError(`${set.source}: none of its pictures can be read, and reconstruction needs them`, {
      hint: 'run it where the images lie, or take --method distance',
    });
  return errors;
}

/** An item and how much it has of its own. */
export interface Unique {
  id: string;
  row: number;
  /** The share of the items that are less unique, 0..1. */
  uniqueness: number;
  /** The distance to its three nearest neighbours, the nearest counting most: 0.6, 0.3, 0.1. */
  distance: number;
  nearest: string;
}

/**
 * How much each item adds to the collection: 0 for what has three copies, near 1 for what has no like. The most unique first.
 * @throws UsageError when there are fewer than two items.
 */
export async function uniqueness(set: VectorSet, options: OutlierOptions = {}): Promise<Unique[]> {
  if (set.count < 2)
    throw new UsageError(`${set.source}: expected at least two items but found ${set.count}`);
  const weights = [0.6, 0.3, 0.1].slice(0, Math.max(1, set.count - 1));
  const whole = weights.reduce((a, b) => a + b, 0);
  const { k, indices, distances } = await neighbourDistances(set, { ...options, k: weights.length });
  const own = set.ids.map((_, row) =>
    weights.reduce((sum, w, j) => sum + (w / whole) * distances[row * k + j]!, 0),
  );
  const sorted = Float64Array.from(own).sort();
  const below = new Map<number, number>();
  sorted.forEach((distance, i) => {
    if (!below.has(distance)) below.set(distance, i / Math.max(1, set.count - 1));
  });
  return set.ids
    .map((id, row) => ({
      id,
      row,
      uniqueness: below.get(own[row]!)!,
      distance: own[row]!,
      nearest: set.ids[indices[row * k]!]!,
    }))
    .sort((a, b) => b.distance - a.distance || a.row - b.row);
}
