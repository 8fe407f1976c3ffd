/** @file A set as a map: every item a point of the plane, clusters, and how faithful it is. */
import { UsageError } from '../errors.js';
import { kMeans } from '../vectors/cluster/kmeans.js';
import { type MapQuality, mapQuality } from '../vectors/metrics/map.js';
import { along, componentsOf } from './reduce.js';
import type { VectorSet } from './vector-set.js';

/** The ways to a map. */
export const MAP_METHODS = ['umap', 'tsne', 'pca'] as const;
export type MapMethod = (typeof MAP_METHODS)[number];

/** Options of {@link mapSet}. */
export interface MapOptions {
  /** `umap` keeps neighbourhoods and some of the whole, `tsne` neighbourhoods, `pca` large distances. @default 'umap' */
  method?: MapMethod | undefined;
  /** For `umap`: neighbours of each item that the map keeps near. @default 15, or all others if fewer */
  neighbours?: number | undefined;
  /** For `umap`: how near to each other points may lie, 0..1. @default 0.1 */
  minDistance?: number | undefined;
  /** Clusters by k-means, among the vectors and not on the map. @default some, by the number of items, at most 10 */
  clusters?: number | undefined;
  /** @default 0 */
  seed?: number | undefined;
  onProgress?: ((done: number, total: number) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/** A map of a set, in the order of its items. */
export interface SetMap {
  method: MapMethod;
  /** What it was made with, as text: `15 neighbours`. */
  settings: string;
  x: Float32Array;
  y: Float32Array;
  quality: MapQuality;
  /** The cluster of each item, and their means: `[clusters × dimension]`. */
  clusters: { assignments: Int32Array; centroids: Float32Array; count: number };
  /** For `pca`: the shares of the variance along x and y, 0..1. */
  shares?: number[];
  /** How long the points took. */
  seconds: number;
}

/** Fewer items are no map. */
const LEAST = 4;
/** Clusters by themselves: as many as have colours of their own. */
const MOST_CLUSTERS = 10;

/**
 * Maps a set to the plane. Vectors are compared by cosine.
 * @throws UsageError when there are fewer than four items, or options do not fit; the reason of `signal`.
 */
export async function mapSet(set: VectorSet, options: MapOptions = {}): Promise<SetMap> {
  const { method = 'umap', seed = 0, signal, onProgress, minDistance } = options;
  const { count } = set;
  if (count < LEAST)
    throw new UsageError(`map: expected at least ${LEAST} items but there are ${count}`, {
      hint: 'a contact sheet shows a few images better: "afterimage similar --sheet"',
    });
  if (method !== 'umap' && (options.neighbours ?? minDistance) !== undefined)
    throw new UsageError(`map: neighbours and minDistance belong to umap, and the method is ${method}`);
  const clusters =
    options.clusters ?? Math.max(2, Math.min(MOST_CLUSTERS, Math.round(Math.sqrt(count) / 5), count - 1));
  if (!Number.isInteger(clusters) || clusters < 1 || clusters > count)
    throw new UsageError(`clusters: expected a whole number from 1 to ${count} but received ${clusters}`);
  const neighbours = options.neighbours ?? Math.min(15, count - 1);
  const unit = set.unit();
  const start = performance.now();
  let points: Float32Array;
  let shares: number[] | undefined;
  let settings = '';
  switch (method) {
    case 'umap': {
      const { umap } = await import('../vectors/reduce/umap.js');
      points = await umap(unit, { neighbours, minDistance, seed, onProgress, signal });
      settings = `${neighbours} neighbours${minDistance === undefined ? '' : `, least distance ${minDistance}`}`;
      break;
    }
    case 'tsne': {
      const { tsne } = await import('../vectors/reduce/tsne.js');
      points = await tsne(unit, { seed, onProgress, signal });
      break;
    }
    case 'pca': {
      const pca = await componentsOf(unit, Math.min(2, set.dimension), seed);
      points = await along(unit, { ...pca, whiten: false });
      shares = pca.shares;
      break;
    }
    default:
      throw new UsageError(
        `method: expected one of ${MAP_METHODS.join(', ')} but received ${method satisfies never}`,
      );
  }
  const seconds = (performance.now() - start) / 1000;
  signal?.throwIfAborted();
  const width = points.length / count; // vectors of one number lie on a line
  const axis = (k: number) =>
    Float32Array.from({ length: count }, (_, i) => (k < width ? points[i * width + k]! : 0));
  const grouped = await kMeans(unit, { clusters, seed, restarts: 3, signal });
  signal?.throwIfAborted();
  const quality = await mapQuality(unit, points, width, { seed });
  return {
    method,
    settings,
    x: axis(0),
    y: axis(1),
    quality,
    clusters: { assignments: grouped.assignments, centroids: grouped.centroids, count: clusters },
    ...(shares && { shares }),
    seconds,
  };
}

/**
 * Keeps a map in the collection, as the columns `projection_x` and `projection_y`: `afterimage export` writes them under the
 * names that embedding-atlas expects.
 * @throws UsageError when the set is no collection.
 */
export async function saveMap(set: VectorSet, { x, y }: Pick<SetMap, 'x' | 'y'>): Promise<void> {
  await set.save([
    { name: 'projection_x', type: 'number', cells: Array.from(x) },
    { name: 'projection_y', type: 'number', cells: Array.from(y) },
  ]);
}
