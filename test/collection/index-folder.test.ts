/** @file Incremental indexing with the bundled model: exactly what changed goes through the network. */
import { chmod, copyFile, mkdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Collection, openCollection } from '#src/collection/collection.js';
import { type IndexOptions, indexFolder } from '#src/collection/index-folder.js';
import { rowsOf } from '#src/collection/index-writer.js';
import { loadEmbedder } from '#src/embedding/embedder.js';
import { CollectionError, UsageError } from '#src/errors.js';
import { picture, put, temporaryFolder } from './pictures.js';

let place: Awaited<ReturnType<typeof temporaryFolder>>;
let collection: Collection;
let root: string;
const at = (name: string) => path.join(root, name);
const run = async (options: IndexOptions = {}) => (await indexFolder(collection, options)).spaces[0]!;
const nothing = { embedded: 0, reused: 0, touched: 0, removed: 0, failed: 0, interrupted: false };

async function rows(columns: string[] = ['hash']) {
  const { items } = await collection.tablesOf(collection.space());
  const all = new Map<string, ReturnType<typeof rowsOf> extends Generator<infer R> ? R : never>();
  for await (const batch of items.scan({ columns, vectors: true }))
    for (const row of rowsOf(batch)) {
      expect(all.has(row.id)).toBe(false);
      all.set(row.id, row);
    }
  return all;
}

/** Every vector is the one that a fresh embedding gives. */
async function expectFresh() {
  await using embedder = await loadEmbedder(undefined, { inline: true, workers: 0 });
  const there = [...(await rows()).values()];
  const fresh = await embedder.embedImages(there.map(({ id }) => at(id)));
  for (const [i, { vector }] of there.entries())
    for (const [k, value] of vector.entries()) expect(Math.abs(value - fresh[i]![k]!)).toBeLessThan(1e-6);
  return there.length;
}

beforeAll(async () => {
  place = await temporaryFolder();
  root = path.join(place.folder, 'pictures');
  for (let i = 0; i < 20; i++) await put(at(`${i < 10 ? 'a' : 'b'}/${i}.png`), await picture(i));
  await put(at('node_modules/x.png'), await picture(90));
  await put(at('a/._0.png'), await picture(91));
  const exif = path.join(import.meta.dirname, '../fixtures/image/exif/full.jpg');
  await put(at('exif.jpg'), await readFile(exif));
  collection = await openCollection(at('.afterimage'), { create: true, root });
});

afterAll(async () => {
  await collection.close();
  await place[Symbol.asyncDispose]();
});

