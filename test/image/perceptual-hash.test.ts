/** @file Perceptual hashes and sharpness, equal to ImageHash's and NumPy's. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { decodeImage } from '#src/image/index.js';
import { hashDistance, perceptualHash, sharpness } from '#src/image/perceptual-hash.js';

const root = path.resolve(import.meta.dirname, '../..');
const golden = JSON.parse(readFileSync(path.join(root, 'test/fixtures/image/phash.json'), 'utf8')) as {
  pictures: Record<string, { hash: string; long: string; sharpness: number }>;
};
const names = Object.keys(golden.pictures);
const sample = (name: string) => decodeImage(readFileSync(path.join(root, 'samples', name)));
const hex = (hash: Uint8Array) => Buffer.from(hash).toString('hex');

describe('perceptualHash', () => {
  it('is ImageHash’s phash of 64 and of 256 bits', async () => {
    expect(names.length).toBeGreaterThan(30);
    for (const name of names) {
      const image = await sample(name);
      const { hash, long } = golden.pictures[name]!;
      expect([name, hex(perceptualHash(image)), hex(perceptualHash(image, 16))]).toEqual([name, hash, long]);
    }
  });

  it('is near for copies and far for other pictures', async () => {
    const file = path.join(root, 'samples', 'cat-portrait.jpg');
    const hash = perceptualHash(await decodeImage(readFileSync(file)));
    const copies = [
      sharp(file).jpeg({ quality: 40 }),
      sharp(file).resize({ width: 150 }).webp(),
      sharp(file).modulate({ brightness: 1.15 }),
    ];
    for (const copy of copies) {
      const bytes = await copy.toBuffer();
      expect(hashDistance(hash, perceptualHash(await decodeImage(bytes)))).toBeLessThanOrEqual(6);
    }
    const other = perceptualHash(await sample('house-abandoned.jpg'));
    expect(hashDistance(hash, other)).toBeGreaterThan(16);
  });

  it('does not hang on chance for a picture of one colour', () => {
    const flat = (value: number, side: number) => ({
      data: new Uint8Array(3 * side * side).fill(value),
      width: side,
      height: side,
    });
    expect(hex(perceptualHash(flat(200, 60)))).toBe('8000000000000000');
    expect(hashDistance(perceptualHash(flat(90, 31)), perceptualHash(flat(200, 60)))).toBe(0);
  });

  it('refuses sizes and hashes that do not fit', () => {
    const image = { data: new Uint8Array(12), width: 2, height: 2 };
    expect(() => perceptualHash(image, 7)).toThrow(/multiple of 4 but received 7/);
    expect(() => hashDistance(new Uint8Array(8), new Uint8Array(32))).toThrow(/one size/);
  });
});

describe('sharpness', () => {
  it('is the variance of the Laplacian at a fixed size', async () => {
    for (const name of names)
      expect(sharpness(await sample(name))).toBeCloseTo(golden.pictures[name]!.sharpness, 6);
  });

  it('falls when a picture is blurred, or reduced and enlarged', async () => {
    const file = path.join(root, 'samples', 'cat-portrait.jpg');
    const original = sharpness(await decodeImage(readFileSync(file)));
    const small = await sharp(file).resize({ width: 100 }).toBuffer();
    for (const worse of [sharp(file).blur(2), sharp(small).resize({ width: 1000 })])
      expect(sharpness(await decodeImage(await worse.png().toBuffer()))).toBeLessThan(original / 2);
  });
});
