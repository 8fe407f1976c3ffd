/** @file Search over the samples, with the bundled model's vectors, against brute force in plain JavaScript. */
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Collection, openCollection } from '#src/collection/collection.js';
import type { Cell } from '#src/collection/columns.js';
import { collapse, marginalRelevance } from '#src/collection/diversity.js';
import { newSpace, savedEmbedder } from '#src/collection/manifest.js';
import { parseQuery } from '#src/collection/query.js';
import { search, similar } from '#src/collection/search.js';
import { sha256 } from '#src/embedding/identity.js';
import { type Embedder, isFailed, loadEmbedder } from '#src/embedding/index.js';
import { IdentityError, ImageError, UsageError } from '#src/errors.js';

const samples = fileURLToPath(new URL('../../samples/', import.meta.url));
const names = readdirSync(samples).filter((name) => /\.(jpg|png)$/.test(name));
const folder = mkdtempSync(path.join(tmpdir(), 'afterimage-search-'));
const root = path.join(folder, 'images');
let embedder: Embedder;
let collection: Collection;
/** Vectors by id; `copy.jpg` is the same file as `cat-portrait.jpg`. */
const vectors = new Map<string, Float32Array>();
const columns: Record<string, Cell[]> = {
  hash: [],
  width: [],
  format: [],
  taken: [],
  latitude: [],
  longitude: [],
};

beforeAll(async () => {
  const { mkdirSync } = await import('node:fs');
  mkdirSync(root);
  for (const name of names) copyFileSync(path.join(samples, name), path.join(root, name));
  copyFileSync(path.join(samples, 'cat-portrait.jpg'), path.join(root, 'copy.jpg'));
  embedder = await loadEmbedder(undefined, { inline: true, workers: 0 });
  collection = await openCollection(path.join(folder, 'collection'), { create: true, root, embedder });
  const space = { ...newSpace(embedder.identity, savedEmbedder('mini-clip')), state: 'ready' as const };
  await collection.change((manifest) => ({ ...manifest, spaces: [space], current: space.key }));
  const files = readdirSync(root).sort();
  for await (const result of embedder.streamImages(files.map((name) => path.join(root, name)))) {
    if (isFailed(result)) throw new Error(result.failure.reason);
    const i = vectors.size;
    vectors.set(path.basename(result.id), result.vector);
    const cells = {
      hash: sha256(readFileSync(result.id)),
      width: result.width,
      format: result.format,
      taken: i % 5 === 0 ? null : new Date(Date.UTC(2015 + (i % 7), i % 12, 1 + i)),
      latitude: i % 3 === 0 ? null : -60 + 3 * i,
      longitude: i % 3 === 0 ? null : ((170 + i + 180) % 360) - 180,
    };
    for (const [name, cell] of Object.entries(cells)) columns[name]!.push(cell as Cell);
  }
  const { items } = await collection.tablesOf(space);
  await items.upsert({
    ids: [...vectors.keys()],
    vectors: Float32Array.from([...vectors.values()].flatMap((v) => [...v])),
    values: columns,
  });
}, 120_000);
afterAll(async () => {
  await collection?.close();
  await embedder?.close();
  rmSync(folder, { recursive: true, force: true });
});

function unit(v: ArrayLike<number>): number[] {
  const length = Math.hypot(...Array.from(v));
  return Array.from(v, (x) => x / length);
}
const dot = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((sum, x, i) => sum + x * b[i]!, 0);
const cell = (name: string, id: string): Cell => columns[name]![[...vectors.keys()].indexOf(id)]!;

/** All items by cosine, without those left out. */
function bruteForce(query: ArrayLike<number>, keep: (id: string) => boolean = () => true) {
  return [...vectors]
    .filter(([id]) => keep(id))
    .map(([id, vector]) => ({ id, score: dot(unit(query), unit(vector)) }))
    .sort((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1));
}

function expectSame(
  hits: readonly { id: string; score: number }[],
  expected: readonly { id: string; score: number }[],
) {
  expect(hits.map(({ score }) => score.toFixed(4))).toEqual(expected.map(({ score }) => score.toFixed(4)));
  // Copies have the same score, and either may come first.
  const plain = (list: readonly { id: string }[]) =>
    list.map(({ id }) => id.replace('copy.jpg', 'cat-portrait.jpg'));
  expect(plain(hits)).toEqual(plain(expected));
}

