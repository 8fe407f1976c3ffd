/**
 * @file Exact nearest neighbours of many vectors: products and selection in blocks, as graphs of the numeric engine.
 */
import { UsageError } from '../../errors.js';
import { Graph, openSession, ops, type SessionOptions } from '../../graph/index.js';
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

/** Numbers in a block of distances: 16 MB. */
const BLOCK = 2 ** 22;

/**
 * For each query the positions of its `k` nearest reference vectors, nearest first and the first of equals first:
 * `[queries × k]`. The reference is part of the graph, which holds up to 2 GB.
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
  const { k, reference = queries, distance = 'cosine', session: sessionOptions } = options;
  const count = countOf(queries, 'queries');
  const among = countOf(reference, 'reference');
  const self = options.reference === undefined ? 1 : 0;
  if (!Number.isInteger(k) || k < 1 || k > among - self)
    throw new UsageError(`k: expected a whole number from 1 to ${among - self} but received ${k}`);
  if (reference.dimension !== queries.dimension)
    throw new UsageError(
      `reference: expected vectors of ${queries.dimension} numbers but received ${reference.dimension}`,
    );
  const cosine = distance === 'cosine';
  const from = cosine ? toUnit(queries) : queries;
  const to = !cosine ? reference : self ? from : toUnit(reference);
  const wanted = k + self;
  const session = await openSession(
    nearestGraph(among, queries.dimension, wanted),
    (p) => ({ data: p.name === 'reference' ? to.data : offsets(to, cosine), dtype: 'float32' }),
    sessionOptions,
  );
  const rows = Math.max(1, Math.floor(BLOCK / among));
  try {
    for (let first = 0; first < count; first += rows) {
      const block = from.data.slice(first * from.dimension, (first + rows) * from.dimension);
      const dims = [block.length / from.dimension, from.dimension];
      const { indices } = await session.run({ queries: { data: block, dims } });
      yield { first, positions: kept(indices!.data as Int32Array, wanted, self ? first : -1) };
    }
  } finally {
    await session.release();
  }
}

/** Squared distances less the query's own length, |r|² − 2 q·r, and the positions of the smallest. */
function nearestGraph(among: number, dimension: number, k: number): Graph {
  const graph = new Graph('nearest');
  const queries = graph.input('queries', ['N', dimension]);
  const reference = graph.parameter('reference', [among, dimension]);
  const lengths = graph.parameter('lengths', [among]);
  const keys = graph.node('Gemm', [queries, reference, lengths], ['N', among], {
    attributes: { transB: 1, alpha: { float: -2 } },
  });
  const [, positions] = graph.multi(
    'TopK',
    [keys, graph.ints([k])],
    [
      { shape: ['N', k], dtype: 'float32' },
      { shape: ['N', k], dtype: 'int64' },
    ],
    { attributes: { axis: 1, largest: 0, sorted: 1 } },
  );
  graph.output('indices', ops.cast(positions!, 'int32'));
  return graph;
}

/** Squared lengths; none for cosines, whose unit vectors would only add their rounding. */
function offsets({ data, dimension }: Vectors, cosine: boolean): Float32Array {
  const result = new Float32Array(data.length / dimension);
  if (cosine) return result;
  for (let row = 0; row < result.length; row++) {
    let sum = 0;
    for (let i = row * dimension; i < (row + 1) * dimension; i++) sum += data[i]! * data[i]!;
    result[row] = sum;
  }
  return result;
}

/** Rows of `wanted` positions without the query's own, which is `first` for the first row; −1: it is not there. */
function kept(indices: Int32Array, wanted: number, first: number): Int32Array {
  if (first < 0) return indices;
  const k = wanted - 1;
  const rows = indices.length / wanted;
  const result = new Int32Array(rows * k);
  for (let row = 0; row < rows; row++) {
    let to = row * k;
    for (let i = 0; i < wanted && to < (row + 1) * k; i++) {
      const index = indices[row * wanted + i]!;
      if (index !== first + row) result[to++] = index;
    }
  }
  return result;
}
