/**
 * @file Changes of colour, equal to torchvision's on PIL images to the bit: Pillow's `ImageEnhance` is a blend in
 * single precision between the picture and a duller one, its luma a sum in 16-bit fixed point, and the hue is turned
 * in 8-bit HSV.
 *
 * @see https://docs.pytorch.org/vision/stable/transforms.html (`functional.adjust_*`, `functional.rgb_to_grayscale`)
 */
import type { RgbImage } from '../../image/types.js';

/** `adjust_brightness`: 0 is black, 1 the picture itself, 2 twice as bright. @param factor ≥ 0 */
export function adjustBrightness(image: RgbImage, factor: number): RgbImage {
  return mapValues(image, blendTable(0, factor));
}

/** `adjust_contrast`: 0 is the picture's mean grey, 1 the picture itself. @param factor ≥ 0 */
export function adjustContrast(image: RgbImage, factor: number): RgbImage {
  const { data } = image;
  let sum = 0;
  for (let p = 0; p < data.length; p += 3) sum += luma(data[p]!, data[p + 1]!, data[p + 2]!);
  const mean = Math.floor((sum * 3) / data.length + 0.5);
  return mapValues(image, blendTable(mean, factor));
}

/** `adjust_saturation`: 0 is grey, 1 the picture itself. @param factor ≥ 0 */
export function adjustSaturation(image: RgbImage, factor: number): RgbImage {
  const { data, width, height } = image;
  const out = new Uint8Array(data.length);
  // What is added to the grey, by the channel's distance from it (−255 .. 255).
  const added = Float32Array.from({ length: 511 }, (_, i) => Math.fround(factor) * (i - 255));
  for (let p = 0; p < data.length; p += 3) {
    const grey = luma(data[p]!, data[p + 1]!, data[p + 2]!);
    for (let c = p; c < p + 3; c++) {
      const value = Math.fround(grey + added[data[c]! - grey + 255]!);
      out[c] = value <= 0 ? 0 : value >= 255 ? 255 : value;
    }
  }
  return { data: out, width, height };
}

/** `rgb_to_grayscale` with three channels: each becomes the luma of ITU-R 601. */
export function toGrayscale({ data, width, height }: RgbImage): RgbImage {
  const out = new Uint8Array(data.length);
  for (let p = 0; p < data.length; p += 3) {
    const grey = luma(data[p]!, data[p + 1]!, data[p + 2]!);
    out[p] = grey;
    out[p + 1] = grey;
    out[p + 2] = grey;
  }
  return { data: out, width, height };
}

/**
 * `adjust_hue`: turns the hue by a part of the circle. Like there, the picture goes through 8-bit HSV, which alone
 * changes it a little.
 * @param factor −0.5 .. 0.5
 */
export function adjustHue({ data, width, height }: RgbImage, factor: number): RgbImage {
  const out = new Uint8Array(data.length);
  const turn = Math.trunc(factor * 255);
  const { divided, sector, fraction } = hueTables();
  for (let p = 0; p < data.length; p += 3) {
    const r = data[p]!;
    const g = data[p + 1]!;
    const b = data[p + 2]!;
    const max = r > g ? (r > b ? r : b) : g > b ? g : b;
    const min = r < g ? (r < b ? r : b) : g < b ? g : b;
    const range = max - min;
    const s = max === 0 ? 0 : Math.trunc(divided[range * 256 + max]! * 255);
    if (s === 0) {
      out[p] = max;
      out[p + 1] = max;
      out[p + 2] = max;
      continue;
    }
    // Distances from the largest channel, as parts of the range; in sixths of the circle.
    const rc = divided[(max - r) * 256 + range]!;
    const gc = divided[(max - g) * 256 + range]!;
    const bc = divided[(max - b) * 256 + range]!;
    const sixths = Math.fround(r === max ? bc - gc : g === max ? 2 + rc - bc : 4 + gc - rc);
    const circle = sixths / 6 + 1;
    const h = (Math.trunc(Math.fround(circle - Math.floor(circle)) * 255) + turn) & 255;

    const fs = divided[s * 256 + 255]!;
    const f = fraction[h]!;
    const low = roundHalfUp(max * (1 - fs));
    const falling = roundHalfUp(max * (1 - Math.fround(fs * f)));
    const rising = roundHalfUp(max * (1 - fs * (1 - f)));
    const place = sector[h]!;
    out[p] = place === 0 || place === 5 ? max : place === 1 ? falling : place === 4 ? rising : low;
    out[p + 1] = place === 1 || place === 2 ? max : place === 0 ? rising : place === 3 ? falling : low;
    out[p + 2] = place === 3 || place === 4 ? max : place === 2 ? rising : place === 5 ? falling : low;
  }
  return { data: out, width, height };
}

/** Pillow's conversion to `L`. */
function luma(r: number, g: number, b: number): number {
  return (r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16;
}

/** Pillow's `Image.blend` from one value to each of the 256: single precision, cut off, kept within 0..255. */
function blendTable(from: number, factor: number): Uint8Array {
  const alpha = Math.fround(factor);
  return Uint8Array.from({ length: 256 }, (_, to) => {
    const value = Math.fround(from + Math.fround(alpha * (to - from)));
    return value <= 0 ? 0 : value >= 255 ? 255 : value;
  });
}

function mapValues({ data, width, height }: RgbImage, table: Uint8Array): RgbImage {
  const out = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i++) out[i] = table[data[i]!]!;
  return { data: out, width, height };
}

function roundHalfUp(x: number): number {
  return Math.floor(x + 0.5);
}

interface HueTables {
  /** `divided[a * 256 + b]` is a / b in single precision. */
  divided: Float32Array;
  /** Which sixth of the circle a hue of 0..255 lies in; 255 is the first again. */
  sector: Uint8Array;
  /** How far into it, in single precision. */
  fraction: Float32Array;
}

let tables: HueTables | undefined;

function hueTables(): HueTables {
  if (tables === undefined) {
    const divided = Float32Array.from({ length: 65536 }, (_, i) => (i >> 8) / (i & 255));
    const sector = Uint8Array.from({ length: 256 }, (_, h) => Math.floor((h * 6) / 255) % 6);
    const fraction = Float32Array.from({ length: 256 }, (_, h) => (h * 6) / 255 - Math.floor((h * 6) / 255));
    tables = { divided, sector, fraction };
  }
  return tables;
}