describe('a query', () => {
  it('by a text finds what brute force finds', async () => {
    const [text] = await embedder.embedTexts(['a photo of sheep']);
    const { hits, total, space, query } = await search(collection, 'a photo of sheep', { limit: 12 });
    expectSame(hits, bruteForce(text!).slice(0, 12));
    expect([total, query]).toEqual([38, '"a photo of sheep"']);
    expect(space.identity).toEqual(embedder.identity);
    expect(hits[0]!.file).toBe(path.join(root, hits[0]!.id));
    expect(hits[0]!.values.format).toBe(cell('format', hits[0]!.id));
    for (const { probability } of hits) expect(probability >= 0 && probability <= 1).toBe(true);
  });

  it('of weighted sums and differences is the sum of unit vectors, scaled', async () => {
    const [text, snow] = (await embedder.embedTexts(['a cat', 'snow'])).map(unit);
    const outside = path.join(samples, 'sheep-pasture.jpg'); // in the collection by its bytes alone
    const [sheep, rocket] = ['sheep-pasture.jpg', 'rocket-launch.jpg'].map((id) => unit(vectors.get(id)!));
    const query = ['2:a cat', '+', `0.5:${outside}`, '-', 'snow', '-', '1.5:id:rocket-launch.jpg'];
    const sum = text!.map((x, d) => 2 * x + 0.5 * sheep![d]! - snow![d]! - 1.5 * rocket![d]!);
    const expected = bruteForce(sum, (id) => id !== 'sheep-pasture.jpg' && id !== 'rocket-launch.jpg');
    const { hits } = await search(collection, query, { limit: 40 });
    expectSame(hits, expected);
    const written = parseQuery(query);
    expect((await search(collection, written, { limit: 40 })).hits.map((h) => h.id)).toEqual(
      hits.map((h) => h.id),
    );
  });

  it('takes bytes and raw vectors', async () => {
    const bytes = new Uint8Array(readFileSync(path.join(samples, 'emoji-cat.png')));
    const vector = vectors.get('emoji-cat.png')!;
    const expected = bruteForce(vector);
    expectSame((await similar(collection, bytes, { limit: 5 })).hits, expected.slice(1, 6));
    expectSame(
      (await search(collection, [{ vector, identity: embedder.identity }], { limit: 5 })).hits,
      expected.slice(0, 5),
    );
  });

  it('leaves out the question itself, and its copies', async () => {
    const ids = async (what: string | { id: string }) =>
      (await similar(collection, what, { limit: 50 })).hits.map(({ id }) => id);
    const byPath = await ids(path.join(root, 'cat-portrait.jpg'));
    expect(byPath).toHaveLength(36);
    expect(byPath).not.toContain('cat-portrait.jpg');
    expect(byPath).not.toContain('copy.jpg');
    const byId = await ids({ id: 'cat-portrait.jpg' });
    expect(byId[0]).toBe('copy.jpg');
    expect(byId).not.toContain('cat-portrait.jpg');
  });

  it('is refused with the reason', async () => {
    const other = { ...embedder.identity, weights: 'f'.repeat(64) };
    const vector = vectors.get('copy.jpg')!;
    const refused = (query: Parameters<typeof search>[1], options = {}) => search(collection, query, options);
    await expect(refused([{ vector, identity: other }])).rejects.toThrow(IdentityError);
    await expect(refused([{ vector, identity: other }])).rejects.toThrow(/weights/);
    await expect(refused([{ vector: vector.slice(1) }])).rejects.toThrow(
      /256 numbers .* but received one of 255/,
    );
    await expect(refused([{ vector: new Float32Array(256) }])).rejects.toThrow(/no direction/);
    await expect(refused('id:nothing.jpg')).rejects.toThrow(/no item "nothing.jpg"/);
    await expect(refused('id:copy.jpg - id:copy.jpg')).rejects.toThrow(/cancel/);
    await expect(refused('./nothing.jpg')).rejects.toThrow(ImageError);
    await expect(refused('cat', { model: 'resnet50' })).rejects.toThrow(/no vectors of resnet50/);
    for (const wrong of [
      { limit: 0 },
      { offset: -1 },
      { minScore: 2 },
      { after: 'May' },
      { dedup: 3 },
      { diverse: 2 },
    ])
      await expect(refused('cat', wrong), JSON.stringify(wrong)).rejects.toThrow(UsageError);
  });

  it('warns of a text that is a file', async () => {
    const warnings: string[] = [];
    await search(collection, 'package.json', { onWarning: (message) => warnings.push(message) });
    expect(warnings).toEqual([expect.stringMatching(/searched as a text; .*write \.\/package\.json/)]);
  });
});

