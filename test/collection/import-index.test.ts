/** @file Imported vectors and the folder of images: what a run of indexing makes of items that came from elsewhere. */
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import { openCollection } from '#src/collection/collection.js';
import { exportCollection } from '#src/collection/export.js';
import { importVectors } from '#src/collection/import.js';
import { indexFolder } from '#src/collection/index-folder.js';
import { UsageError } from '#src/errors.js';
import { picture, put, temporaryFolder } from './pictures.js';

const ADDRESS = 'https://example.org/a/b.jpg';

/** JSON Lines of vectors of 256 numbers, each with one 1. */
function lines(rows: Record<string, unknown>[]): string {
  return rows
    .map((row, i) => JSON.stringify({ ...row, embedding: Array.from({ length: 256 }, (_, d) => +(d === i)) }))
    .join('\n');
}

it('keeps items that never were files, and puts away those whose file is gone', async () => {
  await using place = await temporaryFolder();
  const at = (name: string) => path.join(place.folder, name);
  await put(at('in/there.png'), await picture(1));
  await put(at('in/gone.png'), await picture(2));
  await put(at('in/new.png'), await picture(3));
  const size = 7; // of a file elsewhere
  const modified = '2020-01-01T00:00:00Z';
  const items = [
    { id: 'there.png' },
    { id: 'gone.png' },
    { id: ADDRESS, size, modified },
    { id: 'some words' },
    { id: '/elsewhere/x.png' },
  ];
  await writeFile(at('v.jsonl'), lines(items));
  await using collection = await openCollection(at('in/.afterimage'), { create: true, root: at('in') });
  const imported = await importVectors(collection, at('v.jsonl'), { model: 'mini-clip' });
  expect(imported).toMatchObject({ items: 5, found: 2 });
  await rm(at('in/gone.png'));
  const { spaces } = await indexFolder(collection);
  expect(spaces[0]).toMatchObject({ embedded: 1, unchanged: 1, removed: 1, items: 5 });
  const ids: string[] = [];
  for await (const batch of (await collection.tablesOf(collection.space())).items.scan())
    ids.push(...batch.ids);
  expect(ids.sort()).toEqual(['/elsewhere/x.png', ADDRESS, 'new.png', 'some words', 'there.png']);
  expect(collection.fileOf('there.png')).toBe(at('in/there.png'));
  expect(collection.fileOf(ADDRESS)).toBe(ADDRESS);
  expect(collection.fileOf('/elsewhere/x.png')).toBe(path.resolve('/elsewhere/x.png'));
  const { columns } = await exportCollection(collection, at('out.csv'), { vectors: false });
  expect(columns).toContain('path');
}, 120_000);

it('waits its turn: another process may be writing', async () => {
  await using place = await temporaryFolder();
  const at = (name: string) => path.join(place.folder, name);
  await writeFile(at('v.jsonl'), lines([{ id: 'a' }]));
  await using collection = await openCollection(at('c'), { create: true });
  await writeFile(at('c/lock'), String(process.ppid));
  const run = () => importVectors(collection, at('v.jsonl'), { model: 'mini-clip' });
  await expect(run()).rejects.toThrow(`process ${process.ppid} is writing to this collection`);
  expect(collection.spaces).toHaveLength(0);
  await rm(at('c/lock'));
  expect(await run()).toMatchObject({ items: 1 });
}, 60_000);

it('leaves out what has no name', async () => {
  await using place = await temporaryFolder();
  const file = path.join(place.folder, 'v.jsonl');
  await writeFile(file, lines([{ id: 'a', '': 'x', kind: 'y' }]));
  await using collection = await openCollection(path.join(place.folder, 'c'), { create: true });
  for (let run = 0; run < 2; run++) {
    const { columns } = await importVectors(collection, file, { model: 'mine' });
    expect(columns.map(({ name }) => name)).not.toContain('');
  }
  const { items } = await collection.tablesOf(collection.space());
  await expect(items.addColumns([{ name: '', type: 'text' }])).rejects.toThrow(UsageError);
  expect(await items.count()).toBe(1);
});
