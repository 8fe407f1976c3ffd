/** @file The embedded store keeps what every store promises. */
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { LanceStore } from '#src/collection/lance/lance-store.js';
import { storeConformance } from './store-conformance.js';

const folder = mkdtempSync(path.join(tmpdir(), 'afterimage-lance-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

storeConformance('the embedded store', (place) => LanceStore.open(path.join(folder, place)));

it.skipIf(process.platform === 'win32')('lets those read its files who may read its folder', async () => {
  for (const mode of [0o755, 0o700]) {
    const place = path.join(folder, mode.toString(8));
    mkdirSync(place);
    chmodSync(place, mode);
    const store = await LanceStore.open(place);
    const table = await store.create('items', { dimension: 2, normalized: false, columns: [] });
    await table.upsert({ ids: ['a'], vectors: Float32Array.of(1, 2), values: {} });
    await store.close();
    const entries = readdirSync(place, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile());
    expect(files.some(({ name }) => name.endsWith('.lance'))).toBe(true);
    for (const { parentPath, name } of files)
      expect(statSync(path.join(parentPath, name)).mode & 0o666).toBe(mode & 0o666);
  }
});

it('finds what fits where that lies apart from what is asked for', async () => {
  const [dimension, count, apart, k] = [64, 8000, 1500, 10];
  let state = 5;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32 - 0.5;
  };
  // Two directions: what fits lies along the second one, the queries along the first.
  const vectors = new Float32Array(count * dimension);
  const groups: number[] = [];
  for (let row = 0; row < count; row++) {
    const group = row < apart ? 1 : 0;
    groups.push(group);
    const vector = vectors.subarray(row * dimension, (row + 1) * dimension);
    for (let i = 0; i < dimension; i++) vector[i] = 0.6 * random() + (i === group ? 1 : 0);
    const length = Math.hypot(...vector);
    for (let i = 0; i < dimension; i++) vector[i]! /= length;
  }
  const store = await LanceStore.open(path.join(folder, 'apart'));
  const columns = [{ name: 'group', type: 'integer' }] as const;
  const table = await store.create('items', { dimension, normalized: true, columns });
  const ids = groups.map((_, row) => `${row}`);
  await table.upsert({ ids, vectors, values: { group: groups } });
  await table.indexVectors();
  expect(await table.vectorIndex()).toMatchObject({ rows: count });
  const filter = { op: '=', left: { column: 'group' }, right: { value: 1 } } as const;
  let right = 0;
  for (let query = count - 20; query < count; query++) {
    const asked = vectors.slice(query * dimension, (query + 1) * dimension);
    const score = (row: number) => {
      let sum = 0;
      for (let i = 0; i < dimension; i++) sum += asked[i]! * vectors[row * dimension + i]!;
      return sum;
    };
    const truth = [...Array(apart).keys()].sort((a, b) => score(b) - score(a)).slice(0, k);
    const hits = await table.nearest(asked, { k, filter });
    right += hits.filter(({ id }) => truth.includes(Number(id))).length;
  }
  expect(right / (20 * k)).toBeGreaterThanOrEqual(0.98);
  await store.close();
}, 60_000);
