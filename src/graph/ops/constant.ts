/**
 * @file Constant tensors that losses and metrics are written with.
 */
import type { Graph } from '../graph.js';
import type { Value } from '../types.js';

/** A float32 tensor of one number repeated, stored as that number. */
export function full(graph: Graph, shape: readonly number[], x: number): Value {
  return graph.node('Expand', [graph.scalar(x), graph.ints(shape)], shape);
}

/** 0, 1, …, n − 1 as int64 [n]. */
export const arange = (graph: Graph, n: number): Value => graph.ints(Array.from({ length: n }, (_, i) => i));

/** The identity as a mask: bool [n, n], true on the diagonal. */
export function eye(graph: Graph, n: number): Value {
  const data = new Uint8Array(n * n);
  for (let i = 0; i < n; i++) data[i * n + i] = 1;
  return graph.constant(data, [n, n], 'bool');
}
