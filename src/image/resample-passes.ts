/**
 * @file The two passes of resampling over WebAssembly SIMD kernels (`assembly/resample.ts`).
 *
 * The kernels work in their own memory, so rows are copied in by strips and held in a sliding window that is as long
 * as the reach of one output row: the memory used grows with the width of the picture, not with its height.
 */

import type { Taps } from './filters.js';
import type { Region, RgbImage } from './types.js';
import { wasmBase64 } from './wasm/resample.js';

/** Bytes of rows copied into the module, or resampled, at a time. */
const STRIP_BYTES = 1 << 17;
/** Room that the kernels may read or write past the end of a buffer. */
const SLACK = 64;

interface Kernels {
  memory: WebAssembly.Memory;
  horizontal(
    src: number,
    srcStride: number,
    dst: number,
    dstStride: number,
    rows: number,
    width: number,
    bounds: number,
    coefficients: number,
  ): void;
  vertical(
    src: number,
    stride: number,
    dst: number,
    bytes: number,
    pairs: number,
    coefficients: number,
  ): void;
}

let instance: Kernels | undefined;

/** The module of this thread, compiled at first use; compiling takes about a millisecond. */
function kernels(): Kernels {
  if (instance === undefined) {
    const module = new WebAssembly.Module(Buffer.from(wasmBase64, 'base64'));
    instance = new WebAssembly.Instance(module, {}).exports as unknown as Kernels;
  }
  return instance;
}

/** Rows `first .. end - 1` of a pass, kept in the module's memory while `load` brings further ones. */
interface RowWindow {
  at: number;
  stride: number;
  capacity: number;
  /** Rows loaded at a time. */
  step: number;
  first: number;
  end: number;
  /** One past the last row that will ever be needed. */
  last: number;
  load(row: number, count: number, at: number): void;
}

/** The address of row `first`, after making sure that rows `first .. end - 1` follow each other there. */
function ensureRows(heap: Uint8Array, window: RowWindow, first: number, end: number): number {
  const { at, stride } = window;
  while (window.end < end) {
    if (window.end - window.first + window.step > window.capacity) {
      heap.copyWithin(at, at + (first - window.first) * stride, at + (window.end - window.first) * stride);
      window.first = first;
    }
    const count = Math.min(window.step, window.last - window.end);
    window.load(window.end, count, at + (window.end - window.first) * stride);
    window.end += count;
  }
  return at + (first - window.first) * stride;
}

/**
 * Horizontal pass, then vertical; `columns` or `rows` is null where that axis keeps its size.
 * @returns the window `region` of the resized picture.
 */
export function horizontalFirst(
  image: RgbImage,
  region: Region,
  columns: Taps | null,
  rows: Taps | null,
): RgbImage {
  const { horizontal, vertical } = kernels();
  const { width, height } = region;
  const span = sourceSpan(region.left, width, columns);
  const stripStride = span.length * 3;
  const stripRows = rowsPerStrip(stripStride);
  const windowStride = alignedStride(width);
  const reach = rows === null ? 1 : longest(rows) + 1;
  const capacity = reach + Math.max(stripRows, reach);

  const table = columns && packHorizontal(columns, span.first);
  const verticalTable = rows && packVertical(rows);
  const [boundsAt, columnsAt, rowsAt, stripAt, windowAt, outAt] = reserve([
    table?.bounds,
    table?.coefficients,
    verticalTable?.coefficients,
    stripRows * stripStride,
    capacity * windowStride,
    windowStride,
  ]);
  const heap = new Uint8Array(kernels().memory.buffer);

  const lines = sourceSpan(region.top, height, rows);
  const window: RowWindow = {
    at: windowAt!,
    stride: windowStride,
    capacity,
    step: stripRows,
    first: lines.first,
    end: lines.first,
    last: lines.first + lines.length,
    load(row, count, at) {
      if (columns === null) copyRows(image, row, count, span, heap, at, windowStride);
      else {
        copyRows(image, row, count, span, heap, stripAt!, stripStride);
        horizontal(stripAt!, stripStride, at, windowStride, count, width, boundsAt!, columnsAt!);
      }
    },
  };

  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    const first = rows === null ? region.top + y : rows.start[y]!;
    const count = rows === null ? 1 : rows.count[y]!;
    let at = ensureRows(heap, window, first, first + count);
    if (verticalTable !== null) {
      vertical(at, windowStride, outAt!, width * 3, (count + 1) >> 1, rowsAt! + y * verticalTable.rowBytes);
      at = outAt!;
    }
    data.set(heap.subarray(at, at + width * 3), y * width * 3);
  }
  return { data, width, height };
}

