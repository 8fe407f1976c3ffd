/** @file Opening vectors for analysis: collections, files, images; columns, tables, and what is refused. */
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { groupsOf, labelsOf, numbersOf, openVectorSet } from '#src/analysis/index.js';
import { assertFits, loadFitted, saveFitted } from '#src/analysis/saved.js';
import { sortRows } from '#src/analysis/vector-set.js';
import { indexFolder, openCollection } from '#src/collection/index.js';
import { embedToFile, readEmbeddings } from '#src/embedding/index.js';
import { scratch } from '../cli/run.js';

const { folder, remove } = scratch();
afterAll(remove);
const photos = path.join(folder, 'photos');
const file = path.join(folder, 'vectors.parquet');
const names = ['cats/a.jpg', 'cats/b.jpg', 'boats/c.jpg', 'boats/d.jpg'];

beforeAll(async () => {
  const samples = ['cat-on-floor', 'cat-portrait', 'boats-nagasaki', 'airplane-from-above'];
  const { readdirSync } = await import('node:fs');
  const there = readdirSync('samples').filter((name) => name.endsWith('.jpg'));
  for (const [i, name] of names.entries()) {
    mkdirSync(path.join(photos, path.dirname(name)), { recursive: true });
    const sample = there.find((other) => other.startsWith(samples[i]!)) ?? there[i]!;
    cpSync(path.join('samples', sample), path.join(photos, name));
  }
  await embedToFile({ inputs: [photos] }, file);
  await using collection = await openCollection(path.join(photos, '.afterimage'), {
    create: true,
    root: photos,
  });
  await indexFolder(collection, {});
}, 120_000);

describe('openVectorSet', () => {
  it('gives the vectors of a collection in the order of their ids, with its columns', async () => {
    await using set = await openVectorSet(photos);
    expect(set.kind).toBe('collection');
    expect(set.ids).toEqual([...names].sort());
    expect((await set.column('folder')).cells).toEqual(['boats', 'boats', 'cats', 'cats']);
    expect((await set.column('format')).cells).toEqual(['jpeg', 'jpeg', 'jpeg', 'jpeg']);
    const whole = await readEmbeddings(file);
    for (const [row, id] of set.ids.entries()) {
      const there = whole.ids.findIndex((other) => other.endsWith(id));
      const other = whole.vectors.subarray(there * set.dimension, (there + 1) * set.dimension);
      expect(set.vector(row)).toEqual(other);
      expect(set.file(row)).toBe(path.join(photos, id));
    }
  });

  it('chooses by a condition, and keeps columns for the next one', async () => {
    {
      await using set = await openVectorSet(photos);
      await set.save([{ name: 'stars', type: 'integer', cells: [1, 2, 3, null] }]);
    }
    await using some = await openVectorSet(photos, { where: 'stars >= 2' });
    expect(some.ids).toEqual(['boats/d.jpg', 'cats/a.jpg']);
    expect((await some.column('stars')).cells).toEqual([2, 3]);
    await expect(some.save([{ name: 'hash', type: 'text', cells: ['', ''] }])).rejects.toThrow(/of your own/);
    await expect(openVectorSet(photos, { where: 'stars > 9' })).rejects.toThrow(/no vectors/);
  });

  it('joins a table by the names of the items', async () => {
    const table = path.join(folder, 'prices.csv');
    writeFileSync(table, 'file,price,kind\na.jpg,10,x\nd.jpg,12.5,y\nghost.jpg,1,z\n');
    const warnings: string[] = [];
    await using set = await openVectorSet(file, { table, onWarning: (text) => warnings.push(text) });
    expect(set.kind).toBe('file');
    expect(Array.from(await numbersOf(set, 'price'))).toEqual([Number.NaN, 12.5, 10, Number.NaN]);
    expect(warnings).toEqual([expect.stringMatching(/1 of 3 rows .* "ghost.jpg"/)]);
    await expect(set.column('prize')).rejects.toThrow(
      expect.objectContaining({ hint: expect.stringContaining('did you mean "price"') }),
    );
    await expect(numbersOf(set, 'kind')).rejects.toThrow(/holds texts/);
    await expect(set.save([])).rejects.toThrow(/kept in collections/);
    writeFileSync(table, 'file,price\nnobody.jpg,1\n');
    await expect(openVectorSet(file, { table })).rejects.toThrow(/none of its 1 rows/);
  });

  it('embeds a folder of images on the way', async () => {
    await using set = await openVectorSet(path.join(photos, 'cats'));
    expect(set.kind).toBe('images');
    expect(set.count).toBe(2);
    expect(set.identity?.model).toBe('mini-clip');
  }, 60_000);

  it('says what is missing', async () => {
    await expect(openVectorSet(path.join(folder, 'nowhere'))).rejects.toThrow(/no file or folder/);
    await expect(openVectorSet(file, { where: 'year > 1' })).rejects.toThrow(/this is none/);
    expect(() => sortRows('here', ['b', 'a', 'b'], new Float32Array(3), 1)).toThrow(/called "b"/);
  });

  it('sorts rows in place', () => {
    const data = Float32Array.from([3, 3, 0, 0, 2, 2, 1, 1, 4, 4]);
    expect(sortRows('here', ['d', 'a', 'c', 'b', 'e'], data, 2)).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(Array.from(data)).toEqual([0, 0, 1, 1, 2, 2, 3, 3, 4, 4]);
  });
});

describe('targets', () => {
  it('are classes, numbers and groups', async () => {
    await using set = await openVectorSet(photos);
    const { names: classes, labels, counts } = await labelsOf(set);
    expect([classes, Array.from(labels), counts]).toEqual([
      ['boats', 'cats'],
      [0, 0, 1, 1],
      [2, 2],
    ]);
    await expect(labelsOf(set, 'format')).rejects.toThrow(/one class alone, "jpeg"/);
    await expect(labelsOf(set, 'camera')).rejects.toThrow(/no item has a camera/);
    set.add([{ name: 'shoot', type: 'text', cells: ['x', null, 'x', null] }]);
    expect(new Set(await groupsOf(set, 'shoot')).size).toBe(3);
  });
});

describe('what was fitted', () => {
  it('is one file that knows its vectors', async () => {
    await using set = await openVectorSet(photos);
    const place = path.join(folder, 'head.safetensors');
    const { identity, dimension } = set;
    const tensors = { weight: { shape: [2], data: Float32Array.of(1, 2) } };
    await saveFitted(place, { kind: 'classifier', identity, dimension, config: { names: ['a'] }, tensors });
    const back = await loadFitted(place, 'classifier');
    expect(back.config).toEqual({ names: ['a'] });
    expect(Array.from(back.tensors.weight!)).toEqual([1, 2]);
    assertFits(place, back, set);
    await expect(loadFitted(place, 'regressor')).rejects.toThrow(
      /expected a regressor but found a classifier/,
    );
    const other = { ...back, identity: { ...identity!, model: 'another' } };
    expect(() => assertFits(place, other, set)).toThrow(/model another there, mini-clip here/);
    expect(() => assertFits(place, { identity: null, dimension: 3 }, set)).toThrow(/3 numbers/);
  });
});
