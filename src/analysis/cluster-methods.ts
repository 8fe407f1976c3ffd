/** @file Which items belong together, by the method that was asked for. */
import { UsageError } from '../errors.js';
import { agglomerative, cutTree } from '../vectors/cluster/agglomerative.js';
import { chooseK, type KChoice } from '../vectors/cluster/choose-k.js';
import { hdbscan } from '../vectors/cluster/hdbscan.js';
import { kMeans } from '../vectors/cluster/kmeans.js';
import type { Vectors } from '../vectors/vectors.js';
import type { ClusterMethod, ClusterOptions } from './cluster.js';
import { reduceSet } from './reduce.js';
import type { VectorSet } from './vector-set.js';

/** Numbers per vector that density is measured in, where nothing else is said: in hundreds of them all is equally sparse. */
const FEW = 10;
/** Components that are kept, where nothing else is said. */
const COMPONENTS = 50;
/** Up to so many items more starts of k-means cost little. */
const FEW_ITEMS = 20_000;

interface Found {
  assignments: Int32Array;
  choice: KChoice | null;
}

/**
 * The cluster of each item; −1 for noise.
 * @param unit the set's vectors at unit length
 * @throws UsageError for options that the method does not have.
 */
export async function findClusters(
  set: VectorSet,
  unit: Vectors,
  method: ClusterMethod,
  options: ClusterOptions,
): Promise<Found> {
  refuseOthers(method, options);
  const { clusters = 'auto', seed, session, signal, onProgress } = options;
  const { vectors, spherical } = await prepared(set, unit, method, options);
  const say = (what: string) => (done: number, total: number) => onProgress?.(what, done, total);
  if (method === 'hdbscan') {
    const { minClusterSize = Math.min(set.count, Math.max(5, Math.round(set.count / 200))), minSamples = 5 } =
      options;
    const onJoined = say('joining');
    const { assignments } = await hdbscan(vectors, {
      minClusterSize,
      minSamples: Math.min(minSamples, set.count),
      session,
      signal,
      onProgress: onJoined,
    });
    return { assignments, choice: null };
  }
  const { distance } = options;
  let choice: KChoice | null = null;
  if (clusters === 'auto' && distance === undefined) {
    const onTried = say('numbers of clusters');
    choice = await chooseK(vectors, { spherical, seed, session, signal, onProgress: onTried });
  } else if (clusters !== 'auto' && !(Number.isInteger(clusters) && clusters >= 1 && clusters <= set.count))
    throw new UsageError(
      `clusters: expected "auto" or a whole number from 1 to ${set.count} but received ${clusters}`,
      { hint: `${set.source} has ${set.count} vectors` },
    );
  const k = choice?.clusters ?? (clusters as number);
  if (method === 'kmeans') {
    const restarts = set.count <= FEW_ITEMS ? 10 : undefined;
    const { assignments } = await kMeans(vectors, {
      clusters: k,
      spherical,
      seed,
      session,
      restarts,
      signal,
    });
    return { assignments, choice };
  }
  const { linkage = 'ward' } = options;
  const tree = await agglomerative(vectors, {
    linkage,
    distance: spherical ? 'cosine' : 'euclidean',
    session,
  });
  return { assignments: cutTree(tree, distance === undefined ? { clusters: k } : { distance }), choice };
}

function refuseOthers(method: ClusterMethod, options: ClusterOptions): void {
  const belongs: Partial<Record<keyof ClusterOptions, readonly ClusterMethod[]>> = {
    clusters: ['kmeans', 'agglomerative'],
    distance: ['agglomerative'],
    linkage: ['agglomerative'],
    minClusterSize: ['hdbscan'],
    minSamples: ['hdbscan'],
  };
  for (const [name, methods] of Object.entries(belongs))
    if (options[name as keyof ClusterOptions] !== undefined && !methods.includes(method))
      throw new UsageError(`${name} is for ${methods.join(' and ')}, and not for ${method}`, {
        hint:
          method === 'hdbscan'
            ? 'it finds as many clusters as there are; minClusterSize steers it'
            : undefined,
      });
  if (options.distance !== undefined && options.clusters !== undefined)
    throw new UsageError('clusters and distance both say where to stop: expected one of them');
}

/** The vectors to cluster, and whether their directions are what counts. */
async function prepared(
  set: VectorSet,
  unit: Vectors,
  method: ClusterMethod,
  { reduce, seed, signal, onProgress }: ClusterOptions,
): Promise<{ vectors: Vectors; spherical: boolean }> {
  const few = reduce ?? (method === 'hdbscan' && set.dimension > FEW && set.count > 50 ? 'umap' : 'none');
  if (few === 'none') return { vectors: unit, spherical: true };
  const chosen = few === 'umap' ? ({ method: 'umap', dimensions: FEW } as const) : few;
  const onReduced = (done: number, total: number) => onProgress?.('reducing', done, total);
  const most = Math.min(set.dimension, set.count - 1);
  const { method: how, dimensions = Math.min(how === 'pca' ? COMPONENTS : FEW, most) } = chosen;
  const { data, dimension } = await reduceSet(set, {
    method: how,
    dimensions,
    seed,
    signal,
    onProgress: onReduced,
  });
  return { vectors: { data, dimension }, spherical: false };
}
