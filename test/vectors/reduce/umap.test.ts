/** @file UMAP beside umap-learn (fixtures/vectors/make_layout.py), and on vectors that occur several times. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Random } from '#src/random.js';
import { neighbourGraph } from '#src/vectors/exact-search.js';
import { mapQuality } from '#src/vectors/metrics/map.js';
import { placeInMap, umap } from '#src/vectors/reduce/umap.js';
import { fitCurve, forceEntry, forces } from '#src/vectors/reduce/umap-curve.js';
import { memberships, symmetric } from '#src/vectors/reduce/umap-graph.js';

const golden = JSON.parse(
  readFileSync(new URL('../../fixtures/vectors/layout.json', import.meta.url), 'utf8'),
) as {
  dimension: number;
  points: number[];
  umap: number[];
  curves: { minDistance: number; spread: number; curve: [number, number] }[];
};
const vectors = { data: Float32Array.from(golden.points), dimension: golden.dimension };
const session = { inline: true };
const worth = async (map: Float32Array, dimensions = 2, of = vectors) =>
  (await mapQuality(of, map, dimensions, { session })).trustworthiness;
/** The first vectors of those, `times` each. */
const repeated = (count: number, times: number) => ({
  ...vectors,
  data: Float32Array.from(
    { length: count * times * vectors.dimension },
    (_, i) => vectors.data[i % (count * vectors.dimension)]!,
  ),
});

describe('umap', { timeout: 120_000 }, () => {
  it('can be trusted as those of umap-learn can', async () => {
    for (const seed of [0, 1])
      expect(await worth(await umap(vectors, { seed, session }))).toBeGreaterThan(
        Math.min(...golden.umap) - 0.003,
      );
  });

  it('draws in one, three and ten dimensions, the more the better', async () => {
    const found: number[] = [];
    for (const dimensions of [1, 3, 10])
      found.push(await worth(await umap(vectors, { dimensions, epochs: 150, session }), dimensions));
    expect(found[0]).toBeGreaterThan(0.93);
    expect(found[1]).toBeGreaterThan(0.985);
    expect(found[2]).toBeGreaterThan(found[0]!);
  });

  it('is not hurt by copies', async () => {
    const copies = repeated(100, 5);
    const [once, five] = [
      await worth(await umap(repeated(100, 1), { session }), 2, repeated(100, 1)),
      await worth(await umap(copies, { session }), 2, copies),
    ];
    expect(once).toBeGreaterThan(0.85);
    expect(five).toBeGreaterThan(once);
    const map = await umap(repeated(4, 30), { session }); // all neighbours are copies
    expect(map.every(Number.isFinite)).toBe(true);
  });

  it('is the same for the same seed, for vectors of any length, and for a graph that is given', async () => {
    const few = { ...vectors, data: vectors.data.slice(0, 300 * vectors.dimension) };
    const options = { epochs: 30, session };
    const map = await umap(few, options);
    expect(await umap(few, options)).toEqual(map);
    expect(await umap({ ...few, data: few.data.map((x) => 4 * x) }, options)).toEqual(map);
    expect(await umap(few, { ...options, seed: 1 })).not.toEqual(map);
    const unit = few.data.slice();
    for (let from = 0; from < unit.length; from += few.dimension) {
      const row = unit.subarray(from, from + few.dimension);
      const length = Math.hypot(...row);
      row.forEach((x, i) => void row.fill(x / length, i, i + 1));
    }
    const graph = await neighbourGraph(unit, few.dimension, 20, { session });
    expect(await worth(await umap(few, { ...options, graph }), 2, few)).toBeCloseTo(
      await worth(map, 2, few),
      1,
    );
  });

  it('places new vectors beside their kind', async () => {
    const { data, dimension } = vectors;
    const known = { data: data.slice(0, 1200 * dimension), dimension };
    const added = { data: data.slice(1200 * dimension), dimension };
    const positions = await umap(known, { session });
    const placed = await placeInMap(added, { vectors: known, positions, dimensions: 2 }, { session });
    expect(placed.length).toBe(400);
    const together = Float32Array.from([...positions, ...placed]);
    expect(await worth(together)).toBeGreaterThan(0.98);
    const copies = { data: data.slice(0, 50 * dimension), dimension };
    const again = await placeInMap(copies, { vectors: known, positions, dimensions: 2 }, { session });
    const away = Array.from({ length: 50 }, (_, i) =>
      Math.hypot(again[2 * i]! - positions[2 * i]!, again[2 * i + 1]! - positions[2 * i + 1]!),
    ).sort((a, b) => a - b);
    expect(away[25]).toBeLessThan(1);
    await expect(
      placeInMap({ data, dimension: 6 }, { vectors: known, positions, dimensions: 2 }),
    ).rejects.toThrow(/12 numbers each/);
  });

  it('reports progress and stops when it is told to', async () => {
    const seen: number[][] = [];
    const few = repeated(200, 1);
    await umap(few, { epochs: 5, session, onProgress: (...now) => void seen.push(now) });
    expect(seen).toEqual([1, 2, 3, 4, 5].map((n) => [n, 5]));
    const controller = new AbortController();
    const stopped = umap(vectors, {
      epochs: 100_000,
      session,
      signal: controller.signal,
      onProgress: (n) => n > 3 && controller.abort(),
    });
    await expect(stopped).rejects.toThrow(/abort/i);
  });

  it.each([
    ['three vectors', { data: vectors.data.slice(0, 36), dimension: 12 }, {}, /at least 4 vectors/],
    ['equal vectors', { data: new Float32Array(80).fill(0.5), dimension: 8 }, {}, /different vectors/],
    ['NaN', { data: new Float32Array(80).fill(Number.NaN), dimension: 8 }, {}, /finite/],
    ['too many neighbours', repeated(20, 1), { neighbours: 20 }, /from 1 to 19/],
    ['no dimension', vectors, { dimensions: 0 }, /dimensions/],
    ['no epoch', vectors, { epochs: 0 }, /epochs/],
    ['a distance beyond the spread', vectors, { minDistance: 2 }, /minDistance/],
    [
      'a graph of others',
      vectors,
      { graph: { indices: new Int32Array(1400), scores: new Float32Array(1400) } },
      /graph/,
    ],
  ])('refuses %s', async (_, of, options, message) => {
    await expect(umap(of, options)).rejects.toThrow(message);
  });
});