describe('indexFolder', () => {
  it('embeds everything once, with facts', async () => {
    expect(await run()).toMatchObject({ ...nothing, embedded: 21, items: 21 });
    const all = await rows(['width', 'height', 'format', 'taken', 'year', 'camera', 'latitude', 'size']);
    expect(all.get('exif.jpg')!.values).toMatchObject({
      width: 8, // upright: orientation 6
      height: 16,
      format: 'jpeg',
      taken: new Date(1564589109345),
      year: 2019,
      camera: 'NIKON D70',
      latitude: expect.closeTo(-33.8569333, 6),
    });
    expect(await expectFresh()).toBe(21);
    expect(collection.current!.state).toBe('ready');
  });

  it('does nothing when nothing changed', async () => {
    expect(await run()).toMatchObject({ ...nothing, unchanged: 21 });
  });

  it('embeds exactly what is new or changed; moved and copied files keep their vectors', async () => {
    await mkdir(at('c'));
    for (let i = 0; i < 10; i++) await rename(at(`a/${i}.png`), at(`c/new-${i}.png`));
    await copyFile(at('b/10.png'), at('copy.png'));
    await put(at('b/11.png'), Buffer.concat([await picture(111), Buffer.alloc(8)])); // same time, other size
    await put(at('b/12.png'), await picture(112), '2024-06-01T00:00:00Z');
    await utimes(at('b/13.png'), new Date(), new Date('2024-07-01T00:00:00Z'));
    for (const name of ['new-1.png', 'new-2.png', 'new-3.png']) await put(at(name), await picture(113)); // one content
    await rm(at('b/14.png'));
    expect(await run()).toMatchObject({
      ...nothing,
      embedded: 3,
      reused: 13,
      touched: 1,
      removed: 1,
      items: 24,
    });
    expect(await expectFresh()).toBe(24);
    expect(await run()).toMatchObject({ ...nothing, unchanged: 24 });
  });

  it('takes a file that comes back from what was removed, until that is purged', async () => {
    await put(at('again/14.png'), await picture(14));
    expect(await run()).toMatchObject({ ...nothing, reused: 1, items: 25 });
    await rm(at('again/14.png'));
    expect(await run()).toMatchObject({ ...nothing, removed: 1, items: 24 });
    await run({ purge: true });
    await put(at('again/14.png'), await picture(14));
    expect(await run()).toMatchObject({ ...nothing, embedded: 1, items: 25 });
    expect(await expectFresh()).toBe(25);
  });

  it('tries failures again only when they changed, or when asked', async () => {
    const good = await readFile(at('b/15.png'));
    await put(at('b/15.png'), good.subarray(0, 200), '2024-08-01T00:00:00Z');
    const failed: string[] = [];
    const onFailure = ({ id }: { id: string }) => failed.push(id);
    expect(await run({ onFailure })).toMatchObject({ ...nothing, failed: 1, items: 24 });
    expect(failed).toEqual(['b/15.png']);
    expect(await run()).toMatchObject({ ...nothing, failedBefore: 1 });
    expect(await run({ retry: true })).toMatchObject({ ...nothing, failed: 1, failedBefore: 0 });
    await put(at('b/15.png'), good);
    expect(await run()).toMatchObject({ ...nothing, reused: 1, items: 25 });
    const { failures } = await collection.tablesOf(collection.space());
    expect(await failures.count()).toBe(0);
  });

  it('does not trust a time that may have been written twice', async () => {
    const file = at('racy.png');
    await put(file, await picture(200), new Date().toISOString());
    expect(await run()).toMatchObject({ ...nothing, embedded: 1 });
    const { size, mtime } = await stat(file);
    await put(file, await picture(201), mtime.toISOString());
    expect(await stat(file)).toMatchObject({ size, mtime });
    expect(await run()).toMatchObject({ ...nothing, embedded: 1 });
    expect(await expectFresh()).toBe(26);
    await rm(file);
    expect(await run()).toMatchObject({ ...nothing, removed: 1 });
  });

  it.skipIf(process.getuid?.() === 0)('leaves what lies below an unreadable folder as it is', async () => {
    await chmod(at('c'), 0);
    const notes: string[] = [];
    try {
      expect(await run({ onNote: (note) => notes.push(note) })).toMatchObject({ ...nothing, items: 25 });
      expect(notes.join()).toContain('no permission');
    } finally {
      await chmod(at('c'), 0o755);
    }
  });

  it('refuses a folder that is missing or empty all of a sudden', async () => {
    const other = path.join(place.folder, 'disk');
    await put(path.join(other, '1.png'), await picture(1));
    await using elsewhere = await openCollection(path.join(place.folder, 'kept'), {
      create: true,
      root: other,
    });
    await indexFolder(elsewhere);
    await rename(path.join(other, '1.png'), path.join(place.folder, '1.png'));
    await expect(indexFolder(elsewhere)).rejects.toThrow(/is empty/);
    await rm(other, { recursive: true });
    await expect(indexFolder(elsewhere)).rejects.toThrow(CollectionError);
    await put(path.join(other, '1.png'), await picture(1));
    expect((await indexFolder(elsewhere)).spaces[0]).toMatchObject({ ...nothing, unchanged: 1, items: 1 });
  });

  it('keeps globs, and puts away what they leave out', async () => {
    expect(await run({ exclude: ['again'] })).toMatchObject({ ...nothing, removed: 1, items: 24 });
    expect(await run()).toMatchObject({ ...nothing, items: 24 });
    expect(await run({ include: ['**'] })).toMatchObject({ ...nothing, reused: 1, items: 25 });
  });

  it('refuses a second run at the same time', async () => {
    await writeFile(at('.afterimage/lock'), String(process.ppid));
    await expect(run()).rejects.toThrow(`process ${process.ppid} is writing`);
    await rm(at('.afterimage/lock'));
  });

  it('stops after the batch in hand and goes on', async () => {
    for (let i = 300; i < 340; i++) await put(at(`more/${i}.png`), await picture(i));
    const stop = new AbortController();
    const first = await run({ stop: stop.signal, onProgress: ({ done }) => done >= 8 && stop.abort() });
    expect(first.interrupted).toBe(true);
    expect(first.embedded).toBeGreaterThan(7);
    expect(first.embedded).toBeLessThan(40);
    const second = await run();
    expect(first.embedded + second.embedded).toBe(40);
    expect((await rows()).size).toBe(65);
  });

  it('makes a second model beside the first, which answers meanwhile, and replaces it when asked', async () => {
    const before = collection.current!;
    const stop = new AbortController();
    const options = { model: 'mini-siamese', embedderOptions: { inline: true, workers: 0 } };
    const started = await run({
      ...options,
      stop: stop.signal,
      onProgress: ({ done }) => done >= 8 && stop.abort(),
    });
    expect(started).toMatchObject({ model: 'mini-siamese', interrupted: true });
    expect(collection.current).toEqual(before);
    const both = await indexFolder(collection);
    expect(both.spaces.map(({ model }) => model)).toEqual(['mini-clip', 'mini-siamese']);
    expect(both.spaces[0]).toMatchObject(nothing);
    expect(started.embedded + both.spaces[1]!.embedded + both.spaces[1]!.reused + started.reused).toBe(65);
    expect(collection.current!.identity.model).toBe('mini-siamese');
    const { values } = (await rows(['camera', 'hash', 'width'])).get('exif.jpg')!;
    expect(values).toMatchObject({
      camera: 'NIKON D70',
      width: 8,
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    await expect(indexFolder(collection, { replace: true })).rejects.toThrow(UsageError);
    expect(await run({ model: 'mini-clip', replace: true })).toMatchObject(nothing);
    expect(collection.spaces.map(({ identity }) => identity.model)).toEqual(['mini-clip']);
    expect((await collection.store.tables()).length).toBe(3);
  });
});
