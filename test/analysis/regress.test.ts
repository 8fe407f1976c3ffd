/** @file Numbers predicted from items: features and folds as in scikit-learn, items of several images, what is added, files. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  evaluateRegression,
  type FilledColumn,
  type FitRegressionOptions,
  fitRegression,
  loadRegression,
  type NumberPrediction,
  predictNumbers,
  type Regression,
  VectorSet,
} from '#src/analysis/index.js';
import { itemsOf, pooled } from '#src/analysis/items.js';
import { validateRegression } from '#src/analysis/regress-cv.js';
import { FormatError, IdentityError, UsageError } from '#src/errors.js';
import { Random } from '#src/random.js';
import { scratch } from '../cli/run.js';

const { folder, remove } = scratch();
afterAll(remove);

interface Fixture {
  dimension: number;
  weight: number;
  images: number[][][];
  area: (number | null)[];
  kind: string[];
  target: number[];
  fold: number[];
  ridge: number[];
  kernelRidge: number[];
}
const fixture = JSON.parse(
  readFileSync(new URL('../fixtures/vectors/regress_items.json', import.meta.url), 'utf8'),
) as Fixture;

type Row = { id: string; vector: readonly number[]; cells?: Record<string, number | string | null> };

/** A set of these rows, with a column for each name of a cell. */
function setOf(rows: readonly Row[], model = 'planted'): VectorSet {
  const sorted = [...rows].sort((a, b) => (a.id < b.id ? -1 : 1));
  const dimension = rows[0]!.vector.length;
  const refuse = async () => {
    throw new UsageError('not of this test');
  };
  const identity = {
    model,
    revision: null,
    weights: 'a'.repeat(64),
    dtype: 'fp32' as const,
    transform: null,
    output: 'pooled',
    normalized: false,
    dimension,
  };
  const set = new VectorSet(
    {
      source: 'rows',
      kind: 'file',
      identity,
      columns: [],
      read: async () => ({}),
      fileOf: (id) => id,
      embedder: refuse,
      save: refuse,
      close: async () => undefined,
    },
    sorted.map(({ id }) => id),
    Float32Array.from(sorted.flatMap(({ vector }) => vector)),
    dimension,
  );
  const names = [...new Set(rows.flatMap(({ cells }) => Object.keys(cells ?? {})))];
  set.add(
    names.map((name): FilledColumn => {
      const cells = sorted.map((row) => row.cells?.[name] ?? null);
      return { name, type: cells.some((cell) => typeof cell === 'string') ? 'text' : 'number', cells };
    }),
  );
  return set;
}

const pad = (i: number) => String(i).padStart(3, '0');

/** Items with two images each; the number is what `target` says of their common direction and their area. */
function houses(
  count: number,
  target: (along: number, area: number, noise: number) => number,
  { seed = 1, model = 'planted' } = {},
): VectorSet {
  const random = new Random(seed, 'houses');
  return setOf(
    Array.from({ length: count }, (_, i) => {
      const along = random.normal();
      const area = 50 + 20 * random.normal();
      const price = target(along, area, random.normal());
      return ['front', 'kitchen'].map((role): Row => {
        const vector = Array.from({ length: 8 }, () => 0.5 * random.normal());
        vector[0]! += role === 'front' ? along : 0;
        vector[1]! += 2; // so that the length says little
        return { id: `houses/${pad(i)}_${role}.jpg`, vector, cells: { price, area, street: `s${i % 7}` } };
      });
    }).flat(),
    model,
  );
}
const item = /(\d+)_(\w+)\.jpg$/;
const quick = { item, target: 'price', permutations: 0, resamples: 100, alpha: [0.1, 1, 10] };

async function fitted<T>(
  set: VectorSet,
  options: FitRegressionOptions,
  use: (regression: Regression) => Promise<T> | T,
): Promise<T> {
  await using regression = await fitRegression(set, options);
  return await use(regression);
}

async function all(regression: Regression, set: VectorSet, neighbours = 0): Promise<NumberPrediction[]> {
  const result: NumberPrediction[] = [];
  for await (const one of predictNumbers(regression, set, { neighbours })) result.push(one);
  return result;
}

