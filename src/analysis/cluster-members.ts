/** @file What a cluster is made of: its centre, how closely its items lie about it, those that stand for it, those that hardly fit. */
import { outlierBound } from '../vectors/outliers.js';
import type { Vectors } from '../vectors/vectors.js';

/** The items of one cluster. Rows are positions in the set. */
export interface ClusterMembers {
  /** The direction of the mean, of unit length. */
  centre: Float32Array;
  /** All items, the nearest to the centre first. */
  rows: Int32Array;
  /** The mean cosine of the items to the centre, −1..1: 1 where all are equal. */
  cohesion: number;
  /** The medoid, which is the item nearest to all others by cosine, then items that show the spread around it. */
  representatives: number[];
  /** Items that lie out of the ordinary for this cluster (3.5 robust standard deviations), the farthest first. */
  outliers: number[];
}

/** The share of a cluster, the nearest to its centre, that representatives are taken from. */
const TYPICAL = 0.6;
/** Typical items that are looked at. */
const LOOKED_AT = 2000;

/**
 * @param unit vectors of unit length
 * @param rows the cluster's items, at least one
 * @param distances receives 1 − cosine to the centre for each of them
 * @param shown how many representatives
 */
export function membersOf(
  unit: Vectors,
  rows: Int32Array,
  distances: Float32Array,
  shown: number,
): ClusterMembers {
  const { dimension } = unit;
  const vector = (row: number) => unit.data.subarray(row * dimension, (row + 1) * dimension);
  const sum = new Float64Array(dimension);
  for (const row of rows) for (const [d, x] of vector(row).entries()) sum[d]! += x;
  const length = Math.hypot(...sum);
  const centre = Float32Array.from(sum, (x) => (length > 0 ? x / length : 0));
  for (const row of rows) distances[row] = 1 - dot(vector(row), centre);
  const sorted = rows.slice().sort((a, b) => distances[a]! - distances[b]! || a - b);
  const own = sorted.length >= 5 ? outlierBound(Float32Array.from(sorted, (row) => distances[row]!)) : 2;
  const typical = sorted.subarray(0, Math.max(1, Math.ceil(TYPICAL * sorted.length)));
  return {
    centre,
    rows: sorted,
    cohesion: 1 - sorted.reduce((total, row) => total + distances[row]!, 0) / sorted.length,
    representatives: spread(thinned(typical), vector, shown),
    outliers: Array.from(sorted.filter((row) => distances[row]! > own)).reverse(),
  };
}

/** At most so many, from the first to the last. */
function thinned(rows: Int32Array): Int32Array {
  if (rows.length <= LOOKED_AT) return rows;
  return Int32Array.from({ length: LOOKED_AT }, (_, i) => rows[Math.floor((i * rows.length) / LOOKED_AT)]!);
}

/** The first, and then always the one that is farthest from those taken (Gonzalez, 1985); copies are not taken. */
function spread(rows: Int32Array, vector: (row: number) => Float32Array, most: number): number[] {
  const taken: number[] = [];
  const nearest = new Float64Array(rows.length).fill(Number.POSITIVE_INFINITY);
  let next = 0;
  while (taken.length < most) {
    const last = vector(rows[next]!);
    taken.push(rows[next]!);
    for (let i = 0; i < rows.length; i++) nearest[i] = Math.min(nearest[i]!, 1 - dot(vector(rows[i]!), last));
    next = nearest.reduce((best, x, i) => (x > nearest[best]! ? i : best), 0);
    if (nearest[next]! < 1e-6) break;
  }
  return taken;
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
