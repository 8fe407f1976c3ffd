/** @file EXIF against Pillow's reading of the same files (fixtures/image/make_exif.py). */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Exif, readExif } from '#src/image/exif.js';

const folder = path.join(import.meta.dirname, '../fixtures/image/exif');
const expected = JSON.parse(readFileSync(path.join(folder, 'expected.json'), 'utf8')) as Record<
  string,
  Partial<Record<keyof Exif, number | string>>
>;

describe('readExif', () => {
  it.each(Object.keys(expected))('reads %s as Pillow does', (name) => {
    const found = readExif(readFileSync(path.join(folder, name)));
    const { latitude, longitude, ...exact } = expected[name]!;
    const { latitude: north, longitude: east, taken, ...rest } = found;
    expect({ ...rest, ...(taken ? { taken: taken.getTime() } : {}) }).toEqual(exact);
    if (latitude === undefined) expect(north).toBeUndefined();
    else expect(Math.abs(north! - Number(latitude))).toBeLessThan(1e-9);
    if (longitude === undefined) expect(east).toBeUndefined();
    else expect(Math.abs(east! - Number(longitude))).toBeLessThan(1e-9);
  });

  it('covers every format', () => {
    expect(Object.keys(expected).sort()).toEqual(
      readdirSync(folder)
        .filter((f) => !f.endsWith('.json'))
        .sort(),
    );
  });

  it('never throws, whatever is damaged', () => {
    let state = 12345;
    const random = (below: number) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state % below;
    };
    let different = 0;
    for (const name of Object.keys(expected)) {
      const good = readFileSync(path.join(folder, name));
      const whole = JSON.stringify(readExif(good));
      for (let round = 0; round < 300; round++) {
        const bytes = new Uint8Array(good.subarray(0, round % 3 === 0 ? random(good.length) : good.length));
        for (let i = 0; i < 1 + (round % 8); i++) bytes[random(bytes.length || 1)] = random(256);
        if (JSON.stringify(readExif(bytes)) !== whole) different++;
      }
    }
    expect(different).toBeGreaterThan(200); // the damage did reach the EXIF
  });

  it('finds nothing where there is nothing', () => {
    expect(readExif(new Uint8Array(0))).toEqual({});
    expect(readExif(Buffer.from('GIF89a'))).toEqual({});
  });
});
