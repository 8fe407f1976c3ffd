/**
 * @file Changes of place that torchvision makes with whole pixels: windows, mirroring, padding. All return new
 * pictures, equal to torchvision's on PIL images to the bit.
 */
import { UsageError } from '../../errors.js';
import type { Filter } from '../../image/filters.js';
import { crop, resize } from '../../image/resample.js';
import type { Region, RgbImage } from '../../image/types.js';

/** What surrounds a picture that is padded: one colour, the edge's pixels repeated, or the picture mirrored. */
export type PaddingMode = 'constant' | 'edge' | 'reflect' | 'symmetric';

/** An 8-bit colour. */
export type Colour = readonly [red: number, green: number, blue: number];

/**
 * `resized_crop` on a PIL image: the window is cut out first and then resized, so that nothing outside it weighs in.
 * @param region lies within the picture.
 */
export function resizedCrop(
  image: RgbImage,
  region: Region,
  width: number,
  height: number,
  filter: Filter,
): RgbImage {
  return resize(crop(image, region), width, height, filter);
}

/** `horizontal_flip`: left becomes right. */
export function horizontalFlip({ data, width, height }: RgbImage): RgbImage {
  const out = new Uint8Array(data.length);
  for (let y = 0; y < height; y++) {
    let from = (y + 1) * width * 3 - 3;
    const end = (y + 1) * width * 3;
    for (let to = y * width * 3; to < end; to += 3, from -= 3) {
      out[to] = data[from]!;
      out[to + 1] = data[from + 1]!;
      out[to + 2] = data[from + 2]!;
    }
  }
  return { data: out, width, height };
}

/** `vertical_flip`: top becomes bottom. */
export function verticalFlip({ data, width, height }: RgbImage): RgbImage {
  const out = new Uint8Array(data.length);
  const stride = width * 3;
  for (let y = 0; y < height; y++) {
    out.set(data.subarray(y * stride, (y + 1) * stride), (height - 1 - y) * stride);
  }
  return { data: out, width, height };
}

/**
 * `pad` by the same number of pixels on all sides.
 * @param fill the colour of `constant`.
 * @throws UsageError if `reflect` or `symmetric` would need more pixels than the picture has.
 */
export function pad(
  image: RgbImage,
  padding: number,
  mode: PaddingMode = 'constant',
  fill: Colour = [0, 0, 0],
): RgbImage {
  const { data, width, height } = image;
  const wide = width + 2 * padding;
  const high = height + 2 * padding;
  const out = new Uint8Array(wide * high * 3);
  if (mode === 'constant') {
    for (let i = 0; i < out.length; i++) out[i] = fill[i % 3]!;
    for (let y = 0; y < height; y++) {
      out.set(data.subarray(y * width * 3, (y + 1) * width * 3), ((y + padding) * wide + padding) * 3);
    }
    return { data: out, width: wide, height: high };
  }
  const columns = sources(width, padding, mode);
  const rows = sources(height, padding, mode);
  let to = 0;
  for (let y = 0; y < high; y++) {
    const row = rows[y]! * width;
    for (let x = 0; x < wide; x++, to += 3) {
      const from = (row + columns[x]!) * 3;
      out[to] = data[from]!;
      out[to + 1] = data[from + 1]!;
      out[to + 2] = data[from + 2]!;
    }
  }
  return { data: out, width: wide, height: high };
}

/** The index from which each of `length + 2 * padding` pixels of a line is taken. */
function sources(length: number, padding: number, mode: Exclude<PaddingMode, 'constant'>): Int32Array {
  const most = mode === 'reflect' ? length - 1 : length;
  if (mode !== 'edge' && padding > most) {
    throw new UsageError(
      `Expected a padding of at most ${most} for mode ${mode} on ${length} pixels but received ${padding}`,
    );
  }
  return Int32Array.from({ length: length + 2 * padding }, (_, i) => {
    const at = i - padding;
    if (mode === 'edge') return Math.min(length - 1, Math.max(0, at));
    const edge = mode === 'reflect' ? 0 : 1;
    if (at < 0) return -at - edge;
    return at < length ? at : 2 * length - 2 + edge - at;
  });
}
