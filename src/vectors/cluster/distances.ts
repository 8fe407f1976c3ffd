/** @file Euclidean distances of many pairs as a product of matrices, and what keeps float32 accurate in it. */
import { type Graph, ops, type Value } from '../../graph/index.js';
import type { Vectors } from '../vectors.js';

/** Squared Euclidean distances `[N, M]` of x `[N, D]` and y `[M, D]`, from their lengths and products; never negative. */
export function squaredDistances(graph: Graph, x: Value, y: Value): Value {
  const ofY = ops.sum(ops.square(y), [1]);
  const keys = graph.node('Gemm', [x, y, ofY], ['N', 'M'], {
    attributes: { transB: 1, alpha: { float: -2 } },
  });
  return ops.relu(ops.add(keys, ops.sum(ops.square(x), [1], true)));
}

/** Vectors around their mean: the distances are the same, and the lengths, which they are small beside, smaller. */
export function centred({ data, dimension }: Vectors): Float32Array {
  const count = data.length / dimension;
  const mean = new Float64Array(dimension);
  for (let i = 0, d = 0; i < data.length; i++, d = d + 1 === dimension ? 0 : d + 1)
    mean[d]! += data[i]! / count;
  const result = new Float32Array(data.length);
  for (let i = 0, d = 0; i < data.length; i++, d = d + 1 === dimension ? 0 : d + 1)
    result[i] = data[i]! - mean[d]!;
  return result;
}
