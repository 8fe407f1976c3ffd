/**
 * @file A convolution's windows as rows of a matrix (im2col; Chellapilla et al., 2006), and such rows summed back into
 * a feature map (col2im), by gathering rows of channels.
 *
 * Channels come last, so that what is moved is as long as can be; one `Gather` over all pixels and taps is one pass on
 * all threads, where slicing and joining by taps takes two on one.
 */
import type { Node, Value } from '../types.js';
import type { Layouts } from './layouts.js';

type Pair = readonly [number, number];

/** Sizes of a convolution from a wide map to a narrow one, along height and width. */
export interface Geometry {
  /** Height and width of the wide map. */
  readonly size: Pair;
  /** Those of the narrow one. */
  readonly out: Pair;
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly dilation: Pair;
  /** Padding before the first row and column. */
  readonly pad: Pair;
  /** Padding after the last. */
  readonly padEnd: Pair;
  readonly groups: number;
}

/** The sizes of the convolution `wide → narrow` that a node does or is the adjoint of. */
export function geometryOf({ attributes }: Node, wide: Value, narrow: Value): Geometry {
  const [top, left, bottom, right] = (attributes.pads ?? [0, 0, 0, 0]) as readonly number[];
  const pair = (name: string) => (attributes[name] ?? [1, 1]) as unknown as Pair;
  return {
    size: wide.shape.slice(2) as unknown as Pair,
    out: narrow.shape.slice(2) as unknown as Pair,
    kernel: pair('kernel_shape'),
    stride: pair('strides'),
    dilation: pair('dilations'),
    pad: [top!, left!],
    padEnd: [bottom!, right!],
    groups: (attributes.group ?? 1) as number,
  };
}

/** The convolution of the same taps, backwards, that is the adjoint of one with stride 1; undefined where padding forbids it. */
export function adjoint(g: Geometry): Geometry | undefined {
  const reach = g.kernel.map((k, a) => g.dilation[a]! * (k - 1));
  const pad = reach.map((r, a) => r - g.pad[a]!) as unknown as Pair;
  const padEnd = reach.map((r, a) => r - g.padEnd[a]!) as unknown as Pair;
  if (g.stride[0] * g.stride[1] !== 1 || [...pad, ...padEnd].some((p) => p < 0)) return undefined;
  return { ...g, size: g.out, out: g.size, pad, padEnd };
}

export const taps = ({ kernel }: Geometry): number => kernel[0] * kernel[1];
export const area = ([h, w]: Pair): number => h * w;

/** Along one axis: for every output and tap the input that it meets, or −1 in the padding. */
function meets(g: Geometry, a: 0 | 1): number[][] {
  return Array.from({ length: g.out[a] }, (_, o) =>
    Array.from({ length: g.kernel[a] }, (_, k) => {
      const i = o * g.stride[a] + k * g.dilation[a] - g.pad[a];
      return i >= 0 && i < g.size[a] ? i : -1;
    }),
  );
}

/** Rows `[R, C]` with a row of zeros after the last. */
export function withZeroRow(l: Layouts, rows: Value): Value {
  const [count, width] = rows.shape as [number, number];
  return l.emit('Concat', [rows, l.filled(0, [1, width])], [count + 1, width], { attributes: { axis: 0 } });
}

/** Rows by their numbers, of which −1 is a row of zeros; what `key` stands for is worked out once. */
export function gatherRows(l: Layouts, rows: Value, key: string, numbers: () => Int32Array): Value {
  const width = rows.shape[1] as number;
  const { at, padded } = l.indices(key, rows.shape[0] as number, numbers);
  const source = padded ? withZeroRow(l, rows) : rows;
  return l.emit('Gather', [source, at], [at.shape[0] as number, width], { attributes: { axis: 0 } });
}

/** Below this many channels a row is so short that moving it costs more than finding it. */
const SHORT_ROW = 8;

