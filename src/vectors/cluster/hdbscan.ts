/**
 * @file Clusters of varying density, with noise: HDBSCAN (Campello, Moulavi & Sander, 2013; the tree as McInnes & Healy,
 * 2017, condense it, and as scikit-learn's `HDBSCAN`).
 *
 * Nothing is approximated. The minimum spanning tree of mutual reachability is grown by Borůvka's rounds, in which most
 * points know their nearest stranger from the graph of nearest neighbours; only those that cannot are compared with
 * all, block by block through the numeric engine.
 */
import { UsageError } from '../../errors.js';
import type { SessionOptions } from '../../graph/index.js';
import { countOf, type Vectors } from '../vectors.js';
import { spanningTree } from './hdbscan-spanning-tree.js';
import { condense, selectClusters } from './hdbscan-tree.js';

export interface HdbscanOptions {
  /** The fewest points that are a cluster. @default 5 */
  minClusterSize?: number | undefined;
  /** Neighbours, the point itself included, by which density is measured: larger calls more of them noise. @default minClusterSize */
  minSamples?: number | undefined;
  /**
   * `eom` takes the clusters that persist most, `leaf` the smallest ones of the tree, more and finer.
   * @default 'eom'
   */
  selection?: 'eom' | 'leaf' | undefined;
  /** Where the products are computed. */
  session?: SessionOptions | undefined;
  /** Told how many of the points are joined. */
  onProgress?: ((joined: number, count: number) => void) | undefined;
  /** Once aborted, the promise rejects with its reason. */
  signal?: AbortSignal | undefined;
}

export interface DensityClustering {
  /** The cluster of each point, from 0; −1 for noise. */
  assignments: Int32Array;
  /** How firmly each point belongs to its cluster, 0..1; 0 for noise. */
  probabilities: Float32Array;
  /** How many clusters there are; none where the points have no denser parts. */
  clusters: number;
  /** How long each cluster persists in the tree: larger is clearer. */
  stabilities: number[];
}

/**
 * Clusters points by density, by Euclidean distance (for unit vectors in the order of the cosine). Time grows with the
 * square of the number of points, memory linearly: 100,000 × 256 take some minutes.
 *
 * @throws UsageError when there are fewer points than `minClusterSize` or `minSamples`, or a number is out of range.
 */
export async function hdbscan(vectors: Vectors, options: HdbscanOptions = {}): Promise<DensityClustering> {
  const { minClusterSize = 5, selection = 'eom' } = options;
  const { minSamples = minClusterSize } = options;
  const count = countOf(vectors, 'hdbscan');
  for (const [name, value] of Object.entries({ minClusterSize, minSamples }))
    if (!Number.isInteger(value) || value < (name === 'minSamples' ? 1 : 2) || value > count)
      throw new UsageError(
        `${name}: expected a whole number from ${name === 'minSamples' ? 1 : 2} to ${count} but received ${value}`,
        { hint: `there are ${count} points` },
      );
  const edges = await spanningTree(vectors, minSamples, options);
  return selectClusters(condense(edges, count, minClusterSize), count, selection);
}
