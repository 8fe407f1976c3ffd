/**
 * @file Derivatives of convolution and transposed convolution.
 *
 * Each is the adjoint of the other: the gradient of a convolution's input is a transposed convolution with the same
 * weight, that of a transposed convolution's input a convolution. The gradient of a weight, for which inference has no
 * operator, is a node that stands for it until the graph is lowered for the runtime.
 */

import { WEIGHT_GRADIENT } from '../lowering/lower.js';
import { sum } from '../ops/reduce.js';
import type { Node, Value } from '../types.js';
import { each, type Rules } from './rule.js';

type Attributes = Node['attributes'];

/** The gradient of the weight of the convolution `wide → narrow`. */
function weightGradient(wide: Value, narrow: Value, weight: Value, attributes: Attributes): Value {
  return wide.graph.node(WEIGHT_GRADIENT, [wide, narrow], weight.shape, { domain: 'afterimage', attributes });
}

/** The adjoint of a convolution, from its output to its input of height and width `size`. */
function adjoint(dy: Value, weight: Value, x: Value, attributes: Attributes): Value {
  const list = (name: string) => attributes[name] as readonly number[];
  const [kernel, strides, pads, dilations] = ['kernel_shape', 'strides', 'pads', 'dilations'].map(list) as [
    number[],
    number[],
    number[],
    number[],
  ];
  // Rows and columns at the end that no window met.
  const missing = [0, 1].map((a) => {
    const reached = ((dy.shape[a + 2] as number) - 1) * strides[a]! + dilations[a]! * (kernel[a]! - 1) + 1;
    return (x.shape[a + 2] as number) - (reached - pads[a]! - pads[a + 2]!);
  });
  return dy.graph.node('ConvTranspose', [dy, weight], x.shape, {
    attributes: { ...attributes, output_padding: missing },
  });
}

export const convRules: Rules = {
  Conv({ inputs, attributes }, dys, need) {
    const [x, weight] = inputs as [Value, Value];
    const dy = dys[0]!;
    return each(
      need,
      () => adjoint(dy, weight, x, attributes),
      () => weightGradient(x, dy, weight, attributes),
      () => sum(dy, [0, 2, 3]),
    );
  },

  ConvTranspose({ inputs, attributes }, dys, need) {
    const [x, weight] = inputs as [Value, Value];
    const dy = dys[0]!;
    const { output_padding: _, ...rest } = attributes;
    return each(
      need,
      () => dy.graph.node('Conv', [dy, weight], x.shape, { attributes: rest }),
      () => weightGradient(dy, x, weight, rest),
      () => sum(dy, [0, 2, 3]),
    );
  },
};
