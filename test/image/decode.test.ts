/**
 * @file Decoding against Pillow: every format and mode that it reads, then photographs, then what must fail.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { ImageError } from '#src/errors.js';
import { decodeImage, fromRawImage, resize } from '#src/image/index.js';
import { differences, distance, fixtures, type GoldenEntry, readGolden } from './golden.js';

const files = path.join(fixtures, 'files');
const golden = readGolden<GoldenEntry>('decode.json');

/** Another decoder than Pillow's, or arithmetic out of reach: [largest, mean] difference that is allowed. */
const bounded: Record<string, [number, number]> = {
  'avif-444.avif': [1, 0.25],
  'avif-rgb.avif': [121, 3],
  'avif-rgba.avif': [121, 3],
  'avif-exif-6.avif': [121, 1],
  // libtiff's caller, not Pillow, divides by alpha here, and rounds where Pillow cuts off.
  'tiff-rgba-associated.tif': [1, 0.1],
};
/** Pillow reads these and Afterimage says that it does not. */
const refused = ['tiff-lab.tif', 'unsupported.jp2'];

const equal = Object.keys(golden).filter(
  (name) => !('error' in golden[name]!) && !(name in bounded) && !refused.includes(name),
);

describe('equal to Pillow in every pixel, decoded and resized', () => {
  it.each(equal)('%s', async (name) => {
    expect(await differences(path.join(files, name), golden[name]!)).toEqual([]);
  });

  it('covers at least 60 pictures', () => {
    expect(equal.length).toBeGreaterThanOrEqual(60);
    expect(new Set(Object.keys(golden))).toEqual(new Set(readdirSync(files)));
  });
});

describe('close to Pillow where another decoder stands behind it', () => {
  it.each(Object.entries(bounded))('%s', async (name, [max, mean]) => {
    const ours = await decodeImage(readFileSync(path.join(files, name)));
    const theirs = await decodeImage(readFileSync(path.join(fixtures, 'expected', `${name}.png`)));
    const found = distance(ours, theirs);
    expect(found.max).toBeLessThanOrEqual(max);
    expect(found.mean).toBeLessThanOrEqual(mean);
  });
});

describe('photographs', () => {
  const folder = process.env.AFTERIMAGE_DATA ?? path.join(import.meta.dirname, '../../../shared/data');
  const photographs = readGolden<GoldenEntry>('photographs.json');
  const present = Object.entries(photographs).filter(([name]) => existsSync(path.join(folder, name)));
  if (present.length === 0) {
    it.skip(`no photographs in ${folder}: set AFTERIMAGE_DATA to the folder that make_golden.py was given`);
    return;
  }
  const readable = present.filter(([name, entry]) => !('error' in entry) && !/\.(avif|jp2)$/.test(name));
  it.each(readable)('%s', async (name, entry) => {
    expect(await differences(path.join(folder, name), entry)).toEqual([]);
  });
  const broken = present.filter(([name, entry]) => 'error' in entry && !/\.(svg|heic)$/.test(name));
  it.each(broken)('%s fails as it does in Pillow', async (name) => {
    await expect(decodeImage(readFileSync(path.join(folder, name)))).rejects.toThrow(ImageError);
  });
  it.skipIf(!existsSync(path.join(folder, 'odd/example.heic')))('a HEIC', async () => {
    const image = await decodeImage(readFileSync(path.join(folder, 'odd/example.heic')));
    expect(image).toMatchObject({ format: 'heic', width: 1280, height: 854, orientation: 1 });
    // No reference reads it: a real photograph at least has neither black nor flat rows.
    for (const row of [10, 400, 840]) {
      expect(new Set(image.data.subarray(row * 1280 * 3, (row + 1) * 1280 * 3)).size).toBeGreaterThan(30);
    }
    await expect(
      decodeImage(readFileSync(path.join(folder, 'odd/example.heic')), { maxPixels: 1000 }),
    ).rejects.toThrow(/1280 × 854 = 1093120 pixels exceed the limit of 1000/);
  });
});

describe('what cannot be decoded', () => {
  const broken = Object.keys(golden).filter((name) => name.startsWith('broken-'));
  it.each(broken)('%s fails in Pillow and here, with a reason', async (name) => {
    expect(golden[name]).toHaveProperty('error');
    const failure = await decodeImage(readFileSync(path.join(files, name)), { source: name }).catch((e) => e);
    expect(failure).toBeInstanceOf(ImageError);
    expect(failure.stage).toBe('decode');
    expect(failure.source).toBe(name);
    if (/(jpeg|png|webp|gif|bmp)-truncated/.test(name))
      expect(failure.reason).toMatch(/^the [A-Z]+ file is truncated/);
  });

  it.each([
    ['unsupported.jp2', 'JPEG 2000'],
    ['unsupported.jxl', 'JPEG XL'],
  ])('%s is named', async (name, format) => {
    const failure = await decodeImage(readFileSync(path.join(files, name))).catch((e) => e);
    expect(failure.reason).toContain(`${format} is not a supported image format`);
    expect(failure.hint).toContain('convert it');
  });

  it.each([
    'jpeg-420.jpg',
    'png-rgb.png',
    'webp-lossy.webp',
    'gif-static.gif',
    'bmp-24.bmp',
    'tiff-grey.tif',
    'avif-444.avif',
  ])('more pixels than allowed: %s', async (name) => {
    const bytes = readFileSync(path.join(files, name));
    await expect(decodeImage(bytes, { maxPixels: 97 * 71 - 1 })).rejects.toThrow(
      '97 × 71 = 6887 pixels exceed the limit of 6886',
    );
    await expect(decodeImage(bytes, { maxPixels: 97 * 71 })).resolves.toMatchObject({
      width: 97,
      height: 71,
    });
  });

  it('a header that claims a giant is refused before its pixels are looked for', async () => {
    const bytes = readFileSync(path.join(files, 'png-rgb.png'));
    bytes.writeUInt32BE(50_000, 16);
    bytes.writeUInt32BE(50_000, 20);
    await expect(decodeImage(bytes)).rejects.toThrow('2500000000 pixels exceed the limit of 178956970');
  });
});

