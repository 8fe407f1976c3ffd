/**
 * @file Transposed convolution with a stride, as one convolution without (sub-pixel convolution; Shi et al., 2016,
 * arXiv:1609.07009).
 *
 * Pixels of the wide map that lie alike within a stride form a phase, and each phase is a convolution of the narrow map
 * with some of the taps. All phases are computed at once, as channels one after another, and then put between each other.
 */
import type { Value } from '../types.js';
import { convolve, order } from './blocked.js';
import type { Layouts } from './layouts.js';
import { type Geometry, gatherRows, taps } from './windows.js';

/** The phases of a geometry: the convolution of the narrow map that makes them all, and which tap meets which. */
interface Phases {
  /** From the narrow map to one phase. */
  readonly each: Geometry;
  /** Along height and width: for every phase and every tap of `each` the tap of the whole, −1 for none. */
  readonly tap: readonly [readonly number[][], readonly number[][]];
}

/** The phases of a transposed convolution, undefined where they differ in size or would begin within the narrow map. */
export function phasesOf(g: Geometry): Phases | undefined {
  const [down, across] = [along(g, 0), along(g, 1)] as const;
  if (!down || !across || g.groups !== 1) return undefined;
  const pair = (name: 'kernel' | 'pad' | 'padEnd' | 'size') => [down[name], across[name]] as const;
  const each: Geometry = {
    size: g.out,
    out: pair('size'),
    kernel: pair('kernel'),
    stride: [1, 1],
    dilation: [1, 1],
    pad: pair('pad'),
    padEnd: pair('padEnd'),
    groups: 1,
  };
  return { each, tap: [down.tap, across.tap] };
}

/**
 * The same along one axis. Output s · q + a gets tap k of input i where s · i + k = s · q + a + pad: with the remainder r
 * and the quotient e of (a + pad) / s, taps r + s · j of inputs q + e − j.
 */
function along(g: Geometry, axis: 0 | 1) {
  const [s, k, pad, size, narrow] = [g.stride[axis], g.kernel[axis], g.pad[axis], g.size[axis], g.out[axis]];
  if (size % s !== 0 || g.dilation[axis] !== 1) return undefined;
  const met = Array.from({ length: s }, (_, a) => {
    const [r, e] = [(a + pad) % s, Math.floor((a + pad) / s)];
    return Array.from({ length: Math.max(0, Math.ceil((k - r) / s)) }, (_, j) => ({
      tap: r + s * j,
      at: e - j,
    }));
  });
  const places = met.flat().map(({ at }) => at);
  const [first, last] = [Math.min(...places), Math.max(...places)];
  const padEnd = size / s + last - narrow;
  if (first > 0 || padEnd < 0) return undefined;
  const kernel = last - first + 1;
  const tap = met.map((list) =>
    Array.from({ length: kernel }, (_, i) => list.find(({ at }) => at - first === i)?.tap ?? -1),
  );
  return { kernel, pad: -first, padEnd, size: size / s, tap };
}

/** The transposed convolution of a blocked map with a weight `[O, kh, kw, C]`, O and C whole blocks; blocked too. */
export function transposedByPhases(
  l: Layouts,
  x: Value,
  weight: Value,
  bias: Value | null,
  g: Geometry,
  { each, tap }: Phases,
): Value {
  const [o, , , c] = weight.shape as [number, number, number, number];
  const n = x.shape[0] as number;
  const [b, t] = [l.block, taps(g)];
  const [sh, sw] = g.stride;
  const [h, w] = each.out;
  const rows = l.reshape(weight, [(o * t * c) / b, b]);
  const ordered = gatherRows(l, rows, `phases${JSON.stringify([o, c, g])}`, () =>
    order([sh, sw, c / b, o / b, ...each.kernel, b], ([p, q, cb, ob, i, j, oi]) => {
      const [u, v] = [tap[0][p!]![i!]!, tap[1][q!]![j!]!];
      return u < 0 || v < 0 ? -1 : ((ob! * b + oi!) * t + u * g.kernel[1] + v) * (c / b) + cb!;
    }),
  );
  const wide = sh * sw * c;
  const biases =
    bias && l.emit('Concat', Array<Value>(sh * sw).fill(bias), [wide], { attributes: { axis: 0 } });
  const phases = convolve(l, x, l.reshape(ordered, [wide, o, ...each.kernel]), biases, each);
  const pixels = l.reshape(phases, [(n * wide * h * w) / b, b]);
  const between = gatherRows(l, pixels, `between${JSON.stringify([n, c, g])}`, () =>
    order([n, c / b, h, sh, w, sw], ([i, cb, y, p, z, q]) => {
      const phase = (i! * sh + p!) * sw + q!;
      return ((phase * (c / b) + cb!) * h + y!) * w + z!;
    }),
  );
  return l.reshape(between, [n, c, ...g.size]);
}
