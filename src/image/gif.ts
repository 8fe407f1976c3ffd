/**
 * @file The first picture of a GIF as Pillow shows it: palette colours also where they are marked transparent, which
 * general decoders blank. (https://www.w3.org/Graphics/GIF/spec-gif89a.txt)
 */

import type { RgbImage } from './types.js';

/**
 * The size of the picture: the logical screen, grown to hold the first frame.
 * @throws Error where the file ends before its first frame.
 */
export function gifSize(bytes: Uint8Array): { width: number; height: number } {
  return canvasSize(bytes, firstFrame(bytes));
}

function canvasSize(bytes: Uint8Array, frame: Frame): { width: number; height: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    width: Math.max(view.getUint16(6, true), frame.left + frame.width),
    height: Math.max(view.getUint16(8, true), frame.top + frame.height),
  };
}

interface Frame {
  left: number;
  top: number;
  width: number;
  height: number;
  interlaced: boolean;
  palette: Uint8Array;
  transparent: number | undefined;
  codesAt: number;
}

/**
 * Decodes the first frame to RGB, on the canvas of {@link gifSize}.
 * @throws Error with a reason alone where the file is cut off or holds no picture.
 */
export function decodeGif(bytes: Uint8Array): RgbImage {
  const frame = firstFrame(bytes);
  const { width, height } = canvasSize(bytes, frame);
  const indices = decodeLzw(bytes, frame.codesAt, frame.width * frame.height);

  const data = new Uint8Array(width * height * 3);
  if (frame.width < width || frame.height < height) {
    const background = frame.transparent ?? 0; // not the file's background colour: nor does Pillow use it
    const colour = frame.palette.subarray(background * 3, background * 3 + 3);
    for (let i = 0; i < data.length; i += 3) data.set(colour, i);
  }
  for (let row = 0; row < frame.height; row++) {
    const y = frame.top + (frame.interlaced ? interlacedRow(row, frame.height) : row);
    let to = (y * width + frame.left) * 3;
    for (let x = 0; x < frame.width; x++, to += 3) {
      const index = indices[row * frame.width + x]! * 3;
      data[to] = frame.palette[index]!;
      data[to + 1] = frame.palette[index + 1]!;
      data[to + 2] = frame.palette[index + 2]!;
    }
  }
  return { data, width, height };
}

/** Walks the blocks up to the first image. */
function firstFrame(bytes: Uint8Array): Frame {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const flags = view.getUint8(10);
  let at = 13;
  const readPalette = (size: number): Uint8Array => {
    const palette = new Uint8Array(256 * 3);
    palette.set(bytes.subarray(at, at + size * 3));
    at += size * 3;
    return palette;
  };
  let palette = greyPalette();
  if (flags & 0x80) palette = readPalette(2 << (flags & 7));
  let transparent: number | undefined;
  while (at < bytes.length) {
    const kind = bytes[at++];
    if (kind === 0x3b) break;
    if (kind === 0x21) {
      const label = view.getUint8(at++);
      if (label === 0xf9 && view.getUint8(at + 1) & 1) transparent = view.getUint8(at + 4);
      while (view.getUint8(at) !== 0) at += view.getUint8(at) + 1;
      at++;
    } else if (kind === 0x2c) {
      const frame = {
        left: view.getUint16(at, true),
        top: view.getUint16(at + 2, true),
        width: view.getUint16(at + 4, true),
        height: view.getUint16(at + 6, true),
      };
      const local = view.getUint8(at + 8);
      at += 9;
      if (local & 0x80) palette = readPalette(2 << (local & 7));
      return { ...frame, interlaced: (local & 0x40) !== 0, palette, transparent, codesAt: at };
    }
  }
  throw new Error('the GIF holds no picture');
}

/** Without any palette, indices are shades of grey. */
function greyPalette(): Uint8Array {
  return Uint8Array.from({ length: 768 }, (_, i) => Math.floor(i / 3));
}

/** The screen row of the `n`-th stored row: every eighth, the fourths between, the seconds, the rest. */
function interlacedRow(n: number, height: number): number {
  let rest = n;
  for (const [start, step] of [
    [0, 8],
    [4, 8],
    [2, 4],
    [1, 2],
  ] as const) {
    const rows = Math.ceil((height - start) / step);
    if (rest < rows) return start + rest * step;
    rest -= Math.max(0, rows);
  }
  return n;
}

/** Variable-length codes of up to 12 bits, least significant bit first, in blocks of up to 255 bytes. */
function decodeLzw(bytes: Uint8Array, start: number, pixels: number): Uint8Array {
  const out = new Uint8Array(pixels);
  const minimum = bytes[start] ?? 0;
  if (minimum < 1 || minimum > 11) throw new Error(`codes of ${minimum} bits cannot be`);
  const clear = 1 << minimum;
  const prefix = new Uint16Array(4096);
  const suffix = new Uint8Array(4096);
  const length = new Uint16Array(4096).fill(1, 0, clear);
  for (let i = 0; i < clear; i++) suffix[i] = i;

  let at = start + 1;
  let block = 0;
  let held = 0;
  let bits = 0;
  let size = minimum + 1;
  let next = clear + 2;
  let previous = -1;
  let filled = 0;
  while (filled < pixels) {
    while (bits < size) {
      if (block === 0) {
        block = bytes[at++] ?? 0;
        if (block === 0 || at + block > bytes.length)
          throw new Error('the file is truncated: pixels are missing');
      }
      held |= bytes[at++]! << bits;
      bits += 8;
      block--;
    }
    const code = held & ((1 << size) - 1);
    held >>>= size;
    bits -= size;
    if (code === clear) {
      size = minimum + 1;
      next = clear + 2;
      previous = -1;
      continue;
    }
    if (code === clear + 1) throw new Error('the file is truncated: pixels are missing');
    if (code > next || (code === next && previous < 0)) throw new Error('the compressed pixels are damaged');

    // A code that is just being defined is the previous string and its own first pixel.
    const known = code < next ? code : previous;
    const run = length[known]!;
    let c = known;
    for (let to = filled + run - 1; to >= filled; to--) {
      if (to < pixels) out[to] = suffix[c]!;
      if (to > filled) c = prefix[c]!;
    }
    const first = suffix[c]!;
    filled += run;
    if (code === next && filled < pixels) out[filled++] = first;
    if (previous >= 0 && next < 4096) {
      prefix[next] = previous;
      suffix[next] = first;
      length[next] = length[previous]! + 1;
      next++;
      if (next === 1 << size && size < 12) size++;
    }
    previous = code;
  }
  return out;
}
