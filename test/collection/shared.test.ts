/** @file A collection that is open twice: what one does, the other sees, and neither stands in the other's way. */
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Collection, openCollection } from '#src/collection/collection.js';
import { indexFolder } from '#src/collection/index-folder.js';
import { newSpace, type Space, savedEmbedder } from '#src/collection/manifest.js';
import { search } from '#src/collection/search.js';
import { watchFolder } from '#src/collection/watch.js';
import type { EmbeddingIdentity } from '#src/embedding/identity.js';
import { loadEmbedder } from '#src/embedding/index.js';
import { identityOf } from '../embedding/formats/helpers.js';
import { picture, put, temporaryFolder } from './pictures.js';

let place: Awaited<ReturnType<typeof temporaryFolder>>;
let one: Collection;
let other: Collection;
const at = (name: string) => path.join(place.folder, name);

beforeEach(async () => {
  place = await temporaryFolder();
  await put(at('in/a.png'), await picture(1));
  await put(at('in/b.png'), await picture(2));
  one = await openCollection(at('in/.afterimage'), { create: true, root: at('in') });
  other = await openCollection(at('in/.afterimage'));
});
afterEach(async () => {
  await one.close();
  await other.close();
  await place[Symbol.asyncDispose]();
});

async function make(identity: EmbeddingIdentity, ids: string[]): Promise<Space> {
  const space = { ...newSpace(identity, null), state: 'ready' as const };
  await one.change((manifest) => ({ ...manifest, spaces: [...manifest.spaces, space], current: space.key }));
  const { items } = await one.tablesOf(space);
  const vectors = Float32Array.from(
    { length: ids.length * identity.dimension },
    (_, i) => +(i % identity.dimension === 0),
  );
  await items.upsert({ ids, vectors, values: {} });
  return space;
}

const found = async (dimension: number) => {
  const vector = Float32Array.from({ length: dimension }, (_, i) => +(i === 0));
  return (await search(other, [{ vector }])).hits.map(({ id }) => id);
};

it('answers from the space that answers now, also where one was made anew', async () => {
  const first = await make(identityOf(4), ['a.png']);
  expect(await found(4)).toEqual(['a.png']);
  await make(identityOf(6), ['b.png']);
  expect(await found(6)).toEqual(['b.png']);
  await one.dropSpace(first.key);
  expect(await found(6)).toEqual(['b.png']);
  expect(other.spaces).toHaveLength(1);
  await new Promise((resolve) => setTimeout(resolve, 5)); // made at another time
  await make(identityOf(4), ['a.png', 'b.png']);
  expect((await found(4)).sort()).toEqual(['a.png', 'b.png']);
});

it('searches as far as was measured', async () => {
  const { key } = await make(identityOf(4), ['a.png']);
  const measured = (effort: number) =>
    one.change((manifest) => ({
      ...manifest,
      spaces: manifest.spaces.map((space) => ({
        ...space,
        quality: { recallAt10: 1, queries: 1, rows: 1, effort },
      })),
    }));
  const effort = async () => (await other.tablesOf(other.spaces.find((s) => s.key === key)!)).items.effort;
  await measured(4);
  await other.refresh();
  expect(await effort()).toBe(4); // when it is opened
  await measured(8);
  await other.refresh();
  expect(await effort()).toBe(8); // and afterwards
  expect((await one.tablesOf(one.space())).items.effort).toBe(8);
});

it('loses no change of the manifest when several are made at once', async () => {
  const dimensions = [3, 4, 5, 6, 7, 8];
  const changes = dimensions.map((dimension) => {
    const space = newSpace(identityOf(dimension), null);
    return one.change((manifest) => ({ ...manifest, spaces: [...manifest.spaces, space] }));
  });
  await Promise.all([...changes, one.refresh()]);
  await other.refresh();
  for (const { spaces } of [one, other])
    expect(spaces.map(({ identity }) => identity.dimension)).toEqual(dimensions);
});

it('takes over what a complete space knows, also into one with further columns', async () => {
  await indexFolder(one);
  const options = { normalize: false };
  await using embedder = await loadEmbedder('mini-clip', { ...options, inline: true, workers: 0 });
  const space = newSpace(embedder.identity, savedEmbedder('mini-clip', options));
  await one.change((manifest) => ({ ...manifest, spaces: [...manifest.spaces, space] }));
  const { items } = await one.tablesOf(space);
  await items.addColumns([{ name: 'stars', type: 'integer' }]);
  const { spaces } = await indexFolder(one);
  expect(spaces[1]).toMatchObject({ embedded: 2, items: 2 });
}, 120_000);

it('waits while another process writes', async () => {
  await indexFolder(one);
  await put(at('in/c.png'), await picture(3));
  await writeFile(at('in/.afterimage/lock'), String(process.ppid));
  const stop = new AbortController();
  let embedded = 0;
  const watching = watchFolder(one, {
    every: 0.2,
    quiet: 10,
    stop: stop.signal,
    onRun: ({ spaces }) => {
      embedded += spaces[0]!.embedded;
      stop.abort();
    },
  });
  await new Promise((resolve) => setTimeout(resolve, 1000));
  expect(embedded).toBe(0);
  await rm(at('in/.afterimage/lock'));
  await watching;
  expect(embedded).toBe(1);
}, 120_000);
