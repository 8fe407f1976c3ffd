import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Sampler, ShuffleSampler } from '#src/training/data/sampler.js';
import { MPerClassSampler } from '#src/training/data/sampler-class.js';
import { PairSampler, TripletSampler, ViewsSampler } from '#src/training/data/sampler-rows.js';
import { refusal } from './dataset-on-disk.js';

const range = (n: number, from = 0) => Int32Array.from({ length: n }, (_, i) => from + i);
const flat = (batches: Int32Array[]) => batches.flatMap((batch) => [...batch]);
const labelsOf = (sizes: number[]) =>
  Int32Array.from(sizes.flatMap((size, c) => new Array<number>(size).fill(c)));

const samplers: [string, (seed: number) => Sampler][] = [
  ['shuffle', (seed) => new ShuffleSampler({ indices: range(50), batch: 8, seed })],
  [
    'm per class',
    (seed) =>
      new MPerClassSampler({ indices: range(50), labels: labelsOf([20, 20, 10]), m: 4, batch: 8, seed }),
  ],
  ['views', (seed) => new ViewsSampler({ indices: range(50), batch: 8, seed })],
  [
    'pairs',
    (seed) =>
      new PairSampler({ rows: range(30), pairs: range(60), same: new Uint8Array(30), batch: 8, seed }),
  ],
  ['triplets', (seed) => new TripletSampler({ rows: range(30), triplets: range(90), batch: 9, seed })],
];

describe.each(samplers)('the %s sampler', (_, make) => {
  it('gives the same epoch again for a seed, whatever was asked for before', () => {
    const sampler = make(5);
    const third = sampler.epoch(3);
    sampler.epoch(1);
    expect(sampler.epoch(3)).toEqual(third);
    expect(make(5).epoch(3)).toEqual(third);
    expect(make(5).epoch(4)).not.toEqual(third);
    expect(make(6).epoch(3)).not.toEqual(third);
  });

  it('gives as many batches as it says, all of one length', () => {
    const batches = make(1).epoch(0);
    expect(batches.length).toBe(make(1).batchesPerEpoch);
    expect(new Set(batches.map(({ length }) => length)).size).toBe(1);
    expect(batches.every((batch) => batch instanceof Int32Array)).toBe(true);
  });
});

describe('ShuffleSampler', () => {
  const indices = range(23, 100);

  it('draws every item once, less what does not fill a batch', () => {
    const seen = flat(new ShuffleSampler({ indices, batch: 5, seed: 0 }).epoch(0));
    expect(seen.length).toBe(20);
    expect(new Set(seen).size).toBe(20);
    expect(seen.every((i) => i >= 100 && i < 123)).toBe(true);
  });

  it('refuses a batch larger than the data', async () => {
    expect(await refusal(() => new ShuffleSampler({ indices, batch: 24, seed: 0 }))).toMatch(
      /batch: expected at most the 23 images of the training data but received 24 \| lower the batch size to 23/,
    );
    expect(await refusal(() => new ShuffleSampler({ indices, batch: 0.5, seed: 0 }))).toMatch(
      /a positive whole number/,
    );
  });
});

