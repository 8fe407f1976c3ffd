/** @file Reducing, outliers, representatives and doubtful labels of whole sets, where the answer was planted. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  findMistakes,
  findOutliers,
  measureSavings,
  openVectorSet,
  reduceSet,
  representatives,
  savePca,
  uniqueness,
  type VectorOrigin,
  VectorSet,
  writeQuantized,
  writeReduced,
} from '#src/analysis/index.js';
import { loadProjection, readEmbeddings, SAMPLES } from '#src/embedding/index.js';
import { Random } from '#src/random.js';
import { quantizeBinary, quantizeInt8 } from '#src/vectors/quantize.js';
import { scratch } from '../cli/run.js';

const { folder, remove } = scratch();
afterAll(remove);

const [classes, each, dimension] = [4, 40, 24];
const random = new Random(9, 'items');
const centres = Array.from({ length: classes }, () =>
  Array.from({ length: dimension }, () => random.normal()),
);
/** Four crowds of forty; numbers 3 and 45 lie apart from all of them, and 80 and 81 are copies. */
const data = new Float32Array(classes * each * dimension).map((_, i) => {
  const row = Math.floor(i / dimension);
  const centre = row === 3 || row === 45 ? 0 : centres[Math.floor(row / each)]![i % dimension]!;
  return centre + (row === 3 || row === 45 ? 1 : 0.35) * random.normal();
});
data.copyWithin(81 * dimension, 80 * dimension, 81 * dimension);
const ids = Array.from(
  { length: classes * each },
  (_, i) => `c${Math.floor(i / each)}/${String(i).padStart(3, '0')}.jpg`,
);

function makeSet(): VectorSet {
  const origin: VectorOrigin = {
    source: 'planted',
    kind: 'file',
    identity: {
      model: 'planted',
      revision: null,
      weights: 'a'.repeat(64),
      dtype: 'fp32',
      transform: null,
      output: 'pooled',
      normalized: false,
      dimension,
    },
    columns: [],
    read: async () => ({}),
    fileOf: (id) => id,
    embedder: () => Promise.reject(new Error('none')),
    save: () => Promise.reject(new Error('none')),
    close: async () => undefined,
  };
  return new VectorSet(origin, ids, data.slice(), dimension);
}

