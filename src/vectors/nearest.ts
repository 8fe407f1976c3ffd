/** @file Exact nearest neighbours of many vectors, by cosine or by Euclidean distance. */

import { UsageError } from '../errors.js';
import type { SessionOptions } from '../graph/index.js';
import { ExactSearch } from './exact-search.js';
import { countOf, isUnit, toUnit, type Vectors } from './vectors.js';

export interface NearestOptions {
  /** Neighbours of each query. */
  k: number;
  /** Where to look. @default the queries themselves, none of which is its own neighbour */
  reference?: Vectors | undefined;
  /** @default 'cosine' */
  distance?: 'euclidean' | 'cosine' | undefined;
  /** Where the products are computed. */
  session?: SessionOptions | undefined;
  /** Once aborted, the promise rejects with its reason. */
  signal?: AbortSignal | undefined;
}

/** Positions, and queries at most, in a block of results. */
const BLOCK = 2 ** 20;
const ROWS = 4096;

/**
 * For each query the positions of its `k` nearest reference vectors, nearest first and the first of equals first:
 * `[queries × k]`.
 * @throws UsageError when there are fewer than `k` to choose from or the dimensions differ.
 */
export async function nearest(queries: Vectors, options: NearestOptions): Promise<Int32Array> {
  const { k } = options;
  let result: Int32Array | undefined;
  for await (const { first, positions } of nearestBlocks(queries, options)) {
    result ??= new Int32Array((queries.data.length / queries.dimension) * k);
    result.set(positions, first * k);
  }
  return result ?? new Int32Array(0);
}

/**
 * The same in blocks, for those who need not hold it all: `positions [block × k]` of the queries from `first` on.
 * @throws as {@link nearest}.
 */
export async function* nearestBlocks(
  queries: Vectors,
  options: NearestOptions,
): AsyncGenerator<{ first: number; positions: Int32Array }> {
  const { k, reference = queries, distance = 'cosine', session, signal } = options;
  const count = countOf(queries, 'queries');
  const among = countOf(reference, 'reference');
  const own = options.reference === undefined;
  const most = own ? among - 1 : among;
  if (!Number.isInteger(k) || k < 1 || k > most)
    throw new UsageError(`k: expected a whole number from 1 to ${most} but received ${k}`);
  if (reference.dimension !== queries.dimension)
    throw new UsageError(
      `reference: expected vectors of ${queries.dimension} numbers but received ${reference.dimension}`,
    );
  const unit = (vectors: Vectors) => (isUnit(vectors) ? vectors : toUnit(vectors));
  const mean = distance === 'euclidean' ? viewpoint(reference) : undefined;
  const from = mean ? extended(queries, mean, () => 1) : unit(queries);
  const to = mean ? extended(reference, mean, minusHalfSquare) : own ? from : unit(reference);
  const search = await ExactSearch.open(to.data, to.dimension, { session });
  const rows = Math.max(1, Math.min(ROWS, Math.floor(BLOCK / k)));
  try {
    for (let first = 0; first < count; first += rows) {
      signal?.throwIfAborted();
      const block = from.data.subarray(first * from.dimension, (first + rows) * from.dimension);
      const { indices } = await search.search(block, k, own ? first : undefined);
      yield { first, positions: indices };
    }
  } finally {
    await search.close();
  }
}

/**
 * Vectors as seen from `mean`, with one number more. With 1 behind the query and −|r|²/2 behind the others, the greatest
 * inner product q·r − |r|²/2 belongs to the smallest distance, |q|² − 2 q·r + |r|². Far from the origin that would be a
 * small difference of large numbers, of which float32 keeps nothing.
 */
function extended(
  { data, dimension }: Vectors,
  mean: Float64Array,
  last: (vector: Float32Array) => number,
): Vectors {
  const result = new Float32Array(data.length + data.length / dimension);
  for (let from = 0, to = 0; from < data.length; from += dimension, to += dimension + 1) {
    for (let d = 0; d < dimension; d++) result[to + d] = data[from + d]! - mean[d]!;
    result[to + dimension] = last(result.subarray(to, to + dimension));
  }
  return { data: result, dimension: dimension + 1 };
}

/** The mean where the vectors lie far from the origin beside their spread; else 0, so that equal distances stay equal. */
function viewpoint({ data, dimension }: Vectors): Float64Array {
  const mean = new Float64Array(dimension);
  const rows = data.length / dimension;
  let squares = 0;
  for (let i = 0; i < data.length; i++) {
    mean[i % dimension]! += data[i]! / rows;
    squares += data[i]! ** 2 / rows;
  }
  const away = mean.reduce((sum, x) => sum + x * x, 0);
  return away > FAR * (squares - away) ? mean : mean.fill(0);
}

/** The squared distance from the origin beside the variance above which rounding counts. */
const FAR = 4;

function minusHalfSquare(vector: Float32Array): number {
  let sum = 0;
  for (const x of vector) sum += x * x;
  return -sum / 2;
}
