/** @file Maps of sets: groups stay together, quality is measured, words find what they mean. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mapSet, openVectorSet, saveMap, type VectorSet, writeMap } from '#src/analysis/index.js';
import { embedWords, reduceWords } from '#src/analysis/map-words.js';
import { SAMPLES } from '#src/embedding/index.js';
import { UsageError } from '#src/errors.js';
import type { MapPayload } from '#src/pages/map-page-payload.js';
import { Random } from '#src/random.js';
import { adjustedMutualInformation } from '#src/vectors/index.js';
import { scratch } from '../cli/run.js';
import { jsonLines } from './vectors-file.js';

const { folder, remove } = scratch();
afterAll(remove);

/** Forty vectors around each of five centres. */
function planted(name: string, count = 200): string {
  const random = new Random(5, 'planted');
  const centres = Array.from({ length: 5 }, () => Array.from({ length: 24 }, () => random.normal()));
  return jsonLines(
    path.join(folder, name),
    Array.from({ length: count }, (_, i) => ({
      id: `${i % 5}/${String(i).padStart(4, '0')}.jpg`,
      vector: centres[i % 5]!.map((value) => value + 0.3 * random.normal()),
    })),
  );
}

function payloadOf(file: string): MapPayload {
  return JSON.parse(/id="map">(.*?)<\/script>/s.exec(readFileSync(file, 'utf8'))![1]!) as MapPayload;
}

describe('a map', () => {
  let set: VectorSet;
  beforeAll(async () => {
    set = await openVectorSet(planted('planted.jsonl'));
  });
  afterAll(() => set.close());

  it.each(['umap', 'pca'] as const)('by %s keeps groups together, and is the same again', async (method) => {
    const map = await mapSet(set, { method, clusters: 5, seed: 3 });
    const group = (row: number) => set.ids[row]![0]!;
    let alike = 0;
    for (let i = 0; i < set.count; i++) {
      let best = i === 0 ? 1 : 0;
      const far = (j: number) => (map.x[i]! - map.x[j]!) ** 2 + (map.y[i]! - map.y[j]!) ** 2;
      for (let j = 0; j < set.count; j++) if (j !== i && far(j) < far(best)) best = j;
      if (group(best) === group(i)) alike++;
    }
    expect(alike / set.count).toBeGreaterThan(method === 'umap' ? 0.98 : 0.7);
    const truth = Int32Array.from({ length: set.count }, (_, row) => Number(group(row)));
    expect(adjustedMutualInformation(truth, map.clusters.assignments)).toBeGreaterThan(0.95);
    expect(map.quality.trustworthiness).toBeGreaterThan(method === 'umap' ? 0.85 : 0.75);
    expect(map.quality.continuity).toBeGreaterThan(0.75);
    const again = await mapSet(set, { method, clusters: 5, seed: 3 });
    expect([...again.x]).toEqual([...map.x]);
    if (method === 'pca') expect(map.shares![0]! + map.shares![1]!).toBeGreaterThan(0.3);
  });

  it('becomes a page coloured by folders, or by what is asked for', async () => {
    const map = await mapSet(set, { method: 'pca', clusters: 3 });
    const file = path.join(folder, 'planted.html');
    const warnings: string[] = [];
    const done = await writeMap(set, map, file, { onWarning: (message) => warnings.push(message) });
    expect(done).toMatchObject({ color: 'folder', words: 0, pictures: 0, missing: 200 });
    expect(warnings.join()).toMatch(/names and columns, not meanings/);
    const payload = payloadOf(file);
    expect(payload.columns.map(({ name }) => name)).toEqual(['folder', 'clusters']);
    expect(payload.facts.find(([name]) => name === 'trustworthiness')![1]).toBe(
      map.quality.trustworthiness.toFixed(3),
    );
    expect((await writeMap(set, map, file, { color: 'clusters', words: false })).color).toBe('clusters');
    await expect(writeMap(set, map, file, { color: 'folde' })).rejects.toMatchObject({
      hint: 'did you mean "folder"?',
    });
  });

  it('says what does not fit', async () => {
    await expect(mapSet(set, { clusters: 201 })).rejects.toThrow(
      'clusters: expected a whole number from 1 to 200',
    );
    await expect(mapSet(set, { method: 'pca', neighbours: 9 })).rejects.toThrow('belong to umap');
    await expect(mapSet(set, { method: 'som' as 'pca' })).rejects.toThrow(UsageError);
    await expect(saveMap(set, await mapSet(set, { method: 'pca' }))).rejects.toThrow('this is none');
    await using few = await openVectorSet(planted('few.jsonl', 3));
    await expect(mapSet(few)).rejects.toThrow('expected at least 4 items but there are 3');
    await expect(mapSet(set, { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
  });

  it('of the least number of items is one', async () => {
    await using four = await openVectorSet(planted('four.jsonl', 4));
    for (const method of ['umap', 'pca'] as const) {
      const map = await mapSet(four, { method });
      expect([...map.x, ...map.y].every(Number.isFinite)).toBe(true);
    }
  });
});

describe('words', () => {
  it('find pictures by meaning', async () => {
    await using set = await openVectorSet(SAMPLES);
    const words = await embedWords(await set.embedder(), ['siamese cat']);
    expect(words.words[0]).toBe('siamese cat');
    const reduced = await reduceWords(set.unit(), words);
    expect(reduced.agreement).toBeGreaterThan(0.9); // of a few pictures little is left out
    const { dimension, items, itemScales, vectors, wordScales, offsets } = reduced;
    const word = reduced.words.indexOf('cat');
    const exact = words.vectors.data.subarray(word * set.dimension, (word + 1) * set.dimension);
    const unit = set.unit();
    const scores = set.ids.map((_, item) => {
      let sum = offsets[word]!;
      for (let k = 0; k < dimension; k++)
        sum +=
          items[item * dimension + k]! * itemScales[k]! * vectors[word * dimension + k]! * wordScales[word]!;
      const full = exact.reduce((all, value, k) => all + value * unit.data[item * set.dimension + k]!, 0);
      expect(Math.abs(sum - full)).toBeLessThan(0.01); // the cosine
      return sum;
    });
    const best = set.ids[scores.indexOf(Math.max(...scores))]!;
    expect(path.basename(best)).toMatch(/cat|kitten/);
  });
});
