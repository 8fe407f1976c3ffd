/** @file Derivatives of reductions and of softmax. */
import { equal } from '../ops/compare.js';
import { cast, div, exp, maximum, mul, sub } from '../ops/elementwise.js';
import { sum } from '../ops/reduce.js';
import { reshape } from '../ops/shape.js';
import { sizeOf } from '../shape.js';
import type { Value } from '../types.js';
import { integersOf, type Rule, type Rules, unary } from './rule.js';
import { spread, thin, times } from './spread.js';

/** A rule from the gradient and the result, both with the reduced axes kept as 1. */
function reduction(derive: (dy: Value, x: Value, y: Value, axes: number[]) => Value): Rule {
  return ({ op, inputs, outputs }, [dy]) => {
    const [x, axes] = inputs as readonly [Value, Value | undefined];
    const all = axes ? integersOf(axes, op) : x.shape.map((_, i) => i);
    const kept = x.shape.map((d, i) => (all.includes(i) ? 1 : (d as number)));
    return [derive(reshape(dy!, kept), x, reshape(outputs[0]!, kept), all), null];
  };
}

/** The maxima share their gradient equally, as PyTorch's `amax`. */
const extremum = reduction((dy, x, y, axes) => {
  const mask = cast(equal(x, y), 'float32');
  return mul(mask, div(dy, sum(mask, axes, true)));
});

export const reduceRules: Rules = {
  ReduceSum: reduction((dy, x) => spread(dy, x.shape as number[])),
  ReduceMean: reduction((dy, x) => {
    const share = sizeOf(dy.shape, 'ReduceMean') / sizeOf(x.shape, 'ReduceMean');
    return spread(mul(dy, share), x.shape as number[]);
  }),
  ReduceMax: extremum,
  ReduceMin: extremum,
  // Below the smallest length that float32 squares can have, the vector is zero and so is its gradient.
  ReduceL2: reduction((dy, x, y) => mul(x, div(dy, maximum(y, 1e-20)))),
  ReduceLogSumExp: reduction((dy, x, y) => mul(exp(sub(x, y)), dy)),
  Softmax: unary((dy, _, y, { attributes }) => {
    const weighted = times(dy, y);
    return sub(weighted, mul(y, sum(weighted, [Number(attributes.axis)], true)));
  }),
  LogSoftmax: unary((dy, _, y, { attributes }) => {
    const total = sum(dy, [Number(attributes.axis)], true);
    return sub(thin(dy), mul(exp(y), total));
  }),
};
