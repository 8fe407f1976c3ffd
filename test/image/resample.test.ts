/**
 * @file Resampling: against Pillow by the golden files of `decode.test.ts`; here against the definition, in windows,
 * and at sizes where strips and windows of rows meet their limits.
 */
import { describe, expect, it } from 'vitest';
import { UsageError } from '#src/errors.js';
import { crop, type Filter, resize, resizeRegion } from '#src/image/index.js';

/** Deterministic noise. */
function noise(width: number, height: number, seed: number) {
  const data = new Uint8Array(width * height * 3);
  let state = seed;
  for (let i = 0; i < data.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    data[i] = state >>> 24;
  }
  return { data, width, height };
}

/** Box reduction by whole factors, both passes rounded to 8 bits: simple enough to be written down again. */
function boxByDefinition(image: ReturnType<typeof noise>, fx: number, fy: number) {
  const width = image.width / fx;
  const height = image.height / fy;
  const between = new Uint8Array(width * image.height * 3);
  for (let y = 0; y < image.height; y++) {
    for (let x = 0; x < width * 3; x++) {
      let sum = 0;
      for (let i = 0; i < fx; i++)
        sum += image.data[(y * image.width + Math.floor(x / 3) * fx + i) * 3 + (x % 3)]!;
      between[y * width * 3 + x] = Math.floor(sum / fx + 0.5);
    }
  }
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width * 3; x++) {
      let sum = 0;
      for (let i = 0; i < fy; i++) sum += between[(y * fy + i) * width * 3 + x]!;
      data[y * width * 3 + x] = Math.floor(sum / fy + 0.5);
    }
  }
  return data;
}

describe('resize', () => {
  it.each([
    [64, 64, 2, 2],
    [4096, 32, 16, 4],
    [480, 300, 3, 4],
  ])('box of %i × %i by %i and %i is what the definition says', (width, height, fx, fy) => {
    const image = noise(width, height, width);
    // A third has no exact coefficient, but sums of three stay clear of ties. All begin with the horizontal pass.
    const { data } = resize(image, width / fx, height / fy, 'box');
    expect(Buffer.compare(data, boxByDefinition(image, fx, fy))).toBe(0);
  });

  it.each<Filter>(['nearest', 'box', 'bilinear', 'hamming', 'bicubic', 'lanczos'])(
    'a flat colour stays what it is: %s',
    (filter) => {
      const image = { data: new Uint8Array(37 * 53 * 3).fill(201), width: 37, height: 53 };
      for (const [w, h] of [
        [5, 7],
        [200, 9],
        [9, 200],
        [111, 131],
      ] as const) {
        expect(resize(image, w, h, filter).data.every((v) => v === 201)).toBe(true);
      }
    },
  );

  it('returns a copy where nothing changes', () => {
    const image = noise(5, 4, 1);
    const same = resize(image, 5, 4, 'bicubic');
    expect(same).toEqual(image);
    expect(same.data).not.toBe(image.data);
  });

  it('holds pictures wider than a strip and taller than a window', () => {
    const wide = noise(60_000, 3, 3);
    expect(resize(wide, 3, 3, 'bilinear').data.length).toBe(27);
    const tall = noise(3, 60_000, 4);
    // Turning a picture and its result must agree where each axis is resized alone.
    const transposed = { data: new Uint8Array(tall.data.length), width: 60_000, height: 3 };
    for (let y = 0; y < 60_000; y++) {
      for (let x = 0; x < 3; x++) {
        transposed.data.set(tall.data.subarray((y * 3 + x) * 3, (y * 3 + x) * 3 + 3), (x * 60_000 + y) * 3);
      }
    }
    const down = resize(tall, 3, 11, 'lanczos').data;
    const across = resize(transposed, 11, 3, 'lanczos').data;
    for (let y = 0; y < 11; y++) {
      for (let x = 0; x < 3; x++) {
        expect([...down.subarray((y * 3 + x) * 3, (y * 3 + x) * 3 + 3)]).toEqual([
          ...across.subarray((x * 11 + y) * 3, (x * 11 + y) * 3 + 3),
        ]);
      }
    }
  });
});

describe('resizeRegion', () => {
  const image = noise(211, 173, 9);
  it.each<[number, number, Filter]>([
    [97, 61, 'bicubic'],
    [97, 20, 'lanczos'], // vertical pass first
    [400, 300, 'bilinear'],
    [211, 40, 'box'],
    [50, 173, 'hamming'],
    [211, 173, 'bicubic'],
    [60, 70, 'nearest'],
  ])('a window of %i × %i by %s is a crop of the whole', (width, height, filter) => {
    const whole = resize(image, width, height, filter);
    const windows = [
      { left: 0, top: 0, width: 1, height: 1 },
      { left: width >> 2, top: height >> 3, width: width >> 1, height: height >> 1 },
      { left: width - 3, top: height - 2, width: 3, height: 2 },
    ];
    for (const region of windows) {
      expect(
        Buffer.compare(resizeRegion(image, width, height, filter, region).data, crop(whole, region).data),
      ).toBe(0);
    }
  });

  it('refuses what makes no sense', () => {
    expect(() => resize(image, 0, 5, 'box')).toThrow(UsageError);
    expect(() => resize(image, 2.5, 5, 'box')).toThrow('whole number of at least 1 for width');
    expect(() => resize({ ...image, width: 212 }, 5, 5, 'box')).toThrow('bytes of RGB');
    expect(() => resizeRegion(image, 50, 50, 'box', { left: 40, top: 0, width: 11, height: 5 })).toThrow(
      'a window within the resized picture of 50 × 50',
    );
  });
});
