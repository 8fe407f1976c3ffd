/**
 * @file The graph of nearest neighbours of many vectors, without comparing each with each: the vectors fall into cells,
 * and each is compared with the members of the cells nearest to it. How many cells that takes is measured on a sample
 * whose true neighbours are found first, so that the graph has the recall that was asked for on whatever vectors these are.
 *
 * @see Sivic & Zisserman, ICCV 2003; Jégou, Douze & Schmid, TPAMI 2011 (inverted files)
 */
import { UsageError } from '../errors.js';
import type { Session, SessionOptions } from '../graph/index.js';
import { Random } from '../random.js';
import { nearestCells, trainCells } from './approximate-neighbours-cells.js';
import { type Copies, copiesOf, withCopies } from './approximate-neighbours-copies.js';
import { BestLists, exactLists, gather, openScan, rowsAtOnce, scan } from './approximate-neighbours-scan.js';
import { type Nearest, neighbourGraph } from './exact-search.js';
import { countOf } from './vectors.js';

export interface ApproximateNeighbourOptions {
  /** The share of true neighbours to find, 0..1. @default 0.95 */
  recall?: number | undefined;
  /** Cells that each vector is compared with, instead of as many as `recall` needs. */
  probes?: number | undefined;
  /** Fewer different vectors than this are compared with each other, all of them. @default 16384 */
  exactBelow?: number | undefined;
  /** @default 0 */
  seed?: number | undefined;
  /** Where the products are computed. */
  session?: SessionOptions | undefined;
  /** Gets how many vectors' worth of the work is done, of how many vectors. */
  onProgress?: ((done: number, total: number) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/** {@link Nearest}, and how it was found. */
export interface ApproximateNearest extends Nearest {
  /** The share of true neighbours found, measured on a sample; 1 when each vector was compared with each. */
  recall: number;
  /** Cells that each vector was compared with; 0 when it was compared with all vectors. */
  probes: number;
}

/** Vectors whose true neighbours are found. */
const SAMPLE = 512;
const MOST_PROBES = 128;
/** Vectors that look for their neighbours in one round: it bounds the memory. */
const ROUND = 2 ** 18;

/**
 * For every vector `k` near others, nearest first, found through cells. Copies of a vector are searched for once; each
 * finds the others first, starting behind itself.
 *
 * Besides the vectors it takes some 8 bytes for each of the `n × k` results, 2 for each vector and probe, and about
 * 200 MB.
 *
 * @param vectors one after the other, of unit length; a zero vector scores 0.
 * @throws UsageError when the vectors are not finite or there are no `k` others.
 */
export async function approximateNeighbourGraph(
  vectors: Float32Array,
  dimension: number,
  k: number,
  options: ApproximateNeighbourOptions = {},
): Promise<ApproximateNearest> {
  const { recall = 0.95, exactBelow = 2 ** 14, session: sessionOptions, onProgress, signal } = options;
  const count = countOf({ data: vectors, dimension }, 'vectors');
  if (!Number.isInteger(k) || k < 1 || k >= count)
    throw new UsageError(`k: expected a whole number from 1 to ${count - 1} but received ${k}`, {
      hint: `there are ${count} vectors`,
    });
  if (!(recall > 0 && recall <= 1))
    throw new UsageError(`recall: expected a number above 0, at most 1 but received ${recall}`);
  if (options.probes !== undefined && !(Number.isInteger(options.probes) && options.probes > 0))
    throw new UsageError(`probes: expected a whole number of at least 1 but received ${options.probes}`);
  if (count < exactBelow) {
    const found = await neighbourGraph(vectors, dimension, k, { session: sessionOptions });
    return { ...found, recall: 1, probes: 0 };
  }
  const copies = copiesOf(vectors, dimension);
  const own = Math.min(k, copies.rows.length - 1);
  if (copies.rows.length < exactBelow) {
    const distinct = gather(vectors, dimension, copies.rows);
    const found: Nearest =
      own > 0
        ? await neighbourGraph(distinct, dimension, own, { session: sessionOptions })
        : { indices: new Int32Array(0), scores: new Float32Array(0) };
    const { scores } = found;
    const indices = found.indices.map((kind) => copies.rows[kind]!);
    return { ...withCopies({ indices, scores }, own, copies, vectors, dimension, k), recall: 1, probes: 0 };
  }
  const session = await openScan(dimension, sessionOptions);
  try {
    const search = new CellSearch(session, vectors, dimension, copies, own, signal);
    const found = await search.run({
      recall,
      probes: options.probes,
      seed: options.seed ?? 0,
      onProgress: (share) => onProgress?.(Math.floor(share * count), count),
    });
    const { indices, scores } = withCopies(found.lists, own, copies, vectors, dimension, k);
    return { indices, scores, recall: found.recall, probes: found.probes };
  } finally {
    await session.release();
  }
}

/**
 * The share of each vector's true `k` nearest others that a graph holds, on a sample of vectors that are compared with
 * all: a found one counts when it is as near as the true k-th, so that equals may stand for each other.
 */
export async function graphRecall(
  vectors: Float32Array,
  dimension: number,
  graph: Nearest,
  k: number,
  {
    sample = SAMPLE,
    seed = 0,
    session: options,
  }: { sample?: number; seed?: number; session?: SessionOptions } = {},
): Promise<number> {
  const count = countOf({ data: vectors, dimension }, 'vectors');
  const random = new Random(seed, 'graph-recall');
  const queries = random.shuffle(Int32Array.from({ length: count }, (_, i) => i)).subarray(0, sample);
  const session = await openScan(dimension, options);
  try {
    const rows = Int32Array.from({ length: count }, (_, i) => i);
    const truth = await exactLists(session, vectors, dimension, rows, queries, k);
    let found = 0;
    queries.forEach((query, q) => {
      const least = truth.scores[(q + 1) * k - 1]! - 1e-6;
      for (let i = query * k; i < (query + 1) * k; i++) if (graph.scores[i]! >= least) found++;
    });
    return found / (queries.length * k);
  } finally {
    await session.release();
  }
}

/** The search through cells, of the distinct vectors alone. */
class CellSearch {
  private readonly rows: Int32Array;
  private readonly cells: number;

  constructor(
    private readonly session: Session,
    private readonly vectors: Float32Array,
    private readonly dimension: number,
    copies: Copies,
    private readonly k: number,
    private readonly signal: AbortSignal | undefined,
  ) {
    this.rows = copies.rows;
    // As many as make comparing with the centres as cheap as with the members of sixteen cells.
    this.cells = Math.min(2 ** 16, Math.round(4 * Math.sqrt(this.rows.length)));
  }

  async run(options: {
    recall: number;
    probes: number | undefined;
    seed: number;
    onProgress: ((share: number) => void) | undefined;
  }): Promise<{ lists: BestLists; recall: number; probes: number }> {
    const { session, vectors, dimension, rows, cells, signal } = this;
    const random = new Random(options.seed, 'approximate-neighbours');
    const centres = await trainCells(session, vectors, dimension, rows, cells, random, signal);
    options.onProgress?.(0.1);
    const found = await this.recalls(centres, random);
    const enough = found.findIndex((share) => share >= options.recall) + 1;
    const probes = Math.min(options.probes ?? (enough || found.length), found.length);
    const nearest = await nearestCells(
      session,
      vectors,
      dimension,
      rows,
      centres,
      probes,
      (share) => options.onProgress?.(0.1 + 0.2 * share),
      signal,
    );
    const lists = new BestLists(rows.length, this.k);
    const members = sorted(nearest, probes, 1, 0, rows.length, cells);
    for (let first = 0; first < rows.length; first += ROUND) {
      const end = Math.min(rows.length, first + ROUND);
      const queries = sorted(nearest, probes, probes, first, end, cells);
      for (let c = 0; c < cells; c++) {
        await this.compare(lists, members, queries, c);
        options.onProgress?.(0.3 + (0.7 * (first + ((c + 1) / cells) * (end - first))) / rows.length);
      }
    }
    await this.complete(lists);
    return { lists, recall: found[probes - 1]!, probes };
  }

  /** The share of true neighbours that lie in the nearest 1, 2, … cells of a vector, on a sample. */
  private async recalls(centres: Float32Array, random: Random): Promise<number[]> {
    const { session, vectors, dimension, rows, cells, k, signal } = this;
    const queries = Int32Array.from({ length: Math.min(SAMPLE, rows.length) }, () =>
      random.integer(rows.length),
    );
    const truth = await exactLists(session, vectors, dimension, rows, queries, k, signal);
    const own = await nearestCells(session, vectors, dimension, truth.indices, centres, 1);
    const most = Math.min(MOST_PROBES, cells);
    const asked = queries.map((q) => rows[q]!);
    const nearest = await nearestCells(session, vectors, dimension, asked, centres, most);
    const found = new Array<number>(most).fill(0);
    for (let i = 0; i < own.length; i++) {
      const q = Math.floor(i / k);
      const rank = nearest.subarray(q * most, (q + 1) * most).indexOf(own[i]!);
      if (rank >= 0) found[rank]!++;
    }
    for (let p = 1; p < most; p++) found[p]! += found[p - 1]!;
    return found.map((n) => n / own.length);
  }

  /** Compares the queries of a cell with its members. */
  private async compare(lists: BestLists, members: Sorted, queries: Sorted, cell: number): Promise<void> {
    const { session, vectors, dimension, rows, k, signal } = this;
    const own = members.items.subarray(members.starts[cell]!, members.starts[cell + 1]!).map((i) => rows[i]!);
    const asking = queries.items.subarray(queries.starts[cell]!, queries.starts[cell + 1]!);
    if (own.length === 0 || asking.length === 0) return;
    const block = rowsAtOnce(own.length, dimension);
    const width = Math.min(k + 1, own.length);
    for (let first = 0; first < asking.length; first += block) {
      signal?.throwIfAborted();
      const some = asking.subarray(first, first + block);
      const from = some.map((q) => rows[q]!);
      const found = await scan(
        session,
        dimension,
        gather(vectors, dimension, from),
        gather(vectors, dimension, own),
        width,
      );
      for (let i = 0; i < some.length; i++) lists.add(some[i]!, found, i * width, width, own, 0, from[i]!);
    }
  }

  /** Searches among all vectors for those whose cells held too few. */
  private async complete(lists: BestLists): Promise<void> {
    const { session, vectors, dimension, rows, k, signal } = this;
    const short: number[] = [];
    for (let q = 0; q < rows.length; q++) if (lists.indices[(q + 1) * k - 1]! < 0) short.push(q);
    for (let first = 0; first < short.length; first += 1024) {
      const some = Int32Array.from(short.slice(first, first + 1024));
      const found = await exactLists(session, vectors, dimension, rows, some, k, signal);
      some.forEach((q, i) => {
        lists.indices.set(found.indices.subarray(i * k, (i + 1) * k), q * k);
        lists.scores.set(found.scores.subarray(i * k, (i + 1) * k), q * k);
      });
    }
  }
}

/** Items by cell: those of cell c are `items[starts[c] … starts[c + 1])`. */
interface Sorted {
  starts: Int32Array;
  items: Int32Array;
}

/** The vectors from `first` to `end`, under each of the nearest `width` of the `probes` cells in `nearest`. */
function sorted(
  nearest: Uint16Array,
  probes: number,
  width: number,
  first: number,
  end: number,
  cells: number,
): Sorted {
  const starts = new Int32Array(cells + 1);
  for (let i = first; i < end; i++) for (let p = 0; p < width; p++) starts[nearest[i * probes + p]! + 1]!++;
  for (let c = 0; c < cells; c++) starts[c + 1]! += starts[c]!;
  const next = starts.slice();
  const items = new Int32Array((end - first) * width);
  for (let i = first; i < end; i++)
    for (let p = 0; p < width; p++) items[next[nearest[i * probes + p]!]!++] = i;
  return { starts, items };
}
