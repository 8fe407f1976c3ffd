/** @file Exact nearest neighbours of many vectors, by cosine or by Euclidean distance. */

import { UsageError } from '../errors.js';
import type { SessionOptions } from '../graph/index.js';
import { ExactSearch } from './exact-search.js';
import { countOf, toUnit, type Vectors } from './vectors.js';

export interface NearestOptions {
  /** Neighbours of each query. */
  k: number;
  /** Where to look. @default the queries themselves, none of which is its own neighbour */
  reference?: Vectors | undefined;
  /** @default 'cosine' */
  distance?: 'euclidean' | 'cosine' | undefined;
  /** Where the products are computed. */
  session?: SessionOptions | undefined;
}

/** Positions in a block of results. */
const BLOCK = 2 ** 20;

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
  const { k, reference = queries, distance = 'cosine', session } = options;
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
  const from = distance === 'cosine' ? toUnit(queries) : extended(queries, () => 1);
  const to = distance === 'euclidean' ? extended(reference, minusHalfSquare) : own ? from : toUnit(reference);
  const search = await ExactSearch.open(to.data, to.dimension, { session });
  const rows = Math.max(1, Math.floor(BLOCK / k));
  try {
    for (let first = 0; first < count; first += rows) {
      const block = from.data.subarray(first * from.dimension, (first + rows) * from.dimension);
      const { indices } = await search.search(block, k, own ? first : undefined);
      yield { first, positions: indices };
    }
  } finally {
    await search.close();
  }
}

/**
 * Vectors with one number more. With 1 behind the query and −|r|²/2 behind the others, the greatest inner product
 * q·r − |r|²/2 belongs to the smallest distance, |q|² − 2 q·r + |r|².
 */
function extended({ data, dimension }: Vectors, last: (vector: Float32Array) => number): Vectors {
  const result = new Float32Array(data.length + data.length / dimension);
  for (let from = 0, to = 0; from < data.length; from += dimension, to += dimension + 1) {
    const vector = data.subarray(from, from + dimension);
    result.set(vector, to);
    result[to + dimension] = last(vector);
  }
  return { data: result, dimension: dimension + 1 };
}

function minusHalfSquare(vector: Float32Array): number {
  let sum = 0;
  for (const x of vector) sum += x * x;
  return -sum / 2;
}
