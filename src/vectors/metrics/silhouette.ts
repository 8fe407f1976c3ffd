/**
 * @file Silhouettes (Rousseeuw, 1987): how much nearer an item is to its own cluster than to the next one. By Euclidean
 * distance every pair is compared, a block at a time through the numeric engine; by cosine the means of the clusters'
 * unit vectors say the same at once.
 */
import { UsageError } from '../../errors.js';
import { Graph, openSession, ops, type SessionOptions } from '../../graph/index.js';
import { Random } from '../../random.js';
import { centred, squaredDistances } from '../cluster/distances.js';
import { someOf } from '../cluster/plus-plus.js';
import { noParameters } from '../cluster/points.js';
import { toUnit, type Vectors } from '../vectors.js';
import { centresOf, type Grouped, grouped } from './clustering-shape.js';

export interface SilhouetteOptions {
  /** `cosine` is 1 − cosine. @default 'euclidean' */
  distance?: 'euclidean' | 'cosine' | undefined;
  /** By Euclidean distance, at most so many random items are compared with all. @default all up to 10,000, else 4,000 */
  sample?: number | undefined;
  /** @default 0 */
  seed?: number | undefined;
  /** Where the products are computed. */
  session?: SessionOptions | undefined;
}

/** See {@link silhouette}. */
export interface Silhouette {
  /** The mean over items, in −1..1. */
  mean: number;
  /** The items that were looked at. */
  rows: Int32Array;
  /** The silhouette of each of them, in −1..1: about 0 between two clusters, negative in the wrong one. */
  values: Float32Array;
  /** The mean of each cluster, by its number; NaN where none of it was looked at. */
  clusters: Map<number, number>;
}

const BLOCK = 2 ** 23;
const NEAR = 2 ** 20;
const ALL = 10_000;
const SOME = 4_000;

/**
 * Silhouettes, as scikit-learn's `silhouette_samples`. Negative clusters are left out (noise). Items alone in their
 * cluster have 0.
 * @throws UsageError when there are fewer than two clusters, as many as vectors, or a number is not finite.
 */
export async function silhouette(
  vectors: Vectors,
  clusters: ArrayLike<number>,
  options: SilhouetteOptions = {},
): Promise<Silhouette> {
  const own = grouped(vectors, clusters, 'silhouette');
  const { distance = 'euclidean', seed = 0, sample } = options;
  if (sample !== undefined && (!Number.isInteger(sample) || sample < 1))
    throw new UsageError(`sample: expected a whole number of at least 1 but received ${sample}`);
  const members = Int32Array.from({ length: own.groups.length }, (_, row) => row).filter(
    (row) => own.groups[row]! >= 0,
  );
  const most = distance === 'cosine' ? members.length : (sample ?? (members.length <= ALL ? ALL : SOME));
  const rows = someOf(members.length, most, new Random(seed, 'silhouette')).map((i) => members[i]!);
  const values = new Float32Array(rows.length);
  const take = (first: number, sums: ArrayLike<number>) => {
    const k = own.sizes.length;
    for (let i = 0; i * k < sums.length; i++)
      values[first + i] = oneOf(sums, i * k, own.sizes, own.groups[rows[first + i]!]!);
  };
  if (distance === 'cosine') await byCosine(toUnit(vectors), own, rows, take, options.session);
  else await byDistance(vectors, own, rows, members, take, options.session);
  return { ...summary(rows, values, clusters), rows, values };
}

/** From the sums of distances to the clusters' members. */
function oneOf(sums: ArrayLike<number>, from: number, sizes: readonly number[], own: number): number {
  if (sizes[own] === 1) return 0;
  let next = Number.POSITIVE_INFINITY;
  for (let c = 0; c < sizes.length; c++) if (c !== own) next = Math.min(next, sums[from + c]! / sizes[c]!);
  const within = sums[from + own]! / (sizes[own]! - 1);
  const larger = Math.max(within, next);
  return larger > 0 ? (next - within) / larger : 0;
}

function summary(rows: Int32Array, values: Float32Array, clusters: ArrayLike<number>) {
  const sums = new Map<number, { sum: number; n: number }>();
  let total = 0;
  for (const [i, row] of rows.entries()) {
    const cluster = clusters[row]!;
    const entry = sums.get(cluster) ?? { sum: 0, n: 0 };
    sums.set(cluster, { sum: entry.sum + values[i]!, n: entry.n + 1 });
    total += values[i]!;
  }
  return {
    mean: total / rows.length,
    clusters: new Map([...sums].map(([cluster, { sum, n }]) => [cluster, sum / n])),
  };
}

