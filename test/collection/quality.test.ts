/** @file What the approximate index is said to find is what it finds, by brute force in plain JavaScript. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { LanceStore } from '#src/collection/lance/lance-store.js';
import { maintain, measureIndex } from '#src/collection/quality.js';
import type { VectorTable } from '#src/collection/store.js';

const folder = mkdtempSync(path.join(tmpdir(), 'afterimage-quality-'));
const opened: LanceStore[] = [];
afterAll(async () => {
  for (const store of opened) await store.close();
  rmSync(folder, { recursive: true, force: true });
});
const D = 64;
const ROWS = 4000;

/** Unit vectors in all directions alike: nothing is harder for an index. */
function noise(rows: number, seed: number): Float32Array {
  let state = seed;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 1) / 2 ** 32;
  };
  const vectors = Float32Array.from(
    { length: rows * D },
    () => Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random()),
  );
  for (let row = 0; row < rows; row++) {
    const vector = vectors.subarray(row * D, (row + 1) * D);
    const length = Math.hypot(...vector);
    for (let i = 0; i < D; i++) vector[i]! /= length;
  }
  return vectors;
}

async function tableOf(name: string, vectors: Float32Array): Promise<VectorTable> {
  const store = await LanceStore.open(path.join(folder, name));
  opened.push(store);
  const table = await store.create('items', { dimension: D, normalized: true, columns: [] });
  await add(table, vectors, 0);
  return table;
}

function add(table: VectorTable, vectors: Float32Array, first: number): Promise<void> {
  const ids = Array.from({ length: vectors.length / D }, (_, i) => `${first + i}`);
  return table.upsert({ ids, vectors, values: {} });
}

/** Recall@10 of the table's own search for the sample that is measured on. */
async function bruteForce(table: VectorTable, vectors: Float32Array, queries: number): Promise<number> {
  const sample = await table.sample(queries, 1, { vectors: true });
  let found = 0;
  for (const [q, id] of sample.ids.entries()) {
    const query = sample.vectors.slice(q * D, (q + 1) * D);
    const truth = Array.from({ length: vectors.length / D }, (_, row) => {
      let score = 0;
      for (let i = 0; i < D; i++) score += query[i]! * vectors[row * D + i]!;
      return { id: `${row}`, score };
    })
      .filter((row) => row.id !== id)
      .sort((a, b) => b.score - a.score)
      .slice(0, 10)
      .map((row) => row.id);
    const hits = (await table.nearest(query, { k: 11 })).filter((hit) => hit.id !== id).slice(0, 10);
    found += hits.filter((hit) => truth.includes(hit.id)).length;
  }
  return found / (10 * sample.ids.length);
}

describe('the quality of an index', () => {
  it('is what brute force finds, and more effort makes it better', async () => {
    const vectors = noise(ROWS, 1);
    const table = await tableOf('hard', vectors);
    await table.indexVectors();
    const easy = await measureIndex(table, { queries: 60, target: 0 });
    expect(easy).toMatchObject({ queries: 60, rows: ROWS, effort: 1 });
    expect(easy.recallAt10).toBeCloseTo(await bruteForce(table, vectors, 60), 6);
    expect(easy.recallAt10).toBeLessThan(0.999);
    const raised = await measureIndex(table, { queries: 60, target: 0.999 });
    expect(raised.effort).toBeGreaterThan(1);
    expect(table.effort).toBe(raised.effort);
    expect(raised.recallAt10).toBeGreaterThan(easy.recallAt10);
    expect(raised.recallAt10).toBeCloseTo(await bruteForce(table, vectors, 60), 6);
  }, 120_000);

  it('is not measured where there is none, and there is none for few rows', async () => {
    const table = await tableOf('few', noise(ROWS, 2));
    expect(await maintain(table)).toBeUndefined();
    expect(await table.vectorIndex()).toBeUndefined();
    expect(await bruteForce(table, noise(ROWS, 2), 10)).toBe(1);
  }, 120_000);

  it('is measured again for an index that rows have outgrown, which is built anew', async () => {
    const table = await tableOf('grown', noise(1000, 3));
    await table.indexVectors();
    const first = await maintain(table);
    expect(first).toMatchObject({ rows: 1000 });
    await add(table, noise(50, 4), 1000);
    expect(await maintain(table, first)).toEqual(first);
    await add(table, noise(2000, 5), 1050);
    const later = await maintain(table, first);
    expect(later).toMatchObject({ rows: 3050 });
    expect(await table.vectorIndex()).toMatchObject({ rows: 3050, unindexed: 0 });
  }, 120_000);
});
