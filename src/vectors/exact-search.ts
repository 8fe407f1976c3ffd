/**
 * @file Exact search over many vectors in memory, through the numeric engine.
 *
 * The products of queries and vectors and the selection of the greatest are one graph, whose constant the vectors are:
 * the runtime lays them out for its kernels once, so that a single query is bound by memory and a batch by arithmetic.
 * They are split into blocks, each a session of its own, since a model holds at most 2 GB.
 */
import { UsageError } from '../errors.js';
import { Graph, openSession, ops, type Session, type SessionOptions } from '../graph/index.js';
import { countOf } from './vectors.js';

export interface ExactSearchOptions {
  /** Where the products are computed. Inline sessions block this thread while they search and while they are opened. */
  session?: SessionOptions | undefined;
  /** Bytes of vectors in a block; opening takes some five times that for a moment. @default 256 MiB */
  blockBytes?: number | undefined;
}

/** What was found: `k` for each query, one query after the other. */
export interface Nearest {
  /** Positions of the vectors, best first, the smaller one of equals first. `[queries × k]` */
  indices: Int32Array;
  /** Their inner products with the query: cosines in −1..1 if all are unit vectors. `[queries × k]` */
  scores: Float32Array;
}

/** Consecutive vectors, and the network that compares with them. */
interface Block {
  readonly first: number;
  readonly count: number;
  readonly session: Session;
}

const BLOCK_BYTES = 2 ** 28;
/** Numbers in the products of one run: 64 MiB. */
const PRODUCTS = 2 ** 24;

/**
 * Finds, of many vectors, those with the greatest inner products with a query. Nothing is left out and nothing
 * approximated: the result is that of comparing with every vector, in float32 (errors of about 1e-7 for unit vectors).
 *
 * Holds the vectors once, in native memory; those given may be dropped. Give vectors of unit length to search by cosine;
 * a zero vector scores 0.
 */
export class ExactSearch {
  private constructor(
    /** How many vectors there are. */
    readonly count: number,
    readonly dimension: number,
    private readonly blocks: readonly Block[],
  ) {}

  /**
   * @param vectors one after the other; copied.
   * @throws UsageError when there are none, the numbers do not divide by `dimension`, or one of them is not finite.
   */
  static async open(
    vectors: Float32Array,
    dimension: number,
    options: ExactSearchOptions = {},
  ): Promise<ExactSearch> {
    const count = countOf({ data: vectors, dimension }, 'vectors');
    if (count === 0) throw new UsageError('vectors: expected at least one but received none');
    const rows = Math.max(1, Math.floor((options.blockBytes ?? BLOCK_BYTES) / (4 * dimension)));
    const blocks: Block[] = [];
    const search = new ExactSearch(count, dimension, blocks);
    try {
      for (let first = 0; first < count; first += rows) {
        const data = vectors.subarray(first * dimension, (first + rows) * dimension);
        const own = data.length / dimension;
        const session = await openSession(searchGraph(own, dimension), () => ({ data, dtype: 'float32' }), {
          ...options.session,
          planMemory: false, // planned, the layout they came in would be kept beside the runtime's own
        });
        blocks.push({ first, count: own, session });
      }
    } catch (e) {
      await search.close();
      throw e;
    }
    return search;
  }

  /**
   * The `k` best vectors for each query.
   *
   * @param queries one after the other; left as they are.
   * @param k from 1 to `count`.
   * @param self when the queries are some of the vectors, the position of the first of them: none finds itself then,
   *   and `k` is at most `count − 1`.
   * @throws UsageError when `k` is out of range or the queries do not fit; RuntimeError after {@link close}.
   */
  async search(queries: Float32Array, k: number, self?: number): Promise<Nearest> {
    const { dimension } = this;
    const total = countOf({ data: queries, dimension }, 'queries');
    const most = self === undefined ? this.count : this.count - 1;
    if (!Number.isInteger(k) || k < 1 || k > most)
      throw new UsageError(`k: expected a whole number from 1 to ${most} but received ${k}`, {
        hint: `there are ${this.count} vectors`,
      });
    if (self !== undefined && !(Number.isInteger(self) && self >= 0 && self + total <= this.count))
      throw new UsageError(
        `self: expected the position of ${total} of ${this.count} vectors but received ${self}`,
      );
    const result = { indices: new Int32Array(total * k), scores: new Float32Array(total * k) };
    const rows = Math.max(1, Math.floor(PRODUCTS / Math.max(dimension, this.blocks[0]!.count)));
    for (let first = 0; first < total; first += rows) {
      const some = queries.subarray(first * dimension, (first + rows) * dimension);
      const found =
        self === undefined ? await this.best(some, k) : without(await this.best(some, k + 1), self + first);
      result.indices.set(found.indices, first * k);
      result.scores.set(found.scores, first * k);
    }
    return result;
  }