describe('validateRegression', () => {
  it('says of held-out items what a pipeline of scikit-learn says', async () => {
    const { images, dimension, area, kind, target, fold, weight } = fixture;
    const source = {
      count: target.length,
      images: { data: Float32Array.from(images.flat(2)), dimension: 2 * dimension },
      columns: [
        { name: 'area', cells: Float64Array.from(area, (a) => a ?? Number.NaN) },
        { name: 'kind', cells: kind },
      ],
    };
    for (const [candidate, want] of [
      [{ method: 'ridge', alpha: 0.5, imageWeight: weight }, fixture.ridge],
      [{ method: 'kernel-ridge', alpha: 0.1, gamma: 0.3, imageWeight: weight }, fixture.kernelRidge],
    ] as const) {
      const { predictions } = await validateRegression(
        source,
        Float64Array.from(target),
        Int32Array.from(fold),
        [candidate],
      );
      for (const [i, value] of predictions.entries()) expect(value).toBeCloseTo(want[i]!, 5);
    }
  });

  it('reports of a fold what was best on the others', async () => {
    const target = Float64Array.from({ length: 12 }, (_, i) => i % 4);
    const source = {
      count: 12,
      images: { data: Float32Array.from(target), dimension: 1 },
      columns: [],
    };
    const candidates = [1e-6, 1e6].map((alpha) => ({ method: 'ridge' as const, alpha }));
    const folds = Int32Array.from(target, (_, i) => i % 3);
    const { chosen, best, predictions } = await validateRegression(source, target, folds, candidates);
    expect(best.alpha).toBe(1e-6);
    expect(chosen.map(({ alpha }) => alpha)).toEqual([1e-6, 1e-6, 1e-6]);
    for (const [i, value] of predictions.entries()) expect(value).toBeCloseTo(target[i]!, 4);
  });
});

