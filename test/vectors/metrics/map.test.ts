/** @file How faithful a map is, against scikit-learn (fixtures/vectors/make_map.py). */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { mapQuality } from '#src/vectors/metrics/map.js';

const golden = JSON.parse(
  readFileSync(new URL('../../fixtures/vectors/map.json', import.meta.url), 'utf8'),
) as {
  points: number[];
  places: number[];
  cases: { k: number; trustworthiness: number; continuity: number; preserved: number; euclidean: number }[];
};
const vectors = { data: Float32Array.from(golden.points), dimension: 10 };
const places = Float32Array.from(golden.places);

describe('mapQuality', () => {
  it.each(golden.cases)('is that of scikit-learn: $k neighbours', async ({ k, ...expected }) => {
    const found = await mapQuality(vectors, places, 2, { k });
    expect(found.sampled).toBe(160);
    expect(found.trustworthiness).toBeCloseTo(expected.trustworthiness, 9);
    expect(found.continuity).toBeCloseTo(expected.continuity, 9);
    expect(found.neighbourhoodPreservation).toBeCloseTo(expected.preserved, 9);
    const euclidean = await mapQuality(vectors, places, 2, { k, distance: 'euclidean' });
    expect(euclidean.trustworthiness).toBeCloseTo(expected.euclidean, 9);
  });

  it('is estimated from some of the points', async () => {
    const [all, some] = [
      await mapQuality(vectors, places, 2, { k: 10 }),
      await mapQuality(vectors, places, 2, { k: 10, sample: 80 }),
    ];
    expect(some.sampled).toBe(80);
    expect(Math.abs(some.trustworthiness - all.trustworthiness)).toBeLessThan(0.02);
  });

  it('refuses a map of others, and too many neighbours', async () => {
    await expect(mapQuality(vectors, places.subarray(2), 2)).rejects.toThrow(/expected 160 points/);
    await expect(mapQuality(vectors, places, 2, { k: 80 })).rejects.toThrow(/from 1 to 79/);
    await expect(mapQuality(vectors, places, 2, { sample: 0 })).rejects.toThrow(/sample/);
    await expect(
      mapQuality(
        vectors,
        places.map(() => Number.NaN),
        2,
      ),
    ).rejects.toThrow(/finite/);
  });
});
