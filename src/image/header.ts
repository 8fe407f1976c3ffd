/**
 * @file What JPEG, PNG and WebP files say about themselves before any pixel is decoded: size, orientation, and the
 * facts on which the conversion to RGB depends. Reading them here costs microseconds, where opening the decoder
 * twice would cost milliseconds.
 */

import { inflateSync } from 'node:zlib';
import { exifOrientation, xmpOrientation } from './orientation.js';

/** Facts from the header; sizes are before orientation. */
export interface Header {
  width: number;
  height: number;
  /** As found, not checked to lie in 1..8. */
  orientation: number | undefined;
  /** The EXIF block, where there is one; it is not copied. */
  exif?: Uint8Array | undefined;
  /** Samples per pixel as stored: 1 grey or palette, 3 colour, 4 CMYK or RGBA, … */
  channels: number;
  /** Bits of one sample. */
  depth: number;
  hasAlpha: boolean;
}

/** The header of a JPEG, PNG or WebP, or undefined where it is too damaged to tell. */
export function readHeader(bytes: Uint8Array, format: 'jpeg' | 'png' | 'webp'): Header | undefined {
  try {
    switch (format) {
      case 'jpeg':
        return readJpeg(bytes);
      case 'png':
        return readPng(bytes);
      case 'webp':
        return readWebp(bytes);
      default:
        return format satisfies never;
    }
  } catch (error) {
    if (error instanceof RangeError) return undefined; // read past the end
    throw error;
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function ascii(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.subarray(from, to)).toString('latin1');
}

/** Segments up to the start of the scan (ITU-T T.81, annex B). */
function readJpeg(bytes: Uint8Array): Header | undefined {
  const view = viewOf(bytes);
  let exif: Uint8Array | undefined;
  let turned: number | undefined;
  let xmp: number | undefined;
  let frame: Pick<Header, 'width' | 'height' | 'channels' | 'depth'> | undefined;
  for (let at = 2; ; ) {
    if (view.getUint8(at) !== 0xff) {
      at++; // rubbish between segments is skipped, as decoders do
      continue;
    }
    const marker = view.getUint8(at + 1);
    if (marker === 0xff) {
      at++;
      continue;
    }
    if (marker === 0 || marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)) {
      at += 2;
      continue;
    }
    if (marker === 0xda || marker === 0xd9) break;
    const length = view.getUint16(at + 2);
    const body = at + 4;
    const end = at + 2 + length;
    if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc) {
      frame = {
        depth: view.getUint8(body),
        height: view.getUint16(body + 1),
        width: view.getUint16(body + 3),
        channels: view.getUint8(body + 5),
      };
    } else if (marker === 0xe1 && ascii(bytes, body, body + 6) === 'Exif\0\0') {
      exif ??= bytes.subarray(body, end);
      turned ??= exifOrientation(bytes.subarray(body, end));
    } else if (marker === 0xe1 && ascii(bytes, body, body + 29) === 'http://ns.adobe.com/xap/1.0/\0') {
      xmp ??= xmpOrientation(bytes.subarray(body + 29, end));
    }
    at = end;
  }
  return frame && { ...frame, orientation: turned ?? xmp, exif, hasAlpha: false };
}

const PNG_CHANNELS: Record<number, number> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

