/**
 * @file Convolution and pooling over [N, C, H, W], with PyTorch's weight layouts and size rules.
 */
import { GraphError } from '../../errors.js';
import { fixed, sameShape, show } from '../shape.js';
import type { Value } from '../types.js';
import { reshape } from './shape.js';

/** Padding: one number for all sides, or [vertical, horizontal]. */
export type Pad = number | readonly [number, number];

export interface ConvOptions {
  /** @default 1 */
  stride?: number;
  /** @default 0 */
  pad?: Pad;
  /** @default 1 */
  dilation?: number;
  /** Groups of channels that do not see each other; as many as channels makes it depthwise. @default 1 */
  groups?: number;
}

const pair = (p: Pad): readonly [number, number] => (typeof p === 'number' ? [p, p] : p);

function image(x: Value, op: string): [number, number, number] {
  if (x.shape.length !== 4)
    throw new GraphError(`${op}: expected [N, C, H, W] but received ${show(x.shape)}`);
  return [fixed(x.shape[1], op), fixed(x.shape[2], op), fixed(x.shape[3], op)];
}

function spatial(
  size: number,
  kernel: number,
  stride: number,
  pad: number,
  op: string,
  ceil = false,
): number {
  const steps = (size + 2 * pad - kernel) / stride;
  if (steps < 0) throw new GraphError(`${op}: a window of ${kernel} does not fit into ${size} + 2 × ${pad}`);
  if (!ceil) return Math.floor(steps) + 1;
  const out = Math.ceil(steps) + 1;
  return (out - 1) * stride >= size + pad ? out - 1 : out; // a window may not start in the end padding
}

function checkBias(op: string, bias: Value | null, channels: number): void {
  if (bias && !sameShape(bias.shape, [channels]))
    throw new GraphError(`${op}: expected a bias [${channels}] but received ${show(bias.shape)}`);
}

/** 2-D convolution: `weight [O, C / groups, kh, kw]`, `bias [O]` or null. */
export function conv(x: Value, weight: Value, bias: Value | null, options: ConvOptions = {}): Value {
  const { stride = 1, pad = 0, dilation = 1, groups = 1 } = options;
  const [c, h, w] = image(x, 'Conv');
  const [o, ci, kh, kw] = weight.shape.map((d) => fixed(d, 'Conv'));
  if (weight.shape.length !== 4 || ci! * groups !== c || o! % groups !== 0)
    throw new GraphError(
      `Conv: input ${show(x.shape)} does not fit the weight ${show(weight.shape)} in ${groups} groups`,
    );
  checkBias('Conv', bias, o!);
  const [ph, pw] = pair(pad);
  const shape = [
    x.shape[0]!,
    o!,
    spatial(h, dilation * (kh! - 1) + 1, stride, ph, 'Conv'),
    spatial(w, dilation * (kw! - 1) + 1, stride, pw, 'Conv'),
  ];
  return x.graph.node('Conv', bias ? [x, weight, bias] : [x, weight], shape, {
    attributes: {
      kernel_shape: [kh!, kw!],
      strides: [stride, stride],
      pads: [ph, pw, ph, pw],
      dilations: [dilation, dilation],
      group: groups,
    },
  });
}

export interface ConvTransposeOptions {
  /** @default 1 */
  stride?: number;
  /** @default 0 */
  pad?: number;
  /** Extra size on the far side, to undo the rounding of the mirrored convolution. @default 0 */
  outputPadding?: number;
}

