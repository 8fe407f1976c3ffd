/**
 * @file Gaussian blur as torchvision's `gaussian_blur`: a window of odd length, the picture mirrored at its edges, one
 * rounding at the end. Computed as two passes instead of one two-dimensional sum, which rounds differently in a few
 * pixels of ten thousand, by one level.
 */
import { UsageError } from '../../errors.js';
import type { RgbImage } from '../../image/types.js';

/**
 * @param kernel odd number of pixels, at most twice the shorter side less one.
 * @param sigma standard deviation in pixels, > 0.
 * @throws UsageError if the picture is too small for the kernel, or the kernel is even.
 */
export function gaussianBlur({ data, width, height }: RgbImage, kernel: number, sigma: number): RgbImage {
  const radius = (kernel - 1) / 2;
  if (!Number.isInteger(radius) || radius < 0 || radius >= Math.min(width, height)) {
    throw new UsageError(
      `Expected an odd kernel of at most ${2 * Math.min(width, height) - 1} for a picture of ${width} × ${height} but received ${kernel}`,
    );
  }
  const weights = gaussian(kernel, sigma);
  const middle = weights[0]!;
  const reach = weights.length - 1;

  const across = new Float32Array(data.length);
  const line = new Float32Array((width + 2 * reach) * 3);
  for (let y = 0; y < height; y++) {
    const row = y * width * 3;
    for (let x = -reach; x < width + reach; x++) {
      const from = row + mirrored(x, width) * 3;
      const to = (x + reach) * 3;
      line[to] = data[from]!;
      line[to + 1] = data[from + 1]!;
      line[to + 2] = data[from + 2]!;
    }
    for (let i = 0; i < width * 3; i++) {
      const centre = i + reach * 3;
      let sum = middle * line[centre]!;
      for (let k = 1; k <= reach; k++) {
        sum += weights[k]! * (line[centre - k * 3]! + line[centre + k * 3]!);
      }
      across[row + i] = sum;
    }
  }

  const stride = width * 3;
  const out = new Uint8Array(data.length);
  const sums = new Float32Array(stride);
  for (let y = 0; y < height; y++) {
    for (let i = 0, from = y * stride; i < stride; i++, from++) sums[i] = middle * across[from]!;
    for (let k = 1; k <= reach; k++) {
      const weight = weights[k]!;
      let above = mirrored(y - k, height) * stride;
      let below = mirrored(y + k, height) * stride;
      for (let i = 0; i < stride; i++) sums[i]! += weight * (across[above++]! + across[below++]!);
    }
    for (let i = 0, to = y * stride; i < stride; i++, to++) out[to] = sums[i]! + 0.5;
  }
  return { data: out, width, height };
}

/** Weights below this change no pixel by a thousandth of a level, and are left out. */
const NEGLIGIBLE = 1e-7;

/**
 * The normal density at whole pixels from the middle outwards, scaled so that the weights of the whole kernel sum to 1.
 */
function gaussian(kernel: number, sigma: number): Float32Array {
  const half = Float64Array.from({ length: (kernel + 1) / 2 }, (_, i) => Math.exp(-0.5 * (i / sigma) ** 2));
  const sum = half.reduce((total, w, i) => total + (i === 0 ? w : 2 * w), 0);
  return Float32Array.from(half, (w) => w / sum).filter((w) => w >= NEGLIGIBLE);
}

/** An index mirrored at the first and the last pixel, neither of them repeated. */
function mirrored(i: number, length: number): number {
  if (i < 0) return -i;
  return i < length ? i : 2 * length - 2 - i;
}
