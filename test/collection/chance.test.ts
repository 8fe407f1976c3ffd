import { copyFile, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { moreThanChance, sampleVectors, textNullOf } from '#src/collection/chance.js';
import { type Collection, openCollection } from '#src/collection/collection.js';
import { indexFolder } from '#src/collection/index-folder.js';
import { newSpace, type Space } from '#src/collection/manifest.js';
import { type Embedder, loadEmbedder } from '#src/embedding/index.js';
import { UsageError } from '#src/errors.js';

// The bundled model over the pictures of `samples`: 22 drawings and 15 photographs.
const FIT = [
  'a sheep in a pasture',
  'a yellow car',
  'a house',
  'mountains',
  'a cup of espresso',
  'a sailing boat',
];
const ABSENT = [
  'a violin',
  'people dancing',
  'a plate of sushi',
  'a wedding',
  'xqzv wkpl mrrt',
  'a football match',
];

let folder: string;
let embedder: Embedder;
let collection: Collection;
let space: Space;
const ids: string[] = [];
let vectors: Float32Array[];

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'chance-'));
  embedder = await loadEmbedder();
  ids.push(...(await readdir('samples')).filter((name) => !name.endsWith('.md')).sort());
  vectors = await embedder.embedImages(ids.map((id) => path.join('samples', id)));
  collection = await openCollection(path.join(folder, 'collection'), { create: true, embedder });
  space = newSpace(embedder.identity, null);
  await collection.change((manifest) => ({ ...manifest, spaces: [space] }));
  const { items } = await collection.tablesOf(space);
  await items.upsert({ ids, vectors: Float32Array.from(vectors.flatMap((v) => [...v])), values: {} });
}, 120_000);

afterAll(async () => {
  await collection.close();
  await embedder.close();
  await rm(folder, { recursive: true, force: true });
});

async function best(text: string): Promise<number> {
  const [vector] = await embedder.embedTexts([text]);
  const terms = [{ kind: 'text' as const, vector: vector! }];
  return Math.max(...(await moreThanChance(collection, space, terms, vectors, vectors.length)));
}

describe('the probability that a hit is more than chance', () => {
  it('draws the same items, of unit length', async () => {
    const { vectors: drawn, count } = await sampleVectors(collection, space);
    expect(count).toBe(ids.length);
    expect(drawn).toHaveLength(count * space.identity.dimension);
    expect(Math.hypot(...drawn.subarray(0, space.identity.dimension))).toBeCloseTo(1, 5);
    expect((await sampleVectors(collection, space)).vectors).toEqual(drawn);
  });

  it.each(FIT)('finds %s', async (text) => {
    expect(await best(text)).toBeGreaterThan(0.5);
  });

  it.each(ABSENT)('finds nothing for %s', async (text) => {
    expect(await best(text)).toBeLessThan(0.5);
  });

  it('takes an image for like the pictures of its kind, and itself for the same', async () => {
    const cat = ids.indexOf('cat-running-1.jpg');
    const terms = [{ kind: 'image' as const, vector: vectors[cat]! }];
    const chances = await moreThanChance(collection, space, terms, vectors, vectors.length);
    expect(chances[cat]).toBe(1);
    expect(chances[ids.indexOf('cat-running-2.jpg')]).toBeGreaterThan(0.5);
    expect(chances[ids.indexOf('emoji-lemon.png')]).toBeLessThan(0.5);
  });

  it('takes the better of two terms', async () => {
    const [cat, car] = await embedder.embedTexts(['a cat', 'a car']);
    const of = (...found: (Float32Array | undefined)[]) =>
      moreThanChance(
        collection,
        space,
        found.map((vector) => ({ kind: 'text', vector: vector! })),
        vectors,
        37,
      );
    const [both, one, other] = [await of(cat, car), await of(cat), await of(car)];
    expect(both).toEqual(one.map((chance, i) => Math.max(chance, other[i]!)));
    expect(await moreThanChance(collection, space, [], vectors, 37)).toEqual(vectors.map(() => 0));
  });

  it('keeps what it has measured, until the file is damaged or the items change', async () => {
    const file = path.join(collection.folder, 'chance', `${space.key}-text.json`);
    const known = await textNullOf(collection, space);
    const written = await stat(file);
    const again = await openCollection(collection.folder, { embedder });
    expect(await textNullOf(again, space)).toEqual(known);
    expect((await stat(file)).mtimeMs).toBe(written.mtimeMs);
    await again.close();

    await writeFile(file, '{"fingerprint":');
    const damaged = await openCollection(collection.folder, { embedder });
    expect(await textNullOf(damaged, space)).toEqual(known);
    const { items } = await damaged.tablesOf(space);
    await items.remove(ids.slice(0, 10));
    expect((await textNullOf(damaged, space)).rows).toBe(ids.length - 10);
    await damaged.close();
  });

  it('is measured by a run of indexing that embeds something, before the first search', async () => {
    const root = path.join(folder, 'pictures');
    await mkdir(root);
    for (const id of ids.slice(0, 4)) await copyFile(path.join('samples', id), path.join(root, id));
    const indexed = await openCollection(path.join(root, '.afterimage'), { create: true, root, embedder });
    const measuredAt = async () => {
      const at = path.join(indexed.folder, 'chance', `${indexed.current!.key}-text.json`);
      return (await stat(at)).mtimeMs;
    };
    await indexFolder(indexed);
    const first = await measuredAt();
    await indexFolder(indexed);
    expect(await measuredAt()).toBe(first);
    await copyFile(path.join('samples', ids[4]!), path.join(root, ids[4]!));
    await indexFolder(indexed);
    expect(await measuredAt()).toBeGreaterThan(first);
    const written = await measuredAt();
    expect((await textNullOf(indexed, indexed.current!)).rows).toBe(5);
    expect(await measuredAt()).toBe(written);
    await indexed.close();
  }, 60_000);

  it('refuses vectors of another dimension', async () => {
    const terms = [{ kind: 'image' as const, vector: [1, 0] }];
    await expect(moreThanChance(collection, space, terms, vectors, 37)).rejects.toThrow(UsageError);
  });
});
