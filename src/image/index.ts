/**
 * @file The public names of the image room: sources, decoding, resampling, transforms.
 */

export { DEFAULT_MAX_PIXELS, decodeImage, fromRawImage } from './decode.js';
export { DecodePool, type DecodePoolOptions } from './decode-pool.js';
export { type Exif, readExif } from './exif.js';
export { countItems, type ExpandOptions, expandInputs, type SourceItem } from './expand.js';
export type { Filter } from './filters.js';
export type { Prepared } from './prepare.js';
export { transformFromPreprocessorConfig } from './preprocessor-config.js';
export { crop, resize, resizeRegion } from './resample.js';
export { readSource, sourceName } from './source.js';
export {
  applyTransform,
  type CropSpec,
  outputSize,
  type ResizeSpec,
  resizeAndCrop,
  type TransformSpec,
  toTensor,
} from './transform.js';
export {
  type OpenClipOptions,
  openClipTransform,
  type TimmOptions,
  type TorchvisionOptions,
  timmTransform,
  torchvisionTransform,
} from './transform-presets.js';
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
