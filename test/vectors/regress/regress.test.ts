import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Random } from '#src/random.js';
import { regressionMetrics } from '#src/vectors/metrics/regression.js';
import { fitEach, fitRegressor } from '#src/vectors/regress/fit.js';
import { loadRegressor } from '#src/vectors/regress/fitted.js';
import type { Regressor, RegressorOptions } from '#src/vectors/regress/regressor.js';

interface Problem {
  n: number;
  d: number;
  x: (number | null)[];
  y: number[];
  q: (number | null)[];
}
interface Case extends Problem {
  ridge: { alpha: number; coef: number[]; intercept: number }[];
  kernelRidge: { alpha: number; gamma: number; p: number[] }[];
  knn: { k: number; weights: 'uniform' | 'distance'; p: number[] }[];
  svr: { c: number; epsilon: number; gamma: number; p: number[] }[];
}
interface Boosted extends Problem {
  t: number[];
  runs: { options: Record<string, number>; p: number[]; mae: number }[];
}
const fixture = JSON.parse(
  readFileSync(new URL('../../fixtures/vectors/regress.json', import.meta.url), 'utf8'),
) as { tall: Case; wide: Case; boosted: Boosted };

const rows = (cells: readonly (number | null)[], dimension: number) => ({
  data: Float32Array.from(cells, (cell) => cell ?? Number.NaN),
  dimension,
});
const furthest = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i]!)));

describe.each(['tall', 'wide'] as const)('%s features', (shape) => {
  const { d, x, q, ...want } = fixture[shape];
  const y = Float32Array.from(want.y);
  const features = rows(x, d);
  const queries = rows(q, d);

  it('give scikit-learn’s ridge, all alphas at once', async () => {
    const options = want.ridge.map(({ alpha }) => ({ method: 'ridge' as const, alpha }));
    const fitted = await fitEach(features, y, options);
    for (const [i, { coef, intercept }] of want.ridge.entries()) {
      const expected = Float64Array.from({ length: q.length / d }, (_, row) =>
        coef.reduce((sum, w, k) => sum + w * queries.data[row * d + k]!, intercept),
      );
      expect(furthest(await fitted[i]!.predict(queries), expected)).toBeLessThan(1e-9);
      const { data } = fitted[i]!.save().tensors.coefficients!;
      expect(
        furthest(
          coef,
          Array.from(coef, (_, k) => data[k]! + data[d + k]!),
        ),
      ).toBeLessThan(1e-9);
    }
  });

  it('give scikit-learn’s kernel ridge', async () => {
    const options = want.kernelRidge.map(({ alpha, gamma }) => ({
      method: 'kernel-ridge' as const,
      alpha,
      gamma,
    }));
    const fitted = await fitEach(features, y, options);
    for (const [i, { p }] of want.kernelRidge.entries())
      expect(furthest(await fitted[i]!.predict(queries), p)).toBeLessThan(1e-8);
  });

  it('give scikit-learn’s nearest neighbours, where an example meets itself, too', async () => {
    const asked = {
      dimension: d,
      data: Float32Array.of(...queries.data, ...features.data.subarray(0, 3 * d)),
    };
    for (const { k, weights, p } of want.knn) {
      const fitted = await fitRegressor(features, y, { method: 'knn', neighbours: k, weights });
      expect(furthest(await fitted.predict(asked), p)).toBeLessThan(1e-6);
      await fitted.close();
    }
  });

  it('give scikit-learn’s support vector regression', async () => {
    for (const { p, ...options } of want.svr) {
      const fitted = await fitRegressor(features, y, { method: 'svr', tolerance: 1e-9, ...options });
      expect(furthest(await fitted.predict(queries), p)).toBeLessThan(1e-5); // its kernel is float32
    }
  });
});