  /** Frees the memory. May be called twice. */
  async close(): Promise<void> {
    await Promise.all(this.blocks.map(({ session }) => session.release()));
  }

  /** The best of all blocks for as many queries as may be compared at once. */
  private async best(queries: Float32Array, k: number): Promise<Found> {
    const dims = [queries.length / this.dimension, this.dimension];
    let best: Found | undefined;
    for (const { first, count, session } of this.blocks) {
      const width = Math.min(k, count);
      const { indices, scores } = await session.run({
        queries: { data: queries.slice(), dims },
        k: { data: BigInt64Array.of(BigInt(width)), dims: [1] },
      });
      const found = { width, indices: indices!.data as Int32Array, scores: scores!.data as Float32Array };
      best = best ? merged(best, found, first, k) : found;
    }
    return best!;
  }
}

/**
 * For every vector its `k` nearest others: the graph that clustering, projections and the search for duplicates start
 * from. Besides the result and what {@link ExactSearch} holds, it takes 64 MiB.
 *
 * @param vectors one after the other, of unit length.
 * @throws UsageError as {@link ExactSearch.open}, and when there are no `k` others.
 */
export async function neighbourGraph(
  vectors: Float32Array,
  dimension: number,
  k: number,
  options: ExactSearchOptions = {},
): Promise<Nearest> {
  const search = await ExactSearch.open(vectors, dimension, options);
  try {
    return await search.search(vectors, k, 0);
  } finally {
    await search.close();
  }
}

/** {@link Nearest} with `width` for each query. */
interface Found extends Nearest {
  readonly width: number;
}

/** The greatest products of each query with `count` vectors. */
function searchGraph(count: number, dimension: number): Graph {
  const graph = new Graph('exact-search');
  const queries = graph.input('queries', ['N', dimension]);
  const k = graph.input('k', [1], 'int64');
  const vectors = graph.parameter('vectors', [count, dimension]);
  const products = graph.node('Gemm', [queries, vectors], ['N', count], { attributes: { transB: 1 } });
  const [scores, indices] = graph.multi(
    'TopK',
    [products, k],
    [
      { shape: ['N', 'K'], dtype: 'float32' },
      { shape: ['N', 'K'], dtype: 'int64' },
    ],
    { attributes: { axis: 1, largest: 1, sorted: 1 } },
  );
  graph.output('scores', scores!);
  graph.output('indices', ops.cast(indices!, 'int32'));
  return graph;
}

/** The `k` best of two lists for each query; the positions of the later one, which loses ties, count from `offset`. */
function merged(a: Found, b: Found, offset: number, k: number): Found {
  const width = Math.min(k, a.width + b.width);
  const rows = a.indices.length / a.width;
  const indices = new Int32Array(rows * width);
  const scores = new Float32Array(rows * width);
  for (let row = 0; row < rows; row++) {
    let i = row * a.width;
    let j = row * b.width;
    const [endA, endB] = [i + a.width, j + b.width];
    for (let to = row * width; to < (row + 1) * width; to++) {
      if (i < endA && (j === endB || a.scores[i]! >= b.scores[j]!)) {
        indices[to] = a.indices[i]!;
        scores[to] = a.scores[i++]!;
      } else {
        indices[to] = b.indices[j]! + offset;
        scores[to] = b.scores[j++]!;
      }
    }
  }
  return { width, indices, scores };
}

/** Without the query itself, which is the vector `self` for the first query; without the last where it is not there. */
function without({ width, indices, scores }: Found, self: number): Found {
  const rows = indices.length / width;
  for (let row = 0, to = 0; row < rows; row++) {
    const place = indices.subarray(row * width, (row + 1) * width).indexOf(self + row);
    const left = place < 0 ? width - 1 : place;
    for (let i = 0; i < width; i++) {
      if (i === left) continue;
      indices[to] = indices[row * width + i]!;
      scores[to++] = scores[row * width + i]!;
    }
  }
  const length = rows * (width - 1);
  return { width: width - 1, indices: indices.subarray(0, length), scores: scores.subarray(0, length) };
}
