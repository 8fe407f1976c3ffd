/** @file Inner products in float64, through the numeric engine: what ridge, kernels and their predictions start from. */
import { UsageError } from '../../errors.js';
import { Graph, openSession, type Session, type SessionOptions } from '../../graph/index.js';

/** Numbers of one operand that are multiplied at a time: 64 MiB. */
const BLOCK = 2 ** 23;

/** Multiplications that take less time on this thread than a worker takes to start. */
const SMALL = 1e8;

/** Multiplies matrices of any size: small ones at once, larger ones in a worker. Close it when done. */
export class Products {
  private readonly sessions = new Map<boolean, Promise<Session>>();

  constructor(private readonly options: SessionOptions = {}) {}

  /** The inner product of every row of `a` with every row of `b`, rows of `width` numbers: `[rows of a × rows of b]`. */
  async rows(a: Float64Array, b: Float64Array, width: number): Promise<Float64Array> {
    const [n, m] = [a.length / width, b.length / width];
    const result = new Float64Array(n * m);
    const session = await this.session(n * m * width < SMALL);
    const step = Math.max(1, Math.floor(BLOCK / Math.max(width, m)));
    for (let first = 0; first < n; first += step) {
      const some = a.slice(first * width, (first + step) * width);
      const { products } = await session.run({
        a: { data: some, dims: [some.length / width, width] },
        b: { data: b.slice(), dims: [m, width] }, // what is given may be moved to another thread
      });
      result.set(products!.data as Float64Array, first * m);
    }
    return result;
  }

  async close(): Promise<void> {
    for (const session of this.sessions.values()) await (await session).release();
  }

  private session(inline: boolean): Promise<Session> {
    const open =
      this.sessions.get(inline) ?? openSession(productGraph(), noWeights, { ...this.options, inline });
    this.sessions.set(inline, open);
    return open;
  }
}

function productGraph(): Graph {
  const graph = new Graph('products');
  const a = graph.input('a', ['N', 'D'], 'float64');
  const b = graph.input('b', ['M', 'D'], 'float64');
  const attributes = { transB: 1 };
  graph.output('products', graph.node('Gemm', [a, b], ['N', 'M'], { dtype: 'float64', attributes }));
  return graph;
}

function noWeights(): never {
  throw new UsageError('products: a product of inputs has no weights');
}

/** The columns as rows. */
export function transposed(values: Float64Array, width: number): Float64Array {
  const rows = values.length / width;
  const result = new Float64Array(values.length);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < width; j++) result[j * rows + i] = values[i * width + j]!;
  return result;
}