describe('boosted trees', () => {
  const { d, x, y, q, t, runs } = fixture.boosted;
  const features = rows(x, d);
  const options = (given: Record<string, number>): RegressorOptions => ({
    method: 'trees',
    ...(given.max_iter && {
      trees: given.max_iter,
      leaves: given.max_leaf_nodes,
      minLeaf: given.min_samples_leaf,
      rate: given.learning_rate,
      l2: given.l2_regularization,
    }),
  });

  it.each(runs)(
    'err as scikit-learn’s do, with values missing: $options',
    async ({ options: given, p, mae }) => {
      const fitted = await fitRegressor(features, y, options(given));
      const found = await fitted.predict(rows(q, d));
      expect(Math.abs(regressionMetrics(t, found).mae / mae - 1)).toBeLessThan(0.03);
      expect(regressionMetrics(p, found).r2).toBeGreaterThan(0.99);
    },
  );

  it('stop early, at no loss', async () => {
    const all = await fitRegressor(features, y, { method: 'trees', trees: 400 });
    const stopped = await fitRegressor(features, y, { method: 'trees', trees: 400, patience: 10 });
    const treesOf = (one: Regressor) => one.save().tensors.roots!.data.length;
    expect(treesOf(all)).toBe(400);
    expect(treesOf(stopped)).toBeLessThan(200);
    const [a, b] = [await all.predict(rows(q, d)), await stopped.predict(rows(q, d))];
    expect(regressionMetrics(t, b).mae).toBeLessThan(1.1 * regressionMetrics(t, a).mae);
  });

  it('never put fewer rows in a leaf than they may', async () => {
    const fitted = await fitRegressor(features, y, { method: 'trees', trees: 1, minLeaf: 70, rate: 1 });
    const sizes = new Map<number, number>();
    for (const value of await fitted.predict(features)) sizes.set(value, (sizes.get(value) ?? 0) + 1);
    expect(sizes.size).toBeGreaterThan(2);
    expect(Math.min(...sizes.values())).toBeGreaterThanOrEqual(70);
  });
});

describe('any method', () => {
  const { d, x, y, q } = fixture.tall;
  const all: RegressorOptions[] = [
    { method: 'ridge', alpha: 1e-4 },
    { method: 'kernel-ridge', alpha: 1e-6, gamma: 0.02 },
    { method: 'knn' },
    { method: 'trees', minLeaf: 4 },
    { method: 'svr', c: 100, gamma: 0.05 },
  ];
  it.each(all)('comes back from a file: $method', async (options) => {
    const fitted = await fitRegressor(rows(x, d), y, options);
    const { config, tensors } = fitted.save();
    const data = Object.fromEntries(Object.entries(tensors).map(([name, { data }]) => [name, data]));
    const loaded = await loadRegressor(JSON.parse(JSON.stringify(config)), data);
    const before = await fitted.predict(rows(q, d));
    expect(furthest(await loaded.predict(rows(q, d)), before)).toBeLessThan(1e-7);
    await fitted.close();
    await loaded.close();
  });

  it.each(all)('refuses what nothing can be learned from: $method', async (options) => {
    const features = rows([1, 2, 3, 4, 5, 6], 2);
    await expect(fitRegressor(features, [1, 1, 1], options)).rejects.toThrow('all 3 are 1');
    await expect(fitRegressor(features, [1, 2], options)).rejects.toThrow('each of 3 rows');
    await expect(fitRegressor(features, [1, 2, Number.NaN], options)).rejects.toThrow(
      'received NaN for row 2',
    );
    await expect(fitRegressor(rows([1, 2], 2), [1], options)).rejects.toThrow('at least two examples');
    if (options.method !== 'trees')
      await expect(fitRegressor(rows([1, null, 3, 4], 2), [1, 2], options)).rejects.toThrow(
        'expected finite numbers for',
      );
  });

  it('refuses options out of range, and features of another length', async () => {
    const features = rows([1, 2, 3, 4], 2);
    await expect(fitRegressor(features, [1, 2], { method: 'ridge', alpha: 0 })).rejects.toThrow('alpha');
    await expect(fitRegressor(features, [1, 2], { method: 'knn', neighbours: 0 })).rejects.toThrow(
      'neighbours',
    );
    const fitted = await fitRegressor(features, [1, 2], { method: 'ridge' });
    await expect(fitted.predict(rows([1, 2, 3], 3))).rejects.toThrow('rows of 2 numbers');
  });

  it('finds a straight line in large ridge problems, by both ways', async () => {
    const random = new Random(5, 'test');
    for (const [n, dimension] of [
      [9000, 6],
      [200, 700],
    ] as const) {
      const data = Float32Array.from({ length: n * dimension }, () => random.normal() + 3);
      const line = Float64Array.from({ length: n }, (_, i) => 2 * data[i * dimension]! - 5);
      const fitted = await fitRegressor({ data, dimension }, line, { method: 'ridge', alpha: 1e-7 });
      expect(furthest(await fitted.predict({ data, dimension }), line)).toBeLessThan(1e-5);
    }
  });
});
