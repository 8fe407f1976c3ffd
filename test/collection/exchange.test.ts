import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Collection, openCollection } from '#src/collection/collection.js';
import type { Cell } from '#src/collection/columns.js';
import { exportCollection } from '#src/collection/export.js';
import { type ImportOptions, importVectors } from '#src/collection/import.js';
import { openWriter, readEmbeddings } from '#src/embedding/formats/index.js';
import { assertSameIdentity, DECLARED, sameIdentity } from '#src/embedding/identity.js';
import { anyFloats, identityOf } from '../embedding/formats/helpers.js';
import { missing, python } from '../models/python.js';

let folder: string;
let opened: Collection[];
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'exchange-'));
  opened = [];
});
afterEach(async () => {
  for (const collection of opened) await collection.close();
  await rm(folder, { recursive: true, force: true });
});

const at = (name: string) => path.join(folder, name);

async function collectionAt(name: string, root?: string): Promise<Collection> {
  const collection = await openCollection(at(name), { create: true, root });
  opened.push(collection);
  return collection;
}

/** Finite vectors of ordinary size, with all 24 bits in use, and -0. */
function vectorOf(i: number, dimension = 12): Float32Array {
  const vector = Float32Array.from(anyFloats(dimension, i + 1), (x) => Math.fround(Math.sin(x % 1000) + i));
  vector[1] = -0;
  return vector;
}

async function writeRows(name: string, rows: { id: string; vector: Float32Array }[], dimension = 12) {
  const { writer } = await openWriter(at(name), 'jsonl', {
    identity: identityOf(dimension),
    overwrite: true,
  });
  await writer.append(rows);
  await writer.close();
  return at(name);
}

/** Everything in a collection, by id. */
async function contents(
  collection: Collection,
): Promise<Map<string, { bits: string; cells: Record<string, Cell> }>> {
  const { items } = await collection.tablesOf(collection.space());
  const columns = (await items.columns()).map(({ name }) => name).sort();
  const all = new Map<string, { bits: string; cells: Record<string, Cell> }>();
  for await (const { ids, vectors, values } of items.scan({ columns, vectors: true })) {
    const d = vectors.length / ids.length;
    for (const [i, id] of ids.entries()) {
      const cells: Record<string, Cell> = {};
      for (const name of columns) if (values[name]![i] !== null) cells[name] = values[name]![i]!;
      const vector = vectors.slice(i * d, (i + 1) * d);
      all.set(id, { bits: Buffer.from(vector.buffer).toString('hex'), cells });
    }
  }
  return all;
}

const METADATA = {
  id: (i: number) => `a b/ü ${i}.jpg`,
  label: (i: number) => (i % 3 ? `l,"${i}"` : null),
  rating: (i: number) => i / 7,
  seen: (i: number) => i * 1e9,
  good: (i: number) => i % 2 === 0,
  when: (i: number) => new Date(1.6e12 + i * 12345678).toISOString(),
};

