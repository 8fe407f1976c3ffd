/**
 * @file Windows and OS/2 bitmaps: 1, 4, 8, 16, 24 and 32 bits, palettes, bit fields, run lengths, either direction.
 * Follows Pillow's `BmpImagePlugin` where files are odd, so that both give the same pixels.
 */

import type { RgbImage } from './types.js';

/** The size in a BMP's header. @throws RangeError where the file ends before it. */
export function bmpSize(bytes: Uint8Array): { width: number; height: number } {
  const { width, height } = readBmpHeader(bytes);
  return { width, height };
}

interface BmpHeader {
  width: number;
  height: number;
  topDown: boolean;
  bits: number;
  compression: number;
  pixelsAt: number;
  /** Red, green, blue masks of 16- and 32-bit pixels. */
  masks: [number, number, number];
  /** Packed RGB of each palette entry, three bytes each. */
  palette: Uint8Array;
}

const RAW = 0;
const RLE8 = 1;
const RLE4 = 2;
const BITFIELDS = 3;

function readBmpHeader(bytes: Uint8Array): BmpHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const pixelsAt = view.getUint32(10, true);
  const headerSize = view.getUint32(14, true);
  const os2 = headerSize === 12;
  const width = os2 ? view.getUint16(18, true) : view.getInt32(18, true);
  const tall = os2 ? view.getUint16(20, true) : view.getInt32(22, true);
  const bits = view.getUint16(os2 ? 24 : 28, true);
  const compression = os2 ? RAW : view.getUint32(30, true);

  let paletteAt = 14 + headerSize;
  let masks: [number, number, number] = bits === 16 ? [0x7c00, 0x3e0, 0x1f] : [0xff0000, 0xff00, 0xff];
  if (compression === BITFIELDS) {
    masks = [view.getUint32(54, true), view.getUint32(58, true), view.getUint32(62, true)];
    if (headerSize === 40) paletteAt += 12;
  }
  const entrySize = os2 ? 3 : 4;
  const palette = new Uint8Array(256 * 3);
  if (bits <= 8) {
    const wanted = (os2 ? 0 : view.getUint32(46, true)) || 1 << bits;
    const room = Math.floor((Math.min(pixelsAt || bytes.length, bytes.length) - paletteAt) / entrySize);
    for (let i = 0; i < Math.min(wanted, room, 256); i++) {
      const entry = paletteAt + i * entrySize;
      palette[3 * i] = bytes[entry + 2]!;
      palette[3 * i + 1] = bytes[entry + 1]!;
      palette[3 * i + 2] = bytes[entry]!;
    }
  }
  return { width, height: Math.abs(tall), topDown: tall < 0, bits, compression, pixelsAt, masks, palette };
}

/**
 * Decodes a BMP to RGB.
 * @throws Error with a reason alone where the file is cut off or its kind is unknown.
 */
export function decodeBmp(bytes: Uint8Array): RgbImage {
  const header = readBmpHeader(bytes);
  const { width, height, bits, compression, masks, palette } = header;
  if (width <= 0 || height <= 0) throw new Error(`the size in the header is ${width} × ${height}`);
  const runs = (compression === RLE8 && bits === 8) || (compression === RLE4 && bits === 4);
  const plain = compression === RAW || (compression === BITFIELDS && (bits === 16 || bits === 32));
  if ((!runs && !plain) || ![1, 4, 8, 16, 24, 32].includes(bits)) {
    throw new Error(`BMP with ${bits} bits per pixel and compression ${compression} is not supported`);
  }

  const data = new Uint8Array(width * height * 3);
  const indices = runs ? unpackRuns(bytes, header) : undefined;
  const stride = indices ? width : ((width * bits + 31) >> 5) << 2;
  const source = indices ?? bytes;
  const start = indices ? 0 : header.pixelsAt;
  // The last row in the file may lack its padding.
  if (source.length < start + stride * (height - 1) + ((width * (indices ? 8 : bits) + 7) >> 3)) {
    throw new Error('the file is truncated: it ends before the last row of pixels');
  }
  const fields = masks.map(maskField);
  const view = new DataView(source.buffer, source.byteOffset, source.byteLength);
  for (let row = 0; row < height; row++) {
    const from = start + row * stride;
    let to = (header.topDown ? row : height - 1 - row) * width * 3;
    for (let x = 0; x < width; x++, to += 3) {
      if (bits === 24) {
        data[to] = source[from + x * 3 + 2]!;
        data[to + 1] = source[from + x * 3 + 1]!;
        data[to + 2] = source[from + x * 3]!;
      } else if (bits <= 8) {
        const index = indices ? source[from + x]! : sample(source, from, x, bits);
        data.set(palette.subarray(index * 3, index * 3 + 3), to);
      } else {
        const pixel = bits === 16 ? view.getUint16(from + x * 2, true) : view.getUint32(from + x * 4, true);
        for (let c = 0; c < 3; c++) data[to + c] = fieldValue(pixel, fields[c]!);
      }
    }
  }
  return { data, width, height };
}

function sample(source: Uint8Array, from: number, x: number, bits: number): number {
  const bit = x * bits;
  return (source[from + (bit >> 3)]! >> (8 - bits - (bit & 7))) & ((1 << bits) - 1);
}

interface Field {
  shift: number;
  max: number;
}

function maskField(mask: number): Field {
  if (mask === 0) return { shift: 0, max: 0 };
  let shift = 0;
  while (((mask >>> shift) & 1) === 0) shift++;
  return { shift, max: mask >>> shift };
}

/** A field of fewer than 8 bits is stretched to 0..255, rounding down. */
function fieldValue(pixel: number, { shift, max }: Field): number {
  return max === 0 ? 0 : Math.floor((((pixel >>> shift) & max) * 255) / max);
}

/** Run-length encoded indices, one a byte, rows bottom up, index 0 where nothing is written. */
function unpackRuns(bytes: Uint8Array, { width, height, compression, pixelsAt }: BmpHeader): Uint8Array {
  const out = new Uint8Array(width * height);
  let x = 0;
  let y = 0;
  const put = (value: number): void => {
    if (x < width && y < height) out[y * width + x] = value;
    x++;
  };
  for (let at = pixelsAt; y < height; ) {
    if (at + 2 > bytes.length) throw new Error('the file is truncated: it ends inside the runs of pixels');
    const count = bytes[at]!;
    const value = bytes[at + 1]!;
    at += 2;
    if (count > 0) {
      for (let i = 0; i < count; i++)
        put(compression === RLE8 ? value : i % 2 === 0 ? value >> 4 : value & 15);
    } else if (value === 0) {
      x = 0;
      y++;
    } else if (value === 1) {
      break;
    } else if (value === 2) {
      x += bytes[at] ?? 0;
      y += bytes[at + 1] ?? 0;
      at += 2;
    } else {
      const length = compression === RLE8 ? value : (value + 1) >> 1;
      for (let i = 0; i < value; i++) {
        const byte = bytes[at + (compression === RLE8 ? i : i >> 1)] ?? 0;
        put(compression === RLE8 ? byte : i % 2 === 0 ? byte >> 4 : byte & 15);
      }
      at += length + (length & 1);
    }
  }
  return out;
}
