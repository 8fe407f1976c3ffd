/**
 * @file How much of what exact search finds a table's approximate index finds, measured on the table's own vectors;
 * and when there is such an index at all.
 */
import { Graph, openSession, ops } from '../graph/index.js';
import type { IndexQuality } from './manifest.js';
import type { VectorTable } from './store.js';

/** Rows from which an approximate index is built: comparing with every one of 50,000 × 512 takes 47 ms, the index 5. */
const APPROXIMATE_FROM = 50_000;
/** Rows from which columns are indexed. */
const COLUMNS_FROM = 5000;
/** Columns whose filters are hardly worth an index. */
const PLAIN = new Set(['text', 'orientation', 'indexed']);
const K = 10;
const BLOCK = 8192;
/** How far a search may be made to look. */
const MOST_EFFORT = 16;
/** Scores that differ by less are of equal vectors. */
const ROUNDING = 1e-5;

export interface MeasureOptions {
  /** Items drawn as queries. @default 200 */
  queries?: number | undefined;
  /** Recall to be reached, if need be by more effort. @default 0.98 */
  target?: number | undefined;
  /** Ends it early, with its reason thrown. */
  stop?: AbortSignal | undefined;
}

/**
 * Measures recall@10 of a table's approximate search and raises its `effort`, up to 16, until the target is reached.
 * Exact search reads the table once, in blocks, through the numeric engine: memory holds one block and its products.
 */
export async function measureIndex(table: VectorTable, options: MeasureOptions = {}): Promise<IndexQuality> {
  const { queries: count = 200, target = 0.98, stop } = options;
  const { ids, vectors } = await table.sample(count, 1, { vectors: true });
  const rows = await table.count();
  if (ids.length < 2) return { recallAt10: 1, queries: ids.length, rows, effort: table.effort };
  const truth = await exactScores(table, ids, vectors, stop);
  for (table.effort = 1; ; table.effort *= 2) {
    let [found, wanted] = [0, 0];
    for (const [query, id] of ids.entries()) {
      stop?.throwIfAborted();
      const vector = vectors.subarray(query * table.dimension, (query + 1) * table.dimension);
      const least = truth[query]!.at(-1)! - ROUNDING;
      const hits = (await table.nearest(vector, { k: K + 1 })).filter((hit) => hit.id !== id);
      // By their scores, so that of many equal ones any will do.
      found += hits.slice(0, K).filter(({ score }) => score >= least).length;
      wanted += truth[query]!.length;
    }
    const recallAt10 = Math.min(1, found / wanted);
    if (recallAt10 >= target || table.effort >= MOST_EFFORT)
      return { recallAt10, queries: ids.length, rows, effort: table.effort };
  }
}

/**
 * Brings a table into order after many writes: tidies it up, indexes its columns and, when it is large enough, its
 * vectors.
 * @param current what was measured before; measured again once a tenth of the rows is new
 * @returns what the approximate index is worth; undefined where there is none.
 */
export async function maintain(
  table: VectorTable,
  current?: IndexQuality,
  stop?: AbortSignal,
): Promise<IndexQuality | undefined> {
  const rows = await table.count();
  if (rows >= COLUMNS_FROM) {
    const names = (await table.columns()).map(({ name }) => name).filter((name) => !PLAIN.has(name));
    await table.indexColumns(['id', ...names]);
  }
  await table.optimize();
  if (table.dimension === 0) return undefined;
  const index = await table.vectorIndex();
  if (rows < APPROXIMATE_FROM && !index) return undefined;
  // Its cells were chosen for the rows of then.
  const outgrown = current !== undefined && (rows > 2 * current.rows || rows < current.rows / 2);
  if (!index || outgrown) await table.indexVectors();
  else if (current && Math.abs(rows - current.rows) < current.rows / 10) {
    table.effort = current.effort;
    return current;
  }
  return measureIndex(table, { stop });
}

/** For each query the scores of its 10 nearest rows but itself, best first. */
async function exactScores(
  table: VectorTable,
  ids: readonly string[],
  queries: Float32Array,
  stop: AbortSignal | undefined,
): Promise<number[][]> {
  const { dimension } = table;
  const best = ids.map((): number[] => []);
  const unit = units(queries, dimension);
  const session = await openSession(productGraph(ids.length, dimension), () => ({
    data: unit,
    dtype: 'float32',
  }));
  try {
    for await (const batch of table.scan({ vectors: true, batchSize: BLOCK })) {
      stop?.throwIfAborted();
      const block = units(batch.vectors, dimension);
      const k = Math.min(K + 1, batch.ids.length);
      const { scores, positions } =
        k > K
          ? await session.run({ rows: { data: block, dims: [batch.ids.length, dimension] } })
          : products(unit, block, dimension);
      for (const [query, list] of best.entries()) {
        for (let i = query * k; i < (query + 1) * k; i++)
          if (batch.ids[positions!.data[i] as number] !== ids[query]) list.push(scores!.data[i] as number);
        list.sort((a, b) => b - a).splice(K);
      }
    }
  } finally {
    await session.release();
  }
  return best;
}

/** Products of the queries, which are part of the graph, with a block of rows, and the best of each with its rows. */
function productGraph(queries: number, dimension: number): Graph {
  const graph = new Graph('index quality');
  const rows = graph.input('rows', ['N', dimension]);
  const products = graph.node(
    'Gemm',
    [graph.parameter('queries', [queries, dimension]), rows],
    [queries, 'N'],
    {
      attributes: { transB: 1 },
    },
  );
  const [scores, positions] = graph.multi(
    'TopK',
    [products, graph.ints([K + 1])],
    [
      { shape: [queries, K + 1], dtype: 'float32' },
      { shape: [queries, K + 1], dtype: 'int64' },
    ],
    { attributes: { axis: 1, largest: 1, sorted: 0 } },
  );
  graph.output('scores', scores!);
  graph.output('positions', ops.cast(positions!, 'int32'));
  return graph;
}

/** The same for a last block that is too short to choose from: all of its products. */
function products(queries: Float32Array, rows: Float32Array, dimension: number) {
  const n = rows.length / dimension;
  const length = (queries.length / dimension) * n;
  const scores = Float32Array.from({ length }, (_, i) => {
    const [q, r] = [Math.floor(i / n) * dimension, (i % n) * dimension];
    let sum = 0;
    for (let d = 0; d < dimension; d++) sum += queries[q + d]! * rows[r + d]!;
    return sum;
  });
  return { scores: { data: scores }, positions: { data: Int32Array.from({ length }, (_, i) => i % n) } };
}

/** Vectors at unit length, copied. */
function units(vectors: Float32Array, dimension: number): Float32Array {
  const result = new Float32Array(vectors.length);
  for (let first = 0; first < vectors.length; first += dimension) {
    let square = 0;
    for (let i = first; i < first + dimension; i++) square += vectors[i]! ** 2;
    const factor = square > 0 ? 1 / Math.sqrt(square) : 0;
    for (let i = first; i < first + dimension; i++) result[i] = vectors[i]! * factor;
  }
  return result;
}
