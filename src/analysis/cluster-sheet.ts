/** @file Clusters as a page, and as columns. */
import { type ClusterTiles, writeClusterSheet } from '../pages/cluster-sheet.js';
import { count, plural } from '../units.js';
import type { Cluster, ClusterReport } from './cluster.js';
import type { FilledColumn, VectorSet } from './vector-set.js';

/** Items that are shown as hardly fitting. */
const ODD = 6;

/** A cluster's name, or its number. */
export const clusterTitle = ({ id, name }: Pick<Cluster, 'id' | 'name'>): string =>
  name?.text ?? `cluster ${id}`;

/** Writes a page with all clusters, one file with thumbnails inside. @throws UsageError when it cannot be written */
export async function writeClusters(file: string, set: VectorSet, report: ClusterReport): Promise<void> {
  const tile = (row: number) => ({
    file: set.file(row),
    caption: `${set.ids[row]}\n${(1 - report.distances[row]!).toFixed(3)} to the centre`,
  });
  const clusters = report.clusters.map((cluster): ClusterTiles => {
    const shown = new Set(cluster.representatives);
    const odd = Array.from(cluster.rows)
      .reverse()
      .filter((row) => !shown.has(row));
    return {
      title: clusterTitle(cluster),
      size: cluster.rows.length,
      figures: figuresOf(cluster),
      representatives: cluster.representatives.map(tile),
      leastTypical: odd.slice(0, ODD).map(tile),
    };
  });
  const found = plural(clusters.length, 'cluster');
  await writeClusterSheet(file, {
    title: `${found} of ${plural(set.count, 'image')}`,
    subtitle: `${set.source} · ${set.identity?.model ?? 'unknown model'} · ${report.method}`,
    notes: notesOf(report),
    clusters,
  });
}

function figuresOf({ cohesion, silhouette, label, outliers }: Cluster): [string, string][] {
  return [
    ['cohesion', cohesion.toFixed(2)],
    ...(silhouette === null ? [] : [['silhouette', silhouette.toFixed(2)] as [string, string]]),
    ...(label ? [[label.name, `${Math.round(100 * label.share)} %`] as [string, string]] : []),
    ...(outliers.length > 0 ? [['out of the ordinary', count(outliers.length)] as [string, string]] : []),
  ];
}

/** What is to be said of all clusters, a sentence each. */
export function notesOf({ choice, quality, agreement, noise }: ClusterReport): string[] {
  const notes: string[] = [];
  if (choice) notes.push(`${choice.why}.`);
  if (noise > 0) notes.push(`${plural(noise, 'item')} in no cluster (noise).`);
  if (quality)
    notes.push(
      `Silhouette ${quality.silhouette.toFixed(3)}, Davies–Bouldin ${quality.daviesBouldin.toFixed(2)}, ` +
        `Calinski–Harabasz ${quality.calinskiHarabasz.toFixed(0)}.`,
    );
  if (agreement)
    notes.push(
      `Beside the ${agreement.classes} classes of the column ${agreement.column}: ARI ${agreement.ari.toFixed(3)}, ` +
        `NMI ${agreement.nmi.toFixed(3)}, AMI ${agreement.ami.toFixed(3)}, purity ${agreement.purity.toFixed(3)}.`,
    );
  return notes;
}

/**
 * The columns to keep: `name` with each item's cluster (its name, or `cluster 3`), `name_id` with its number, `name_distance`
 * with 1 − cosine to its centre; empty for noise.
 */
export function clusterColumns(report: ClusterReport, name: string): FilledColumn[] {
  const of = <T>(cell: (cluster: Cluster, row: number) => T) =>
    Array.from(report.assignments, (id, row) => (id < 0 ? null : cell(report.clusters[id]!, row)));
  return [
    { name, type: 'text', cells: of(clusterTitle) },
    { name: `${name}_id`, type: 'integer', cells: of(({ id }) => id) },
    { name: `${name}_distance`, type: 'number', cells: of((_, row) => report.distances[row]!) },
  ];
}