/** Vertical pass, then horizontal. @returns the window `region` of the resized picture. */
export function verticalFirst(image: RgbImage, region: Region, columns: Taps, rows: Taps): RgbImage {
  const { horizontal, vertical } = kernels();
  const { width, height } = region;
  const span = sourceSpan(region.left, width, columns);
  const windowStride = alignedStride(span.length);
  const stripRows = rowsPerStrip(windowStride);
  const outStride = alignedStride(width);
  const reach = longest(rows) + 1;
  const capacity = reach + Math.max(stripRows, reach);

  const table = packHorizontal(columns, span.first);
  const verticalTable = packVertical(rows);
  const [boundsAt, columnsAt, rowsAt, windowAt, stripAt, outAt] = reserve([
    table.bounds,
    table.coefficients,
    verticalTable.coefficients,
    capacity * windowStride,
    stripRows * windowStride,
    stripRows * outStride,
  ]);
  const heap = new Uint8Array(kernels().memory.buffer);

  const lines = sourceSpan(region.top, height, rows);
  const window: RowWindow = {
    at: windowAt!,
    stride: windowStride,
    capacity,
    step: stripRows,
    first: lines.first,
    end: lines.first,
    last: lines.first + lines.length,
    load: (row, count, at) => copyRows(image, row, count, span, heap, at, windowStride),
  };

  const data = new Uint8Array(width * height * 3);
  for (let done = 0; done < height; done += stripRows) {
    const n = Math.min(stripRows, height - done);
    for (let i = 0; i < n; i++) {
      const y = done + i;
      const first = rows.start[y]!;
      const at = ensureRows(heap, window, first, first + rows.count[y]!);
      const into = stripAt! + i * windowStride;
      const pairs = (rows.count[y]! + 1) >> 1;
      vertical(at, windowStride, into, span.length * 3, pairs, rowsAt! + y * verticalTable.rowBytes);
    }
    horizontal(stripAt!, windowStride, outAt!, outStride, n, width, boundsAt!, columnsAt!);
    for (let i = 0; i < n; i++) {
      const at = outAt! + i * outStride;
      data.set(heap.subarray(at, at + width * 3), (done + i) * width * 3);
    }
  }
  return { data, width, height };
}

/** The run of source pixels that the output pixels `first .. first + length - 1` of one axis draw from. */
function sourceSpan(first: number, length: number, taps: Taps | null): { first: number; length: number } {
  if (taps === null) return { first, length };
  const start = taps.start[0]!;
  return { first: start, length: taps.start[length - 1]! + taps.count[length - 1]! - start };
}

/** The most taps that any output pixel has. */
function longest(taps: Taps): number {
  return taps.count.reduce((most, n) => Math.max(most, n), 0);
}

/** Bytes of a row that a kernel writes: it may spill one byte past the last pixel, and works in groups of 16. */
function alignedStride(pixels: number): number {
  return (pixels * 3 + 16) & ~15;
}

function rowsPerStrip(stride: number): number {
  return Math.max(2, Math.floor(STRIP_BYTES / stride));
}

/**
 * Lays out buffers one after another in the module's memory, which grows as needed; tables are copied in.
 * @returns the address of each; nothing is kept from one call to the next.
 */
function reserve(buffers: (Int32Array | Int16Array | number | undefined)[]): number[] {
  const { memory } = kernels();
  let end = 0;
  const addresses = buffers.map((buffer) => {
    const at = end;
    end = (end + (typeof buffer === 'number' ? buffer : (buffer?.byteLength ?? 0)) + SLACK + 15) & ~15;
    return at;
  });
  const missing = end - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / 65536));
  const heap = new Uint8Array(memory.buffer);
  buffers.forEach((buffer, i) => {
    if (typeof buffer === 'object') {
      heap.set(new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength), addresses[i]!);
    }
  });
  return addresses;
}

/** Copies the pixels `span` of `count` rows from `row` on into the module's memory. */
function copyRows(
  image: RgbImage,
  row: number,
  count: number,
  span: { first: number; length: number },
  heap: Uint8Array,
  at: number,
  stride: number,
): void {
  const sourceStride = image.width * 3;
  const bytes = span.length * 3;
  const start = row * sourceStride + span.first * 3;
  if (stride === sourceStride && bytes === sourceStride) {
    heap.set(image.data.subarray(start, start + count * sourceStride), at);
    return;
  }
  for (let i = 0; i < count; i++) {
    const from = start + i * sourceStride;
    heap.set(image.data.subarray(from, from + bytes), at + i * stride);
  }
}

/** Byte offsets, numbers of quads, and coefficients in the layout of the `horizontal` kernel. */
function packHorizontal(taps: Taps, firstColumn: number): { bounds: Int32Array; coefficients: Int16Array } {
  const outputs = taps.start.length;
  const bounds = new Int32Array(outputs * 2);
  let quads = 0;
  for (let x = 0; x < outputs; x++) {
    bounds[2 * x] = (taps.start[x]! - firstColumn) * 3;
    bounds[2 * x + 1] = (taps.count[x]! + 3) >> 2;
    quads += bounds[2 * x + 1]!;
  }
  const coefficients = new Int16Array(quads * 8);
  let at = 0;
  for (let x = 0; x < outputs; x++) {
    for (let t = 0; t < bounds[2 * x + 1]! * 4; t += 2, at += 4) packPair(taps, x, t, coefficients, at);
  }
  return { bounds, coefficients };
}

/** Coefficients in the layout of the `vertical` kernel, `rowBytes` bytes for each output row. */
function packVertical(taps: Taps): { coefficients: Int16Array; rowBytes: number } {
  const pairs = (taps.stride + 1) >> 1;
  const coefficients = new Int16Array(taps.start.length * pairs * 4);
  for (let y = 0; y < taps.start.length; y++) {
    for (let p = 0; p < pairs; p++) packPair(taps, y, 2 * p, coefficients, (y * pairs + p) * 4);
  }
  return { coefficients, rowBytes: pairs * 8 };
}

/** Taps `t` and `t + 1` of output `i` as hi, hi, lo, lo with `weight = hi * 2048 + lo`; zero beyond the last tap. */
function packPair(taps: Taps, i: number, t: number, into: Int16Array, at: number): void {
  const count = taps.count[i]!;
  const a = t < count ? taps.weights[i * taps.stride + t]! : 0;
  const b = t + 1 < count ? taps.weights[i * taps.stride + t + 1]! : 0;
  into[at] = a >> 11;
  into[at + 1] = b >> 11;
  into[at + 2] = a & 2047;
  into[at + 3] = b & 2047;
}
