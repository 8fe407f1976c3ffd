/**
 * @file Convolution, transposed convolution and the gradient of their weights, each in the form that is fastest for its
 * sizes.
 *
 * - Large maps are convolved in the blocked layout. The filter has to be put in order first, which takes about as long
 *   as {@link CHEAP_PIXELS} pixels for each output channel.
 * - Small maps are one matrix product of their windows and the weight as it is.
 * - The gradient of a weight is one matrix product of windows and gradients over the whole batch, in parts that stay in
 *   the cache.
 */
import type { Node, Value } from '../types.js';
import { adjointFilterOf, convolve, depthwiseFilterOf, filterOf, unitWindows } from './blocked.js';
import { groupedWeightGradient } from './grouped.js';
import type { Layouts } from './layouts.js';
import { phasesOf, transposedByPhases } from './phases.js';
import {
  adjoint,
  area,
  type Geometry,
  gatherRows,
  geometryOf,
  needsZeroRow,
  scattered,
  taps,
  windows,
  withZeroRow,
} from './windows.js';

/** Up to so many pixels in the batch for each output channel a matrix product beats the blocked layout. */
const CHEAP_PIXELS = 4;
/** Rows of fewer channels than this are not worth gathering for a transposed convolution; whole phases are. */
const FEW_CHANNELS = 32;
/** The most numbers in the windows of one part of a batch: 16 MB. */
const PART = 2 ** 22;

type Pixels = { n: number; c: number };
const pixelsOf = (v: Value): Pixels => ({ n: v.shape[0] as number, c: v.shape[1] as number });

/** A map as rows of channels, `[N · H · W, C]`. */
function rowsOf(l: Layouts, v: Value): Value {
  const [n, c, h, w] = v.shape as [number, number, number, number];
  return l.reshape(l.in(v, 'nhwc'), [n * h * w, c]);
}

/** Says that rows of channels are a map. */
function placeRows(l: Layouts, v: Value, rows: Value): void {
  const [n, c, h, w] = v.shape as [number, number, number, number];
  l.place(v, 'nhwc', l.reshape(rows, [n, h, w, c]));
}

function gemm(
  l: Layouts,
  a: Value,
  b: Value,
  c: Value | null,
  trans: { a?: boolean; b?: boolean } = {},
): Value {
  const m = a.shape[trans.a ? 1 : 0] as number;
  const n = b.shape[trans.b ? 0 : 1] as number;
  return l.emit('Gemm', c ? [a, b, c] : [a, b], [m, n], {
    attributes: { transA: trans.a ? 1 : 0, transB: trans.b ? 1 : 0 },
  });
}

/** The windows of all pixels of a map, made once for those who need the same. */
function allWindows(l: Layouts, x: Value, g: Geometry): Value {
  return l.once(`windows of ${x.name}: ${JSON.stringify(g)}`, () =>
    windows(l, rowsOf(l, x), pixelsOf(x).n, g),
  );
}

/** Lowers a `Conv`. Returns false where the operator itself is the best there is. */
export function lowerConv(l: Layouts, node: Node): boolean {
  const [x, weight, bias = null] = node.inputs as [Value, Value, Value | null];
  const y = node.outputs[0]!;
  if (x.shape.length !== 4) return false;
  const g = geometryOf(node, x, y);
  const { n, c } = pixelsOf(x);
  const { c: o } = pixelsOf(y);
  const plainBias = bias && l.in(bias, 'nchw');
  if (g.groups === 1 && c >= 16 && n * area(g.out) <= CHEAP_PIXELS * o) {
    const matrix = l.reshape(l.in(weight, 'nhwc'), [o, taps(g) * c]);
    placeRows(l, y, gemm(l, allWindows(l, x, g), matrix, plainBias, { b: true }));
    return true;
  }
  if (!l.blocks(y)) return false;
  const depthwise = g.groups === c && g.groups === o;
  const isThin = c < l.block && l.has(x, 'nchw');
  if (!depthwise && (g.groups !== 1 || !(isThin || l.blocks(x)))) return false;
  const last = l.in(weight, 'nhwc');
  const filter = depthwise ? depthwiseFilterOf(l, last) : filterOf(l, last, g);
  l.place(y, 'blocked', convolve(l, l.in(x, isThin ? 'nchw' : 'blocked'), filter, plainBias, g));
  return true;
}

