/**
 * @file From decoded RGB to the tensor a network takes, as a plain record that can be stored, compared and hashed,
 * and the function that carries it out. Resizing and cropping happen on 8-bit pixels with Pillow's arithmetic, as in
 * torchvision, transformers, open_clip and timm when they are given PIL images; floats come out of a table of the
 * 256 values that each channel can take, computed in the same single-precision steps as the reference's.
 */

import { ImageError, UsageError } from '../errors.js';
import type { Filter } from './filters.js';
import { crop, resizeRegion } from './resample.js';
import type { Region, RgbImage } from './types.js';

/** How large the picture becomes. */
export interface ResizeSpec {
  /** One length for `shortest`; `[height, width]` for the others. */
  size: number | [height: number, width: number];
  /**
   * `shortest`: the shorter side becomes `size`, the other keeps the proportions. `exact`: both as given, whatever
   * the proportions. `cover` and `contain`: proportions kept, the smallest size that covers `size`, the largest that
   * fits into it.
   */
  rule: 'shortest' | 'exact' | 'cover' | 'contain';
  /** The computed side: `floor` as torchvision's `int()`, `even` as Python's `round()` (halves to even). */
  rounding: 'floor' | 'even';
  filter: Filter;
}

/** The window in the middle that is kept. Where the picture is smaller, the rest is filled. */
export interface CropSpec {
  height: number;
  width: number;
  /**
   * The left and top edge: `even` as torchvision's `int(round((size − crop) / 2))`, half to even; `floor` as
   * transformers' `(size − crop) // 2`.
   */
  rounding: 'even' | 'floor';
  /** 8-bit colour around a picture that is smaller than the crop. */
  fill: [red: number, green: number, blue: number];
}

/** Everything between decoded RGB and the network: plain JSON, with all keys always present, in this order. */
export interface TransformSpec {
  /** Whose arithmetic is reproduced. */
  reference: 'torchvision' | 'transformers' | 'open_clip' | 'timm';
  resize: ResizeSpec | null;
  crop: CropSpec | null;
  /**
   * How 0..255 becomes a float before mean and deviation: `'divide'` by 255 in single precision (torchvision's
   * `ToTensor`); a number by which the value is multiplied in double precision and then rounded to single
   * (transformers' `rescale_factor`); null to leave 0..255.
   */
  rescale: 'divide' | number | null;
  /** Subtracted after rescaling, for red, green and blue. */
  mean: [number, number, number];
  /** Divided by after subtracting the mean. */
  std: [number, number, number];
}

/**
 * The size of the tensor that a transform makes of every picture.
 * @throws UsageError where it depends on the picture: neither a crop nor an exact size.
 */
export function outputSize(spec: TransformSpec): { height: number; width: number } {
  if (spec.crop) return { height: spec.crop.height, width: spec.crop.width };
  if (spec.resize?.rule === 'exact') {
    const [height, width] = pair(spec.resize.size);
    return { height, width };
  }
  throw new UsageError(
    'The transform has neither a crop nor an exact size: its output size depends on the picture',
    {
      hint: 'give it a crop',
    },
  );
}

/**
 * Carries out a transform.
 *
 * @param image interleaved 8-bit RGB.
 * @param out receives the result where given: `3 * height * width` values, for instance one row of a batch.
 * @returns float32, channels first: `[3, height, width]` of {@link outputSize}.
 * @throws ImageError of stage `transform` if the picture cannot be resized as asked (a side would vanish).
 * @throws UsageError if `out` has another length, or {@link outputSize} throws.
 */
export function applyTransform(image: RgbImage, spec: TransformSpec, out?: Float32Array): Float32Array {
  const { height, width } = outputSize(spec);
  if (out !== undefined && out.length !== 3 * height * width) {
    throw new UsageError(
      `Expected room for 3 × ${height} × ${width} values for out but received ${out.length}`,
    );
  }
  return toTensor(resizeAndCrop(image, spec), spec, out);
}

/**
 * The first half of a transform: the 8-bit pixels of {@link outputSize} that it makes of a picture.
 * @throws as {@link applyTransform}.
 */
