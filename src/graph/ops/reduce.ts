/**
 * @file Reductions and what is made of them.
 */
import { axisOf } from '../shape.js';
import type { Value } from '../types.js';
import { div, maximum } from './elementwise.js';

function reduce(op: string, x: Value, axes: readonly number[], keep: boolean): Value {
  const set = axes.map((a) => axisOf(a, x.shape.length, op));
  const shape = x.shape.map((d, i) => (set.includes(i) ? 1 : d)).filter((_, i) => keep || !set.includes(i));
  return x.graph.node(op, [x, x.graph.ints(set)], shape, { attributes: { keepdims: keep ? 1 : 0 } });
}

export const sum = (x: Value, axes: readonly number[], keep = false): Value =>
  reduce('ReduceSum', x, axes, keep);
export const mean = (x: Value, axes: readonly number[], keep = false): Value =>
  reduce('ReduceMean', x, axes, keep);
export const max = (x: Value, axes: readonly number[], keep = false): Value =>
  reduce('ReduceMax', x, axes, keep);
export const min = (x: Value, axes: readonly number[], keep = false): Value =>
  reduce('ReduceMin', x, axes, keep);
/** log Σ exp(x) along the axes, computed stably. */
export const logSumExp = (x: Value, axes: readonly number[], keep = false): Value =>
  reduce('ReduceLogSumExp', x, axes, keep);
/** Euclidean length along the axes; its gradient at a zero vector is zero. */
export const norm = (x: Value, axes: readonly number[], keep = false): Value =>
  reduce('ReduceL2', x, axes, keep);

/** Unit length along an axis; as PyTorch's `normalize`, the length is at least `epsilon`. */
export function l2Normalize(x: Value, axis = -1, epsilon = 1e-12): Value {
  return div(x, maximum(norm(x, [axis], true), epsilon));
}

/** exp(x) / Σ exp(x) along an axis. */
export function softmax(x: Value, axis = -1): Value {
  return x.graph.node('Softmax', [x], x.shape, {
    attributes: { axis: axisOf(axis, x.shape.length, 'Softmax') },
  });
}

/** log(softmax(x)), computed stably. */
export function logSoftmax(x: Value, axis = -1): Value {
  return x.graph.node('LogSoftmax', [x], x.shape, {
    attributes: { axis: axisOf(axis, x.shape.length, 'LogSoftmax') },
  });
}
