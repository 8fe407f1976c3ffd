/**
 * @file Vectors and the numeric engine that compares them with centroids, block by block: one product and the place of
 * its least entry. Unless a worker is asked for, the engine runs here: a block takes milliseconds, others have their turn
 * between two of them, and nothing is copied.
 */
import { UsageError } from '../../errors.js';
import { Graph, openSession, ops, type Session, type SessionOptions } from '../../graph/index.js';
import type { Vectors } from '../vectors.js';

/** Numbers in a block, of vectors or of products: 4 MiB stay near the processor. */
const BLOCK = 2 ** 20;

/** Vectors that can be assigned to centroids. Close them when done. */
export class Points {
  private constructor(
    readonly vectors: Vectors,
    readonly count: number,
    private readonly session: Session,
    private readonly inline: boolean,
    private readonly signal: AbortSignal | undefined,
  ) {}

  /** @param signal once aborted, what is being computed rejects with its reason */
  static async open(vectors: Vectors, options: SessionOptions = {}, signal?: AbortSignal): Promise<Points> {
    const { inline = true } = options;
    const session = await openSession(assignmentGraph(vectors.dimension), noParameters, {
      ...options,
      inline,
    });
    return new Points(vectors, vectors.data.length / vectors.dimension, session, inline, signal);
  }

  /**
   * The nearest centroid of each vector, the first of equals; `take` gets them in blocks of consecutive vectors.
   * @param centroids [K, D]
   */
  async assign(centroids: Float32Array, take: (first: number, nearest: Int32Array) => void): Promise<void> {
    const { data, dimension } = this.vectors;
    const rows = Math.max(1, Math.floor(BLOCK / Math.max(dimension, centroids.length / dimension)));
    const start = (first: number) => {
      const [from, to] = [first * dimension, (first + rows) * dimension];
      const found = this.nearest(this.inline ? data.subarray(from, to) : data.slice(from, to), centroids);
      found.catch(() => undefined); // it is awaited later, or another failed before it
      return found;
    };
    let next = this.count > 0 ? start(0) : undefined;
    for (let first = 0; first < this.count; first += rows) {
      const found = next!;
      next = first + rows < this.count ? start(first + rows) : undefined;
      take(first, await found);
    }
  }

  /** The nearest centroid of each vector of a block, which is given away. */
  async nearest(block: Float32Array, centroids: Float32Array): Promise<Int32Array> {
    const { dimension } = this.vectors;
    this.signal?.throwIfAborted();
    const { index } = await this.session.run({
      vectors: { data: block, dims: [block.length / dimension, dimension] },
      centroids: { data: centroids.slice(), dims: [centroids.length / dimension, dimension] },
    });
    return index!.data as Int32Array;
  }

  async close(): Promise<void> {
    await this.session.release();
  }
}

/** For graphs all of whose numbers are inputs. */
export function noParameters(): never {
  throw new UsageError('the graph has no parameters');
}

function assignmentGraph(dimension: number): Graph {
  const graph = new Graph('k-means');
  const x = graph.input('vectors', ['N', dimension]);
  const centroids = graph.input('centroids', ['K', dimension]);
  const lengths = ops.sum(ops.square(centroids), [1]);
  const keys = graph.node('Gemm', [x, centroids, lengths], ['N', 'K'], {
    attributes: { transB: 1, alpha: { float: -2 } },
  });
  const index = graph.node('ArgMin', [keys], ['N'], { dtype: 'int64', attributes: { axis: 1, keepdims: 0 } });
  graph.output('index', ops.cast(index, 'int32'));
  return graph;
}

/** The squared distance of row i of `a` and row j of `b`. */
export function squareBetween(
  a: Float32Array,
  i: number,
  b: Float32Array,
  j: number,
  dimension: number,
): number {
  let square = 0;
  for (let d = 0, x = i * dimension, y = j * dimension; d < dimension; d++, x++, y++) {
    const difference = a[x]! - b[y]!;
    square += difference * difference;
  }
  return square;
}
