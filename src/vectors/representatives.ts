/** @file A few vectors that stand for all. */
import { UsageError } from '../errors.js';
import { breathe } from './breathe.js';
import { kMeans } from './cluster/kmeans.js';
import { countOf, type Vectors } from './vectors.js';

/** The chosen, and whom each of them stands for. */
export interface Representatives {
  /** Positions of the chosen: medoids by the size of what they stand for, the core-set in the order of choosing. */
  chosen: Int32Array;
  /** For each vector, which of the chosen (0 .. their number − 1) stands for it. */
  owners: Int32Array;
  /** For each vector the Euclidean distance to it. */
  distances: Float64Array;
}

/** How the work is watched. */
export interface RepresentativeWork {
  /** Once aborted, the promise rejects with its reason. */
  signal?: AbortSignal | undefined;
}

function checkCount(count: number, wanted: number): void {
  if (Number.isInteger(wanted) && wanted >= 1 && wanted <= count) return;
  throw new UsageError(`representatives: expected a whole number from 1 to ${count} but received ${wanted}`, {
    hint: `there are ${count} items`,
  });
}

/**
 * The vectors in the middle of as many k-means clusters: each stands for about its share of all, so what is frequent is
 * shown and what is rare is not.
 */
export async function medoids(
  vectors: Vectors,
  wanted: number,
  { seed = 0, signal }: RepresentativeWork & { seed?: number | undefined } = {},
): Promise<Representatives> {
  const count = countOf(vectors, 'vectors');
  checkCount(count, wanted);
  const { assignments, centroids } = await kMeans(vectors, { clusters: wanted, seed, restarts: 1, signal });
  const best = new Float64Array(wanted).fill(Number.POSITIVE_INFINITY);
  const middle = new Int32Array(wanted).fill(-1);
  const sizes = new Int32Array(wanted);
  for (let i = 0; i < count; i++) {
    const cluster = assignments[i]!;
    sizes[cluster]!++;
    const distance = between(vectors.data, i, centroids, cluster, vectors.dimension);
    if (distance < best[cluster]!) [best[cluster], middle[cluster]] = [distance, i];
  }
  const order = Array.from({ length: wanted }, (_, c) => c)
    .filter((c) => sizes[c]! > 0) // copies can leave a cluster empty
    .sort((a, b) => sizes[b]! - sizes[a]! || a - b);
  const places = new Int32Array(wanted);
  order.forEach((cluster, place) => {
    places[cluster] = place;
  });
  const chosen = Int32Array.from(order, (cluster) => middle[cluster]!);
  const owners = assignments.map((cluster) => places[cluster]!);
  const distances = Float64Array.from(owners, (owner, i) =>
    between(vectors.data, i, vectors.data, chosen[owner]!, vectors.dimension),
  );
  return { chosen, owners, distances };
}

/**
 * The core-set: each next one is the vector that is farthest from those before, so that nothing is far from all of them.
 * The rare is shown as well as the frequent; the largest distance is at most twice the least possible (Gonzalez, 1985).
 *
 * @see Sener & Savarese 2018, Active learning for convolutional neural networks: a core-set approach
 */
export async function coreSet(
  vectors: Vectors,
  wanted: number,
  { signal }: RepresentativeWork = {},
): Promise<Representatives> {
  const { data, dimension } = vectors;
  const rest = breathe(signal);
  const count = countOf(vectors, 'vectors');
  checkCount(count, wanted);
  const mean = new Float32Array(dimension);
  for (let i = 0; i < data.length; i++) mean[i % dimension]! += data[i]! / count;
  let next = 0;
  for (let i = 0, least = Number.POSITIVE_INFINITY; i < count; i++) {
    const distance = between(data, i, mean, 0, dimension);
    if (distance < least) [least, next] = [distance, i]; // the first is the one in the middle
  }
  const chosen: number[] = [];
  const owners = new Int32Array(count);
  const distances = new Float64Array(count).fill(Number.POSITIVE_INFINITY);
  while (chosen.length < wanted) {
    const added = next;
    // Whoever is nearer to its own than half of what lies between that one and the new one cannot be nearer to the new.
    const half = Float64Array.from(chosen, (row) => between(data, row, data, added, dimension) / 2);
    chosen.push(added);
    let far = -1;
    for (let i = 0; i < count; i++) {
      if (i % BLOCK === 0) await rest();
      if (!(half[owners[i]!]! >= distances[i]!)) {
        const distance = between(data, i, data, added, dimension);
        if (distance < distances[i]!) [distances[i], owners[i]] = [distance, chosen.length - 1];
      }
      if (distances[i]! > far) [far, next] = [distances[i]!, i];
    }
    if (far === 0) break; // only copies of the chosen are left
  }
  return { chosen: Int32Array.from(chosen), owners, distances };
}

/** Vectors between two looks at the clock. */
const BLOCK = 4096;

function between(a: Float32Array, i: number, b: Float32Array, j: number, dimension: number): number {
  let square = 0;
  for (let d = 0, x = i * dimension, y = j * dimension; d < dimension; d++, x++, y++) {
    const difference = a[x]! - b[y]!;
    square += difference * difference;
  }
  return Math.sqrt(square);
}
