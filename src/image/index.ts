/**
 * @file The public names of the image room: sources, decoding, resampling, transforms.
 */

export type {
  DecodedImage,
  DecodeOptions,
  ImageFormat,
  ImageInput,
  RawImage,
  ReadOptions,
  RgbImage,
} from './types.js';
