/**
 * @file k-means by small random batches (Sculley, WWW 2010): each centroid moves towards the mean of its vectors of a
 * batch, the less the more it has seen. For many vectors: a good clustering takes a few passes over them.
 */
import type { Random } from '../../random.js';
import { normalizeRows } from '../vectors.js';
import type { Clustering } from './kmeans.js';
import { inertiaOf, type LloydOptions } from './lloyd.js';
import { type Points, squareBetween } from './points.js';

/** Batches without a better mean distance after which it ends. */
const PATIENCE = 10;
/** A centroid that has seen less than this share of the mean is put elsewhere. */
const RARE = 0.01;

export interface MiniBatchOptions extends Omit<LloydOptions, 'members' | 'tolerance'> {
  /** Vectors in a batch. */
  batch: number;
}

/** @param options `maxIterations` counts passes over all vectors */
export async function miniBatch(
  points: Points,
  start: Float32Array,
  random: Random,
  options: MiniBatchOptions,
): Promise<Clustering> {
  const { batch, maxIterations, spherical } = options;
  const { vectors, count } = points;
  const { data, dimension } = vectors;
  const clusters = start.length / dimension;
  const centroids = start.slice();
  const seen = new Float64Array(clusters);
  const rows = new Int32Array(batch);
  const weight = Math.min(1, (2 * batch) / (count + 1));
  let [smooth, best, without, since] = [Number.NaN, Number.POSITIVE_INFINITY, 0, 0];
  const steps = Math.ceil((maxIterations * count) / batch);
  let step = 0;
  for (; step < steps && without < PATIENCE; step++) {
    const block = new Float32Array(batch * dimension);
    for (let i = 0; i < batch; i++) {
      const row = random.integer(count);
      rows[i] = row;
      block.set(data.subarray(row * dimension, (row + 1) * dimension), i * dimension);
    }
    const nearest = await points.nearest(block, centroids);
    let inertia = 0;
    for (let i = 0; i < batch; i++)
      inertia += squareBetween(data, rows[i]!, centroids, nearest[i]!, dimension);
    for (let i = 0; i < batch; i++) {
      const rate = 1 / ++seen[nearest[i]!]!;
      for (let d = 0, x = rows[i]! * dimension, c = nearest[i]! * dimension; d < dimension; d++, x++, c++)
        centroids[c]! += rate * (data[x]! - centroids[c]!);
    }
    since += batch;
    if (since >= 10 * clusters && step * batch < count) {
      since = 0;
      replaceRare(centroids, seen, rows, random, vectors.data, dimension);
    }
    if (spherical) normalizeRows(centroids, dimension);
    smooth = Number.isNaN(smooth) ? inertia : smooth * (1 - weight) + inertia * weight;
    without = smooth < best ? 0 : without + 1;
    best = Math.min(best, smooth);
  }
  const assignments = new Int32Array(count);
  await points.assign(centroids, (first, nearest) => assignments.set(nearest, first));
  return { assignments, centroids, inertia: inertiaOf(vectors, assignments, centroids), iterations: step };
}

/** Puts centroids that hardly any vector is near at vectors of the batch, and lets them move as freely as the rarest. */
function replaceRare(
  centroids: Float32Array,
  seen: Float64Array,
  rows: Int32Array,
  random: Random,
  data: Float32Array,
  dimension: number,
): void {
  const least = (RARE * seen.reduce((a, b) => a + b, 0)) / seen.length;
  const kept = seen.filter((n) => n >= least);
  const rarest = kept.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  for (let c = 0; c < seen.length; c++) {
    if (seen[c]! >= least) continue;
    const row = rows[random.integer(rows.length)]!;
    centroids.set(data.subarray(row * dimension, (row + 1) * dimension), c * dimension);
    seen[c] = rarest;
  }
}
