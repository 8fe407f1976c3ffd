import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { assembleDataSet } from '#src/training/data/dataset-assemble.js';
import { splitDataSet } from '#src/training/data/split.js';
import type { DataSet, DataSplit } from '#src/training/data/types.js';
import { labelled, refusal } from './dataset-on-disk.js';

interface Stratified {
  sizes: number[];
  share: number;
  error?: string;
  total: number;
  low: number[];
  high: number[];
}
const { stratified } = JSON.parse(readFileSync('test/fixtures/training/data/splits.json', 'utf8')) as {
  stratified: Stratified[]; // by make_splits.py
};

function countsOf(set: DataSet, units: Int32Array): number[] {
  const counts = set.classes.map(() => 0);
  for (const u of units) counts[set.labels![u]!]!++;
  return counts;
}

/** Every unit is in one part. */
function expectPartition({ train, validation, test }: DataSplit, total: number): void {
  const all = [...train, ...validation, ...test];
  expect(all.length).toBe(total);
  expect(new Set(all).size).toBe(total);
}

describe('a stratified split', () => {
  it.each(stratified)('of $sizes at $share holds out what scikit-learn does', async (expected) => {
    const set = labelled(expected.sizes);
    const options = { validation: expected.share, by: 'stratified', seed: 3 } as const;
    if (expected.error !== undefined) {
      expect(await refusal(() => splitDataSet(set, options))).toMatch(
        /expected room for each of \d+ classes/,
      );
      return;
    }
    const split = splitDataSet(set, options);
    expectPartition(split, set.items.length);
    expect(split.validation.length).toBe(expected.total);
    const counts = countsOf(set, split.validation);
    // Ours also holds out one of every class that scikit-learn would leave out.
    const short = expected.low.filter((n) => n === 0).length;
    for (const [c, count] of counts.entries()) {
      expect(count).toBeGreaterThanOrEqual(Math.max(1, expected.low[c]! - short));
      expect(count).toBeLessThanOrEqual(Math.max(1, expected.high[c]!));
    }
  });

  it('has every class of two images on both sides, and keeps single ones for training', () => {
    const sizes = [200, 2, 2, 3, 1, 1, 60];
    const set = labelled(sizes);
    for (let seed = 0; seed < 20; seed++) {
      const { train, validation } = splitDataSet(set, { validation: 0.05, seed });
      expect(validation.length).toBe(Math.ceil(0.05 * 269));
      const held = countsOf(set, validation);
      for (const [c, count] of countsOf(set, train).entries()) {
        expect(count).toBeGreaterThan(0);
        expect(held[c]! > 0).toBe(sizes[c]! > 1);
      }
    }
  });

  it('keeps proportions in three parts', () => {
    const set = labelled([100, 60, 40]);
    const split = splitDataSet(set, { validation: 0.2, test: 0.1 });
    expectPartition(split, 200);
    expect(countsOf(set, split.test)).toEqual([10, 6, 4]);
    expect(countsOf(set, split.validation)).toEqual([20, 12, 8]);
  });
});

describe('any split', () => {
  it('depends on the seed and the ids, not on the order of the files', () => {
    const set = labelled([30, 20]);
    const ids = (of: DataSet, units: Int32Array) => Array.from(units, (u) => of.items[u]!.id).sort();
    // Put together in another order, as if another file system had listed them.
    const order = set.items.map((_, i) => (i * 17) % 50);
    const shuffled: DataSet = {
      ...set,
      items: order.map((i) => set.items[i]!),
      labels: Int32Array.from(order, (i) => set.labels![i]!),
    };
    for (const by of ['random', 'stratified', 'classes'] as const) {
      const other = labelled([30, 20, 10, 10, 25, 15, 20, 10]);
      const [a, b] = by === 'classes' ? [other, other] : [set, shuffled];
      const first = ids(a, splitDataSet(a, { by, seed: 1, validation: 0.3 }).validation);
      expect(ids(b, splitDataSet(b, { by, seed: 1, validation: 0.3 }).validation)).toEqual(first);
      const seeds = Array.from({ length: 8 }, (_, seed) =>
        ids(a, splitDataSet(a, { by, seed, validation: 0.3 }).validation),
      );
      expect(new Set(seeds.map(String)).size).toBeGreaterThan(2);
    }
  });

  it('is random for unlabelled images, every image as likely as another', () => {
    const items = Array.from({ length: 20 }, (_, i) => ({ id: String(i), input: '' }));
    const set = assembleDataSet('unlabelled', items, { given: null, unreadable: [], warnings: [] });
    const held = new Array(20).fill(0) as number[];
    for (let seed = 0; seed < 500; seed++) {
      const split = splitDataSet(set, { validation: 0.25, seed });
      expect(split.validation.length).toBe(5);
      for (const u of split.validation) held[u]!++;
    }
    // 125 expected, standard deviation 9.7: five of them either way.
    for (const count of held) expect(Math.abs(count - 125)).toBeLessThan(49);
  });

  it('takes parts that the data gives, and draws the missing one from training', () => {
    const set = labelled([10, 10]);
    set.given = set.items.map((_, i) => (i % 5 === 0 ? 'test' : 'train'));
    const split = splitDataSet(set, { validation: 0.25, test: 0.5 });
    expect([...split.test]).toEqual([0, 5, 10, 15]);
    expect(countsOf(set, split.validation)).toEqual([2, 2]);
    expectPartition(split, 20);
  });

  it('needs a training part where the data gives parts', async () => {
    const set = labelled([4, 4]);
    set.given = set.items.map((_, i) => (i % 2 ? 'test' : 'validation'));
    expect(await refusal(() => splitDataSet(set))).toMatch(
      /expected a training part but the data gives none .*givenSplit/,
    );
  });

  it.each([
    [{ validation: 1 }, /validation: expected a share from 0 to below 1 but received 1/],
    [{ validation: 0.6, test: 0.5 }, /expected shares that leave something to train on/],
    [{ validation: 0.98, by: 'random' }, /validation: expected a share that leaves units to train on/],
    [{ by: 'group' }, /expected a group for every image but 6 of 6 have none: .* \| name the column/],
    [{ by: 'classes' }, /expected at least 4 classes to split but found 2/],
    [
      { validation: 0.1, by: 'stratified' },
      /expected room for each of 2 classes on both sides .* 1 of 6 units/,
    ],
  ] as const)('is refused for %o', async (options, expected) => {
    expect(await refusal(() => splitDataSet(labelled([3, 3]), options))).toMatch(expected);
  });
});

