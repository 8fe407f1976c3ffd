/**
 * @file Operators on the blocked layout: convolution, and what a convolution of one pixel or of the whole map can also
 * do, namely a factor and an offset for each channel and sums over pixels, each in one pass with all threads.
 */
import type { Value } from '../types.js';
import { BLOCKED, type Layouts } from './layouts.js';
import { type Geometry, gatherRows, taps } from './windows.js';

const ONE_PIXEL = { kernel_shape: [1, 1], strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1] };

/** A convolution of a blocked map (or one in `nchw` of fewer channels than a block) with a filter made for it. */
export function convolve(l: Layouts, x: Value, filter: Value, bias: Value | null, g: Geometry): Value {
  const shape = [x.shape[0] as number, filter.shape[0] as number, ...g.out];
  return l.emit('Conv', bias ? [x, filter, bias] : [x, filter], shape, {
    domain: BLOCKED,
    attributes: {
      kernel_shape: g.kernel,
      strides: g.stride,
      pads: [...g.pad, ...g.padEnd],
      dilations: g.dilation,
      group: g.groups,
    },
  });
}

/**
 * The filter of a convolution, `[O / b, C / b, kh, kw, b of C, b of O]`, from a weight with its channels last,
 * `[O, kh, kw, C]`. Of fewer channels than a block it is `[O / b, C, kh, kw, b of O]`.
 */
export function filterOf(l: Layouts, weight: Value, g: Geometry): Value {
  const [o, kh, kw, c] = weight.shape as [number, number, number, number];
  const b = l.block;
  const t = taps(g);
  const [blocks, inner] = c < b ? [c, 1] : [c / b, b];
  const split = l.reshape(weight, [o / b, b, t * c]);
  const rows = l.reshape(l.transpose(split, [0, 2, 1]), [(o / b) * t * c, b]);
  const ordered = gatherRows(l, rows, `filter${[o, t, c]}`, () =>
    order([o / b, blocks, t, inner], ([ob, cb, k, ci]) => (ob! * t + k!) * c + cb! * inner + ci!),
  );
  return l.reshape(ordered, [o, c, kh, kw]);
}

/** The filter of the adjoint convolution, `[C / b, O / b, kh, kw, b of O, b of C]` with its taps backwards, from `[O, kh, kw, C]`. */
export function adjointFilterOf(l: Layouts, weight: Value, g: Geometry): Value {
  const [o, kh, kw, c] = weight.shape as [number, number, number, number];
  const b = l.block;
  const t = taps(g);
  const rows = l.reshape(weight, [(o * t * c) / b, b]);
  const ordered = gatherRows(l, rows, `adjoint${[o, t, c]}`, () =>
    order([c / b, o / b, t, b], ([cb, ob, k, oi]) => ((ob! * b + oi!) * t + (t - 1 - k!)) * (c / b) + cb!),
  );
  return l.reshape(ordered, [c, o, kh, kw]);
}

/** The weight of a depthwise convolution, `[C, kh, kw, 1]`, as `[C / b, kh, kw, b]`. */
export function depthwiseFilterOf(l: Layouts, weight: Value): Value {
  const [c, kh, kw] = weight.shape as [number, number, number];
  const blocks = l.reshape(weight, [c / l.block, l.block, kh * kw]);
  return l.reshape(l.transpose(blocks, [0, 2, 1]), [c, 1, kh, kw]);
}

/**
 * The windows of a map in `nchw` with fewer channels than a block, as rows `[N · OH · OW, kh · kw · C]` and then columns of
 * zeros up to whole blocks. A convolution with filters of a single one finds them sooner than moving so short rows.
 */
export function unitWindows(l: Layouts, x: Value, g: Geometry): Value {
  const [n, c] = x.shape as [number, number];
  const [b, t] = [l.block, taps(g)];
  const wide = Math.ceil((t * c) / b) * b;
  const filter = l.constant(`unit${[t, c, b]}`, [wide, c, ...g.kernel], 'float32', () => {
    const data = new Float32Array(wide * c * t);
    for (let f = 0; f < t * c; f++) {
      const [k, channel] = [Math.floor(f / c), f % c];
      data[((Math.floor(f / b) * c + channel) * t + k) * b + (f % b)] = 1;
    }
    return data;
  });
  const map = convolve(l, x, filter, null, g);
  return l.reshape(l.convert(map, 'blocked', 'nhwc'), [n * g.out[0] * g.out[1], wide]);
}

/** slope · x + offset (+ sum), slope and offset `[C]`; then no less than 0 where `relu` says so. */
export function affine(
  l: Layouts,
  x: Value,
  slope: Value,
  offset: Value | null,
  options: { sum?: Value | undefined; relu?: boolean } = {},
): Value {
  const { sum, relu = false } = options;
  const c = x.shape[1] as number;
  const filter = l.reshape(slope, [c, 1, 1, 1]);
  const bias = offset ?? (sum ? l.filled(0, [c]) : null);
  const inputs = [x, filter, ...(bias ? [bias] : []), ...(sum ? [sum] : [])];
  return l.emit('Conv', inputs, x.shape as number[], {
    domain: BLOCKED,
    attributes: { ...ONE_PIXEL, group: c, ...(relu ? { activation: 'Relu' } : {}) },
  });
}

/** The mean over pixels of each channel of each image: `[N, C, 1, 1]`, in any layout. */
export function pixelMeans(l: Layouts, x: Value): Value {
  const [n, c] = x.shape as [number, number];
  return l.emit('GlobalAveragePool', [x], [n, c, 1, 1], { domain: BLOCKED });
}

/** Rows with fewer pixels than this are summed into one number; longer sums lose digits. */
const LONGEST_SUM = 1024;

/** Σ a · b over the pixels of each channel of each image, `[N, C]`: a convolution of one map with the other. */
export function pixelProducts(l: Layouts, a: Value, b: Value): Value {
  const [n, c, h, w] = a.shape as [number, number, number, number];
  const byLine = h * w > LONGEST_SUM;
  const [channels, kernel] = byLine ? [n * c * h, [1, w]] : [n * c, [h, w]];
  const filter = l.reshape(b, [channels, 1, ...kernel]);
  const dots = l.emit('Conv', [l.reshape(a, [1, channels, ...kernel]), filter], [1, channels, 1, 1], {
    domain: BLOCKED,
    attributes: { ...ONE_PIXEL, kernel_shape: kernel, group: channels },
  });
  if (!byLine) return l.reshape(dots, [n, c]);
  const lines = l.reshape(dots, [n, c / l.block, h, l.block]);
  const summed = l.emit('ReduceSum', [lines, l.ints([2])], [n, c / l.block, l.block], {
    attributes: { keepdims: 0 },
  });
  return l.reshape(summed, [n, c]);
}

/** Numbers of rows in the order of the indices' places, the last running fastest. */
export function order(sizes: readonly number[], row: (place: readonly number[]) => number): Int32Array {
  const numbers = new Int32Array(sizes.reduce((a, b) => a * b, 1));
  const place = sizes.map(() => 0);
  for (let i = 0; i < numbers.length; i++) {
    numbers[i] = row(place);
    for (let a = sizes.length - 1; a >= 0 && ++place[a]! === sizes[a]; a--) place[a] = 0;
  }
  return numbers;
}