/** A collection of vectors and typed columns, made by an import of JSONL. */
async function filled(name: string, rows = 50): Promise<Collection> {
  const lines = Array.from({ length: rows }, (_, i) =>
    JSON.stringify({
      ...Object.fromEntries(Object.entries(METADATA).map(([key, make]) => [key, make(i)])),
      width: 100 + i,
      text: i % 4 ? `caption ${i}\n"two"` : undefined,
      embedding: Array.from(vectorOf(i)),
    }).replace(/("embedding":\[[^,]*,)0,/, '$1-0,'),
  );
  await writeFile(at(`${name}.jsonl`), `${lines.join('\n')}\n`);
  const collection = await collectionAt(name);
  await importVectors(collection, at(`${name}.jsonl`), { model: 'somebody/net' });
  return collection;
}

describe('import and export', () => {
  it('types the columns of a file without types by their values', async () => {
    const collection = await filled('c');
    const { items } = await collection.tablesOf(collection.space());
    const types = Object.fromEntries((await items.columns()).map(({ name, type }) => [name, type]));
    expect(types).toMatchObject({
      label: 'text',
      rating: 'number',
      seen: 'integer',
      good: 'boolean',
      when: 'time',
    });
    const item = (await contents(collection)).get(METADATA.id(8))!;
    expect(item.bits).toBe(Buffer.from(vectorOf(8).buffer).toString('hex'));
    expect(item.cells).toMatchObject({
      label: 'l,"8"',
      rating: 8 / 7,
      seen: 8e9,
      good: true,
      when: new Date(METADATA.when(8)),
      width: 108,
    });
  });

  it.each(['out.parquet', 'out.npy', 'out.jsonl', 'out.csv', 'out/'])(
    'gives a collection back from %s: every bit, every cell',
    async (name) => {
      const from = await filled('from');
      const summary = await exportCollection(from, at(name));
      expect(summary.count).toBe(50);
      const read = await readEmbeddings(at(name));
      expect(read.identity).toEqual(from.space().identity);
      const stored = await contents(from);
      read.ids.forEach((id, i) => {
        const vector = read.vectors.slice(i * 12, (i + 1) * 12);
        expect(Buffer.from(vector.buffer).toString('hex')).toBe(stored.get(id)!.bits);
      });
      const to = await collectionAt('to');
      const back = await importVectors(to, at(name));
      expect(back).toMatchObject({ items: 50, repeated: 0, renamed: [] });
      expect(await contents(to)).toEqual(stored);
      expect(to.space().key).toBe(from.space().key);
    },
  );

  it('writes only what is asked for, and refuses what does not fit before writing', async () => {
    const collection = await filled('c');
    const done = await exportCollection(collection, at('some.csv'), {
      where: 'rating < 1 and good',
      columns: ['label', 'rating'],
      vectors: false,
    });
    expect([done.count, done.columns]).toEqual([4, ['label', 'rating']]);
    const lines = (await readFile(at('some.csv'), 'utf8')).trim().split('\n');
    expect(lines[0]).toBe('id,label,rating');
    expect(lines[1]).toBe(`${METADATA.id(0)},,0`);
    expect(lines).toHaveLength(5);
    const attempt = (name: string, options = {}) => exportCollection(collection, at(name), options);
    await expect(attempt('some.csv')).rejects.toThrow('exists');
    await expect(attempt('x.npy', { vectors: false })).rejects.toThrow('without vectors');
    await expect(attempt('x.parquet', { columns: ['lable'] })).rejects.toMatchObject({
      hint: 'did you mean label?',
    });
    await expect(attempt('x')).rejects.toThrow('expected a name that ends in');
    await expect(attempt('x.parquet', { neighbors: 0 })).rejects.toThrow('neighbors');
    expect(existsSync(at('x.npy')) || existsSync(at('x.parquet'))).toBe(false);
  });

  it('leaves what was there when it is ended midway', async () => {
    const rows = Array.from({ length: 9000 }, (_, i) => ({ id: `${i}`, vector: vectorOf(i, 4) }));
    const collection = await collectionAt('c');
    await importVectors(collection, await writeRows('many.jsonl', rows, 4));
    for (const name of ['out.parquet', 'out.npy', 'out.csv']) {
      await writeFile(at(name), 'before');
      const abort = new AbortController();
      const ended = exportCollection(collection, at(name), {
        overwrite: true,
        signal: abort.signal,
        onProgress: () => abort.abort(new Error('enough')),
      });
      await expect(ended).rejects.toThrow('enough');
      expect(await readFile(at(name), 'utf8')).toBe('before');
      expect(existsSync(at(`${name}.writing`)) || existsSync(at(`${name}.partial.lock`))).toBe(false);
    }
  });

  it('records paths below the folder of images, and the files that are there', async () => {
    const root = at('photos');
    await mkdir(path.join(root, 'a'), { recursive: true });
    await writeFile(path.join(root, 'a', '1.jpg'), 'eleven byte');
    const rows = ['a/1.jpg', path.join(root, 'b.jpg')].map((id, i) => ({ id, vector: vectorOf(i) }));
    const collection = await collectionAt('photos/.afterimage', root);
    const done = await importVectors(collection, await writeRows('v.jsonl', rows));
    expect([done.items, done.found, done.declared]).toEqual([2, 1, false]);
    const all = await contents(collection);
    expect([...all.keys()].sort()).toEqual(['a/1.jpg', 'b.jpg']);
    expect(all.get('a/1.jpg')!.cells.size).toBe(11);
    await exportCollection(collection, at('p.parquet'));
    const { rows: read } = await readEmbeddings(at('p.parquet'));
    expect(read.find(({ id }) => id === 'a/1.jpg')!.metadata!.path).toBe(
      path.resolve(collection.fileOf('a/1.jpg')),
    );
    // On the way back a path that only says where the item lies is no column.
    const back = await importVectors(await collectionAt('back'), at('p.parquet'));
    expect(back.columns).toEqual([]);
  });
});

describe('rows of one id', () => {
  it('count once when their vectors are equal, and are refused with their rows when not', async () => {
    const collection = await collectionAt('c');
    const twice = [0, 1, 0].map((i) => ({ id: `${i}.jpg`, vector: vectorOf(i) }));
    const done = await importVectors(collection, await writeRows('twice.jsonl', twice));
    expect([done.rows, done.items, done.repeated]).toEqual([3, 2, 1]);
    const differ = [...twice, { id: '1.jpg', vector: vectorOf(9) }];
    const file = await writeRows('differ.jsonl', differ);
    const other = await collectionAt('other');
    await expect(importVectors(other, file)).rejects.toThrow('row 3: "1.jpg" is the id of row 1, too');
    expect(other.spaces).toEqual([]);
    const numbered = await importVectors(other, file, { id: 'row' });
    expect(numbered.items).toBe(4);
    const all = await contents(other);
    expect([...all.keys()].sort()).toEqual(['0', '1', '2', '3']);
    expect(all.get('3')!.cells.source).toBe('1.jpg');
  });

  it('replace what an earlier import has written, so that a broken one is completed by the next', async () => {
    const rows = Array.from({ length: 25_000 }, (_, i) => ({ id: `${i}`, vector: vectorOf(i, 4) }));
    const file = await writeRows('many.jsonl', rows, 4);
    const collection = await collectionAt('c');
    const abort = new AbortController();
    const broken = importVectors(collection, file, {
      signal: abort.signal,
      onProgress: ({ stage }) => stage === 'write' && abort.abort(new Error('enough')),
    });
    await expect(broken).rejects.toThrow('enough');
    expect(collection.space().state).toBe('building');
    const { items } = await collection.tablesOf(collection.space());
    expect(await items.count()).toBeLessThan(25_000);
    const done = await importVectors(collection, file);
    expect([done.items, await items.count(), done.space.state]).toEqual([25_000, 25_000, 'ready']);
    expect(collection.current!.key).toBe(done.space.key);
  }, 60_000);

  it('that cannot be used are refused before anything is written', async () => {
    const collection = await collectionAt('c');
    await writeFile(at('zero.csv'), 'id,e0,e1\na,1,0\nb,0,0\n');
    await expect(importVectors(collection, at('zero.csv'), { model: 'x' })).rejects.toThrow(
      'row 1: the vector is zero',
    );
    await writeFile(at('nan.jsonl'), '{"id":"a","embedding":[1,2]}\n{"id":"b","embedding":[1e39,0]}\n');
    await expect(importVectors(collection, at('nan.jsonl'), { model: 'x' })).rejects.toThrow('not finite');
    expect(collection.spaces).toEqual([]);
  });
});

describe('declared identities', () => {
  const clip = { normalized: true, dimension: 512 };
  async function unitRows(name: string, dimension: number): Promise<string> {
    const rows = [0, 1].map((i) =>
      JSON.stringify({ id: `${i}`, embedding: Array.from({ length: dimension }, (_, k) => +(k === i)) }),
    );
    await writeFile(at(name), `${rows.join('\n')}\n`);
    return at(name);
  }
  const imported = async (file: string, options: ImportOptions) => {
    const collection = await collectionAt(`c${opened.length}`);
    return (await importVectors(collection, file, options)).space;
  };

  it('of a known model match that model when it is opened, and no other', async () => {
    const space = await imported(await unitRows('u.jsonl', 512), { model: 'ViT-B-32::openai' });
    expect(space.identity).toMatchObject({
      ...clip,
      model: 'clip-vit-b32',
      weights: DECLARED,
      output: 'projection',
    });
    expect(space.embedder).toMatchObject({ model: 'clip-vit-b32', options: { output: 'projection' } });
    const real = { ...space.identity, weights: 'ab'.repeat(32), revision: 'abc', transform: 'cd'.repeat(32) };
    expect(sameIdentity(space.identity, real)).toBe(true);
    expect(sameIdentity(real, { ...real, weights: 'ef'.repeat(32) })).toBe(false);
    for (const other of [
      { model: 'clip-vit-b16' },
      { output: 'cls' },
      { normalized: false },
      { dimension: 768 },
    ])
      expect(() => assertSameIdentity(space.identity, { ...real, ...other }, 'it')).toThrow(
        Object.keys(other)[0]!,
      );
  });

  it('say what does not fit', async () => {
    const file = await unitRows('u.jsonl', 300);
    await expect(imported(file, {})).rejects.toThrow('does not say which model');
    await expect(imported(file, { model: 'clip-vit-b32' })).rejects.toThrow(
      '300 numbers, but those of clip-vit-b32 512',
    );
    await expect(imported(file, { identity: { model: 'x', dimension: 64 } })).rejects.toThrow(
      'expected vectors of 64',
    );
    const unknown = await imported(file, { model: 'our own net' });
    expect([unknown.embedder, unknown.identity.output]).toEqual([null, DECLARED]);
    const own = await writeRows('own.jsonl', [{ id: 'a', vector: vectorOf(1) }]);
    await expect(imported(own, { model: 'clip-vit-b32' })).rejects.toThrow('are of test, as it says itself');
    const loose = await writeRows('loose.jsonl', [{ id: 'a', vector: vectorOf(1) }]);
    await rm(`${loose}.identity.json`);
    await expect(imported(loose, { identity: { model: 'x', normalized: true } })).rejects.toThrow(
      'unit length',
    );
    expect((await imported(loose, { model: 'x' })).identity.normalized).toBe(false);
  });

  it('join the vectors that the collection has of that model', async () => {
    const collection = await collectionAt('c');
    const real = { ...identityOf(512), model: 'clip-vit-b32', output: 'projection', normalized: true };
    const { writer } = await openWriter(at('real.jsonl'), 'jsonl', { identity: real });
    await writer.append([{ id: 'r', vector: Float32Array.from({ length: 512 }, (_, k) => +(k === 5)) }]);
    await writer.close();
    await importVectors(collection, at('real.jsonl'));
    await importVectors(collection, await unitRows('u.jsonl', 512), { model: 'clip-vit-b32' });
    expect(collection.spaces).toHaveLength(1);
    expect([...(await contents(collection)).keys()].sort()).toEqual(['0', '1', 'r']);
  });
});

describe('texts', () => {
  it('of a mixed file are imported apart, and named by themselves', async () => {
    const { writer } = await openWriter(at('mixed.parquet'), 'parquet', { identity: identityOf(12) });
    await writer.append([
      { id: 'a.jpg', vector: vectorOf(1) },
      { id: 'a.jpg', kind: 'text', text: 'a beach', vector: vectorOf(2) },
    ]);
    await writer.close();
    const [images, texts] = [await collectionAt('images'), await collectionAt('texts')];
    await importVectors(images, at('mixed.parquet'));
    await importVectors(texts, at('mixed.parquet'), { texts: true });
    expect([...(await contents(images)).keys()]).toEqual(['a.jpg']);
    const all = await contents(texts);
    expect([...all.keys()]).toEqual(['a beach']);
    expect(all.get('a beach')!.cells).toMatchObject({ text: 'a beach', kind: 'text', source: 'a.jpg' });
    await exportCollection(texts, at('folder/'));
    expect(existsSync(at('folder/text_emb/text_emb_0000.npy'))).toBe(true);
  });
});

describe('exports in Python', () => {
  const lacks = missing('numpy', 'pandas', 'pyarrow', 'duckdb', 'sklearn');
  it.skipIf(lacks !== undefined)(
    `open with their types, projection and neighbours${lacks ? `: skipped, ${lacks}` : ''}`,
    async () => {
      const scripts = path.resolve('test/fixtures/collection');
      execFileSync(process.execPath, [path.join(scripts, 'write_exports.mjs'), folder]);
      const said = execFileSync(python, ['-W', 'ignore', path.join(scripts, 'check_exports.py'), folder], {
        encoding: 'utf8',
      });
      expect(said.trim().endsWith('all equal')).toBe(true);
    },
    120_000,
  );
});

describe('CLIP’s vectors', () => {
  const data = path.join(process.env.AFTERIMAGE_DATA ?? '../shared/data', 'clip_vectors');
  const there = existsSync(path.join(data, 'metadata.csv'));
  const title = there ? '' : `: skipped, no ${data} (set AFTERIMAGE_DATA)`;
  it.skipIf(!there)(
    `find their photographs and captions as often as by NumPy${title}`,
    async () => {
      const { recallOfStore } = (await import('../../bench/search/recall.mjs' as string)) as {
        recallOfStore(folder: string): Promise<object>;
      };
      // Printed by bench/peers/search-recall.py, the same by NumPy and by scikit-learn.
      expect(await recallOfStore(data)).toEqual({
        text_to_image: { 1: [226, 250], 5: [249, 250], 10: [250, 250] },
        image_to_text: { 1: [50, 50], 5: [50, 50], 10: [50, 50] },
      });
    },
    60_000,
  );
});
