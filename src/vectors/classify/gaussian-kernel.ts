/** @file The Gaussian kernel exp(−gamma · |x − y|²), through the numeric engine. */
import { Graph, openSession, ops, type Session, type SessionOptions, type Value } from '../../graph/index.js';
import type { Vectors } from '../vectors.js';
import { blockRows } from './scorer.js';

/** The kernel `[N × M]` of `x [N × D]` and `y [M × D]`. */
export function gaussian(x: Value, y: Value, gamma: number): Value {
  const products = x.graph.node('Gemm', [x, y, ops.sum(ops.square(y), [1])], [x.shape[0]!, y.shape[0]!], {
    attributes: { transB: 1, alpha: { float: 2 * gamma }, beta: { float: -gamma } },
  });
  const exponents = ops.sub(products, ops.mul(ops.sum(ops.square(x), [1], true), gamma));
  return ops.exp(ops.minimum(exponents, 0));
}

/** A session for {@link gram}. */
export function openGram(dimension: number, gamma: number, session?: SessionOptions): Promise<Session> {
  const graph = new Graph('kernel');
  const x = graph.input('vectors', ['N', dimension]);
  graph.output('kernel', gaussian(x, graph.input('reference', ['M', dimension]), gamma));
  return openSession(graph, () => ({ data: new Float32Array(0), dtype: 'float32' }), session);
}

/** The kernel of all pairs of vectors, `[n × n]`. Centred vectors keep the rounding errors small. */
export async function gram(session: Session, { data, dimension }: Vectors): Promise<Float32Array> {
  const count = data.length / dimension;
  const result = new Float32Array(count * count);
  const rows = blockRows(Math.max(count, dimension));
  for (let first = 0; first < count; first += rows) {
    const block = data.slice(first * dimension, (first + rows) * dimension);
    const { kernel } = await session.run({
      vectors: { data: block, dims: [block.length / dimension, dimension] },
      reference: { data: data.slice(), dims: [count, dimension] },
    });
    result.set(kernel!.data as Float32Array, first * count);
  }
  return result;
}