/** Sums of distances of items `first …` to each cluster, `[some × clusters]`. */
type Take = (first: number, sums: ArrayLike<number>) => void;

/** From the mean of each cluster's unit vectors: that of the distances to them is one less the product with it. */
async function byCosine(
  vectors: Vectors,
  own: Grouped,
  rows: Int32Array,
  take: Take,
  options: SessionOptions | undefined,
): Promise<void> {
  const { data, dimension } = vectors;
  const k = own.sizes.length;
  const means = Float32Array.from(centresOf(vectors, own));
  const graph = new Graph('silhouette');
  const x = graph.input('x', ['N', dimension]);
  const products = ops.matmul(x, ops.transpose(graph.input('means', [k, dimension]), [1, 0]));
  graph.output('products', products);
  const session = await openSession(graph, noParameters, { inline: true, ...options });
  try {
    const high = Math.max(1, Math.floor(NEAR / Math.max(dimension, k)));
    for (let first = 0; first < rows.length; first += high) {
      const some = rows.subarray(first, first + high);
      const { products } = await session.run({
        x: { data: pick(data, some, dimension), dims: [some.length, dimension] },
        means: { data: means.slice(), dims: [k, dimension] },
      });
      const sums = Float64Array.from(products!.data as Float32Array, (p, i) => own.sizes[i % k]! * (1 - p));
      for (const [i, row] of some.entries()) {
        let self = 1; // its distance to itself is none, but 1 for a zero vector
        for (let d = row * dimension; d < (row + 1) * dimension; d++) self -= data[d]! ** 2;
        sums[i * k + own.groups[row]!]! -= self;
      }
      take(first, sums);
    }
  } finally {
    await session.release();
  }
}

async function byDistance(
  vectors: Vectors,
  own: Grouped,
  rows: Int32Array,
  members: Int32Array,
  take: Take,
  options: SessionOptions | undefined,
): Promise<void> {
  const { dimension } = vectors;
  const k = own.sizes.length;
  const data = centred(vectors);
  const session = await openSession(distanceGraph(dimension, k), noParameters, options);
  try {
    const wide = Math.max(1, Math.min(members.length, Math.floor(BLOCK / Math.max(dimension, k))));
    const high = Math.max(1, Math.min(1024, Math.floor(BLOCK / wide)));
    for (let first = 0; first < rows.length; first += high) {
      const some = rows.subarray(first, first + high);
      const sums = new Float64Array(some.length * k);
      for (let from = 0; from < members.length; from += wide) {
        const others = members.subarray(from, from + wide);
        const shares = new Float32Array(others.length * k);
        for (const [i, row] of others.entries()) shares[i * k + own.groups[row]!] = 1;
        const { sums: found } = await session.run({
          x: { data: pick(data, some, dimension), dims: [some.length, dimension] },
          y: { data: pick(data, others, dimension), dims: [others.length, dimension] },
          rowOf: { data: some.slice(), dims: [some.length, 1] },
          columnOf: { data: others.slice(), dims: [1, others.length] },
          shares: { data: shares, dims: [others.length, k] },
        });
        for (let i = 0; i < sums.length; i++) sums[i]! += found!.data[i] as number;
      }
      take(first, sums);
    }
  } finally {
    await session.release();
  }
}

/** Euclidean distances of all x and y, added up by the clusters of y; that of an item to itself is exactly 0. */
function distanceGraph(dimension: number, k: number): Graph {
  const graph = new Graph('silhouette');
  const x = graph.input('x', ['N', dimension]);
  const y = graph.input('y', ['M', dimension]);
  const rowOf = graph.input('rowOf', ['N', 1], 'int32');
  const columnOf = graph.input('columnOf', [1, 'M'], 'int32');
  const shares = graph.input('shares', ['M', k]);
  const distances = ops.sqrt(squaredDistances(graph, x, y));
  graph.output('sums', ops.matmul(ops.where(ops.equal(rowOf, columnOf), 0, distances), shares));
  return graph;
}

/** Rows of vectors, one after the other. */
function pick(data: Float32Array, rows: Int32Array, dimension: number): Float32Array {
  const some = new Float32Array(rows.length * dimension);
  for (let i = 0; i < rows.length; i++)
    some.set(data.subarray(rows[i]! * dimension, (rows[i]! + 1) * dimension), i * dimension);
  return some;
}
