/**
 * @file Derivatives of convolution and transposed convolution.
 *
 * ONNX has no operators for them (Runtime's own are left out of inference builds), so they are written with those that
 * inference has. Each is the adjoint of the other: the gradient of a convolution's input is a transposed convolution
 * with the same weight, that of a transposed convolution's input a convolution. The gradient of a weight is one matrix
 * product with the windows of the whole batch ({@link columns}).
 */

import { gemm } from '../ops/linear.js';
import { sum } from '../ops/reduce.js';
import { reshape, transpose } from '../ops/shape.js';
import type { Node, Value } from '../types.js';
import { channelRows, columns, type Window } from './columns.js';
import { each, type Rules } from './rule.js';

interface Geometry extends Window {
  readonly groups: number;
  /** The convolution's input height and width. */
  readonly size: readonly [number, number];
  /** Padding after the last row and column. */
  readonly padEnd: readonly [number, number];
}

type Pair = readonly [number, number];

/** The sizes of the convolution `wide [N, C, H, W]` → `narrow [N, O, OH, OW]` that a node does, or is the adjoint of. */
function geometry(node: Node, wide: Value, narrow: Value): Geometry {
  const { kernel_shape, strides, dilations = [1, 1], pads, group = 1 } = node.attributes;
  const [top, left, bottom, right] = pads as readonly number[];
  return {
    kernel: kernel_shape as unknown as Pair,
    stride: strides as unknown as Pair,
    dilation: dilations as unknown as Pair,
    pad: [top!, left!],
    padEnd: [bottom!, right!],
    out: narrow.shape.slice(2) as unknown as Pair,
    size: wide.shape.slice(2) as unknown as Pair,
    groups: group as number,
  };
}

/** The weight's gradient, `[O, C / groups, kh, kw]`, from the convolution's input and its output's gradient. */
function weightGradient(x: Value, dy: Value, shape: readonly number[], g: Geometry): Value {
  const [o, perGroup, kh, kw] = shape as [number, number, number, number];
  const rows = channelRows(dy);
  const cols = columns(x, g);
  if (g.groups === 1) return reshape(gemm(rows, cols, null, { transposeB: true }), shape);
  const pixels = rows.shape[1]!;
  const product = x.graph.node(
    'FusedMatMul',
    [reshape(rows, [g.groups, o / g.groups, pixels]), reshape(cols, [g.groups, perGroup * kh * kw, pixels])],
    [g.groups, o / g.groups, perGroup * kh * kw],
    { domain: 'com.microsoft', attributes: { transB: 1 } },
  );
  return reshape(product, shape);
}

/** The gradient of a convolution's input. */
function inputGradient(dy: Value, weight: Value, g: Geometry): Value {
  const [n, o] = dy.shape as [number, number];
  const c = (weight.shape[1] as number) * g.groups;
  const reach = [0, 1].map((a) => g.dilation[a]! * (g.kernel[a]! - 1)) as unknown as Pair;
  const shape = [n, c, ...g.size];
  const attributes = { kernel_shape: g.kernel, dilations: g.dilation, group: g.groups };
  if (g.stride[0] * g.stride[1] === 1 && reach.every((r, a) => r >= g.pad[a]! && r >= g.padEnd[a]!)) {
    const pads = [...reach.map((r, a) => r - g.pad[a]!), ...reach.map((r, a) => r - g.padEnd[a]!)];
    return dy.graph.node('Conv', [dy, flipped(weight, o, c, g)], shape, {
      attributes: { ...attributes, strides: [1, 1], pads },
    });
  }
  const missing = [0, 1].map(
    (a) => g.size[a]! - ((g.out[a]! - 1) * g.stride[a]! + reach[a]! + 1 - g.pad[a]! - g.padEnd[a]!),
  );
  return dy.graph.node('ConvTranspose', [dy, weight], shape, {
    attributes: { ...attributes, strides: g.stride, pads: [...g.pad, ...g.padEnd], output_padding: missing },
  });
}

/** The weight of the adjoint: `[O, C / g, kh, kw]` → `[C, O / g, kh, kw]`, the kernel turned by 180°. */
function flipped(weight: Value, o: number, c: number, { groups, kernel }: Geometry): Value {
  const { graph } = weight;
  const taps = kernel[0] * kernel[1];
  let w = reshape(weight, [groups, o / groups, c / groups, taps]);
  if (taps > 1) {
    const backwards = graph.ints(Array.from({ length: taps }, (_, i) => taps - 1 - i));
    w = graph.node('Gather', [w, backwards], w.shape, { attributes: { axis: 3 } });
  }
  return reshape(transpose(w, [0, 2, 1, 3]), [c, o / groups, ...kernel]);
}

/** The bias's gradient. */
const biasGradient = (dy: Value): Value => sum(dy, [0, 2, 3]);

export const convRules: Rules = {
  Conv(node, dys, need) {
    const [x, weight] = node.inputs as [Value, Value];
    const dy = dys[0]!;
    const g = geometry(node, x, dy);
    return each(
      need,
      () => inputGradient(dy, weight, g),
      () => weightGradient(x, dy, weight.shape as number[], g),
      () => biasGradient(dy),
    );
  },

  ConvTranspose(node, dys, need) {
    const [x, weight] = node.inputs as [Value, Value];
    const dy = dys[0]!;
    const g = geometry(node, dy, x);
    const { output_padding: _, ...attributes } = node.attributes;
    return each(
      need,
      () => dy.graph.node('Conv', [dy, weight], x.shape, { attributes }),
      () => weightGradient(dy, x, weight.shape as number[], g),
      () => biasGradient(dy),
    );
  },
};
