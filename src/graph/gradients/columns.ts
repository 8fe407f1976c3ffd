/**
 * @file im2col (Chellapilla et al., 2006): the windows of a convolution as the columns of one matrix for the whole batch.
 *
 * The channel comes before the batch, so that the matrix needs no transposing and a product with it is a weight's
 * gradient in the weight's own layout.
 */
import { concat, reshape, transpose } from '../ops/shape.js';
import type { Value } from '../types.js';

/** Sizes of a convolution over [N, C, H, W], along height and width. */
export interface Window {
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly dilation: readonly [number, number];
  /** Padding before the first row and column. */
  readonly pad: readonly [number, number];
  /** The output's height and width. */
  readonly out: readonly [number, number];
}

/** `[N, C, H, W]` → `[C, N · H · W]`. */
export function channelRows(x: Value): Value {
  const [n, c, h, w] = x.shape as [number, number, number, number];
  return reshape(transpose(x, [1, 0, 2, 3]), [c, n * h * w]);
}

/** `x [N, C, H, W]` → `[C · kh · kw, N · OH · OW]`: for every tap of the kernel the pixels that it meets. */
export function columns(x: Value, window: Window): Value {
  const [n, c] = x.shape as [number, number];
  const { kernel, out } = window;
  const [kh, kw] = kernel;
  const pixels = n * out[0] * out[1];
  const padded = padFor(transpose(x, [1, 0, 2, 3]), window);
  const taps: Value[] = [];
  for (let i = 0; i < kh; i++)
    for (let j = 0; j < kw; j++) taps.push(reshape(tap(padded, window, i, j), [c, 1, pixels]));
  return reshape(concat(taps, 1), [c * kh * kw, pixels]);
}

/** Pads as far as the windows reach and no farther; the input may have rows that no window meets. */
function padFor(x: Value, { kernel, stride, dilation, pad, out }: Window): Value {
  const [c, n, ...size] = x.shape as [number, number, number, number];
  const end = [0, 1].map((a) =>
    Math.max(0, stride[a]! * (out[a]! - 1) + dilation[a]! * (kernel[a]! - 1) + 1 - size[a]! - pad[a]!),
  ) as [number, number];
  if (pad[0] + pad[1] + end[0] + end[1] === 0) return x;
  const shape = [c, n, size[0]! + pad[0] + end[0], size[1]! + pad[1] + end[1]];
  return x.graph.node('Pad', [x, x.graph.ints([0, 0, ...pad, 0, 0, ...end])], shape);
}

/** The pixels that tap (i, j) meets: [C, N, OH, OW]. */
function tap(x: Value, { stride, dilation, out }: Window, i: number, j: number): Value {
  const { graph } = x;
  const start = [i * dilation[0], j * dilation[1]];
  const end = [0, 1].map((a) => start[a]! + stride[a]! * (out[a]! - 1) + 1);
  if (
    start[0] === 0 &&
    start[1] === 0 &&
    stride[0] * stride[1] === 1 &&
    x.shape[2] === out[0] &&
    x.shape[3] === out[1]
  )
    return x;
  const inputs = [x, graph.ints(start), graph.ints(end), graph.ints([2, 3]), graph.ints(stride)];
  return graph.node('Slice', inputs, [...x.shape.slice(0, 2), ...out]);
}
