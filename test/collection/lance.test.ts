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
