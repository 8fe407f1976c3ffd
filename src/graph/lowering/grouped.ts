/** @file The gradient of the weight of a convolution in groups: one matrix product for each group. */
import type { Value } from '../types.js';
import type { Layouts } from './layouts.js';
import { type Geometry, taps } from './windows.js';

/** `[O, C / groups, kh, kw]` from `x [N, C, H, W]` and `dy [N, O, OH, OW]`, all in `nchw`. */
export function groupedWeightGradient(
  l: Layouts,
  x: Value,
  dy: Value,
  shape: readonly number[],
  g: Geometry,
): Value {
  const [o, perGroup] = shape as [number, number];
  const [n, c] = x.shape as [number, number];
  const pixels = n * g.out[0] * g.out[1];
  // Channels come before images: then a product over all pixels of the batch needs no further turning.
  const source = padded(l, l.transpose(x, [1, 0, 2, 3]), g);
  const met: Value[] = [];
  for (let i = 0; i < g.kernel[0]; i++)
    for (let j = 0; j < g.kernel[1]; j++) {
      const start = [i * g.dilation[0], j * g.dilation[1]];
      const end = start.map((s, a) => s + g.stride[a]! * (g.out[a]! - 1) + 1);
      const inputs = [source, l.ints(start), l.ints(end), l.ints([2, 3]), l.ints(g.stride)];
      met.push(l.reshape(l.emit('Slice', inputs, [c, n, ...g.out]), [c, 1, pixels]));
    }
  const columns =
    met.length > 1 ? l.emit('Concat', met, [c, taps(g), pixels], { attributes: { axis: 1 } }) : met[0]!;
  const product = l.emit(
    'FusedMatMul',
    [
      l.reshape(l.transpose(dy, [1, 0, 2, 3]), [g.groups, o / g.groups, pixels]),
      l.reshape(columns, [g.groups, perGroup * taps(g), pixels]),
    ],
    [g.groups, o / g.groups, perGroup * taps(g)],
    { domain: 'com.microsoft', attributes: { transB: 1 } },
  );
  return l.reshape(product, shape);
}

/** Pads as far as the windows reach and no farther; the input may have rows that no window meets. */
function padded(l: Layouts, x: Value, { kernel, stride, dilation, pad, out }: Geometry): Value {
  const [c, n, ...size] = x.shape as [number, number, number, number];
  const end = [0, 1].map((a) =>
    Math.max(0, stride[a]! * (out[a]! - 1) + dilation[a]! * (kernel[a]! - 1) + 1 - size[a]! - pad[a]!),
  ) as [number, number];
  if (pad[0] + pad[1] + end[0] + end[1] === 0) return x;
  const shape = [c, n, size[0]! + pad[0] + end[0], size[1]! + pad[1] + end[1]];
  return l.emit('Pad', [x, l.ints([0, 0, ...pad, 0, 0, ...end])], shape);
}