describe('a split by group', () => {
  it('has no group on two sides, and sizes near the shares', () => {
    // 40 groups of 1 to 12 images, classes mixed.
    const set = labelled([130, 90, 40], (i) => `g${Math.floor(Math.sqrt(i * 6)) % 40}`);
    for (let seed = 0; seed < 10; seed++) {
      const split = splitDataSet(set, { by: 'group', validation: 0.2, test: 0.1, seed });
      expectPartition(split, 260);
      const groups = [split.train, split.validation, split.test].map(
        (p) => new Set(Array.from(p, (u) => set.items[u]!.group)),
      );
      for (const [a, b] of [
        [0, 1],
        [0, 2],
        [1, 2],
      ] as const)
        expect([...groups[a]!].filter((g) => groups[b]!.has(g))).toEqual([]);
      expect(Math.abs(split.validation.length - 52)).toBeLessThanOrEqual(5);
      expect(Math.abs(split.test.length - 26)).toBeLessThanOrEqual(5);
    }
  });

  it('looks for groups whose classes are like those of all', () => {
    // Each group is of one class; three quarters of the images are of class 0.
    const set = labelled([120, 40], (i) => `g${Math.floor(i / 4)}`);
    for (let seed = 0; seed < 10; seed++) {
      const [a, b] = countsOf(set, splitDataSet(set, { by: 'group', validation: 0.25, seed }).validation);
      expect(a! + b!).toBe(40);
      expect(Math.abs(b! - 10)).toBeLessThanOrEqual(4);
    }
  });

  it('differs from seed to seed where every class lies in one group', () => {
    const set = labelled(new Array(40).fill(10), (i) => `alphabet ${Math.floor(i / 40)}`);
    const held = Array.from({ length: 8 }, (_, seed) => {
      const { validation } = splitDataSet(set, { by: 'group', validation: 0.3, seed });
      expect(validation.length).toBe(120);
      return String(validation);
    });
    expect(new Set(held).size).toBeGreaterThan(4);
  });

  it('keeps pairs that share an image together', () => {
    const items = Array.from({ length: 60 }, (_, i) => ({ id: `${i}`.padStart(2, '0'), input: '' }));
    const rows = Array.from({ length: 50 }, (_, k) => {
      const family = (k % 10) * 6;
      return [items[family + (k % 6)]!.id, items[family + ((k * 5 + 1) % 6)]!.id];
    });
    const same = rows.map((_, k) => k % 2);
    const set = assembleDataSet('pairs', items, { rows, same, given: null, unreadable: [], warnings: [] });
    const split = splitDataSet(set, { by: 'group', validation: 0.2 });
    expectPartition(split, 50);
    const images = (units: Int32Array) =>
      new Set(Array.from(units, (u) => [...set.pairs!.subarray(2 * u, 2 * u + 2)]).flat());
    const [train, held] = [images(split.train), images(split.validation)];
    expect(held.size).toBeGreaterThan(0);
    expect([...held].filter((i) => train.has(i))).toEqual([]);
    const random = splitDataSet(set, { validation: 0.2 });
    expect(random.validation.reduce((sum, u) => sum + set.same![u]!, 0)).toBe(5); // stratified: half are same
  });
});

describe('a split by classes', () => {
  it('holds out whole classes, two at least, of about the size asked for', () => {
    const set = labelled(Array.from({ length: 30 }, (_, c) => 10 + (c % 7)));
    for (let seed = 0; seed < 10; seed++) {
      const split = splitDataSet(set, { by: 'classes', validation: 0.2, seed });
      expectPartition(split, set.items.length);
      const held = countsOf(set, split.validation);
      expect(held.every((n, c) => n === 0 || n === 10 + (c % 7))).toBe(true);
      expect(held.filter((n) => n > 0).length).toBeGreaterThanOrEqual(2);
      expect(Math.abs(split.validation.length / set.items.length - 0.2)).toBeLessThan(0.02);
    }
    const small = splitDataSet(labelled([5, 5, 5, 5]), { by: 'classes', validation: 0.01 });
    expect(small.validation.length).toBe(10);
  });
});
