/** @file `afterimage map`: from a folder to a page, kept places, and their way to embedding-atlas. */
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { map } from '#src/cli/commands/map.js';
import { scanEmbeddings } from '#src/embedding/formats/index.js';
import { SAMPLES } from '#src/embedding/index.js';
import { capture } from './capture.js';
import { run, scratch } from './run.js';

const { folder, remove } = scratch();
afterAll(remove);
const photos = path.join(folder, 'photos');

beforeAll(async () => {
  cpSync(SAMPLES, photos, { recursive: true });
  const { code, stderr } = await run(['index', photos, '--quiet'], { cwd: folder });
  expect(stderr + code).toMatch(/0$/);
}, 120_000);

it('draws a collection, prints how faithful it is, and keeps it for other programs', async () => {
  const drawn = await run(['map', photos, '--method', 'pca', '--save', '--clusters', '3', '-q'], {
    cwd: folder,
  });
  expect(drawn.stderr).toBe('');
  expect(drawn.code).toBe(0);
  expect(drawn.stdout).toMatch(/map\.html: \d+ items, [\d.]+ MB|kB, \d+ pictures inside/);
  expect(drawn.stdout).toMatch(
    /pca: trustworthiness 0\.\d{3}, continuity 0\.\d{3}, [\d.]+ % of the \d+ nearest/,
  );
  expect(drawn.stdout).toMatch(/the search box knows [\d,]+ words/);
  const page = readFileSync(path.join(folder, 'map.html'), 'utf8');
  expect(page).toContain('"base":"photos/"');

  const parquet = path.join(folder, 'map.parquet');
  const written = await run(['export', parquet, '--collection', photos, '-q'], { cwd: folder });
  expect(written.stderr).toBe('');
  const scan = await scanEmbeddings(parquet);
  const rows: unknown[] = [];
  for await (const batch of scan.batches()) for (const row of batch) rows.push(row);
  const { projection_x: x, projection_y: y } = (rows[0] as { metadata: Record<string, unknown> }).metadata;
  expect(typeof x).toBe('number');
  expect(typeof y).toBe('number');
  const again = await run(
    ['export', parquet, '--collection', photos, '--projection', 'pca', '--overwrite', '-q'],
    { cwd: folder },
  );
  expect(again.stderr).toBe(''); // a map that is made now takes the place of the kept one
}, 120_000);

it('prints JSON, and refuses what does not fit before it works', async () => {
  const out = path.join(folder, 'other.html');
  const json = await run(['map', photos, '-o', out, '--no-words', '--pictures', '3', '--json', '-q'], {
    cwd: folder,
  });
  const result = JSON.parse(json.stdout) as Record<string, unknown>;
  expect(result).toMatchObject({ out, method: 'umap', pictures: 3, words: 0 });
  expect(result.trustworthiness).toBeGreaterThan(0.5);
  const thesis = path.join(folder, 'thesis.html');
  writeFileSync(thesis, 'years of work');
  for (const [args, message] of [
    [['-o', thesis], /not a map/],
    [['--color', 'yaer'], /there is no column "yaer"/],
    [['--method', 'pca', '--neighbors', '5'], /belong to umap/],
    [['--clusters', '9999', '--method', 'pca'], /clusters: expected a whole number/],
  ] as const)
    await expect(capture(map, [photos, '-q', '-o', out, ...args])).rejects.toThrow(message);
  expect(readFileSync(thesis, 'utf8')).toBe('years of work');
  const file = path.join(folder, 'map.parquet');
  const never = path.join(folder, 'never.html');
  await expect(capture(map, [file, '--save', '-o', never, '-q'])).rejects.toThrow(/--save keeps places/);
  expect(existsSync(never)).toBe(false);
}, 120_000);
