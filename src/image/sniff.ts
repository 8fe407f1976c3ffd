/**
 * @file What a file is, told by its first bytes and never by its name.
 */

import { ImageError } from '../errors.js';
import type { ImageFormat } from './types.js';

/** Formats that are recognised only to say what they are. */
const UNSUPPORTED: { name: string; test(text: string): boolean }[] = [
  { name: 'JPEG 2000', test: (t) => t.startsWith('\0\0\0\x0cjP  \r\n') || t.startsWith('\xffO\xffQ') },
  { name: 'JPEG XL', test: (t) => t.startsWith('\0\0\0\x0cJXL \r\n') || t.startsWith('\xff\x0a') },
  { name: 'PDF', test: (t) => t.startsWith('%PDF-') },
  { name: 'Photoshop', test: (t) => t.startsWith('8BPS') },
  { name: 'Windows icon', test: (t) => t.startsWith('\0\0\x01\0') || t.startsWith('\0\0\x02\0') },
  { name: 'OpenEXR', test: (t) => t.startsWith('v/1\x01') },
  { name: 'Radiance HDR', test: (t) => t.startsWith('#?RADIANCE') || t.startsWith('#?RGBE') },
  { name: 'QOI', test: (t) => t.startsWith('qoif') },
  { name: 'portable anymap', test: (t) => /^P[1-7fF]\s/.test(t) },
  { name: 'DirectDraw surface', test: (t) => t.startsWith('DDS ') },
  {
    name: 'video (MP4, QuickTime)',
    test: (t) => /^....ftyp(isom|iso[2-9]|mp4|avc1|qt {2}|M4V|3gp)/s.test(t),
  },
  { name: 'ZIP archive', test: (t) => t.startsWith('PK\x03\x04') },
  { name: 'gzip archive', test: (t) => t.startsWith('\x1f\x8b') },
  { name: 'HTML page', test: (t) => /^\s*<(!doctype html|html)/i.test(t) },
];

const HEIC_BRANDS = /^(heic|heix|heim|heis|hevc|hevx|hevm|hevs)$/;

/**
 * The format of an encoded image.
 *
 * @throws ImageError of stage `decode` for an empty file, a known format that is not supported (named, with what to
 * do) and for anything unknown.
 */
export function sniffFormat(bytes: Uint8Array, source = '<buffer>'): Exclude<ImageFormat, 'raw'> {
  if (bytes.length === 0) throw new ImageError('decode', source, 'the file is empty');
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 1024)).toString('latin1');

  if (text.startsWith('\xff\xd8\xff')) return 'jpeg';
  if (text.startsWith('\x89PNG\r\n\x1a\n')) return 'png';
  if (text.startsWith('RIFF') && text.slice(8, 12) === 'WEBP') return 'webp';
  if (text.startsWith('GIF87a') || text.startsWith('GIF89a')) return 'gif';
  if (/^(II[*+]\0|MM\0[*+])/.test(text)) return 'tiff';
  if (text.startsWith('BM')) return 'bmp';
  if (text.slice(4, 8) === 'ftyp') {
    const brands = fileTypeBrands(text);
    if (brands.some((brand) => brand === 'avif' || brand === 'avis')) return 'avif';
    if (brands.some((brand) => HEIC_BRANDS.test(brand))) return 'heic';
    if (brands.some((brand) => brand === 'mif1' || brand === 'msf1')) return 'heic';
  }
  const unsupported = UNSUPPORTED.find(({ test }) => test(text));
  if (unsupported) {
    throw new ImageError('decode', source, `${unsupported.name} is not a supported image format`, {
      hint: 'convert it to JPEG, PNG, WebP or TIFF first',
    });
  }
  if (isSvg(text)) return 'svg';
  throw new ImageError('decode', source, 'not an image in any known format', {
    hint: 'supported are JPEG, PNG, WebP, GIF, TIFF, AVIF, HEIC, SVG and BMP, whatever the file is called',
  });
}

/** Major and compatible brands of an ISO base media file. */
function fileTypeBrands(text: string): string[] {
  const size = (text.charCodeAt(2) << 8) | text.charCodeAt(3);
  const brands = [text.slice(8, 12)];
  for (let at = 16; at + 4 <= Math.min(size, text.length); at += 4) brands.push(text.slice(at, at + 4));
  return brands;
}

/** An `<svg` element, after a byte order mark, an XML declaration, comments and a document type. */
function isSvg(text: string): boolean {
  const body = text.startsWith('\xef\xbb\xbf') ? text.slice(3) : text;
  return /^\s*(<\?xml[^>]*\?>\s*)?(<!--[\s\S]*?-->\s*|<!DOCTYPE[^>[]*(\[[\s\S]*?\]\s*)?>\s*)*<([a-z]+:)?svg[\s>]/i.test(
    body,
  );
}
