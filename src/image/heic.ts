/**
 * @file HEIC and HEIF through libheif and libde265 in WebAssembly: sharp's binaries have no HEVC decoder. Rotation and
 * mirroring that the container asks for are applied by the decoder.
 */

import type { HeicImages } from 'heic-decode';
import { toRgb } from './colour.js';
import type { RgbImage } from './types.js';

/**
 * Decodes the primary picture. Synchronous inside, so it belongs in a worker.
 *
 * @param accept is told the size before any pixel is decoded, and throws to refuse it.
 * @throws Error where libheif finds no picture or a damaged one.
 */
export async function decodeHeic(
  bytes: Uint8Array,
  accept: (width: number, height: number) => void,
): Promise<RgbImage> {
  const { default: heic } = await import('heic-decode');
  let images: HeicImages | undefined;
  try {
    images = await heic.all({ buffer: bytes });
    const [first] = images;
    if (first === undefined) throw new Error('the file holds no picture');
    accept(first.width, first.height);
    const { width, height, data } = await first.decode();
    const rgba = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    return { data: toRgb(rgba, width * height, 4), width, height };
  } finally {
    images?.dispose();
  }
}
