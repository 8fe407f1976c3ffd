/**
 * @file One image from bytes to tensor: what a decoding thread does, and what is done without threads.
 */

import { ImageError } from '../errors.js';
import { decodeImage, fromRawImage } from './decode.js';
import { applyTransform, type TransformSpec } from './transform.js';
import type { DecodedImage, DecodeOptions, ImageFormat, RawImage } from './types.js';

/** An image ready for the network. */
export interface Prepared {
  /** float32, `[3, height, width]` of the transform. */
  tensor: Float32Array;
  /** Width of the upright picture, before the transform. */
  width: number;
  /** Height of the upright picture, before the transform. */
  height: number;
  format: ImageFormat;
}

/**
 * Decodes and transforms bytes or pixels that have been read.
 * @throws ImageError of stage `decode` or `transform` that names `source`.
 */
export async function prepareImage(
  content: Uint8Array | RawImage,
  source: string,
  { spec, decode }: { spec: TransformSpec; decode: Omit<DecodeOptions, 'source'> },
): Promise<Prepared> {
  const image =
    content instanceof Uint8Array
      ? await decodeImage(content, { ...decode, ...shrinkHint(decode, spec), source })
      : fromRawImage(content, source);
  return { tensor: transform(image, spec, source), ...uprightSize(image), format: image.format };
}

/** `fast` needs to know how small the picture becomes. */
function shrinkHint(
  decode: Omit<DecodeOptions, 'source'>,
  { resize }: TransformSpec,
): { targetSize?: number } {
  if (decode.mode !== 'fast' || resize === null || decode.targetSize !== undefined) return {};
  return { targetSize: typeof resize.size === 'number' ? resize.size : Math.max(...resize.size) };
}

function transform(image: DecodedImage, spec: TransformSpec, source: string): Float32Array {
  try {
    return applyTransform(image, spec);
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    throw new ImageError(error.stage, source, error.reason, { hint: error.hint, cause: error });
  }
}

/** The size before any shrinking on load; sides exchanged where the picture was turned by a quarter. */
function uprightSize({ width, height, originalWidth, originalHeight }: DecodedImage): {
  width: number;
  height: number;
} {
  const turned = width > height !== originalWidth > originalHeight;
  return turned
    ? { width: originalHeight, height: originalWidth }
    : { width: originalWidth, height: originalHeight };
}