describe('which items', () => {
  const vector = () => vectors.get('boats-nagasaki.jpg')!;

  it('is decided by conditions, times and scores', async () => {
    const query = [{ vector: vector() }];
    const { hits, total } = await search(collection, query, {
      where: "format = 'jpeg' or width < 100",
      after: '2017',
      before: '2020-05',
      limit: 40,
    });
    const taken = (id: string) => cell('taken', id) as Date | null;
    const kept = bruteForce(vector(), (id) => {
      const when = taken(id);
      const shape = cell('format', id) === 'jpeg' || (cell('width', id) as number) < 100;
      return shape && when !== null && when >= new Date('2017-01-01') && when < new Date('2020-05-01');
    });
    expect(kept.length).toBeGreaterThan(3);
    expectSame(hits, kept);
    expect(total).toBe(kept.length);
    const best = bruteForce(vector()).filter(({ score }) => score >= 0.3);
    expectSame((await search(collection, query, { minScore: 0.3, limit: 40 })).hits, best);
    // What a limit leaves out is not said to be chance.
    const cat = path.join(root, 'cat-portrait.jpg');
    const all = (await similar(collection, cat)).nothing;
    expect(all).toBe(false);
    expect(await similar(collection, cat, { minScore: 0.99 })).toMatchObject({ hits: [], nothing: all });
  });

  it('lie within a circle, over the date line', async () => {
    const near = { latitude: -30, longitude: -179, kilometres: 2000 };
    const { hits } = await search(collection, [{ vector: vector() }], { near, limit: 40 });
    const rad = Math.PI / 180;
    const kept = bruteForce(vector(), (id) => {
      const [la, lo] = [cell('latitude', id), cell('longitude', id)];
      if (typeof la !== 'number' || typeof lo !== 'number') return false;
      const cosine =
        Math.sin(la * rad) * Math.sin(near.latitude * rad) +
        Math.cos(la * rad) * Math.cos(near.latitude * rad) * Math.cos((lo - near.longitude) * rad);
      return Math.acos(cosine) * 6371.0088 <= near.kilometres;
    });
    const sides = new Set(kept.map(({ id }) => Math.sign(cell('longitude', id) as number)));
    expect(sides).toEqual(new Set([-1, 1]));
    expectSame(hits, kept);
  });
});

describe('pages', () => {
  it.each([{}, { dedup: 0.8 }, { diverse: true }, { dedup: 0.8, diverse: 0.3 }])(
    'follow each other %j',
    async (options) => {
      const whole = await search(collection, 'id:emoji-cat.png', { ...options, limit: 20 });
      const ids: string[] = [];
      for (let offset = 0; offset < 20; offset += 5)
        ids.push(
          ...(await search(collection, 'id:emoji-cat.png', { ...options, limit: 5, offset })).hits.map(
            (h) => h.id,
          ),
        );
      expect(ids).toEqual(whole.hits.map(({ id }) => id));
      expect(new Set(ids).size).toBe(ids.length);
    },
  );
});

describe('hits that differ', () => {
  it('are left when near-equal ones are collapsed', async () => {
    const { hits } = await search(collection, 'id:emoji-dog.png', { dedup: 0.75, limit: 10, vectors: true });
    expect(hits).toHaveLength(10);
    for (const a of hits)
      for (const b of hits) if (a !== b) expect(dot(unit(a.vector!), unit(b.vector!))).toBeLessThan(0.75);
    const all = bruteForce(vectors.get('emoji-dog.png')!, (id) => id !== 'emoji-dog.png');
    const lost = hits.flatMap((hit) => hit.collapsed!.map((id) => [hit, id] as const));
    expect(lost.length).toBeGreaterThan(0);
    for (const [hit, id] of lost) {
      expect(dot(unit(hit.vector!), unit(vectors.get(id)!))).toBeGreaterThanOrEqual(0.75);
      expect(all.findIndex((x) => x.id === hit.id)).toBeLessThan(all.findIndex((x) => x.id === id));
    }
    const copies = await search(collection, 'a cat', { dedup: true, limit: 38 });
    const kept: string[] = [];
    for (const { id } of (await search(collection, 'a cat', { limit: 38 })).hits)
      if (kept.every((better) => dot(unit(vectors.get(better)!), unit(vectors.get(id)!)) < 0.9))
        kept.push(id);
    expect(kept.length).toBeLessThan(vectors.size - 1); // the copy, and some that are alike
    const same = (id: string) => id.replace('copy.jpg', 'cat-portrait.jpg'); // either may come first
    expect(copies.hits.map(({ id }) => same(id))).toEqual(kept.map(same));
  });

  it('come in the order of maximal marginal relevance', async () => {
    for (const lambda of [0, 0.3, 0.5, 0.9, 1]) {
      const { hits } = await search(collection, 'id:emoji-cat.png', { diverse: lambda, limit: 8 });
      // The definition, evaluated anew at every step.
      const rest = bruteForce(vectors.get('emoji-cat.png')!, (id) => id !== 'emoji-cat.png');
      const chosen: { id: string; score: number }[] = [rest.shift()!];
      while (chosen.length < 8) {
        const value = ({ id, score }: { id: string; score: number }) =>
          lambda * score -
          (1 - lambda) * Math.max(...chosen.map((c) => dot(vectors.get(c.id)!, vectors.get(id)!)));
        const best = rest.reduce((a, b) => (value(b) > value(a) + 1e-9 ? b : a));
        rest.splice(rest.indexOf(best), 1);
        chosen.push(best);
      }
      expectSame(hits, chosen);
    }
  });

  it('are refused a threshold that is none', () => {
    expect(() => collapse([], 1.5)).toThrow(UsageError);
    expect(() => marginalRelevance([], -0.1, 3)).toThrow(UsageError);
  });
});
