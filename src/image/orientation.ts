/**
 * @file EXIF orientation: reading the tag, and turning pixels as `PIL.ImageOps.exif_transpose` does.
 */

import type { RgbImage } from './types.js';

const ORIENTATION_TAG = 0x0112;

/**
 * The orientation in an EXIF block (a TIFF directory, with or without the `Exif\0\0` in front).
 * @returns the value as found, which may lie outside of 1..8, or undefined where there is none.
 */
export function exifOrientation(exif: Uint8Array): number | undefined {
  const skip = Buffer.from(exif.subarray(0, 6)).toString('latin1') === 'Exif\0\0' ? 6 : 0;
  const view = new DataView(exif.buffer, exif.byteOffset + skip, exif.byteLength - skip);
  if (view.byteLength < 14) return undefined;
  const mark = view.getUint16(0);
  if (mark !== 0x4949 && mark !== 0x4d4d) return undefined;
  const little = mark === 0x4949;
  const directory = view.getUint32(4, little);
  if (directory + 2 > view.byteLength) return undefined;
  const count = view.getUint16(directory, little);
  for (let i = 0; i < count; i++) {
    const entry = directory + 2 + 12 * i;
    if (entry + 12 > view.byteLength) return undefined;
    if (view.getUint16(entry, little) !== ORIENTATION_TAG) continue;
    const type = view.getUint16(entry + 2, little);
    if (type === 3) return view.getUint16(entry + 8, little);
    if (type === 4) return view.getUint32(entry + 8, little);
    return type === 1 ? view.getUint8(entry + 8) : undefined;
  }
  return undefined;
}

/** The orientation in an XMP packet, which counts where EXIF has none. */
export function xmpOrientation(xmp: Uint8Array): number | undefined {
  const match = /tiff:Orientation(?:="|>)([0-9])/.exec(Buffer.from(xmp).toString('latin1'));
  return match ? Number(match[1]) : undefined;
}

/** Columns and rows of a tile that stays in the processor's first cache while it is turned. */
const TILE = 32;

/**
 * Turns and mirrors a picture upright.
 *
 * @param orientation 2..8 as EXIF defines them; anything else returns the picture itself.
 * @returns a new picture, width and height exchanged for 5..8.
 */
export function applyOrientation(image: RgbImage, orientation: number): RgbImage {
  const { width: w, height: h } = image;
  // Source pixel (x, y) goes to byte `start + x * stepX + y * stepY`.
  const turned = orientation >= 5 && orientation <= 8;
  const width = turned ? h : w;
  const height = turned ? w : h;
  let start: number;
  let stepX: number;
  let stepY: number;
  switch (orientation) {
    case 2: // mirrored left to right
      [start, stepX, stepY] = [w - 1, -1, width];
      break;
    case 3: // half a turn
      [start, stepX, stepY] = [w * h - 1, -1, -width];
      break;
    case 4: // mirrored top to bottom
      [start, stepX, stepY] = [(h - 1) * width, 1, -width];
      break;
    case 5: // transposed
      [start, stepX, stepY] = [0, width, 1];
      break;
    case 6: // a quarter turn clockwise
      [start, stepX, stepY] = [h - 1, width, -1];
      break;
    case 7: // transposed along the other diagonal
      [start, stepX, stepY] = [w * h - 1, -width, -1];
      break;
    case 8: // a quarter turn anticlockwise
      [start, stepX, stepY] = [(w - 1) * width, -width, 1];
      break;
    default:
      return image;
  }

  const source = image.data;
  const data = new Uint8Array(w * h * 3);
  const jump = stepY * 3;
  for (let y0 = 0; y0 < h; y0 += TILE) {
    const y1 = Math.min(h, y0 + TILE);
    for (let x0 = 0; x0 < w; x0 += TILE) {
      const x1 = Math.min(w, x0 + TILE);
      for (let x = x0; x < x1; x++) {
        let from = (y0 * w + x) * 3;
        let to = (start + x * stepX + y0 * stepY) * 3;
        for (let y = y0; y < y1; y++) {
          data[to] = source[from]!;
          data[to + 1] = source[from + 1]!;
          data[to + 2] = source[from + 2]!;
          from += w * 3;
          to += jump;
        }
      }
    }
  }
  return { data, width, height };
}