/** Lowers a `ConvTranspose`: the adjoint of the convolution with the same weight, from its output to its input. */
export function lowerConvTranspose(l: Layouts, node: Node): boolean {
  const [x, weight, bias = null] = node.inputs as [Value, Value, Value | null];
  const y = node.outputs[0]!;
  if (x.shape.length !== 4) return false;
  const g = geometryOf(node, y, x);
  const { n, c: o } = pixelsOf(x);
  const { c } = pixelsOf(y);
  if (g.groups !== 1) return false;
  const plainBias = bias && l.in(bias, 'nchw');
  const back = adjoint(g);
  const small = n * area(g.size) <= CHEAP_PIXELS * c;
  if (back && !small && l.blocks(x) && l.blocks(y)) {
    const filter = adjointFilterOf(l, l.in(weight, 'nhwc'), g);
    l.place(y, 'blocked', convolve(l, l.in(x, 'blocked'), filter, plainBias, back));
    return true;
  }
  const phases = !back && c < FEW_CHANNELS && l.blocks(x) && l.blocks(y) ? phasesOf(g) : undefined;
  if (phases) {
    const last = l.in(weight, 'nhwc');
    l.place(y, 'blocked', transposedByPhases(l, l.in(x, 'blocked'), last, plainBias, g, phases));
    return true;
  }
  if (c < FEW_CHANNELS || o < 16) return false;
  if (back && taps(g) > 1) {
    placeRows(l, y, gemm(l, allWindows(l, x, back), adjointMatrix(l, weight, g), plainBias));
    return true;
  }
  const matrix = l.reshape(l.in(weight, 'nhwc'), [o, taps(g) * c]);
  const parts = partsOf(n, area(g.out) * taps(g) * c).map(({ from, count }) => {
    const rows = part(l, rowsOf(l, x), from * area(g.out), count * area(g.out));
    return scattered(l, gemm(l, needsZeroRow(g) ? withZeroRow(l, rows) : rows, matrix, null), c, count, g);
  });
  let rows = parts[0]!;
  if (parts.length > 1) rows = l.emit('Concat', parts, [n * area(g.size), c], { attributes: { axis: 0 } });
  if (plainBias) rows = l.emit('Add', [rows, plainBias], rows.shape as number[]);
  placeRows(l, y, rows);
  return true;
}

/** The weight of the adjoint as a matrix, `[kh · kw · O, C]`, its taps backwards, from `[O, C, kh, kw]`. */
function adjointMatrix(l: Layouts, weight: Value, g: Geometry): Value {
  const [o, c] = weight.shape as [number, number];
  const t = taps(g);
  return gatherRows(l, l.reshape(l.in(weight, 'nhwc'), [o * t, c]), `backwards${[o, t]}`, () =>
    Int32Array.from({ length: t * o }, (_, i) => (i % o) * t + (t - 1 - Math.floor(i / o))),
  );
}

/** Lowers the gradient of a weight `[O, C / groups, kh, kw]` from the wide map and the gradient of the narrow one. */
export function lowerWeightGradient(l: Layouts, node: Node): void {
  const [x, dy] = node.inputs as [Value, Value];
  const dw = node.outputs[0]!;
  const g = geometryOf(node, x, dy);
  if (g.groups > 1) {
    l.place(dw, 'nchw', groupedWeightGradient(l, l.in(x, 'nchw'), l.in(dy, 'nchw'), dw.shape as number[], g));
    return;
  }
  const { n, c } = pixelsOf(x);
  const { c: o } = pixelsOf(dy);
  if (c < l.block && taps(g) * c <= 2 * l.block) {
    const columns = unitWindows(l, l.in(x, 'nchw'), g);
    const inputs = [
      gemm(l, rowsOf(l, dy), columns, null, { a: true }),
      l.ints([0]),
      l.ints([taps(g) * c]),
      l.ints([1]),
    ];
    l.place(dw, 'nhwc', l.reshape(l.emit('Slice', inputs, [o, taps(g) * c]), [o, ...g.kernel, c]));
    return;
  }
  const [xs, dys] = [rowsOf(l, x), rowsOf(l, dy)];
  let sum: Value | null = null;
  const parts = partsOf(n, area(g.out) * taps(g) * c);
  for (const { from, count } of parts) {
    const columns =
      parts.length === 1
        ? allWindows(l, x, g)
        : windows(l, part(l, xs, from * area(g.size), count * area(g.size)), count, g);
    sum = gemm(l, part(l, dys, from * area(g.out), count * area(g.out)), columns, sum, { a: true });
  }
  l.place(dw, 'nhwc', l.reshape(sum!, [o, ...g.kernel, c]));
}

/** Images in parts whose windows stay within {@link PART}. */
function partsOf(n: number, numbersEach: number): { from: number; count: number }[] {
  const most = Math.max(1, Math.floor(PART / numbersEach));
  const parts = Math.ceil(n / most);
  const bounds = Array.from({ length: parts + 1 }, (_, i) => Math.round((i * n) / parts));
  return bounds.slice(1).map((to, i) => ({ from: bounds[i]!, count: to - bounds[i]! }));
}

/** Some rows of a matrix. */
function part(l: Layouts, rows: Value, from: number, count: number): Value {
  const [all, width] = rows.shape as [number, number];
  if (count === all) return rows;
  const inputs = [rows, l.ints([from]), l.ints([from + count]), l.ints([0])];
  return l.emit('Slice', inputs, [count, width]);
}
