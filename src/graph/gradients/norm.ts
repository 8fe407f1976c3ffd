/** @file Derivatives of normalisation layers. */
import { add, div, mul, neg, sqrt, sub } from '../ops/elementwise.js';
import { mean, sum } from '../ops/reduce.js';
import { expand, reshape } from '../ops/shape.js';
import { sizeOf } from '../shape.js';
import type { Node, Value } from '../types.js';
import type { Rule, Rules } from './rule.js';
import { reduceTo } from './spread.js';

const epsilonOf = ({ attributes }: Node): number => (attributes.epsilon as { float: number }).float;

/** A value per channel in a shape that broadcasts over [N, C, …]. */
const perChannel = (v: Value, x: Value): Value =>
  reshape(
    v,
    x.shape.map((d, i) => (i === 1 ? d : 1)),
  );

/** slope · x + offset per channel: the kernel for inference over statistics 0 and 1, in one pass. */
function affine(x: Value, slope: Value, offset: Value): Value {
  const { graph } = x;
  const channels = slope.shape as readonly number[];
  const constant = (n: number) => expand(graph.scalar(n), channels);
  return graph.node('BatchNormalization', [x, slope, offset, constant(0), constant(1)], x.shape, {
    attributes: { epsilon: { float: 0 } },
  });
}

/**
 * y = scale · (x − mean) · inv + bias, inv = 1 / √(variance + ε). In training mode mean and variance are functions of
 * x, whose share makes the gradient of x an affine function of dy and x per channel:
 *
 *   dx = scale · inv · (dy − dbias / M − (x − mean) · inv · dscale / M),   M numbers per channel.
 */
const batchNormRule: Rule = (node, [dy], need) => {
  const [x, scale, , runningMean, runningVariance] = node.inputs as readonly Value[];
  const training = node.attributes.training_mode === 1;
  const average = training ? node.outputs[1]! : runningMean!;
  const variance = training ? node.outputs[2]! : runningVariance!;
  const { graph } = x!;
  const axes = x!.shape.map((_, i) => i).filter((i) => i !== 1);
  const inverse = div(graph.scalar(1), sqrt(add(variance, epsilonOf(node))));
  const factor = mul(scale!, inverse);
  if (!training && !need[1] && !need[2]) return [mul(dy!, perChannel(factor, x!))];

  const dbias = sum(dy!, axes);
  const dscale = mul(inverse, sub(sum(mul(dy!, x!), axes), mul(average, dbias)));
  if (!need[0]) return [null, dscale, dbias];
  if (!training) return [mul(dy!, perChannel(factor, x!)), dscale, dbias];
  const count = sizeOf(x!.shape, node.op) / sizeOf(scale!.shape, node.op);
  const slope = mul(mul(inverse, dscale), -1 / count);
  const offset = neg(add(mul(slope, average), mul(dbias, 1 / count)));
  return [mul(add(dy!, affine(x!, slope, offset)), perChannel(factor, x!)), dscale, dbias];
};

/**
 * y = scale · x̂ + bias with x̂ = (x − mean) · inv over the last axis; with g = dy · scale,
 *
 *   dx = inv · (g − mean(g) − x̂ · mean(g · x̂)).
 *
 * x̂ and inv come from the forward kernel without scale and bias, which is cheaper than keeping them.
 */
const layerNormRule: Rule = (node, [dy], need) => {
  const [x, scale, bias] = node.inputs as readonly [Value, Value, Value | undefined];
  const { graph } = x;
  const width = scale.shape as readonly number[];
  const rows = [...x.shape.slice(0, -1), 1];
  const float32 = (shape: Value['shape']) => ({ shape, dtype: 'float32' as const });
  const [normalised, , inverse] = graph.multi(
    'LayerNormalization',
    [x, expand(graph.scalar(1), width)],
    [float32(x.shape), float32(rows), float32(rows)],
    { attributes: node.attributes },
  ) as [Value, Value, Value];
  const dbias = need[2] ? reduceTo(dy!, bias!.shape as number[]) : null;
  const dscale = need[1] ? reduceTo(mul(dy!, normalised), width) : null;
  if (!need[0]) return [null, dscale, dbias];
  const g = mul(dy!, scale);
  const along = mul(normalised, mean(mul(g, normalised), [-1], true));
  return [mul(sub(sub(g, mean(g, [-1], true)), along), inverse), dscale, dbias];
};

export const normRules: Rules = {
  BatchNormalization: batchNormRule,
  LayerNormalization: layerNormRule,
};