/** All chunks: EXIF may follow the pixels (https://www.w3.org/TR/png-3/). */
function readPng(bytes: Uint8Array): Header | undefined {
  const view = viewOf(bytes);
  const colour = view.getUint8(25);
  let exif: Uint8Array | undefined;
  let profile: Uint8Array | undefined;
  let xmp: number | undefined;
  let hasAlpha = colour === 4 || colour === 6;
  for (let at = 8; at + 12 <= bytes.length; ) {
    const length = view.getUint32(at);
    const kind = ascii(bytes, at + 4, at + 8);
    const body = bytes.subarray(at + 8, at + 8 + length);
    if (kind === 'eXIf') exif = body;
    else if (kind === 'tRNS') hasAlpha = true;
    else if (kind === 'iTXt' || kind === 'zTXt' || kind === 'tEXt') {
      const text = pngText(kind, body);
      if (text?.keyword === 'XML:com.adobe.xmp') xmp ??= xmpOrientation(text.value);
      if (text?.keyword === 'Raw profile type exif') profile ??= unhex(text.value);
    } else if (kind === 'IEND') break;
    at += 12 + length;
  }
  exif ??= profile;
  return {
    width: view.getUint32(16),
    height: view.getUint32(20),
    orientation: (exif && exifOrientation(exif)) ?? xmp,
    exif,
    channels: PNG_CHANNELS[colour] ?? 0,
    depth: view.getUint8(24),
    hasAlpha,
  };
}

/** Keyword and value of the two text chunks that may hold orientation; others are not inflated. */
function pngText(kind: string, body: Uint8Array): { keyword: string; value: Uint8Array } | undefined {
  const end = body.indexOf(0);
  if (end < 0) return undefined;
  const keyword = ascii(body, 0, end);
  if (keyword !== 'XML:com.adobe.xmp' && keyword !== 'Raw profile type exif') return undefined;
  let value = body.subarray(end + 1);
  let compressed = false;
  if (kind === 'zTXt') {
    compressed = true;
    value = value.subarray(1);
  } else if (kind === 'iTXt') {
    compressed = value[0] === 1;
    value = value.subarray(2);
    for (let skipped = 0; skipped < 2; skipped++) value = value.subarray(value.indexOf(0) + 1);
  }
  if (!compressed) return { keyword, value };
  try {
    return { keyword, value: inflateSync(value, { maxOutputLength: 1 << 20 }) };
  } catch {
    return undefined; // damaged or far too long for what it should be: as if it were not there
  }
}

/** ImageMagick's way to put EXIF into a text chunk: a name, a length, then hexadecimal lines. */
function unhex(text: Uint8Array): Uint8Array {
  return Buffer.from(Buffer.from(text).toString('latin1').split('\n').slice(3).join(''), 'hex');
}

/** RIFF chunks (https://developers.google.com/speed/webp/docs/riff_container). */
function readWebp(bytes: Uint8Array): Header | undefined {
  const view = viewOf(bytes);
  let size: { width: number; height: number } | undefined;
  let exif: Uint8Array | undefined;
  let xmp: number | undefined;
  let hasAlpha = false;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const kind = ascii(bytes, at, at + 4);
    const length = view.getUint32(at + 4, true);
    const body = at + 8;
    if (kind === 'VP8X') {
      hasAlpha = (view.getUint8(body) & 0x10) !== 0;
      const width = 1 + (view.getUint32(body + 4, true) & 0xffffff);
      const height = 1 + (view.getUint16(body + 7, true) | (view.getUint8(body + 9) << 16));
      size = { width, height };
    } else if (kind === 'VP8 ') {
      size ??= {
        width: view.getUint16(body + 6, true) & 0x3fff,
        height: view.getUint16(body + 8, true) & 0x3fff,
      };
    } else if (kind === 'VP8L') {
      const bits = view.getUint32(body + 1, true);
      size ??= { width: 1 + (bits & 0x3fff), height: 1 + ((bits >>> 14) & 0x3fff) };
      hasAlpha ||= ((bits >>> 28) & 1) === 1;
    } else if (kind === 'EXIF') exif = bytes.subarray(body, body + length);
    else if (kind === 'XMP ') xmp = xmpOrientation(bytes.subarray(body, body + length));
    at = body + length + (length & 1);
  }
  return (
    size && {
      ...size,
      orientation: (exif && exifOrientation(exif)) ?? xmp,
      exif,
      channels: hasAlpha ? 4 : 3,
      depth: 8,
      hasAlpha,
    }
  );
}
