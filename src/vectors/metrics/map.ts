/**
 * @file How faithful a map is: whether what is near on it is near in truth, and the other way round.
 *
 * @see Venna & Kaski 2001, Neighborhood preservation in nonlinear projection methods
 */
import { UsageError } from '../../errors.js';
import { Graph, openSession, type SessionOptions } from '../../graph/index.js';
import { Random } from '../../random.js';
import { countOf, toUnit, type Vectors } from '../vectors.js';

/** 1 is perfect. */
export interface MapQuality {
  /** Falls with every neighbour on the map that is none in truth, by how far away it is in truth; about 0.5 by chance. */
  trustworthiness: number;
  /** Falls with every true neighbour that the map has torn away, by how far; about 0.5 by chance. */
  continuity: number;
  /** The share of the true neighbours that are neighbours on the map, 0..1. */
  neighbourhoodPreservation: number;
  /** The neighbours that were compared. */
  k: number;
  /** Points whose neighbours were compared with those of all. */
  sampled: number;
}

export interface MapQualityOptions {
  /** Neighbours, fewer than half of the points. @default 15, or as many as there can be */
  k?: number | undefined;
  /** Points to ask with, drawn at random; all where there are no more. @default 1000 */
  sample?: number | undefined;
  /** @default 0 */
  seed?: number | undefined;
  /** Where the products are computed. */
  session?: SessionOptions | undefined;
}

/** Numbers in a block of products. */
const BLOCK = 2 ** 22;

/**
 * Compares neighbourhoods by cosine in truth and by Euclidean distance on the map. With all points asked, the
 * trustworthiness is that of scikit-learn's `trustworthiness(metric='cosine')`; otherwise an estimate of it.
 *
 * @param map `[n × dimensions]`
 * @throws UsageError when the map has not as many points, or there are not more than `2 k` of them.
 */
export async function mapQuality(
  vectors: Vectors,
  map: Float32Array,
  dimensions: number,
  options: MapQualityOptions = {},
): Promise<MapQuality> {
  const { sample = 1000, seed = 0 } = options;
  const count = countOf(vectors, 'vectors');
  if (countOf({ data: map, dimension: dimensions }, 'map') !== count)
    throw new UsageError(
      `map: expected ${count} points of ${dimensions} numbers but received ${map.length} numbers`,
    );
  const { k = Math.min(15, Math.ceil(count / 2) - 1) } = options;
  if (!Number.isInteger(k) || k < 1 || 2 * k >= count)
    throw new UsageError(
      `k: expected a whole number from 1 to ${Math.ceil(count / 2) - 1} but received ${k}`,
      {
        hint: `there are ${count} points`,
      },
    );
  const { data, dimension } = toUnit(vectors);
  const order = Array.from({ length: count }, (_, i) => i);
  const queries = sample < count ? new Random(seed, 'map quality').shuffle(order).slice(0, sample) : order;
  const graph = new Graph('products');
  const asked = graph.input('queries', ['N', dimension]);
  const all = graph.parameter('vectors', [count, dimension]);
  graph.output(
    'products',
    graph.node('Gemm', [asked, all], ['N', count], { attributes: { transB: 1, alpha: { float: -1 } } }),
  );
  const session = await openSession(graph, () => ({ data, dtype: 'float32' }), options.session);
  let [intruders, missing, shared] = [0, 0, 0];
  try {
    const rows = Math.max(1, Math.floor(BLOCK / count));
    for (let from = 0; from < queries.length; from += rows) {
      const some = queries.slice(from, from + rows);
      const block = new Float32Array(some.length * dimension);
      some.forEach((query, i) => {
        block.set(data.subarray(query * dimension, (query + 1) * dimension), i * dimension);
      });
      const done = await session.run({ queries: { data: block, dims: [some.length, dimension] } });
      const products = done.products!.data as Float32Array;
      some.forEach((query, i) => {
        const truth = products.subarray(i * count, (i + 1) * count); // less is nearer
        truth[query] = Number.POSITIVE_INFINITY;
        const drawn = distancesFrom(map, dimensions, query);
        const near = nearestOf(truth, k);
        const shown = nearestOf(drawn, k);
        intruders += excess(truth, shown);
        missing += excess(drawn, near);
        const wanted = new Set(near);
        for (const j of shown) if (wanted.has(j)) shared++;
      });
    }
  } finally {
    await session.release();
  }
  const n = queries.length;
  const worst = (n * k * (2 * count - 3 * k - 1)) / 2;
  return {
    trustworthiness: 1 - intruders / worst,
    continuity: 1 - missing / worst,
    neighbourhoodPreservation: shared / (n * k),
    k,
    sampled: n,
  };
}

/** Squared distances on the map to all points; infinity to itself. */
function distancesFrom(map: Float32Array, dimensions: number, query: number): Float64Array {
  const distances = new Float64Array(map.length / dimensions);
  for (let j = 0; j < distances.length; j++)
    for (let d = 0; d < dimensions; d++)
      distances[j]! += (map[j * dimensions + d]! - map[query * dimensions + d]!) ** 2;
  distances[query] = Number.POSITIVE_INFINITY;
  return distances;
}

/** The positions of the `k` least, the least first, the first of equals first. */
function nearestOf(far: Float32Array | Float64Array, k: number): Int32Array {
  const best = new Int32Array(k);
  let held = 0;
  for (let j = 0; j < far.length; j++) {
    if (held === k && far[j]! >= far[best[k - 1]!]!) continue;
    let at = held < k ? held++ : k - 1;
    for (; at > 0 && far[best[at - 1]!]! > far[j]!; at--) best[at] = best[at - 1]!;
    best[at] = j;
  }
  return best;
}

/** By how much the ranks of these points, from 1, exceed their number, together. */
function excess(far: Float32Array | Float64Array, points: Int32Array): number {
  const bounds = Array.from(points, (j) => far[j]!).sort((a, b) => a - b);
  const [least, most] = [bounds[0]!, bounds.at(-1)!];
  let below = 0;
  const within = new Int32Array(bounds.length); // by the first bound that is above
  for (let j = 0; j < far.length; j++) {
    const value = far[j]!;
    if (value >= most) continue;
    if (value < least) {
      below++;
      continue;
    }
    let at = 0;
    while (bounds[at]! <= value) at++;
    within[at]!++;
  }
  let [sum, nearer] = [0, below];
  bounds.forEach((_, at) => {
    nearer += within[at]!;
    sum += Math.max(0, nearer + 1 - bounds.length);
  });
  return sum;
}
