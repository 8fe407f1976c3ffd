/** @file Lloyd's iteration (1982): vectors go to the nearest centroid, centroids to the mean of their vectors, in turn. */
import { normalizeRows, type Vectors } from '../vectors.js';
import type { Clustering } from './kmeans.js';
import { type Points, squareBetween } from './points.js';

export interface LloydOptions {
  maxIterations: number;
  /** The squared movement of all centroids together below which it ends. */
  tolerance: number;
  /** Centroids are kept at unit length. */
  spherical: boolean;
  /** 1 for the vectors that move the centroids; the others are only assigned. @default all */
  members?: Uint8Array | undefined;
}

/** Assigns and averages in turn, until no assignment changes or the centroids hardly move. */
export async function lloyd(points: Points, start: Float32Array, options: LloydOptions): Promise<Clustering> {
  const { maxIterations, tolerance, spherical, members } = options;
  const { vectors, count } = points;
  const { data, dimension } = vectors;
  const clusters = start.length / dimension;
  const assignments = new Int32Array(count).fill(-1);
  const sizes = new Int32Array(clusters);
  const sums = new Float64Array(clusters * dimension);
  let centroids = start;
  let last = false;
  for (let iteration = 0; ; iteration++) {
    let changed = 0;
    await points.assign(centroids, (first, nearest) => {
      for (let i = 0, row = first; i < nearest.length; i++, row++) {
        const [from, to] = [assignments[row]!, nearest[i]!];
        if (from === to) continue;
        assignments[row] = to;
        if (members && !members[row]) continue;
        changed++;
        sizes[to]!++;
        if (from < 0) add(data, row, sums, to, dimension);
        else {
          sizes[from]!--;
          move(data, row, sums, from, to, dimension);
        }
      }
    });
    if (changed === 0 || last || iteration === maxIterations)
      return {
        assignments,
        centroids,
        inertia: inertiaOf(vectors, assignments, centroids),
        iterations: iteration,
      };
    const moved = means(vectors, { assignments, sizes, sums, centroids, members });
    if (spherical) normalizeRows(moved, dimension);
    last = shift(centroids, moved) <= tolerance;
    centroids = moved;
  }
}

/** Adds a vector to the sum of a cluster. */
function add(data: Float32Array, row: number, sums: Float64Array, to: number, dimension: number): void {
  for (let d = 0, i = row * dimension, t = to * dimension; d < dimension; d++, i++, t++) sums[t]! += data[i]!;
}

/** Takes a vector from the sum of a cluster to that of another. */
function move(
  data: Float32Array,
  row: number,
  sums: Float64Array,
  from: number,
  to: number,
  dimension: number,
): void {
  let [i, f, t] = [row * dimension, from * dimension, to * dimension];
  for (const end = i + dimension; i < end; i++, f++, t++) {
    sums[t]! += data[i]!;
    sums[f]! -= data[i]!;
  }
}

interface State {
  assignments: Int32Array;
  sizes: Int32Array;
  sums: Float64Array;
  centroids: Float32Array;
  members: Uint8Array | undefined;
}

/** The mean of each cluster; one that lost all its vectors takes the vector that is farthest from its centroid. */
function means(vectors: Vectors, { assignments, sizes, sums, centroids, members }: State): Float32Array {
  const { data, dimension } = vectors;
  const moved = new Float32Array(centroids.length);
  const taken = new Set<number>();
  let squares: Float64Array | undefined;
  for (let c = 0; c < sizes.length; c++) {
    const size = sizes[c]!;
    const end = (c + 1) * dimension;
    if (size > 0) for (let i = c * dimension; i < end; i++) moved[i] = sums[i]! / size;
    else {
      sums.fill(0, c * dimension, end);
      squares ??= squaresOf(vectors, assignments, centroids);
      let worst = -1;
      for (let row = 0; row < squares.length; row++)
        if (!taken.has(row) && (!members || members[row]) && (worst < 0 || squares[row]! > squares[worst]!))
          worst = row;
      taken.add(worst);
      moved.set(data.subarray(worst * dimension, (worst + 1) * dimension), c * dimension);
    }
  }
  return moved;
}

/** The squared distance of each vector from its centroid. */
function squaresOf(
  { data, dimension }: Vectors,
  assignments: Int32Array,
  centroids: Float32Array,
): Float64Array {
  return Float64Array.from(assignments, (c, row) => squareBetween(data, row, centroids, c, dimension));
}

/** The sum of squared distances from the centroids. */
export function inertiaOf(vectors: Vectors, assignments: Int32Array, centroids: Float32Array): number {
  const { data, dimension } = vectors;
  let sum = 0;
  for (let row = 0; row < assignments.length; row++)
    sum += squareBetween(data, row, centroids, assignments[row]!, dimension);
  return sum;
}

function shift(before: Float32Array, after: Float32Array): number {
  return squareBetween(before, 0, after, 0, before.length);
}
