/** @file Small pictures of many files, packed into a few large ones. */
import sharp from 'sharp';
import { inParallel, thumbnail } from './thumbnail.js';

/** The side of a cell in pixels. */
export const CELL = 64;
/** Cells in a row of an atlas, and rows: 2,048 pixels, which every browser can hold as one texture. */
export const COLUMNS = 32;

/** What {@link packAtlases} makes. */
export interface Atlases {
  /** WebP. */
  images: Uint8Array[];
  /** The cell of each item; −1 where it has none. */
  slots: Int32Array;
  /** Width and height of each cell's picture in pixels. */
  sizes: Uint8Array;
  /** Files that cannot be read. */
  missing: number;
}

/**
 * Makes the pictures, each fitted into its cell without being cut.
 * @param files of all items
 * @param items those that get a picture
 */
export async function packAtlases(
  files: readonly string[],
  items: ArrayLike<number>,
  options: { onProgress?: ((done: number) => void) | undefined; signal?: AbortSignal | undefined } = {},
): Promise<Atlases> {
  const per = COLUMNS ** 2;
  const slots = new Int32Array(files.length).fill(-1);
  const sizes: number[] = [];
  const images: Uint8Array[] = [];
  let [used, done] = [0, 0];
  let pixels: Buffer | undefined;
  const flush = async (cells: number): Promise<void> => {
    if (pixels === undefined || cells === 0) return;
    const rows = Math.ceil(cells / COLUMNS);
    const raw = { width: COLUMNS * CELL, height: rows * CELL, channels: 3 } as const;
    const part = pixels.subarray(0, raw.width * raw.height * 3);
    images.push(await sharp(part, { raw }).webp({ quality: 68, smartSubsample: true, effort: 4 }).toBuffer());
    pixels = undefined;
  };
  for (let from = 0; from < items.length; from += BATCH) {
    const batch = Array.from({ length: Math.min(BATCH, items.length - from) }, (_, i) => items[from + i]!);
    const made = await inParallel(batch, async (item) => {
      options.signal?.throwIfAborted();
      const small = await thumbnail(files[item]!, { width: CELL, height: CELL });
      const data = await small?.image.raw().toBuffer();
      options.onProgress?.(++done);
      return small && data && { item, data, width: small.width, height: small.height };
    });
    for (const picture of made) {
      if (picture === undefined) continue;
      pixels ??= Buffer.alloc(COLUMNS * CELL * COLUMNS * CELL * 3, 128);
      const cell = used % per;
      const start = (Math.floor(cell / COLUMNS) * CELL * COLUMNS + (cell % COLUMNS)) * CELL;
      for (let row = 0; row < picture.height; row++) {
        const line = picture.data.subarray(row * picture.width * 3, (row + 1) * picture.width * 3);
        pixels.set(line, (start + row * COLUMNS * CELL) * 3);
      }
      slots[picture.item] = used++;
      sizes.push(picture.width, picture.height);
      if (used % per === 0) await flush(per);
    }
  }
  await flush(used % per);
  return { images, slots, sizes: Uint8Array.from(sizes), missing: items.length - used };
}

/** Files in hand at a time. */
const BATCH = 256;

/**
 * Which items get a picture, where not all can: by turns from the cells of a grid over the map, so that every part has
 * some. All of them where there are no more than `most`.
 */
export function spreadOver(x: Float32Array, y: Float32Array, most: number): Uint32Array {
  const n = x.length;
  if (n <= most) return Uint32Array.from({ length: n }, (_, i) => i);
  const side = Math.max(1, Math.floor(Math.sqrt(most)));
  const range = (values: Float32Array): [number, number] => {
    let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (const value of values) {
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
    return [low, high > low ? side / (high - low) : 0];
  };
  const [[left, across], [bottom, up]] = [range(x), range(y)];
  const cells = new Map<number, number[]>();
  const at = (value: number) => Math.min(side - 1, Math.floor(value));
  for (let i = 0; i < n; i++) {
    const key = at((y[i]! - bottom) * up) * side + at((x[i]! - left) * across);
    const cell = cells.get(key);
    if (cell) cell.push(i);
    else cells.set(key, [i]);
  }
  const chosen: number[] = [];
  for (let turn = 0; chosen.length < most; turn++)
    for (const cell of cells.values())
      if (turn < cell.length && chosen.length < most) chosen.push(cell[turn]!);
  return Uint32Array.from(chosen).sort();
}