export function resizeAndCrop(image: RgbImage, spec: TransformSpec): RgbImage {
  const { height, width } = outputSize(spec);
  const resized = resizedSize(image, spec);
  const left = spec.crop ? cropStart(resized.width, width, spec.crop.rounding) : 0;
  const top = spec.crop ? cropStart(resized.height, height, spec.crop.rounding) : 0;
  // The part of the crop that lies within the resized picture: only that is computed.
  const region: Region = {
    left: Math.max(0, left),
    top: Math.max(0, top),
    width: Math.min(resized.width, left + width) - Math.max(0, left),
    height: Math.min(resized.height, top + height) - Math.max(0, top),
  };
  const window = spec.resize
    ? resizeRegion(image, resized.width, resized.height, spec.resize.filter, region)
    : crop(image, region);
  if (window.width === width && window.height === height) return window;

  const data = new Uint8Array(width * height * 3);
  const fill = spec.crop?.fill ?? [0, 0, 0];
  for (let i = 0; i < data.length; i++) data[i] = fill[i % 3]!;
  for (let y = 0; y < window.height; y++) {
    const from = y * window.width * 3;
    const to = ((region.top - top + y) * width + region.left - left) * 3;
    data.set(window.data.subarray(from, from + window.width * 3), to);
  }
  return { data, width, height };
}

/**
 * The second half of a transform: 8-bit pixels to the floats that the network takes.
 * @param out receives the result where given: `3 * height * width` values of the picture's own size.
 * @returns float32, channels first: `[3, height, width]`.
 */
export function toTensor(
  { data, width, height }: RgbImage,
  spec: TransformSpec,
  out?: Float32Array,
): Float32Array {
  const plane = height * width;
  const tensor = out ?? new Float32Array(3 * plane);
  const [red, green, blue] = channelTables(spec);
  for (let i = 0, p = 0; i < plane; i++, p += 3) {
    tensor[i] = red[data[p]!]!;
    tensor[plane + i] = green[data[p + 1]!]!;
    tensor[2 * plane + i] = blue[data[p + 2]!]!;
  }
  return tensor;
}

/** The size of the whole picture after the resize. */
function resizedSize(image: RgbImage, { resize }: TransformSpec): { width: number; height: number } {
  const { width, height } = image;
  if (resize === null) return { width, height };
  const size = computeSize(width, height, resize);
  if (size.width < 1 || size.height < 1) {
    const became = `${size.width} × ${size.height}`;
    throw new ImageError(
      'transform',
      '<image>',
      `a picture of ${width} × ${height} would become ${became}: its shorter side vanishes`,
    );
  }
  return size;
}

function computeSize(width: number, height: number, resize: ResizeSpec): { width: number; height: number } {
  const round = resize.rounding === 'floor' ? Math.floor : roundHalfEven;
  switch (resize.rule) {
    case 'shortest': {
      const [short] = pair(resize.size);
      const long = round((short * Math.max(width, height)) / Math.min(width, height));
      return width <= height ? { width: short, height: long } : { width: long, height: short };
    }
    case 'exact': {
      const [h, w] = pair(resize.size);
      return { width: w, height: h };
    }
    case 'cover':
    case 'contain': {
      const [h, w] = pair(resize.size);
      const ratio = (resize.rule === 'cover' ? Math.min : Math.max)(height / h, width / w);
      return { width: round(width / ratio), height: round(height / ratio) };
    }
    default:
      return resize.rule satisfies never;
  }
}

/** Where the crop begins; negative where the picture is smaller and is surrounded by the fill colour. */
function cropStart(size: number, cropped: number, rounding: CropSpec['rounding']): number {
  const margin = (size - cropped) / 2;
  if (rounding === 'floor') return Math.floor(margin);
  // torchvision pads by half of what is missing, rounded down, and then has nothing left to cut off.
  return margin < 0 ? Math.ceil(margin) : roundHalfEven(margin);
}

/** Python's `round()`: to the nearest, halves to even. */
export function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

/** The float of each of the 256 values, for each channel. */
function channelTables(spec: TransformSpec): [Float32Array, Float32Array, Float32Array] {
  const table = (channel: 0 | 1 | 2): Float32Array => {
    const mean = Math.fround(spec.mean[channel]);
    const std = Math.fround(spec.std[channel]);
    return Float32Array.from({ length: 256 }, (_, value) => {
      const scaled =
        spec.rescale === null ? value : spec.rescale === 'divide' ? value / 255 : value * spec.rescale;
      return Math.fround(Math.fround(scaled) - mean) / std;
    });
  };
  return [table(0), table(1), table(2)];
}

function pair(size: number | [number, number]): [number, number] {
  return typeof size === 'number' ? [size, size] : size;
}