/** 2-D transposed convolution: `weight [C, O, kh, kw]`, `bias [O]` or null. */
export function convTranspose(
  x: Value,
  weight: Value,
  bias: Value | null,
  options: ConvTransposeOptions = {},
): Value {
  const { stride = 1, pad = 0, outputPadding = 0 } = options;
  const [c, h, w] = image(x, 'ConvTranspose');
  const [ci, o, kh, kw] = weight.shape.map((d) => fixed(d, 'ConvTranspose'));
  if (weight.shape.length !== 4 || ci !== c)
    throw new GraphError(
      `ConvTranspose: input ${show(x.shape)} does not fit the weight ${show(weight.shape)}`,
    );
  checkBias('ConvTranspose', bias, o!);
  const size = (n: number, k: number) => (n - 1) * stride - 2 * pad + k + outputPadding;
  return x.graph.node(
    'ConvTranspose',
    bias ? [x, weight, bias] : [x, weight],
    [x.shape[0]!, o!, size(h, kh!), size(w, kw!)],
    {
      attributes: {
        kernel_shape: [kh!, kw!],
        strides: [stride, stride],
        pads: [pad, pad, pad, pad],
        output_padding: [outputPadding, outputPadding],
      },
    },
  );
}

export interface PoolOptions {
  kernel: number;
  /** @default the kernel */
  stride?: number;
  /** @default 0 */
  pad?: number;
  /** Round the output size up, as PyTorch's `ceil_mode`. @default false */
  ceil?: boolean;
}

function pool(
  op: 'MaxPool' | 'AveragePool',
  x: Value,
  options: PoolOptions,
  extra: Record<string, number>,
): Value {
  const { kernel, stride = kernel, pad = 0, ceil = false } = options;
  const [c, h, w] = image(x, op);
  const shape = [
    x.shape[0]!,
    c,
    spatial(h, kernel, stride, pad, op, ceil),
    spatial(w, kernel, stride, pad, op, ceil),
  ];
  return x.graph.node(op, [x], shape, {
    attributes: {
      kernel_shape: [kernel, kernel],
      strides: [stride, stride],
      pads: [pad, pad, pad, pad],
      ceil_mode: ceil ? 1 : 0,
      ...extra,
    },
  });
}

/** The maximum of each window. */
export const maxPool = (x: Value, options: PoolOptions): Value => pool('MaxPool', x, options, {});

/** The mean of each window; padding counts as zeros unless `countPad` is false. As PyTorch, it counts by default. */
export function avgPool(x: Value, options: PoolOptions & { countPad?: boolean }): Value {
  return pool('AveragePool', x, options, { count_include_pad: options.countPad === false ? 0 : 1 });
}

/** The mean over height and width: `[N, C, H, W]` → `[N, C]`. */
export function globalAvgPool(x: Value): Value {
  const [c] = image(x, 'GlobalAveragePool');
  return reshape(x.graph.node('GlobalAveragePool', [x], [x.shape[0]!, c, 1, 1]), [x.shape[0]!, c]);
}

/**
 * PyTorch's `AdaptiveAvgPool2d(out)`: window i covers `floor(i·n/out) .. ceil((i+1)·n/out)`. Where the input divides
 * evenly this is plain average pooling; otherwise each axis is a product with a fixed averaging matrix.
 */
export function adaptiveAvgPool(x: Value, out: number): Value {
  const [c, h, w] = image(x, 'AdaptiveAvgPool');
  if (h === out && w === out) return x;
  if (h === w && h % out === 0) return avgPool(x, { kernel: h / out });
  const { graph } = x;
  const batch = x.shape[0]!;
  const right = graph.constant(averaging(w, out), [w, out], 'float32');
  const narrowed = graph.node('MatMul', [x, right], [batch, c, h, out]);
  const left = graph.constant(transposed(averaging(h, out), h, out), [out, h], 'float32');
  return graph.node('MatMul', [left, narrowed], [batch, c, out, out]);
}

function averaging(n: number, out: number): Float32Array {
  const m = new Float32Array(n * out);
  for (let i = 0; i < out; i++) {
    const start = Math.floor((i * n) / out);
    const end = Math.ceil(((i + 1) * n) / out);
    for (let j = start; j < end; j++) m[j * out + i] = 1 / (end - start);
  }
  return m;
}

function transposed(m: Float32Array, rows: number, columns: number): Float32Array {
  const t = new Float32Array(m.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) t[j * rows + i] = m[i * columns + j]!;
  return t;
}