/** `[N · H · W, C]` → `[N · OH · OW, kh · kw · C]`: for every pixel of the narrow map what the taps meet. */
export function windows(l: Layouts, rows: Value, n: number, g: Geometry): Value {
  const c = rows.shape[1] as number;
  const [oh, ow] = g.out;
  const [kh, kw] = g.kernel;
  const key = JSON.stringify([n, g]);
  if (
    taps(g) === 1 &&
    g.stride[0] * g.stride[1] === 1 &&
    g.pad[0] + g.pad[1] + g.padEnd[0] + g.padEnd[1] === 0
  )
    return rows;
  const [down, across] = [meets(g, 0), meets(g, 1)] as const;
  if (c < SHORT_ROW && kw > 1) {
    // Along the rows of pixels first: then there are longer rows to move.
    const [h, w] = g.size;
    const wide = gatherRows(l, rows, `across${key}`, () =>
      table(n * h, ow * kw, (y, k) => {
        const x = across[Math.floor(k / kw)]![k % kw]!;
        return x < 0 ? -1 : y * w + x;
      }),
    );
    const lines = l.reshape(wide, [n * h * ow, kw * c]);
    const all = gatherRows(l, lines, `down${key}`, () =>
      table(n * oh * ow, kh, (p, i) => {
        const y = down[Math.floor(p / ow) % oh]![i]!;
        return y < 0 ? -1 : (Math.floor(p / (oh * ow)) * h + y) * ow + (p % ow);
      }),
    );
    return l.reshape(all, [n * oh * ow, kh * kw * c]);
  }
  const all = gatherRows(l, rows, `windows${key}`, () =>
    table(n * oh * ow, kh * kw, (p, t) => {
      const y = down[Math.floor(p / ow) % oh]![Math.floor(t / kw)]!;
      const x = across[p % ow]![t % kw]!;
      return y < 0 || x < 0 ? -1 : (Math.floor(p / (oh * ow)) * g.size[0] + y) * g.size[1] + x;
    }),
  );
  return l.reshape(all, [n * oh * ow, kh * kw * c]);
}

/**
 * The adjoint of {@link windows}: `[N · OH · OW (+ 1), kh · kw · C]` → `[N · H · W, C]`, every pixel of the wide map the sum
 * of what met it. The row after the last pixel's must be there, and zero, where pixels differ in how much meets them.
 */
export function scattered(l: Layouts, columns: Value, c: number, n: number, g: Geometry): Value {
  const [h, w] = g.size;
  const [down, across] = [metBy(g, 0), metBy(g, 1)] as const;
  const most = [down, across].map((lists) => Math.max(1, ...lists.map((list) => list.length))) as [
    number,
    number,
  ];
  const count = most[0] * most[1];
  const rows = l.reshape(columns, [(columns.shape[0] as number) * taps(g), c]);
  const { at } = l.indices(`met${JSON.stringify([n, g])}`, n * area(g.out) * taps(g), () =>
    table(n * h * w, count, (p, j) => {
      const y = down[Math.floor(p / w) % h]![Math.floor(j / most[1])];
      const x = across[p % w]![j % most[1]];
      if (!y || !x) return -1;
      const pixel = (Math.floor(p / (h * w)) * g.out[0] + y[0]) * g.out[1] + x[0];
      return pixel * taps(g) + y[1] * g.kernel[1] + x[1];
    }),
  );
  const met = l.emit('Gather', [rows, at], [n * h * w * count, c], { attributes: { axis: 0 } });
  if (count === 1) return met;
  const each = l.reshape(met, [n * h * w, count, c]);
  return l.emit('ReduceSum', [each, l.ints([1])], [n * h * w, c], { attributes: { keepdims: 0 } });
}

/** Whether {@link scattered} needs the row of zeros. */
export const needsZeroRow = (g: Geometry): boolean =>
  ([0, 1] as const).some((a) => {
    const counts = metBy(g, a).map((list) => list.length);
    return counts.some((count) => count !== counts[0] || count === 0);
  });

/** Along one axis: for every input the outputs that meet it, and with which tap. */
function metBy(g: Geometry, a: 0 | 1): [number, number][][] {
  const lists: [number, number][][] = Array.from({ length: g.size[a] }, () => []);
  meets(g, a).forEach((inputs, o) => {
    inputs.forEach((i, k) => {
      if (i >= 0) lists[i]!.push([o, k]);
    });
  });
  return lists;
}

/** A table of row numbers, row by row. */
function table(rows: number, columns: number, number: (row: number, column: number) => number): Int32Array {
  const numbers = new Int32Array(rows * columns);
  for (let r = 0, i = 0; r < rows; r++) for (let c = 0; c < columns; c++) numbers[i++] = number(r, c);
  return numbers;
}
