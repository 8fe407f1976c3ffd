/**
 * @file Resampling filters and their fixed-point coefficients, as Pillow's `Resample.c` computes them: the support
 * grows with the reduction (antialias), weights are normalised in double precision and then rounded half away from
 * zero to 22 fractional bits.
 */

/** The filters of `PIL.Image.Resampling`. */
export type Filter = 'nearest' | 'box' | 'bilinear' | 'hamming' | 'bicubic' | 'lanczos';

/** Fractional bits of a coefficient: 32 − 8 bits of pixel − 2 bits of headroom. */
const PRECISION_BITS = 22;

interface Kernel {
  /** Half-width at scale 1. */
  support: number;
  weight(x: number): number;
}

const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI));

// Single-precision constants in Pillow's source; the difference reaches the last bit of some pixels.
const HAMMING_A = Math.fround(0.54);
const HAMMING_B = Math.fround(0.46);

const KERNELS: Record<Exclude<Filter, 'nearest'>, Kernel> = {
  box: { support: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  hamming: {
    support: 1,
    weight(x) {
      const a = Math.abs(x);
      return a >= 1 ? 0 : sinc(a) * (HAMMING_A + HAMMING_B * Math.cos(a * Math.PI));
    },
  },
  bicubic: {
    support: 2,
    weight(x) {
      const a = -0.5;
      const d = Math.abs(x);
      if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
      if (d < 2) return (((d - 5) * d + 8) * d - 4) * a;
      return 0;
    },
  },
  lanczos: { support: 3, weight: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
};

/** The taps of a run of output pixels along one axis. */
export interface Taps {
  /** First source index of each output pixel. */
  start: Int32Array;
  /** Number of taps of each output pixel. */
  count: Int32Array;
  /** Fixed-point coefficients, `stride` of them for each output pixel, zero beyond `count`. */
  weights: Int32Array;
  stride: number;
}

/**
 * Coefficients for output pixels `first .. first + length - 1` of an axis resized from `inSize` to `outSize`.
 * They do not depend on the window: a window of a resized picture is the same pixels as the whole.
 */
export function computeTaps(
  inSize: number,
  outSize: number,
  filter: Exclude<Filter, 'nearest'>,
  first: number,
  length: number,
): Taps {
  const kernel = KERNELS[filter];
  const scale = inSize / outSize;
  const filterScale = Math.max(scale, 1);
  const support = kernel.support * filterScale;
  const stride = Math.ceil(support) * 2 + 1;
  const inverse = 1 / filterScale;

  const start = new Int32Array(length);
  const count = new Int32Array(length);
  const weights = new Int32Array(length * stride);
  const exact = new Float64Array(stride);
  for (let i = 0; i < length; i++) {
    const center = (first + i + 0.5) * scale;
    const min = Math.max(0, Math.trunc(center - support + 0.5));
    const taps = Math.min(inSize, Math.trunc(center + support + 0.5)) - min;
    let sum = 0;
    for (let t = 0; t < taps; t++) {
      const w = kernel.weight((t + min - center + 0.5) * inverse);
      exact[t] = w;
      sum += w;
    }
    for (let t = 0; t < taps; t++) {
      const fixed = (sum === 0 ? exact[t]! : exact[t]! / sum) * (1 << PRECISION_BITS);
      weights[i * stride + t] = fixed < 0 ? Math.trunc(fixed - 0.5) : Math.trunc(fixed + 0.5);
    }
    start[i] = min;
    count[i] = taps;
  }
  return { start, count, weights, stride };
}

/**
 * Source index of every output pixel for `nearest`. Pillow adds the scale up step by step in double precision,
 * which decides ties; so does this.
 */
export function nearestIndices(inSize: number, outSize: number): Int32Array {
  const indices = new Int32Array(outSize);
  const scale = inSize / outSize;
  let position = scale * 0.5;
  for (let i = 0; i < outSize; i++) {
    indices[i] = Math.min(inSize - 1, Math.trunc(position));
    position += scale;
  }
  return indices;
}
