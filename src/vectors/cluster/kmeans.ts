/**
 * @file Clusters by k-means (Lloyd, 1982), started by greedy k-means++; by small batches where there are many vectors.
 *
 * Assignments are one matrix product a block, computed by the numeric engine; means are sums in float64, which only
 * vectors that change their cluster touch. Restarts are kept by their inertia, so the result depends on the seed alone.
 */

import { UsageError } from '../../errors.js';
import type { SessionOptions } from '../../graph/index.js';
import { Random } from '../../random.js';
import { countOf, toUnit, type Vectors } from '../vectors.js';
import { lloyd } from './lloyd.js';
import { miniBatch } from './mini-batch.js';
import { PlusPlus } from './plus-plus.js';
import { Points } from './points.js';

export interface KMeansOptions {
  clusters: number;
  /** @default 0 */
  seed?: number | undefined;
  /** Independent starts, of which the one with the least inertia is kept. @default 3; 1 for small batches */
  restarts?: number | undefined;
  /** Of small batches, passes over all vectors. @default 100 */
  maxIterations?: number | undefined;
  /**
   * Ends when the centroids' squared movement, all together, is at most this share of the mean variance of a
   * coordinate, as scikit-learn's `tol`. @default 1e-4
   */
  tolerance?: number | undefined;
  /** By direction alone (Dhillon & Modha, 2001): vectors and centroids at unit length. @default false */
  spherical?: boolean | undefined;
  /** Small batches of so many vectors (true: 4096); false for all of them at once. @default true above 200,000 vectors */
  batch?: boolean | number | undefined;
  /** Starting centroids, `[clusters, D]`. @default k-means++ */
  start?: Float32Array | undefined;
  /** Where the products are computed. */
  session?: SessionOptions | undefined;
  /** Once aborted, the promise rejects with its reason. */
  signal?: AbortSignal | undefined;
}

export interface Clustering {
  /** The cluster of each vector. */
  assignments: Int32Array;
  /** [clusters, D]. */
  centroids: Float32Array;
  /** The sum of squared distances to the nearest centroid. */
  inertia: number;
  /** How often the centroids moved. */
  iterations: number;
}

/** Above so many vectors small batches take over. */
const MANY = 200_000;
const BATCH = 4096;

/** @throws UsageError when there are fewer vectors than clusters, or a number is not finite. */
export async function kMeans(vectors: Vectors, options: KMeansOptions): Promise<Clustering> {
  const { clusters, seed = 0, maxIterations = 100, spherical = false } = options;
  const count = countOf(vectors, 'k-means');
  if (!Number.isInteger(clusters) || clusters < 1 || clusters > count)
    throw new UsageError(`clusters: expected a whole number from 1 to ${count} but received ${clusters}`);
  const batch = batchOf(options.batch ?? count > MANY);
  const restarts = options.start ? 1 : (options.restarts ?? (batch > 0 ? 1 : 3));
  for (const [name, value] of Object.entries({ restarts, maxIterations }))
    if (!Number.isInteger(value) || value < 1)
      throw new UsageError(`${name}: expected a whole number of at least 1 but received ${value}`);
  const own = spherical ? atUnitLength(vectors) : vectors;
  const tolerance = (options.tolerance ?? 1e-4) * meanVariance(own);
  const first = options.start?.slice();
  if (first && (first.length !== clusters * own.dimension || !first.every(Number.isFinite)))
    throw new UsageError(
      `start: expected ${clusters} vectors of ${own.dimension} finite numbers but received ${first.length} numbers`,
    );
  const points = await Points.open(own, options.session, options.signal);
  let starts: PlusPlus | undefined;
  try {
    if (!first)
      starts = await PlusPlus.open(own, clusters, new Random(seed, 'k-means sample'), options.session);
    let best: Clustering | undefined;
    for (let restart = 0; restart < restarts; restart++) {
      options.signal?.throwIfAborted();
      const random = new Random(seed, 'k-means', restart);
      const start = first ?? (await starts!.draw(clusters, random));
      const found =
        batch > 0
          ? await miniBatch(points, start, random, { batch, maxIterations, spherical })
          : await lloyd(points, start, { maxIterations, tolerance, spherical });
      if (!best || found.inertia < best.inertia) best = found;
    }
    return best!;
  } finally {
    await Promise.all([points.close(), starts?.close()]);
  }
}

function batchOf(batch: boolean | number): number {
  if (typeof batch === 'boolean') return batch ? BATCH : 0;
  if (Number.isInteger(batch) && batch >= 1) return batch;
  throw new UsageError(`batch: expected a whole number of at least 1 but received ${batch}`);
}

/** The vectors themselves where they have unit length. */
export function atUnitLength(vectors: Vectors): Vectors {
  const { data, dimension } = vectors;
  for (let from = 0; from < data.length; from += dimension) {
    let square = 0;
    for (let i = from; i < from + dimension; i++) square += data[i]! * data[i]!;
    if (Math.abs(square - 1) > 1e-5) return toUnit(vectors);
  }
  return vectors;
}

/** The mean variance of a coordinate, from at most some thousand vectors that are spread over all. */
export function meanVariance({ data, dimension }: Vectors): number {
  const count = data.length / dimension;
  const step = Math.max(1, Math.floor(count / 4096));
  const [sums, squares] = [new Float64Array(dimension), new Float64Array(dimension)];
  let rows = 0;
  for (let row = 0; row < count; row += step, rows++)
    for (let d = 0, i = row * dimension; d < dimension; d++, i++) {
      sums[d]! += data[i]!;
      squares[d]! += data[i]! * data[i]!;
    }
  let variance = 0;
  for (let d = 0; d < dimension; d++) variance += squares[d]! / rows - (sums[d]! / rows) ** 2;
  return Math.max(0, variance) / dimension;
}
