/** @file HDBSCAN against scikit-learn (fixtures/vectors/make_hdbscan.py), and where most points are compared with all. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Random } from '#src/random.js';
import { hdbscan } from '#src/vectors/cluster/hdbscan.js';
import { spanningTree } from '#src/vectors/cluster/hdbscan-spanning-tree.js';

interface Case {
  name: string;
  dimension: number;
  points: number[];
  options: { min_cluster_size: number; min_samples?: number; cluster_selection_method?: 'leaf' };
  labels: number[];
  /** Points that scikit-learn takes for noise or not, depending on the order of the points. */
  undecided: number[];
  probabilities: number[];
}
const cases = JSON.parse(
  readFileSync(new URL('../../fixtures/vectors/hdbscan.json', import.meta.url), 'utf8'),
) as Case[];

/** Labels by the order in which clusters first occur. */
function canonical(labels: ArrayLike<number>): number[] {
  const numbers = new Map<number, number>();
  return Array.from(labels, (label) => {
    if (label < 0) return -1;
    if (!numbers.has(label)) numbers.set(label, numbers.size);
    return numbers.get(label)!;
  });
}

describe('hdbscan', () => {
  it.each(cases)(
    'finds what scikit-learn finds: $name',
    async ({ dimension, points, options, ...expected }) => {
      const found = await hdbscan(
        { data: Float32Array.from(points), dimension },
        {
          minClusterSize: options.min_cluster_size,
          minSamples: options.min_samples,
          selection: options.cluster_selection_method,
        },
      );
      const decided = (labels: ArrayLike<number>) =>
        canonical(Array.from(labels).filter((_, i) => !expected.undecided.includes(i)));
      expect(expected.undecided.length).toBeLessThan(4);
      expect(decided(found.assignments)).toEqual(decided(expected.labels));
      found.probabilities.forEach((p, i) => {
        if (expected.undecided.includes(i)) return;
        expect(Math.abs(p - expected.probabilities[i]!)).toBeLessThan(1e-4);
      });
    },
  );

  it('grows the minimum spanning tree, also where neighbours do not reach', async () => {
    const random = new Random(3, 'tree');
    // Tight groups of 40: sixteen neighbours lie within the group for all rounds but the first.
    const [groups, each, dimension] = [12, 40, 6];
    const data = new Float32Array(groups * each * dimension);
    const centres = new Float32Array(groups * dimension).map(() => 10 * random.normal());
    for (let i = 0; i < data.length; i++)
      data[i] = centres[Math.floor(i / (each * dimension)) * dimension + (i % dimension)]! + random.normal();
    const n = groups * each;
    const distance = (i: number, j: number) =>
      Math.hypot(
        ...Array.from({ length: dimension }, (_, d) => data[i * dimension + d]! - data[j * dimension + d]!),
      );
    const core = Array.from(
      { length: n },
      (_, i) => Array.from({ length: n }, (_, j) => distance(i, j)).sort((a, b) => a - b)[4]!,
    );
    // Prim's algorithm over all pairs.
    const nearest = new Float64Array(n).fill(Number.POSITIVE_INFINITY);
    const inside = new Uint8Array(n);
    let total = 0;
    for (let at = 0, step = 0; step < n; step++) {
      inside[at] = 1;
      if (step > 0) total += nearest[at]!;
      let next = -1;
      for (let j = 0; j < n; j++) {
        if (inside[j]) continue;
        nearest[j] = Math.min(nearest[j]!, Math.max(distance(at, j), core[at]!, core[j]!));
        if (next < 0 || nearest[j]! < nearest[next]!) next = j;
      }
      at = next;
    }
    const edges = await spanningTree({ data, dimension }, 5, {});
    expect(edges.distance.length).toBe(n - 1);
    expect(edges.distance.reduce((a, b) => a + b, 0)).toBeCloseTo(total, 5);
  });

  it('refuses what cannot be', async () => {
    const three = { data: new Float32Array(6), dimension: 2 };
    await expect(hdbscan(three, { minClusterSize: 5 })).rejects.toThrow(
      /minClusterSize: expected .* from 2 to 3/,
    );
    await expect(hdbscan(three, { minClusterSize: 1 })).rejects.toThrow(/minClusterSize/);
    await expect(hdbscan({ data: Float32Array.of(1, Number.NaN), dimension: 1 })).rejects.toThrow(/NaN/);
  });
});
