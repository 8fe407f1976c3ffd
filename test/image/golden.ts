/**
 * @file Shared by the tests of decoding and resampling: reads a golden file and compares pictures with it.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { decodeImage, type Filter, type RgbImage, resize } from '#src/image/index.js';

export const fixtures = path.join(import.meta.dirname, '../fixtures/image');

/** What Pillow makes of one file. */
export type GoldenEntry =
  | { error: string }
  | { width: number; height: number; sha256: string; resizes: [number, number, Filter, string][] };

export function readGolden<T>(name: string): Record<string, T> {
  return (JSON.parse(readFileSync(path.join(fixtures, name), 'utf8')) as { entries: Record<string, T> })
    .entries;
}

export function sha256(data: Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

/** The difference to Pillow in one word each: [] where decoding and every resize are equal to the bit. */
export async function differences(file: string, golden: GoldenEntry): Promise<string[]> {
  if ('error' in golden) throw new Error('Pillow has no picture to compare with');
  const image = await decodeImage(readFileSync(file), { source: file });
  if (image.width !== golden.width || image.height !== golden.height)
    return [`size ${image.width} × ${image.height}`];
  if (sha256(image.data) !== golden.sha256) return ['pixels'];
  return golden.resizes
    .filter(([width, height, filter, sha]) => sha256(resize(image, width, height, filter).data) !== sha)
    .map(([width, height, filter]) => `${filter} to ${width} × ${height}`);
}

/** Largest and mean absolute difference of two pictures of one size. */
export function distance(a: RgbImage, b: RgbImage): { max: number; mean: number } {
  if (a.width !== b.width || a.height !== b.height) throw new Error('the sizes differ');
  let max = 0;
  let sum = 0;
  for (let i = 0; i < a.data.length; i++) {
    const d = Math.abs(a.data[i]! - b.data[i]!);
    sum += d;
    if (d > max) max = d;
  }
  return { max, mean: sum / a.data.length };
}
