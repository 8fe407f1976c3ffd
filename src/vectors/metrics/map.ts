/**
 * @file How faithful a map is: whether what is near on it is near in truth, and the other way round.
 *
 * @see Venna & Kaski 2001, Neighborhood preservation in nonlinear projection methods
 */
import { UsageError } from '../../errors.js';
import { Graph, openSession, type SessionOptions } from '../../graph/index.js';
import { Random } from '../../random.js';
import { gather } from '../approximate-neighbours-scan.js';
import { countOf, isUnit, toUnit, type Vectors } from '../vectors.js';

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

/** The measures of {@link MapQuality} of each point alone. */
export interface MapQualities {
  trustworthiness: Float64Array;
  continuity: Float64Array;
  neighbourhoodPreservation: Float64Array;
  /** The neighbours that were compared. */
  k: number;
}

export interface MapQualityOptions {
  /** Neighbours, fewer than half of the points. @default 15, or as many as there can be */
  k?: number | undefined;
  /** How near vectors are in truth. @default 'cosine' */
  distance?: 'cosine' | 'euclidean' | undefined;
  /** Points to ask with, drawn at random. @default all up to 5,000, 1,000 of more */
  sample?: number | undefined;
  /** @default 0 */
  seed?: number | undefined;
  /** Where the products are computed. */
  session?: SessionOptions | undefined;
}

/** Up to so many points all are asked with, if nothing else is said. */
const ALL = 5000;
const SAMPLE = 1000;
/** Numbers in the distances of some points to all: 64 MiB. */
const DISTANCES = 2 ** 24;
/** Vectors, and points at most, in one product. */
const BLOCK = 8192;
const ASKED = 512;

/**
 * Compares neighbourhoods in truth and by Euclidean distance on the map. With all points asked, the trustworthiness is
 * that of scikit-learn's `trustworthiness` and the continuity what it gives with both exchanged; otherwise these are
 * estimates of them, from points that are compared with all others.
 *
 * Besides the vectors it takes some 100 MB, and a copy of the vectors when they are to be made unit length.
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
  const each = await mapQualities(vectors, map, dimensions, options);
  const mean = (values: Float64Array) => values.reduce((sum, x) => sum + x, 0) / values.length;
  return {
    trustworthiness: mean(each.trustworthiness),
    continuity: mean(each.continuity),
    neighbourhoodPreservation: mean(each.neighbourhoodPreservation),
    k: each.k,
    sampled: each.trustworthiness.length,
  };
}

/** What {@link mapQuality} is the mean of, for each point that was asked with. @throws as it does */
export async function mapQualities(
  vectors: Vectors,
  map: Float32Array,
  dimensions: number,
  options: MapQualityOptions = {},
): Promise<MapQualities> {
  const { seed = 0, distance = 'cosine' } = options;
  const count = countOf(vectors, 'vectors');
  if (countOf({ data: map, dimension: dimensions }, 'map') !== count)
    throw new UsageError(
      `map: expected ${count} points of ${dimensions} numbers but received ${map.length} numbers`,
    );
  const { k = Math.min(15, Math.ceil(count / 2) - 1), sample = count > ALL ? SAMPLE : count } = options;
  if (!Number.isInteger(k) || k < 1 || 2 * k >= count)
    throw new UsageError(
      `k: expected a whole number from 1 to ${Math.ceil(count / 2) - 1} but received ${k}`,
      { hint: `there are ${count} points` },
    );
  if (!Number.isInteger(sample) || sample < 1)
    throw new UsageError(`sample: expected a whole number of at least 1 but received ${sample}`);
  const order = Int32Array.from({ length: count }, (_, i) => i);
  const asked = sample < count ? new Random(seed, 'map quality').shuffle(order).subarray(0, sample) : order;
  const n = asked.length;
  const each = {
    trustworthiness: new Float64Array(n),
    continuity: new Float64Array(n),
    neighbourhoodPreservation: new Float64Array(n),
    k,
  };
  const worst = (k * (2 * count - 3 * k - 1)) / 2;
  let point = 0;
  for await (const { query, truth } of distances(vectors, asked, distance, options.session)) {
    const drawn = distancesFrom(map, dimensions, query);
    const near = nearestOf(truth, k);
    const shown = nearestOf(drawn, k);
    const wanted = new Set(near);
    each.trustworthiness[point] = 1 - excess(truth, shown) / worst;
    each.continuity[point] = 1 - excess(drawn, near) / worst;
    each.neighbourhoodPreservation[point] = shown.filter((j) => wanted.has(j)).length / k;
    point++;
  }
  return each;
}

/** For each of the asked vectors what orders all by their distance: less is nearer, infinity is itself. */
async function* distances(
  vectors: Vectors,
  asked: Int32Array,
  distance: 'cosine' | 'euclidean',
  options: SessionOptions | undefined,
): AsyncGenerator<{ query: number; truth: Float64Array }> {
  const { data, dimension } = distance === 'cosine' && !isUnit(vectors) ? toUnit(vectors) : vectors;
  const count = data.length / dimension;
  const squares = new Float64Array(count);
  if (distance === 'euclidean')
    for (let i = 0; i < data.length; i++) squares[Math.floor(i / dimension)]! += data[i]! * data[i]!;
  const graph = new Graph('products');
  const [queries, others] = [
    graph.input('queries', ['N', dimension]),
    graph.input('others', ['M', dimension]),
  ];
  graph.output('products', graph.node('Gemm', [queries, others], ['N', 'M'], { attributes: { transB: 1 } }));
  const session = await openSession(
    graph,
    () => {
      throw new UsageError('a product of inputs has no weights');
    },
    options,
  );
  try {
    const rows = Math.max(1, Math.min(ASKED, Math.floor(DISTANCES / count)));
    for (let from = 0; from < asked.length; from += rows) {
      const some = asked.subarray(from, from + rows);
      const block = gather(data, dimension, some);
      const truths = Array.from(some, () => new Float64Array(count));
      for (let first = 0; first < count; first += BLOCK) {
        const part = data.slice(first * dimension, (first + BLOCK) * dimension);
        const width = part.length / dimension;
        const { products } = await session.run({
          queries: { data: block.slice(), dims: [some.length, dimension] },
          others: { data: part, dims: [width, dimension] },
        });
        truths.forEach((truth, i) => {
          const product = products!.data as Float32Array;
          for (let j = 0; j < width; j++)
            truth[first + j] = squares[first + j]! - 2 * product[i * width + j]!;
        });
      }
      for (const [i, truth] of truths.entries()) {
        truth[some[i]!] = Number.POSITIVE_INFINITY;
        yield { query: some[i]!, truth };
      }
    }
  } finally {
    await session.release();
  }
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
function nearestOf(far: Float64Array, k: number): Int32Array {
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
function excess(far: Float64Array, points: Int32Array): number {
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