describe('damaged at random', () => {
  // Own decoders and header readers: whatever the bytes, a picture or an ImageError, and never an endless loop.
  const names = Object.keys(golden).filter((name) =>
    /^(gif|bmp)-|^(jpeg-exif-6|png-exif-6|webp-exif-8)/.test(name),
  );
  it.each(names)('%s', async (name) => {
    const whole = readFileSync(path.join(files, name));
    let state = whole.length;
    const next = (below: number): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    for (let round = 0; round < 25; round++) {
      const bytes = Buffer.from(whole);
      for (let i = 0; i < 6; i++) bytes[next(i < 4 ? Math.min(120, bytes.length) : bytes.length)] = next(256);
      const part = bytes.subarray(0, round % 3 === 0 ? next(bytes.length) : bytes.length);
      const result = await decodeImage(part, { maxPixels: 1_000_000 }).catch((e) => e);
      if (result instanceof Error) expect(result, String(result.stack)).toBeInstanceOf(ImageError);
      else expect(result.data.length).toBe(result.width * result.height * 3);
    }
  });
});

describe('options', () => {
  const turned = readFileSync(path.join(files, 'jpeg-exif-6.jpg'));

  it('orientation can be left alone', async () => {
    const plain = await decodeImage(readFileSync(path.join(files, 'jpeg-exif-1.jpg')));
    const image = await decodeImage(turned, { orient: false });
    expect(image).toMatchObject({ width: 53, height: 37, orientation: 6 });
    expect(Buffer.compare(image.data, plain.data)).toBe(0);
    expect(await decodeImage(turned)).toMatchObject({
      width: 37,
      height: 53,
      originalWidth: 53,
      originalHeight: 37,
    });
  });

  it('the name of a file means nothing', async () => {
    const image = await decodeImage(readFileSync(path.join(files, 'webp-lossy.webp')), {
      source: 'photo.jpg',
    });
    expect(image.format).toBe('webp');
  });

  it('SVG is drawn on white at its own size', async () => {
    const svg =
      '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="30"><rect x="10" y="10" width="20" height="10" fill="#f00"/></svg>';
    const image = await decodeImage(Buffer.from(`<?xml version="1.0"?>\n<!-- drawn -->\n${svg}`));
    expect(image).toMatchObject({ format: 'svg', width: 40, height: 30 });
    expect([...image.data.subarray(0, 3)]).toEqual([255, 255, 255]);
    expect([...image.data.subarray((15 * 40 + 20) * 3, (15 * 40 + 20) * 3 + 3)]).toEqual([255, 0, 0]);
  });

  it.each(['jpeg-420.jpg', 'webp-lossy.webp'])(
    'fast decodes %s at about twice the size that is needed',
    async (name) => {
      const bytes = readFileSync(path.join(files, name));
      const exact = resize(await decodeImage(bytes), 22, 16, 'bicubic');
      const shrunk = await decodeImage(bytes, { mode: 'fast', targetSize: 16 });
      expect(shrunk).toMatchObject({ width: 44, height: 32, originalWidth: 97, originalHeight: 71 });
      const found = distance(resize(shrunk, 22, 16, 'bicubic'), exact);
      expect(found.mean).toBeGreaterThan(0);
      expect(found.mean).toBeLessThan(4);
      // Nothing is gained by shrinking to more than half: exact then.
      expect(await decodeImage(bytes, { mode: 'fast', targetSize: 18 })).toMatchObject({
        width: 97,
        height: 71,
      });
    },
  );

  it('raw pixels become RGB', () => {
    const grey = fromRawImage({ data: Uint8Array.of(5, 9), width: 2, height: 1, channels: 1 });
    expect([...grey.data]).toEqual([5, 5, 5, 9, 9, 9]);
    const rgba = fromRawImage({ data: Uint8Array.of(1, 2, 3, 0), width: 1, height: 1, channels: 4 });
    expect([...rgba.data]).toEqual([1, 2, 3]);
    expect(() => fromRawImage({ data: new Uint8Array(5), width: 1, height: 1 })).toThrow(
      'expected 1 × 1 × 3 bytes',
    );
  });
});
