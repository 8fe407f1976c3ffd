/** @file Chance among nearest neighbours: a known distribution is found again, copies or not. */
import { describe, expect, it } from 'vitest';
import { Random } from '#src/random.js';
import { distanceOfShare, nearestNull, shareOfDistance } from '#src/vectors/near-pairs-null.js';

/** Distances to the `k` nearest of points whose number within d grows as (d / scale)^shape: a Poisson process. */
function distances(items: number, k: number, copies: number): Float64Array {
  const random = new Random(4, 'null-test');
  const result = new Float64Array(items * k);
  for (let item = 0; item < items; item++) {
    let passed = 0;
    for (let i = 0; i < k; i++) {
      passed -= Math.log(1 - random.next());
      result[item * k + i] = 0.7 * passed ** (1 / 8);
    }
    if (item < copies) {
      result.copyWithin(item * k + 1, item * k, (item + 1) * k - 1);
      result[item * k] = random.uniform(0.001, 0.2);
    }
  }
  return result;
}

describe('nearestNull', () => {
  it.each([0, 100, 500])('finds shape and scale where %i of 5,000 items have a copy', (copies) => {
    const found = nearestNull(distances(5000, 6, copies), 6)!;
    expect(found.shape).toBeGreaterThan(7);
    expect(found.shape).toBeLessThan(9);
    expect(found.scale).toBeCloseTo(0.7, 1);
  });

  it('foresees how many items come near by chance', () => {
    const found = nearestNull(distances(2000, 6, 0), 6)!;
    const fresh = distances(40_000, 6, 0).filter((_, i) => i % 6 === 0);
    for (const share of [0.01, 0.001]) {
      const bound = distanceOfShare(found, share);
      expect(shareOfDistance(found, bound)).toBeCloseTo(share, 9);
      const observed = fresh.filter((d) => d <= bound).length / fresh.length;
      expect(observed).toBeGreaterThan(share / 3);
      expect(observed).toBeLessThan(share * 3);
    }
  });

  it('says nothing of a few items or of equal ones', () => {
    expect(nearestNull(distances(10, 3, 0), 3)).toBeUndefined();
    expect(nearestNull(new Float64Array(300), 3)).toBeUndefined();
    expect(() => nearestNull(new Float64Array(10), 3)).toThrow(/not 3 for each/);
  });
});
