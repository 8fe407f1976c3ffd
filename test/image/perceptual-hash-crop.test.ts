/** @file Crops are parts of their pictures, and other pictures are not. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { decodeImage } from '#src/image/index.js';
import { cropLikeness, miniature } from '#src/image/perceptual-hash-crop.js';

const folder = path.resolve(import.meta.dirname, '../../samples');
const photos = readdirSync(folder).filter((name) => name.endsWith('.jpg'));
const small = async (bytes: Uint8Array) => miniature(await decodeImage(bytes));

describe('cropLikeness', () => {
  it('tells crops from other pictures', async () => {
    const all = await Promise.all(photos.map((name) => small(readFileSync(path.join(folder, name)))));
    const crops: number[] = [];
    const others: number[] = [];
    for (const [i, name] of photos.entries()) {
      const image = sharp(path.join(folder, name));
      const { width, height } = await image.metadata();
      const window = {
        left: Math.round(0.1 * width),
        top: Math.round(0.03 * height),
        width: Math.round(0.75 * width),
        height: Math.round(0.8 * height),
      };
      const crop = await small(await image.extract(window).jpeg({ quality: 70 }).toBuffer());
      crops.push(cropLikeness(all[i]!, crop));
      expect(cropLikeness(crop, all[i]!)).toBe(crops.at(-1));
      if (i > 0) others.push(cropLikeness(all[i - 1]!, crop));
    }
    expect(photos.length).toBeGreaterThan(10);
    expect(Math.min(...crops)).toBeGreaterThan(0.95);
    expect(Math.max(...others)).toBeLessThan(0.93);
  });

  it('is 1 for the picture itself, and 0 for one of one colour', async () => {
    const picture = await small(readFileSync(path.join(folder, photos[0]!)));
    expect(cropLikeness(picture, picture)).toBeGreaterThan(0.999);
    expect(cropLikeness(picture, new Uint8Array(1024).fill(128))).toBe(0);
  });
});