describe('reduceSet', () => {
  it('keeps the variance and the neighbours that so many components can keep, and writes them', async () => {
    const set = makeSet();
    const all = await reduceSet(set, { dimensions: dimension });
    expect(all.shares!.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
    const few = await reduceSet(set, { dimensions: 3, whiten: true });
    expect(few.shares).toEqual(all.shares!.slice(0, 3).map((share) => expect.closeTo(share, 6)));
    for (const k of [0, 1, 2]) {
      const column = Array.from({ length: set.count }, (_, i) => few.data[i * 3 + k]!);
      const mean = column.reduce((a, b) => a + b, 0) / set.count;
      expect(mean).toBeCloseTo(0, 4);
      expect(column.reduce((a, x) => a + x * x, 0) / (set.count - 1)).toBeCloseTo(1, 4);
    }
    expect(few.quality!.trustworthiness).toBeGreaterThan(0.85);
    const file = path.join(folder, 'few.parquet');
    await writeReduced(file, set, few);
    const back = await readEmbeddings(file);
    expect(back.ids).toEqual(ids);
    expect(back.vectors).toEqual(few.data);
    expect(back.identity).toMatchObject({ model: 'planted', output: 'pooled+pca3-whitened', dimension: 3 });
    await expect(writeReduced(file, set, few)).rejects.toThrow(/exists/);
    await savePca(set, few, path.join(folder, 'pca'));
    await using projection = await loadProjection(path.join(folder, 'pca'));
    const again = await projection.project(data, set.identity!);
    again.forEach((x, i) => {
      expect(Math.abs(x - few.data[i]!)).toBeLessThan(1e-5);
    });
  });

  it('makes maps, and truncates', async () => {
    const map = await reduceSet(makeSet(), { method: 'umap', dimensions: 2, seed: 1 });
    expect(map.quality!.trustworthiness).toBeGreaterThan(0.9);
    const cut = await reduceSet(makeSet(), { method: 'truncate', dimensions: 5, normalize: true });
    expect(cut.identity.normalized).toBe(true);
    expect(Math.hypot(...cut.data.subarray(0, 5))).toBeCloseTo(1, 6);
    await expect(reduceSet(makeSet(), { dimensions: 25 })).rejects.toThrow(/from 1 to 24/);
  });

  it('says what each size costs', async () => {
    const savings = await measureSavings(makeSet(), { sizes: [12, 4] });
    const recall = (method: string, size: number) =>
      savings.find((s) => s.method === method && s.dimension === size)!.recall;
    expect(recall('components', 12)).toBeGreaterThan(recall('components', 4));
    expect(recall('components', 4)).toBeGreaterThan(recall('first numbers', 4));
    expect(recall('int8', dimension)).toBeGreaterThan(0.95);
    expect(recall('binary', dimension)).toBeLessThan(recall('binary, 4 × as many re-ranked', dimension));
  });

  it('writes quantised vectors for NumPy', async () => {
    const set = makeSet();
    for (const kind of ['int8', 'binary'] as const) {
      const file = path.join(folder, `${kind}.npy`);
      await writeQuantized(file, set, set, kind);
      const bytes = readFileSync(file);
      const body = bytes.subarray(10 + bytes.readUInt16LE(8));
      const expected = kind === 'int8' ? quantizeInt8(set).data : quantizeBinary(set).data;
      expect(bytes.subarray(0, 128).toString('latin1')).toContain(kind === 'int8' ? "'|i1'" : "'|u1'");
      expect(Buffer.from(expected.buffer).equals(body)).toBe(true);
      expect(readFileSync(`${file}.jsonl`, 'utf8').split('\n')[1]).toBe('{"id":"c0/001.jpg"}');
      expect(JSON.parse(readFileSync(`${file}.quantization.json`, 'utf8'))).toMatchObject({
        kind,
        dimension,
      });
    }
    await expect(writeQuantized(path.join(folder, 'x.csv'), set, set, 'int8')).rejects.toThrow(/\.npy/);
  });
});

describe('items', () => {
  it('that were planted apart are the outliers', async () => {
    for (const method of ['distance', 'density'] as const) {
      const { items } = await findOutliers(makeSet(), { method });
      expect(new Set(items.slice(0, 2).map(({ row }) => row))).toEqual(new Set([3, 45]));
      expect(items[0]!.outlier && items[1]!.outlier).toBe(true);
      expect(items.filter(({ outlier }) => outlier).length).toBeLessThan(12);
    }
  });

  it('that an autoencoder cannot draw are outliers, too', async () => {
    await using set = await openVectorSet(SAMPLES);
    const { items } = await findOutliers(set, { method: 'reconstruction' });
    expect(items).toHaveLength(set.count);
    expect(items[0]!.score).toBeGreaterThan(items.at(-1)!.score);
  }, 60_000);

  it('that have copies are the least unique', async () => {
    const items = await uniqueness(makeSet());
    expect(new Set(items.slice(-2).map(({ row }) => row))).toEqual(new Set([80, 81]));
    expect(items.at(-1)!.uniqueness).toBe(0);
    expect(new Set(items.slice(0, 2).map(({ row }) => row))).toEqual(new Set([3, 45]));
    expect(items[0]!.uniqueness).toBe(1);
  });

  it('stand for their crowd, or cover all', async () => {
    const { items, owners } = await representatives(makeSet(), 4);
    expect(items.map(({ row }) => Math.floor(row / each)).sort()).toEqual([0, 1, 2, 3]);
    expect(items.reduce((sum, { standsFor }) => sum + standsFor, 0)).toBe(classes * each);
    expect(Math.floor(items[owners[10]!]!.row / each)).toBe(0);
    const core = await representatives(makeSet(), 7, { method: 'core-set' });
    expect(core.items.map(({ row }) => row)).toEqual(expect.arrayContaining([3, 45]));
    await expect(representatives(makeSet(), 999)).rejects.toThrow(/from 1 to 160/);
  });

  it('that lie in the wrong folder are found, with the right one', async () => {
    const set = makeSet();
    const wrong = [7, 60, 100, 150];
    const cells = ids.map((_, i) => `c${(Math.floor(i / each) + (wrong.includes(i) ? 1 : 0)) % classes}`);
    set.add([{ name: 'kind', type: 'text', cells }]);
    const { items, count, accuracy } = await findMistakes(set, { label: 'kind' });
    expect(count).toBe(160);
    expect(accuracy.value).toBeGreaterThan(0.9);
    const found = items.filter(({ row }) => wrong.includes(row));
    expect(found).toHaveLength(4);
    for (const { row, suggested, agreeing, suggesting } of found) {
      expect(suggested).toBe(`c${Math.floor(row / each)}`);
      expect(suggesting).toBeGreaterThan(agreeing);
    }
    expect(items.length).toBeLessThan(9);
  });
});
