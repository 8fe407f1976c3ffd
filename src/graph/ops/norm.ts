/**
 * @file Normalisation layers.
 */
import { GraphError } from '../../errors.js';
import { fixed, sameShape, show } from '../shape.js';
import type { Value } from '../types.js';

function vector(v: Value, size: number, what: string): void {
  if (!sameShape(v.shape, [size]))
    throw new GraphError(`${what}: expected shape [${size}] but received ${show(v.shape)}`);
}

/** Layer normalisation over the last axis (Ba et al., 2016). One fused kernel. */
export function layerNorm(x: Value, scale: Value, bias: Value, epsilon: number): Value {
  const d = fixed(x.shape.at(-1), 'LayerNormalization');
  vector(scale, d, 'LayerNormalization scale');
  vector(bias, d, 'LayerNormalization bias');
  return x.graph.node('LayerNormalization', [x, scale, bias], x.shape, {
    attributes: { axis: -1, epsilon: { float: epsilon } },
  });
}

/** Batch normalisation with fixed statistics, per channel of [N, C, H, W]; the runtime folds it into a convolution. */
export function batchNorm(
  x: Value,
  scale: Value,
  bias: Value,
  mean: Value,
  variance: Value,
  epsilon: number,
): Value {
  const c = fixed(x.shape[1], 'BatchNormalization');
  for (const v of [scale, bias, mean, variance]) vector(v, c, 'BatchNormalization');
  return x.graph.node('BatchNormalization', [x, scale, bias, mean, variance], x.shape, {
    attributes: { epsilon: { float: epsilon } },
  });
}