describe('MPerClassSampler', () => {
  const { passes } = JSON.parse(readFileSync('test/fixtures/training/data/splits.json', 'utf8')) as {
    passes: { sizes: number[]; m: number; batch: number; length: number; batches: number }[]; // by make_splits.py
  };

  it.each(passes)('has passes as long as pytorch-metric-learning: $length in batches of $batch', (pass) => {
    const labels = labelsOf(pass.sizes);
    const { m, batch, length } = pass;
    const sampler = new MPerClassSampler({
      indices: range(labels.length),
      labels,
      m,
      batch,
      seed: 0,
      lengthBeforeNewIter: length,
    });
    expect(sampler.batchesPerEpoch).toBe(pass.batches);
    for (const rows of sampler.epoch(0)) {
      const counts = new Map<number, number[]>();
      for (const i of rows) counts.set(labels[i]!, [...(counts.get(labels[i]!) ?? []), i]);
      expect(counts.size).toBe(batch / m);
      for (const [c, items] of counts) {
        expect(items.length).toBe(m);
        if (pass.sizes[c]! >= m) expect(new Set(items).size).toBe(m);
      }
      // A class lies together.
      for (let k = 0; k < batch; k += m)
        expect(new Set(rows.subarray(k, k + m).map((i) => labels[i]!)).size).toBe(1);
    }
  });

  it('draws classes alike and images of a class alike, from the given items only', () => {
    const labels = labelsOf([100, 10, 40, 20]);
    const indices = range(170).filter((i) => i % 2 === 0);
    const sampler = new MPerClassSampler({
      indices,
      labels,
      m: 2,
      batch: 4,
      seed: 9,
      lengthBeforeNewIter: 40_000,
    });
    const classes = [0, 0, 0, 0];
    const images = new Map<number, number>();
    for (const i of flat(sampler.epoch(0))) {
      classes[labels[i]!]!++;
      images.set(i, (images.get(i) ?? 0) + 1);
    }
    for (const count of classes) expect(Math.abs(count - 10_000)).toBeLessThan(500);
    expect(images.size).toBe(85);
    // Class 1 has 5 of the items: 2000 each, standard deviation about 40.
    for (const [i, count] of images) if (labels[i] === 1) expect(Math.abs(count - 2000)).toBeLessThan(250);
  });

  it.each([
    [{ m: 3, batch: 8 }, /batch: expected a multiple of 3 \(3 images of each class\) but received 8/],
    [{ m: 4, batch: 16 }, /batch: expected at most 12 \(4 images of each of 3 classes\) but received 16/],
    [{ m: 0, batch: 16 }, /m: expected a positive whole number of images per class but received 0/],
  ])('refuses %o', async (options, expected) => {
    const labels = labelsOf([9, 9, 9]);
    expect(
      await refusal(() => new MPerClassSampler({ indices: range(27), labels, seed: 0, ...options })),
    ).toMatch(expected);
  });
});

describe('rows that belong together', () => {
  it('views lie next to one another, each image once an epoch', () => {
    const two = new ViewsSampler({ indices: range(10), batch: 6, seed: 0 }).epoch(0);
    expect(two.length).toBe(3);
    for (const batch of two) for (let k = 0; k < 6; k += 2) expect(batch[k]).toBe(batch[k + 1]);
    expect(new Set(flat(two)).size).toBe(9);
  });

  it('pairs are drawn once an epoch, however many steps ask', () => {
    const n = 200_000;
    const [pairs, same] = [range(2 * n), Uint8Array.from({ length: n }, (_, i) => i % 2)];
    const sampler = new PairSampler({ rows: range(n), pairs, same, batch: 8, seed: 3 });
    const batches = sampler.epoch(1);
    const start = performance.now();
    for (const [k, batch] of batches.entries())
      expect(sampler.same(1, k)[0], `batch ${k}`).toBe((batch[0]! / 2) % 2);
    expect(performance.now() - start).toBeLessThan(20_000); // 50,000 times the drawing of 200,000 takes an hour
  });

  it('pairs come whole, with what is known of them', () => {
    const pairs = Int32Array.of(0, 1, 2, 3, 4, 5, 6, 7, 0, 7);
    const same = Uint8Array.of(1, 0, 1, 1, 0);
    const rows = Int32Array.of(0, 2, 3, 4);
    const sampler = new PairSampler({ rows, pairs, same, batch: 4, seed: 3 });
    const drawn = sampler.epoch(1).flatMap((batch, k) => {
      sampler.same(2, k); // whatever was asked for before
      return [0, 1].map((p) => `${batch[2 * p]}-${batch[2 * p + 1]}:${sampler.same(1, k)[p]}`);
    });
    expect(drawn.sort()).toEqual(['0-1:1', '0-7:0', '4-5:1', '6-7:1']);
  });

  it('triplets come whole', () => {
    const triplets = Int32Array.of(0, 1, 2, 3, 4, 5, 6, 7, 8);
    const batches = new TripletSampler({ rows: range(3), triplets, batch: 3, seed: 3 }).epoch(1);
    expect(batches.map(String).sort()).toEqual(['0,1,2', '3,4,5', '6,7,8']);
  });

  it('refuse batches that tear them apart or are too large', async () => {
    const pairs = { rows: range(3), pairs: range(6), same: new Uint8Array(3), seed: 0 };
    expect(await refusal(() => new PairSampler({ ...pairs, batch: 5 }))).toMatch(
      /expected a multiple of 2 \(2 images in each of the pairs\)/,
    );
    expect(await refusal(() => new PairSampler({ ...pairs, batch: 8 }))).toMatch(
      /at most the 3 pairs .* received 4/,
    );
    expect(await refusal(() => new ViewsSampler({ indices: range(3), batch: 8, seed: 0 }))).toMatch(
      /at most the 3 images/,
    );
    expect(
      await refusal(() => new TripletSampler({ rows: range(3), triplets: range(9), batch: 4, seed: 0 })),
    ).toMatch(/multiple of 3/);
  });
});