describe('items', () => {
  const set = setOf([
    { id: 'a/1_front.jpg', vector: [1, 0] },
    { id: 'a/1_back.jpg', vector: [0, 2] },
    { id: 'a/2_front.jpg', vector: [0, 3] },
    { id: 'a/cover.png', vector: [3, 4] },
  ]);

  it('are what a pattern says, and are pooled by mean or by role', async () => {
    const items = await itemsOf(set, { item });
    expect(items.ids).toEqual(['1', '2']);
    expect(items.roles).toEqual(['back', 'front']);
    expect(items.warnings).toEqual(['left out: 1 image that belong to no item']);
    expect([...pooled(set, items, 'mean').data]).toEqual([0.5, 0.5, 0, 1]);
    const { data, dimension } = pooled(set, items, 'concat');
    expect(dimension).toBe(4);
    expect([...data]).toEqual([0, 1, 1, 0, Number.NaN, Number.NaN, 0, 1]);
  });

  it('take names for groups of a pattern, in any order', async () => {
    const items = await itemsOf(set, { item: /(?<role>front|back)?.*?(?<item>a)\// });
    expect(items.ids).toEqual(['a']);
  });

  it('are each image where nothing is said', async () => {
    const items = await itemsOf(set);
    expect(items.ids).toEqual(set.ids);
    expect(items.roles).toEqual([]);
  });

  it('refuse a pattern that fits nothing or has no group', async () => {
    await expect(itemsOf(set, { item: /(\d+)x/ })).rejects.toThrow(
      'no image belongs to an item by /(\\d+)x/',
    );
    await expect(itemsOf(set, { item: /\d/ })).rejects.toThrow('expected a pattern with a group');
    await expect(itemsOf(set, { item: 'house' })).rejects.toThrow('there is no column "house"');
  });
});

describe('fitRegression', () => {
  it('shows what the images add to the columns, and that it is no chance', async () => {
    const set = houses(120, (along, area, noise) => 100 + 10 * along + area / 10 + noise);
    await fitted(set, { ...quick, columns: ['area'], permutations: 9 }, ({ summary }) => {
      const { all: both, images, columns, mean } = summary.crossValidated;
      expect(summary.input.pool).toBe('concat');
      expect(both.metrics.r2.value).toBeGreaterThan(0.6);
      expect(both.metrics.r2.value).toBeGreaterThan(images!.metrics.r2.value);
      expect(columns!.metrics.r2.value).toBeLessThan(0.2);
      expect(mean.metrics.r2.value).toBeLessThanOrEqual(0);
      expect(summary.gain.mae.high).toBeLessThan(0);
      expect(summary.gain.r2.value).toBeCloseTo(both.metrics.r2.value - columns!.metrics.r2.value, 9);
      expect(summary.permuted!.r2s).toHaveLength(9);
      expect(summary.permuted!.p).toBe(0.1);
      expect(Math.max(...summary.permuted!.r2s)).toBeLessThan(0.3);
    });
  }, 60_000);

  it('shows that images add nothing where they do not', async () => {
    const set = houses(80, (_, area, noise) => area + noise);
    await fitted(set, { ...quick, columns: ['area'], permutations: 9 }, ({ summary }) => {
      expect(summary.crossValidated.columns!.metrics.r2.value).toBeGreaterThan(0.95);
      expect(summary.gain.r2.value).toBeLessThan(0.01);
      expect(summary.permuted!.p).toBeGreaterThan(0.1);
    });
  }, 60_000);

  it('holds numbers as often as its intervals say, on items that it has not seen', async () => {
    const price = (along: number, area: number, noise: number) =>
      Math.exp(5 + along / 2 + area / 100 + noise / 5);
    const set = houses(150, price);
    const options: FitRegressionOptions = { ...quick, transform: 'log', columns: ['area'], level: 0.8 };
    await fitted(set, options, async (regression) => {
      const { measured, width } = regression.summary.coverage;
      expect(measured.value).toBeGreaterThan(0.7);
      expect(measured.value).toBeLessThan(0.9);
      expect(width).toBeGreaterThan(0);
      const found = await evaluateRegression(regression, houses(200, price, { seed: 2 }), { resamples: 100 });
      expect(found.coverage.measured.value).toBeGreaterThan(0.7);
      expect(found.coverage.measured.value).toBeLessThan(0.9);
      expect(found.report.logR2!.value).toBeGreaterThan(0.4);
      // What was measured by cross-validation is what comes true.
      expect(found.report.logR2!.value).toBeCloseTo(regression.summary.crossValidated.all.logR2!.value, 0.5);
    });
  }, 60_000);

  it('never learns from the group that it is tested on', async () => {
    // The price is that of the street, which the images tell: known streets are easy, new ones cannot be guessed.
    const random = new Random(6, 'streets');
    const streets = Array.from({ length: 12 }, () => ({
      price: 100 * random.normal(),
      look: Array.from({ length: 24 }, () => random.normal()),
    }));
    const set = setOf(
      Array.from({ length: 96 }, (_, i) => {
        const { price, look } = streets[i % 12]!;
        const vector = look.map((x) => x + 0.1 * random.normal());
        return {
          id: `${pad(i)}.jpg`,
          vector,
          cells: { price: price + random.normal(), street: `s${i % 12}` },
        };
      }),
    );
    const options = { ...quick, item: undefined };
    const r2Of = ({ summary }: Regression) => summary.crossValidated.all.metrics.r2.value;
    expect(await fitted(set, options, r2Of)).toBeGreaterThan(0.9);
    expect(await fitted(set, { ...options, group: 'street' }, r2Of)).toBeLessThan(0.5);
  }, 60_000);

  it.each(['kernel-ridge', 'svr', 'knn', 'trees', 'auto'] as const)(
    'learns by %s',
    async (method) => {
      const set = houses(90, (along, area, noise) => 10 * along + area / 4 + noise);
      const options: FitRegressionOptions = {
        ...quick,
        alpha: undefined,
        columns: ['area', 'street'],
        method,
      };
      await fitted(set, options, ({ summary }) => {
        expect(summary.crossValidated.all.metrics.r2.value).toBeGreaterThan(0.3);
        if (method !== 'auto') expect(summary.chosen.method).toBe(method);
      });
    },
    120_000,
  );

  it('fills what is missing, and says so', async () => {
    const rows = Array.from({ length: 40 }, (_, i): Row => {
      const x = Math.sin(i);
      return {
        id: `${pad(i)}.jpg`,
        vector: [x, Math.cos(i * 3), 1],
        cells: { price: i === 3 ? null : x, area: i % 5 === 0 ? null : x, kind: i === 7 ? null : 'a' },
      };
    });
    const warnings: string[] = [];
    const options: FitRegressionOptions = {
      ...quick,
      item: undefined,
      columns: ['area', 'kind'],
      onWarning: (message) => warnings.push(message),
    };
    await fitted(setOf(rows), options, ({ summary }) => {
      expect(summary.items).toBe(39);
      expect(summary.crossValidated.all.metrics.r2.value).toBeGreaterThan(0.9);
    });
    expect(warnings).toEqual([
      '8 items with nothing in area: taken as the mean',
      '1 item with nothing in kind: taken as the mean',
      'left out: 1 item without a price',
    ]);
  });

  it.each<[string, Partial<FitRegressionOptions>, string]>([
    ['a column that is not there', { target: 'prize' }, 'did you mean "price"'],
    ['a target of texts', { target: 'street' }, 'holds texts, not numbers'],
    ['a target as a column', { columns: ['price'] }, 'cannot be predicted from itself'],
    ['the logarithm of what is not above 0', { transform: 'log' }, 'expected a price above 0'],
    ['more folds than items', { folds: 31 }, 'folds: expected a whole number from 2 to 30'],
    ['more folds than groups', { group: 'street', folds: 8 }, 'from 2 to 7'],
    ['another method', { method: 'lasso' as 'ridge' }, 'expected auto or one of ridge'],
    ['a level of 1', { level: 1 }, 'level: expected a number between 0 and 1'],
  ])('refuses %s', async (_, options, message) => {
    const set = houses(30, (along) => along);
    const error = await fitRegression(set, { ...quick, ...options }).catch((e: UsageError) => e);
    expect(error).toBeInstanceOf(UsageError);
    expect(`${(error as UsageError).message} ${(error as UsageError).hint}`).toContain(message);
  });

  it('refuses numbers that are all the same, and images of one item that differ', async () => {
    await expect(
      fitRegression(
        houses(30, () => 5),
        quick,
      ),
    ).rejects.toThrow('all 24 are');
    const set = setOf([
      { id: '1_a.jpg', vector: [1, 2], cells: { price: 1 } },
      { id: '1_b.jpg', vector: [1, 3], cells: { price: 2 } },
    ]);
    await expect(fitRegression(set, quick)).rejects.toThrow(
      'the images of the item 1 differ in price: 1 and 2',
    );
  });
});

describe('a regression', () => {
  const file = path.join(folder, 'price.regression');
  const price = (along: number, area: number, noise: number) => 100 + 10 * along + area / 10 + noise;

  it.each(['ridge', 'kernel-ridge', 'knn', 'trees'] as const)(
    'predicts after a way through a file as before: %s',
    async (method) => {
      const set = houses(60, price);
      const fresh = houses(10, price, { seed: 4 });
      const options = { ...quick, alpha: [1], columns: ['area', 'street'], method };
      await fitted(set, options, async (regression) => {
        const before = await all(regression, fresh, 2);
        expect(before).toHaveLength(10);
        for (const { value, low, high } of before) {
          expect(low).toBeLessThan(value);
          expect(high).toBeGreaterThan(value);
        }
        await regression.save(file);
        await using loaded = await loadRegression(file);
        expect(loaded.summary).toEqual(regression.summary);
        for (const [i, after] of (await all(loaded, fresh, 2)).entries()) {
          expect(after.value).toBeCloseTo(before[i]!.value, 4);
          expect(after.low).toBeCloseTo(before[i]!.low, 4);
          expect(after.neighbours.map(({ id }) => id)).toEqual(before[i]!.neighbours.map(({ id }) => id));
        }
      });
    },
    60_000,
  );

  it('names the nearest examples with their numbers, and not the item itself', async () => {
    const set = houses(40, price);
    await fitted(set, { ...quick, alpha: [1] }, async (regression) => {
      const { cells } = await set.column('price');
      const items = await itemsOf(set, { item });
      for (const { id, neighbours } of await all(regression, set, 3)) {
        expect(neighbours).toHaveLength(3);
        for (const { id: other, target, score } of neighbours) {
          expect(other).not.toBe(id);
          expect(target).toBe(cells[items.images[items.ids.indexOf(other)]![0]!]);
          expect(score).toBeLessThanOrEqual(1.0001);
        }
        expect(neighbours[0]!.score).toBeGreaterThanOrEqual(neighbours[2]!.score);
      }
    });
  });

  it('refuses vectors of another model, columns that are not there, and other files', async () => {
    await fitted(houses(40, price), { ...quick, alpha: [1], columns: ['area'] }, async (regression) => {
      await expect(all(regression, houses(5, price, { model: 'other' }))).rejects.toThrow(IdentityError);
      const bare = setOf([{ id: '1_front.jpg', vector: [1, 0, 0, 0, 0, 0, 0, 1] }]);
      await expect(all(regression, bare)).rejects.toThrow('there is no column "area"');
    });
    await expect(loadRegression(path.join(folder, 'none'))).rejects.toThrow();
    const { saveFitted } = await import('#src/analysis/saved.js');
    const other = path.join(folder, 'other.safetensors');
    await saveFitted(other, { kind: 'classifier', identity: null, dimension: 1, config: {}, tensors: {} });
    await expect(loadRegression(other)).rejects.toThrow(FormatError);
  });
});