describe('the parts of umap', () => {
  it.each(golden.curves)('fit the curve as umap-learn does: $minDistance of $spread', (one) => {
    const { a, b } = fitCurve(one.minDistance, one.spread);
    expect(Math.abs(a - one.curve[0])).toBeLessThan(1e-3);
    expect(Math.abs(b - one.curve[1])).toBeLessThan(1e-3);
  });

  it('look forces up within a hundredth', () => {
    const curve = { a: 1.577, b: 0.895 };
    const { pull, push } = forces(curve);
    const random = new Random(3, 'forces');
    for (let i = 0; i < 1000; i++) {
      const square = 10 ** random.uniform(-6, 4);
      const power = curve.a * square ** curve.b;
      const at = forceEntry(square);
      expect(pull[at]! / ((-2 * curve.b * power) / (square * (1 + power)))).toBeCloseTo(1, 2);
      expect(push[at]! / ((2 * curve.b) / ((0.001 + square) * (1 + power)))).toBeCloseTo(1, 1.8);
    }
    expect([forceEntry(0), forceEntry(1e-300)]).toEqual([0, 0]);
    expect(pull[forceEntry(1e300)]).toBeCloseTo(0, 9);
  });

  it('make memberships that sum to log₂(k + 1), whole up to the nearest that is no copy', () => {
    const own = memberships(Float32Array.of(0.1, 0.2, 0.3, 0.5, 0.8), 5);
    expect(own.reduce((a, b) => a + b)).toBeCloseTo(Math.log2(6), 4);
    expect(own[0]).toBe(1);
    expect([...memberships(Float32Array.of(0, 0, 0.2, 0.3, 0.4), 5).subarray(0, 3)]).toEqual([1, 1, 1]);
    expect([...memberships(new Float32Array(5), 5)]).toEqual([1, 1, 1, 1, 1]);
  });

  it('join both directions of an edge', () => {
    const { starts, ends, weights } = symmetric(Int32Array.of(1, 2, 0), Float32Array.of(0.5, 0.4, 0.3), 1);
    expect([...starts]).toEqual([0, 2, 4, 6]);
    expect([...ends]).toEqual([1, 2, 0, 2, 1, 0]);
    expect([...weights].map((w) => w.toFixed(1))).toEqual(['0.5', '0.3', '0.5', '0.4', '0.4', '0.3']);
    const mutual = symmetric(Int32Array.of(1, 0), Float32Array.of(0.5, 0.4), 1);
    expect(mutual.weights[0]).toBeCloseTo(0.5 + 0.4 - 0.2, 6);
  });
});
