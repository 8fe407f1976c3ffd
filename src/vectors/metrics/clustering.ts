/**
 * @file How well clusters agree with labels, as scikit-learn's scores of the same names. All of them take any numbers as
 * names of the parts and are the same whatever the parts are called.
 */
import { contingency, entropy, mutualInformation } from './mutual-information.js';

/**
 * The adjusted Rand index (Hubert & Arabie, 1985): pairs of items that both partitions treat alike, less what chance
 * would give. 1 where they agree, about 0 for unrelated ones, at least −0.5.
 * @throws UsageError when the lengths differ.
 */
export function adjustedRandIndex(x: ArrayLike<number>, y: ArrayLike<number>): number {
  const { a, b, cells, total } = contingency(x, y);
  const sum = (sizes: readonly number[]) => sizes.reduce((s, n) => s + n * n, 0);
  const both = sum(cells.map(({ n }) => n));
  const [inX, inY] = [sum(a), sum(b)];
  const together = both - total;
  const onlyX = inX - both;
  const onlyY = inY - both;
  const apart = total * total - inX - inY + both;
  if (onlyX === 0 && onlyY === 0) return 1;
  return (
    (2 * (together * apart - onlyX * onlyY)) /
    ((together + onlyX) * (onlyX + apart) + (together + onlyY) * (onlyY + apart))
  );
}

/**
 * The share of items whose label is the most frequent one of their cluster, in 0..1. It grows with the number of
 * clusters, and is 1 when each item is its own.
 * @throws UsageError when the lengths differ.
 */
export function purity(clusters: ArrayLike<number>, labels: ArrayLike<number>): number {
  const { cells, total } = contingency(clusters, labels);
  const most = new Map<number, number>();
  for (const { i, n } of cells) most.set(i, Math.max(most.get(i) ?? 0, n));
  return total === 0 ? 1 : [...most.values()].reduce((s, n) => s + n, 0) / total;
}

/** See {@link vMeasure}. */
export interface VMeasure {
  /** 1 when each cluster holds one label alone. */
  homogeneity: number;
  /** 1 when each label lies in one cluster alone. */
  completeness: number;
  /** The harmonic mean of both. */
  v: number;
}

/** Homogeneity, completeness and their mean (Rosenberg & Hirschberg, 2007), in 0..1. @throws UsageError when the lengths differ. */
export function vMeasure(clusters: ArrayLike<number>, labels: ArrayLike<number>): VMeasure {
  const table = contingency(clusters, labels);
  const shared = mutualInformation(table);
  const [ofClusters, ofLabels] = [entropy(table.a, table.total), entropy(table.b, table.total)];
  const homogeneity = ofLabels === 0 ? 1 : shared / ofLabels;
  const completeness = ofClusters === 0 ? 1 : shared / ofClusters;
  const v =
    homogeneity + completeness === 0 ? 0 : (2 * homogeneity * completeness) / (homogeneity + completeness);
  return { homogeneity, completeness, v };
}
