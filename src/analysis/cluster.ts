/** @file Clusters of a set: found by one of three methods, described, named, scored, and compared with labels. */
import { AfterimageError, UsageError } from '../errors.js';
import type { SessionOptions } from '../graph/index.js';
import type { Linkage } from '../vectors/cluster/agglomerative.js';
import type { KChoice } from '../vectors/cluster/choose-k.js';
import { meanVariance } from '../vectors/cluster/kmeans.js';
import { type ClusterMembers, membersOf } from './cluster-members.js';
import { findClusters } from './cluster-methods.js';
import { type ClusterName, type NameOptions, nameClusters } from './cluster-names.js';
import { type Agreement, agreementOf, type ClusterQuality, qualityOf } from './cluster-quality.js';
import { labelsOf } from './targets.js';
import type { VectorSet } from './vector-set.js';

export const CLUSTER_METHODS = ['kmeans', 'agglomerative', 'hdbscan'] as const;
export type ClusterMethod = (typeof CLUSTER_METHODS)[number];

/** Options of {@link clusterSet}. */
export interface ClusterOptions {
  /**
   * - `kmeans`: every item is in one of `clusters` clusters; by direction, that is by cosine.
   * - `agglomerative`: the nearest are merged, again and again; up to 20,000 items.
   * - `hdbscan`: dense parts of any shape, as many as there are; the rest is noise.
   *
   * @default 'kmeans'
   */
  method?: ClusterMethod | undefined;
  /** How many; `auto` compares several numbers of them. Not for `hdbscan`. @default 'auto' */
  clusters?: number | 'auto' | undefined;
  /** For `agglomerative`, instead of a number: the distance above which nothing is merged. */
  distance?: number | undefined;
  /** For `agglomerative`. @default 'ward' */
  linkage?: Linkage | undefined;
  /** For `hdbscan`: the fewest items that are a cluster. @default a two-hundredth of all, at least 5 */
  minClusterSize?: number | undefined;
  /** For `hdbscan`: how many neighbours say how dense it is. @default 5 */
  minSamples?: number | undefined;
  /** Fewer numbers first: components or UMAP, and how many. @default none; for `hdbscan` UMAP to 10 */
  reduce?: { method: 'pca' | 'umap'; dimensions?: number | undefined } | 'none' | undefined;
  /** A column to compare with. */
  label?: string | undefined;
  /** Names for the clusters; false for none. @default from the built-in words where the embedding has text */
  names?: NameOptions | false | undefined;
  /** Items that stand for each cluster. @default 12 */
  representatives?: number | undefined;
  /** @default 0 */
  seed?: number | undefined;
  /** Where the products are computed. */
  session?: SessionOptions | undefined;
  /** Told what is being done, and how much of it is. */
  onProgress?: ((what: string, done: number, total: number) => void) | undefined;
  /** Told why there are no names, and the like. */
  onWarning?: ((message: string) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/** One cluster. */
export interface Cluster extends ClusterMembers {
  /** From 0, the largest cluster first. */
  id: number;
  name: ClusterName | null;
  /** The mean silhouette by cosine, −1..1; null for a single cluster. */
  silhouette: number | null;
  /** With a column to compare with: its most frequent class here, and the share of that. */
  label: { name: string; share: number } | null;
}

/** What {@link clusterSet} finds. */
export interface ClusterReport {
  method: ClusterMethod;
  clusters: Cluster[];
  /** The cluster of each item; −1 for noise. */
  assignments: Int32Array;
  /** 1 − cosine to the centre of its cluster, 0..2; NaN for noise. */
  distances: Float32Array;
  /** Items in no cluster. */
  noise: number;
  /** Without labels; null for a single cluster. */
  quality: ClusterQuality | null;
  /** With a column to compare with. */
  agreement: Agreement | null;
  /** How the number of clusters was chosen, if it was. */
  choice: KChoice | null;
}

/**
 * Finds clusters and describes them.
 * @throws UsageError for options that do not fit, more clusters than items, vectors that are all equal, a column that is not there.
 */
export async function clusterSet(set: VectorSet, options: ClusterOptions = {}): Promise<ClusterReport> {
  const { method = 'kmeans', label, names, representatives = 12, session, seed = 0 } = options;
  if (!CLUSTER_METHODS.includes(method))
    throw new UsageError(`method: expected ${CLUSTER_METHODS.join(', ')} but received ${method}`);
  if (!Number.isInteger(representatives) || representatives < 1)
    throw new UsageError(
      `representatives: expected a whole number of at least 1 but received ${representatives}`,
    );
  const unit = set.unit();
  if (set.count < 2 || meanVariance(unit) * set.dimension < 1e-9)
    throw new UsageError(
      `${set.source}: ${set.count < 2 ? 'one vector alone has' : `all ${set.count} vectors are equal, and have`} no clusters`,
    );
  const labels = label === undefined ? undefined : await labelsOf(set, label);
  const found = await findClusters(set, unit, method, options);
  const { assignments, groups } = bySize(found.assignments);
  const distances = new Float32Array(set.count).fill(Number.NaN);
  const members = groups.map((rows) => membersOf(unit, rows, distances, representatives));
  const scored = await qualityOf(unit, assignments, groups.length, { seed, session });
  const named = await namesFor(set, members, names, options.onWarning);
  const compared = labels && agreementOf(assignments, labels);
  const clusters = members.map((one, id) => ({
    id,
    name: named[id] ?? null,
    ...one,
    silhouette: scored?.clusters.get(id) ?? null,
    label: compared?.clusters[id] ?? null,
  }));
  return {
    method,
    clusters,
    assignments,
    distances,
    noise: assignments.reduce((n, c) => n + (c < 0 ? 1 : 0), 0),
    quality: scored?.quality ?? null,
    agreement: compared?.agreement ?? null,
    choice: found.choice,
  };
}

/** Numbers clusters by their size, the largest first; and the items of each. */
function bySize(found: Int32Array): { assignments: Int32Array; groups: Int32Array[] } {
  const rows = new Map<number, number[]>();
  for (const [row, cluster] of found.entries())
    if (cluster >= 0) {
      const own = rows.get(cluster);
      if (own) own.push(row);
      else rows.set(cluster, [row]);
    }
  const groups = [...rows.values()].sort((a, b) => b.length - a.length || a[0]! - b[0]!);
  const assignments = new Int32Array(found.length).fill(-1);
  for (const [cluster, own] of groups.entries()) for (const row of own) assignments[row] = cluster;
  return { assignments, groups: groups.map((own) => Int32Array.from(own)) };
}

/** Names where they can be had; names that were asked for and cannot be had are an error. */
async function namesFor(
  set: VectorSet,
  members: readonly ClusterMembers[],
  options: NameOptions | false | undefined,
  onWarning: ((message: string) => void) | undefined,
): Promise<(ClusterName | null)[]> {
  if (options === false || members.length === 0) return [];
  try {
    if (options === undefined && !(await set.embedder()).hasText) return [];
    return await nameClusters(
      set,
      members.map(({ centre }) => centre),
      options,
    );
  } catch (error) {
    if (options !== undefined || !(error instanceof AfterimageError)) throw error;
    onWarning?.(`the clusters have no names: ${error.message}`);
    return [];
  }
}
