/** @file Where each format keeps its EXIF: a block that is laid out as a TIFF directory. */
import { readHeader } from './header.js';
import { heifExif } from './heif-exif.js';
import { sniffFormat } from './sniff.js';

/** The EXIF block of a picture's file, where it has one; undefined for formats without, and for damaged files. */
export function exifBlock(bytes: Uint8Array): Uint8Array | undefined {
  let format: ReturnType<typeof sniffFormat>;
  try {
    format = sniffFormat(bytes, '');
  } catch {
    return undefined; // decoding tells what is wrong
  }
  switch (format) {
    case 'jpeg':
    case 'png':
    case 'webp':
      return readHeader(bytes, format)?.exif;
    case 'tiff':
      return bytes;
    case 'avif':
    case 'heic':
      return heifExif(bytes);
    case 'gif':
    case 'bmp':
    case 'svg':
      return undefined;
    default:
      return format satisfies never;
  }
}
