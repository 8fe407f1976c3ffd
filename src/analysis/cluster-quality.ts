/** @file How good clusters are: by their shape, and by how they agree with labels. */
import type { SessionOptions } from '../graph/index.js';
import { adjustedRandIndex, purity, type VMeasure, vMeasure } from '../vectors/metrics/clustering.js';
import { calinskiHarabasz, daviesBouldin } from '../vectors/metrics/clustering-shape.js';
import {
  adjustedMutualInformation,
  normalizedMutualInformation,
} from '../vectors/metrics/mutual-information.js';
import { silhouette } from '../vectors/metrics/silhouette.js';
import type { Vectors } from '../vectors/vectors.js';
import type { Labels } from './targets.js';

/** Scores that need no labels, over the items that are in a cluster, at unit length. */
export interface ClusterQuality {
  /** By cosine, −1..1; the more the better. */
  silhouette: number;
  /** At least 0; the less the better. */
  daviesBouldin: number;
  /** At least 0; the more the better. */
  calinskiHarabasz: number;
}

/** How clusters agree with labels, over the items that have one; noise counts as one more cluster. */
export interface Agreement extends VMeasure {
  column: string;
  /** Classes of the column. */
  classes: number;
  /** Items that have a label. */
  items: number;
  /** Adjusted Rand index, −0.5..1. */
  ari: number;
  /** Normalised mutual information, 0..1. */
  nmi: number;
  /** The same less what chance gives, up to 1. */
  ami: number;
  /** The share of items that have the most frequent label of their cluster. */
  purity: number;
}

/** @returns undefined where there is nothing to compare: one cluster, or each item its own */
export async function qualityOf(
  unit: Vectors,
  assignments: Int32Array,
  clusters: number,
  options: { seed?: number | undefined; session?: SessionOptions | undefined },
): Promise<{ quality: ClusterQuality; clusters: Map<number, number> } | undefined> {
  const members = assignments.reduce((n, c) => n + (c < 0 ? 0 : 1), 0);
  if (clusters < 2 || clusters >= members) return undefined;
  const found = await silhouette(unit, assignments, { distance: 'cosine', ...options });
  return {
    clusters: found.clusters,
    quality: {
      silhouette: found.mean,
      daviesBouldin: daviesBouldin(unit, assignments),
      calinskiHarabasz: calinskiHarabasz(unit, assignments),
    },
  };
}

/** The scores, and for each cluster its most frequent label with its share. */
export function agreementOf(
  assignments: Int32Array,
  { column, names, labels }: Labels,
): { agreement: Agreement; clusters: ({ name: string; share: number } | null)[] } {
  const rows = Array.from(labels.keys()).filter((row) => labels[row]! >= 0);
  const [own, theirs] = [rows.map((row) => assignments[row]!), rows.map((row) => labels[row]!)];
  const counts = new Map<number, Map<number, number>>();
  for (const [i, cluster] of own.entries()) {
    const row = counts.get(cluster) ?? new Map<number, number>();
    counts.set(cluster, row.set(theirs[i]!, (row.get(theirs[i]!) ?? 0) + 1));
  }
  const clusters = Array.from({ length: Math.max(-1, ...counts.keys()) + 1 }, (_, id) => {
    const sorted = [...(counts.get(id) ?? [])].sort((a, b) => b[1] - a[1]);
    const total = sorted.reduce((sum, [, n]) => sum + n, 0);
    return sorted[0] ? { name: names[sorted[0][0]]!, share: sorted[0][1] / total } : null;
  });
  const agreement = {
    column,
    classes: names.length,
    items: rows.length,
    ari: adjustedRandIndex(own, theirs),
    nmi: normalizedMutualInformation(own, theirs),
    ami: adjustedMutualInformation(own, theirs),
    purity: purity(own, theirs),
    ...vMeasure(own, theirs),
  };
  return { agreement, clusters };
}
