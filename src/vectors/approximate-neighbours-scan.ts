/**
 * @file The one network that approximate search is made of (products of some vectors with others, the greatest kept),
 * and lists of the best that grow from many such results.
 */
import { UsageError } from '../errors.js';
import { Graph, openSession, ops, type Session, type SessionOptions } from '../graph/index.js';
import type { Nearest } from './exact-search.js';

/** Numbers in the products of one run, 16 MiB: more are no faster. */
const PRODUCTS = 2 ** 22;

/** Compares any vectors with any others; release the session afterwards. */
export function openScan(dimension: number, options: SessionOptions | undefined): Promise<Session> {
  const graph = new Graph('scan');
  const queries = graph.input('queries', ['N', dimension]);
  const vectors = graph.input('vectors', ['M', dimension]);
  const k = graph.input('k', [1], 'int64');
  const products = graph.node('Gemm', [queries, vectors], ['N', 'M'], { attributes: { transB: 1 } });
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
  return openSession(
    graph,
    () => {
      throw new UsageError('a product of inputs has no weights');
    },
    { ...options, planMemory: false }, // every run has another size
  );
}

/** The `k` greatest products of each query with `vectors`, best first; both arrays are given away. */
export async function scan(
  session: Session,
  dimension: number,
  queries: Float32Array,
  vectors: Float32Array,
  k: number,
): Promise<Nearest> {
  const { indices, scores } = await session.run({
    queries: { data: queries, dims: [queries.length / dimension, dimension] },
    vectors: { data: vectors, dims: [vectors.length / dimension, dimension] },
    k: { data: BigInt64Array.of(BigInt(k)), dims: [1] },
  });
  return { indices: indices!.data as Int32Array, scores: scores!.data as Float32Array };
}

/** How many queries may be compared at once with so many vectors. */
export const rowsAtOnce = (vectors: number, dimension: number): number =>
  Math.max(1, Math.floor(PRODUCTS / Math.max(vectors, dimension)));

/** Copies of the vectors at `rows[from … to)`. */
export function gather(
  vectors: Float32Array,
  dimension: number,
  rows: Int32Array,
  from = 0,
  to = rows.length,
): Float32Array {
  const result = new Float32Array((to - from) * dimension);
  for (let i = from; i < to; i++) {
    const start = rows[i]! * dimension;
    result.set(vectors.subarray(start, start + dimension), (i - from) * dimension);
  }
  return result;
}

/** The best `k` others of each of `count` queries, as they come. */
export class BestLists implements Nearest {
  /** −1 where nothing has come yet. */
  readonly indices: Int32Array;
  readonly scores: Float32Array;

  constructor(
    count: number,
    readonly k: number,
  ) {
    this.indices = new Int32Array(count * k).fill(-1);
    this.scores = new Float32Array(count * k).fill(Number.NEGATIVE_INFINITY);
  }

  /** Takes in what was found for query `q`: `width` results from `from` on, which stand for `rows[first + index]`. */
  add(
    q: number,
    found: Nearest,
    from: number,
    width: number,
    rows: Int32Array,
    first: number,
    self: number,
  ): void {
    const { indices, scores } = this;
    const start = q * this.k;
    const end = start + this.k;
    for (let i = from; i < from + width; i++) {
      const score = found.scores[i]!;
      if (!(score > scores[end - 1]!)) return;
      const index = rows[first + found.indices[i]!]!;
      if (index === self) continue;
      let to = end - 1;
      for (; to > start && scores[to - 1]! < score; to--) {
        scores[to] = scores[to - 1]!;
        indices[to] = indices[to - 1]!;
      }
      scores[to] = score;
      indices[to] = index;
    }
  }
}

/** The exact best `k` others of some vectors (`queries`, positions in `rows`) among all `rows`, which are streamed by. */
export async function exactLists(
  session: Session,
  vectors: Float32Array,
  dimension: number,
  rows: Int32Array,
  queries: Int32Array,
  k: number,
  signal?: AbortSignal,
): Promise<BestLists> {
  const lists = new BestLists(queries.length, k);
  const own = Int32Array.from(queries, (q) => rows[q]!);
  const data = gather(vectors, dimension, own);
  const block = rowsAtOnce(queries.length, dimension);
  for (let first = 0; first < rows.length; first += block) {
    signal?.throwIfAborted();
    const end = Math.min(rows.length, first + block);
    const width = Math.min(k + 1, end - first);
    const found = await scan(
      session,
      dimension,
      data.slice(),
      gather(vectors, dimension, rows, first, end),
      width,
    );
    for (let q = 0; q < queries.length; q++) lists.add(q, found, q * width, width, rows, first, own[q]!);
  }
  return lists;
}
