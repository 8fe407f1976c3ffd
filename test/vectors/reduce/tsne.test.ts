/** @file t-SNE beside scikit-learn's (fixtures/vectors/make_layout.py), and its tree beside all pairs. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Random } from '#src/random.js';
import { mapQuality } from '#src/vectors/metrics/map.js';
import { tsne, tsneDivergence } from '#src/vectors/reduce/tsne.js';
import { exactRepulsion } from '#src/vectors/reduce/tsne-repulsion.js';
import { RepulsionTree } from '#src/vectors/reduce/tsne-tree.js';

const golden = JSON.parse(
  readFileSync(new URL('../../fixtures/vectors/layout.json', import.meta.url), 'utf8'),
) as {
  dimension: number;
  points: number[];
  tsne: { dimensions: number; divergence: number; trustworthiness: number; places: number[] }[];
};
const vectors = { data: Float32Array.from(golden.points), dimension: golden.dimension };
const first = (count: number) => ({ ...vectors, data: vectors.data.slice(0, count * vectors.dimension) });
const session = { inline: true };

describe('tsne', { timeout: 180_000 }, () => {
  it("measures scikit-learn's map as scikit-learn does", async () => {
    const { divergence, places } = golden.tsne[0]!;
    const found = await tsneDivergence(vectors, Float32Array.from(places), { session });
    expect(Math.abs(found / divergence - 1)).toBeLessThan(0.005); // both take far cells together
  });

  it.each(golden.tsne)('diverges as little as scikit-learn in $dimensions dimensions', async (one) => {
    const { dimensions } = one;
    const map = await tsne(vectors, { dimensions, session });
    expect(await tsneDivergence(vectors, map, { dimensions, session })).toBeLessThan(1.02 * one.divergence);
    const { trustworthiness } = await mapQuality(vectors, map, dimensions, { session });
    expect(trustworthiness).toBeGreaterThan(one.trustworthiness - 0.005);
  });

  it('draws in one and in five dimensions', async () => {
    for (const [dimensions, least] of [
      [1, 0.9],
      [5, 0.97],
    ] as const) {
      const map = await tsne(first(300), { dimensions, iterations: 300, session });
      const { trustworthiness } = await mapQuality(first(300), map, dimensions, { session });
      expect(trustworthiness).toBeGreaterThan(least);
    }
  });

  it('is the same for the same seed, finite with copies, and reports progress', async () => {
    const few = first(120);
    few.data.copyWithin(60 * few.dimension, 0, 60 * few.dimension);
    few.data.copyWithin(20 * few.dimension, 0, 20 * few.dimension);
    const seen: number[][] = [];
    const map = await tsne(few, { iterations: 60, session, onProgress: (...now) => void seen.push(now) });
    expect(map.every(Number.isFinite)).toBe(true);
    expect(await tsne(few, { iterations: 60, session })).toEqual(map);
    expect(await tsne(few, { iterations: 60, seed: 1, session })).not.toEqual(map);
    expect(seen.at(-1)).toEqual([60, 60]);
  });

  it.each([
    ['three vectors', first(3), {}, /at least 4 vectors/],
    ['equal vectors', { data: new Float32Array(80).fill(0.5), dimension: 8 }, {}, /different vectors/],
    ['NaN', { data: new Float32Array(80).fill(Number.NaN), dimension: 8 }, {}, /finite/],
    ['too great a perplexity', first(20), { perplexity: 20 }, /less than 20/],
    ['no round', first(20), { iterations: 0 }, /iterations/],
  ])('refuses %s', async (_, of, options, message) => {
    await expect(tsne(of, options)).rejects.toThrow(message);
  });
});

describe('RepulsionTree', () => {
  it.each([1, 2, 3])(
    'comes near to all pairs in %i dimensions, spread out, clumped, or with copies',
    (dimensions) => {
      const count = 700;
      const random = new Random(5, 'tree', dimensions);
      const tree = new RepulsionTree(count, dimensions);
      for (const extent of [1e-4, 1, 40]) {
        const centres = Float64Array.from({ length: 7 * dimensions }, () => extent * random.normal());
        const positions = Float64Array.from(
          { length: count * dimensions },
          (_, i) =>
            centres[(Math.floor(i / dimensions) % 7) * dimensions + (i % dimensions)]! +
            0.1 * extent * random.normal(),
        );
        for (let i = 0; i < 50; i++) positions.copyWithin(i * dimensions, 0, dimensions);
        const [near, exact] = [tree.repulsion(positions), exactRepulsion(positions, dimensions)];
        expect(Math.abs(near.total / exact.total - 1)).toBeLessThan(0.01);
        const length = (v: Float64Array) => Math.hypot(...v);
        const error = near.forces.map((f, i) => f - exact.forces[i]!);
        expect(length(error) / length(exact.forces)).toBeLessThan(0.03);
      }
    },
  );

  it('repels nobody from one point', () => {
    const { forces, total } = new RepulsionTree(5, 2).repulsion(new Float64Array(10).fill(3));
    expect([...forces].every((f) => f === 0)).toBe(true);
    expect(total).toBe(20);
  });
});
