/** @file Small pictures of image files, for pages and terminals: what can be embedded can be shown. */
import { availableParallelism } from 'node:os';
import sharp, { type Sharp } from 'sharp';
import { decodeImage, readSource } from '../image/index.js';

/** A box that a picture is fitted into, in pixels. */
export interface Box {
  width: number;
  height: number;
}

/** A small picture, upright RGB, ready to be encoded. */
export type Thumbnail = { image: Sharp; width: number; height: number };

/**
 * Fits the picture of a file (or URL) into a box; a small one is enlarged, up to four times.
 * @returns undefined for a file that is gone or cannot be decoded.
 */
export async function thumbnail(file: string, box: Box): Promise<Thumbnail | undefined> {
  try {
    const bytes = await readSource(file);
    if (!(bytes instanceof Uint8Array)) return undefined;
    const shortest = Math.min(box.width, box.height);
    const { data, width, height } = await decodeImage(bytes, {
      source: file,
      mode: 'fast',
      targetSize: shortest,
    });
    const scale = Math.min(box.width / width, box.height / height, 4);
    const size = {
      width: Math.max(1, Math.round(width * scale)),
      height: Math.max(1, Math.round(height * scale)),
    };
    const image = sharp(data, { raw: { width, height, channels: 3 }, limitInputPixels: false });
    return { image: image.resize({ ...size, fit: 'fill' }), ...size };
  } catch {
    return undefined;
  }
}

/** Makes something of each item, a few at a time; the results are in the order of the items. */
export async function inParallel<T, R>(
  items: readonly T[],
  make: (item: T) => Promise<R>,
  atOnce = Math.min(availableParallelism(), 8),
): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < items.length) {
      const i = next++;
      results[i] = await make(items[i]!);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, work));
  return results;
}
