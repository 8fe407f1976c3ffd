/** @file Distances against published ones, and boxes that hold every point of their circles. */
import { describe, expect, it } from 'vitest';
import type { Filter, Operand } from '#src/collection/filter.js';
import { boxAround, kilometresBetween } from '#src/collection/geo.js';
import { UsageError } from '#src/errors.js';

type Point = { latitude: number; longitude: number };

function inside(filter: Filter, point: Point): boolean {
  if (filter.op === 'and') return filter.filters.every((f) => inside(f, point));
  if (filter.op === 'or') return filter.filters.some((f) => inside(f, point));
  if (filter.op !== '<=' && filter.op !== '>=') throw new Error(`unexpected ${filter.op}`);
  const value = (side: Operand) =>
    'column' in side
      ? point[side.column as keyof Point]
      : 'value' in side
        ? (side.value as number)
        : Number.NaN;
  return filter.op === '<='
    ? value(filter.left) <= value(filter.right)
    : value(filter.left) >= value(filter.right);
}

describe('distances', () => {
  it('are those of great circles', () => {
    const vienna = { latitude: 48.2082, longitude: 16.3738 };
    const paris = { latitude: 48.8566, longitude: 2.3522 };
    const quarter = (Math.PI / 2) * 6371.0088;
    expect(kilometresBetween(vienna, vienna)).toBe(0);
    expect(kilometresBetween({ latitude: 0, longitude: 0 }, { latitude: 90, longitude: 77 })).toBeCloseTo(
      quarter,
      6,
    );
    expect(kilometresBetween({ latitude: 0, longitude: 179 }, { latitude: 0, longitude: -179 })).toBeCloseTo(
      (4 / 360) * Math.PI * 6371.0088,
      6,
    );
    // Rosetta Code's example: BNA to LAX, 2887.26 km on a sphere of 6372.8 km.
    const bna = { latitude: 36.12, longitude: -86.67 };
    const lax = { latitude: 33.94, longitude: -118.4 };
    expect(kilometresBetween(bna, lax)).toBeCloseTo((2887.2599506071106 * 6371.0088) / 6372.8, 6);
    expect(kilometresBetween(vienna, paris)).toBeGreaterThan(1030);
    expect(kilometresBetween(vienna, paris)).toBeLessThan(1037);
  });
});

describe('boxes', () => {
  it('hold every point of the circle, over the date line and the poles, and not many more', () => {
    let state = 1;
    const random = () => {
      state = (state * 48271) % 2147483647;
      return state / 2147483647;
    };
    const centres = [
      [48, 16],
      [0, 0],
      [10, 179.9],
      [-45, -179.99],
      [60, 180],
      [89.9, 20],
      [-89, 100],
      [90, 0],
      [75, -170],
    ] as const;
    for (const [latitude, longitude] of centres)
      for (const kilometres of [0.5, 50, 800, 9000, 25000]) {
        const box = boxAround({ latitude, longitude, kilometres });
        let [held, near, far] = [0, 0, 0];
        for (let i = 0; i < 3000; i++) {
          const spread = Math.min(180, (kilometres / 111) * 2);
          const point =
            i % 2
              ? { latitude: (Math.asin(2 * random() - 1) * 180) / Math.PI, longitude: 360 * random() - 180 }
              : {
                  latitude: Math.max(-90, Math.min(90, latitude + spread * (random() - 0.5))),
                  longitude: ((longitude + 4 * spread * (random() - 0.5) + 540) % 360) - 180,
                };
          const held1 = inside(box, point);
          if (kilometresBetween({ latitude, longitude }, point) <= kilometres) {
            near++;
            expect(held1, JSON.stringify([latitude, longitude, kilometres, point])).toBe(true);
          } else if (held1) far++;
          if (held1) held++;
        }
        expect(held).toBe(near + far);
        if (Math.abs(latitude) < 70 && kilometres < 1000) expect(far).toBeLessThan(0.7 * 3000 - near);
      }
  });

  it('refuse what is no place', () => {
    for (const near of [
      { latitude: 91, longitude: 0, kilometres: 1 },
      { latitude: 0, longitude: 181, kilometres: 1 },
      { latitude: 0, longitude: 0, kilometres: 0 },
      { latitude: Number.NaN, longitude: 0, kilometres: 1 },
    ])
      expect(() => boxAround(near)).toThrow(UsageError);
  });
});
