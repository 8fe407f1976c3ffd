/**
 * @file The public names of the image room: sources, decoding, resampling, transforms.
 */

export { DEFAULT_MAX_PIXELS, decodeImage, fromRawImage } from './decode.js';
export { type ExpandOptions, expandInputs, type SourceItem } from './expand.js';
export type { Filter } from './filters.js';
export { crop, resize, resizeRegion } from './resample.js';
export { readSource, sourceName } from './source.js';
export type {
  DecodedImage,
  DecodeOptions,
  ImageFormat,
  ImageInput,
  RawImage,
  ReadOptions,
  Region,
  RgbImage,
} from './types.js';
