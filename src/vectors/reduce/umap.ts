/**
 * @file Maps by UMAP: points in two or more dimensions whose neighbours are those of the vectors.
 *
 * @see McInnes, Healy & Melville 2018, UMAP: Uniform Manifold Approximation and Projection, arXiv:1802.03426
 */
import { UsageError } from '../../errors.js';
import type { SessionOptions } from '../../graph/index.js';
import { Random } from '../../random.js';
import { ExactSearch, type Nearest } from '../exact-search.js';
import { toUnit, type Vectors } from '../vectors.js';
import { fitCurve } from './umap-curve.js';
import { cosineDistances, memberships, symmetric } from './umap-graph.js';
import { checkMapped, neighboursIn, neighboursOf } from './umap-input.js';
import { layOut } from './umap-layout.js';
import { principalStart } from './umap-start.js';

export interface UmapOptions {
  /** Numbers per point. @default 2 */
  dimensions?: number | undefined;
  /** Neighbours of each vector that the map keeps near, itself not counted. @default 15, or all others if fewer */
  neighbours?: number | undefined;
  /** Rounds of moving. @default 500 up to 10,000 vectors, 200 for more */
  epochs?: number | undefined;
  /** How near to each other points may lie, as a share of `spread`. @default 0.1 */
  minDistance?: number | undefined;
  /** The scale of the map. @default 1 */
  spread?: number | undefined;
  /** Points that repel, for each one that attracts. @default 5 */
  negatives?: number | undefined;
  /** @default 0 */
  seed?: number | undefined;
  /** The nearest neighbours of each vector, by cosine, at least `neighbours` each, when they are known. */
  graph?: Nearest | undefined;
  /** Where products are computed. */
  session?: SessionOptions | undefined;
  onProgress?: ((done: number, total: number) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/** What the start is scaled to, and the noise that keeps copies from lying on one point. */
const EXTENT = 10;
const NOISE = 1e-4;

/**
 * The points of a map, `[n × dimensions]`: the same for the same vectors and seed. Vectors are compared by cosine, and
 * need not be of unit length; a vector that has copies lies beside them.
 *
 * Besides the vectors it takes some 40 bytes for each vector and neighbour, twice as much while neighbours are searched
 * for, and a copy of the vectors if they are not of unit length.
 *
 * @throws UsageError when there are fewer than four vectors, all are equal, a number is not finite, or an option does
 *   not fit.
 */
export async function umap(vectors: Vectors, options: UmapOptions = {}): Promise<Float32Array> {
  const { dimensions = 2, minDistance = 0.1, spread = 1, negatives = 5, seed = 0 } = options;
  const { onProgress, signal } = options;
  const { unit, count } = checkMapped(vectors, 'umap', dimensions);
  const k = neighboursOf(options.neighbours, 15, count);
  const epochs = options.epochs ?? (count <= 10_000 ? 500 : 200);
  for (const [name, value] of Object.entries({ epochs, negatives }))
    if (!Number.isInteger(value) || value < 1)
      throw new UsageError(`${name}: expected a whole number of at least 1 but received ${value}`);
  const curve = fitCurve(minDistance, spread);
  const { indices, scores } = await neighboursIn(unit, k, options);
  const weights = memberships(cosineDistances(scores), k);
  const graph = symmetric(indices, weights, k, 1 / epochs);
  const positions = await principalStart(unit, dimensions, signal);
  const random = new Random(seed, 'umap');
  let greatest = 0;
  for (const value of positions) greatest = Math.max(greatest, Math.abs(value));
  for (let i = 0; i < positions.length; i++)
    positions[i] = (EXTENT * positions[i]!) / (greatest || 1) + NOISE * random.normal();
  await layOut(positions, dimensions, graph, {
    curve,
    epochs,
    negatives,
    rate: 1,
    random,
    onProgress,
    signal,
  });
  return Float32Array.from(positions);
}

/** What {@link placeInMap} places new vectors into. */
export interface FittedMap {
  vectors: Vectors;
  /** What {@link umap} made of them. */
  positions: Float32Array;
  dimensions: number;
}

/**
 * Points for new vectors in a map that there is: each begins at the mean of its nearest neighbours' points, weighted as
 * in {@link umap}, and is moved on while the map stands still. `[new × dimensions]`
 * @param options as for the map; `epochs` is 100 by default, 30 for maps of more than 10,000 points.
 * @throws UsageError as {@link umap}, and when the new vectors do not fit those of the map.
 */
export async function placeInMap(
  vectors: Vectors,
  map: FittedMap,
  options: Omit<UmapOptions, 'dimensions' | 'graph'> = {},
): Promise<Float32Array> {
  const { minDistance = 0.1, spread = 1, negatives = 5, seed = 0, onProgress, signal } = options;
  const { dimensions } = map;
  const { unit: known, count } = checkMapped(map.vectors, 'map', dimensions);
  if (map.positions.length !== count * dimensions)
    throw new UsageError(
      `map: expected ${count} points of ${dimensions} numbers but received ${map.positions.length} numbers`,
    );
  if (vectors.dimension !== known.dimension)
    throw new UsageError(
      `vectors: expected ${known.dimension} numbers each, as in the map, but received ${vectors.dimension}`,
    );
  const k = neighboursOf(options.neighbours, 15, count);
  const search = await ExactSearch.open(known.data, known.dimension, { session: options.session });
  const { indices, scores } = await search.search(toUnit(vectors).data, k).finally(() => search.close());
  const weights = memberships(cosineDistances(scores), k);
  const added = weights.length / k;
  const positions = new Float64Array((count + added) * dimensions);
  positions.set(map.positions);
  for (let i = 0; i < added; i++) {
    let total = 0;
    for (let at = i * k; at < (i + 1) * k; at++) total += weights[at]!;
    for (let at = i * k; at < (i + 1) * k; at++)
      for (let d = 0; d < dimensions; d++)
        positions[(count + i) * dimensions + d]! +=
          (weights[at]! / total) * map.positions[indices[at]! * dimensions + d]!;
  }
  const epochs = options.epochs ?? (count <= 10_000 ? 100 : 30);
  const starts = new Int32Array(count + added + 1);
  for (let i = 0; i <= added; i++) starts[count + i] = i * k;
  await layOut(
    positions,
    dimensions,
    { starts, ends: indices, weights },
    {
      curve: fitCurve(minDistance, spread),
      epochs,
      negatives,
      rate: 0.25,
      random: new Random(seed, 'umap', 'place'),
      from: count,
      onProgress,
      signal,
    },
  );
  return Float32Array.from(positions.subarray(count * dimensions));
}
