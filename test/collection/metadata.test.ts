/** @file Columns of one's own from CSV, JSON Lines and Parquet, joined to items without embedding anything. */

import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Collection, openCollection } from '#src/collection/collection.js';
import { indexFolder } from '#src/collection/index-folder.js';
import { FormatError } from '#src/errors.js';
import { picture, put, temporaryFolder } from './pictures.js';

let place: Awaited<ReturnType<typeof temporaryFolder>>;
let collection: Collection;
const file = (name: string) => path.join(place.folder, name);

async function cells(id: string, columns: string[]) {
  const { items } = await collection.tablesOf(collection.space());
  const { values } = await items.get([id], { columns });
  return Object.fromEntries(columns.map((name) => [name, values[name]![0]]));
}

beforeAll(async () => {
  place = await temporaryFolder();
  const names = ['a/one.png', 'a/two.png', 'b/two.png', 'b/three.png'];
  for (const [i, name] of names.entries()) await put(path.join(place.folder, 'in', name), await picture(i));
  collection = await openCollection(file('in/.afterimage'), { create: true, root: file('in') });
});

afterAll(async () => {
  await collection.close();
  await place[Symbol.asyncDispose]();
});

it('reads CSV by the look of its values, and updates only what differs', async () => {
  const csv = (stars: string) =>
    `picture,stars,good,price,when,note,width\none.png,${stars},true,1.5,2020-02-03,"a, b",9\n` +
    'b/two.png,4,false,2,2021-02-03T04:05:06Z,,8\ntwo,1,true,1,2020-01-01,both,1\nnone.png,1,true,1,2020-01-01,x,1\n';
  await writeFile(file('m.csv'), csv('3'));
  const first = await indexFolder(collection, { metadata: file('m.csv') });
  expect(first.spaces[0]).toMatchObject({ embedded: 4 });
  expect(first.metadata).toMatchObject({
    joinedBy: 'picture',
    matched: 2,
    changed: 2,
    unmatched: 2,
    example: 'two', // there are two of that name
    renamed: [['width', 'metadata_width']],
  });
  const columns = ['stars', 'good', 'price', 'when', 'note', 'metadata_width', 'width'];
  expect(await cells('a/one.png', columns)).toEqual({
    stars: 3,
    good: true,
    price: 1.5,
    when: new Date('2020-02-03T00:00:00Z'),
    note: 'a, b',
    metadata_width: 9,
    width: 48,
  });
  expect(await cells('b/two.png', ['when', 'note'])).toEqual({
    when: new Date('2021-02-03T04:05:06Z'),
    note: null,
  });

  await writeFile(file('m.csv'), csv('5'));
  const second = await indexFolder(collection, { metadata: file('m.csv') });
  expect(second.spaces[0]).toMatchObject({ embedded: 0, unchanged: 4 });
  expect(second.metadata).toMatchObject({ matched: 2, changed: 1 });
  expect(await cells('a/one.png', ['stars'])).toEqual({ stars: 5 });
});

it('reads JSON Lines by their types, and fills the text', async () => {
  await writeFile(
    file('m.jsonl'),
    '{"file": "in/b/three.png", "text": "three of them", "code": "007", "tags": ["x", "y"]}\n',
  );
  const { metadata } = await indexFolder(collection, { metadata: file('m.jsonl') });
  expect(metadata).toMatchObject({ matched: 1, changed: 1, unmatched: 0 });
  const found = await cells('b/three.png', ['text', 'code', 'tags', 'stars']);
  expect(found).toEqual({ text: 'three of them', code: '007', tags: '["x","y"]', stars: null });
});

it('reads Parquet', async () => {
  const { parquetWriteFile } = await import('hyparquet-writer');
  parquetWriteFile({
    filename: file('m.parquet'),
    columnData: [
      { name: 'id', data: ['a/two.png', 'b/three.png'], type: 'STRING' },
      { name: 'weight', data: [0.25, 3], type: 'DOUBLE' },
      { name: 'seen', data: [new Date(5000), new Date(7000)], type: 'TIMESTAMP' },
    ],
  });
  const { metadata } = await indexFolder(collection, { metadata: file('m.parquet') });
  expect(metadata).toMatchObject({ matched: 2, changed: 2 });
  expect(await cells('a/two.png', ['weight', 'seen'])).toEqual({ weight: 0.25, seen: new Date(5000) });
});

it('keeps what was said of a file when it changes or moves', async () => {
  await put(path.join(place.folder, 'in/a/one.png'), await picture(50), '2024-09-09T00:00:00Z');
  const { rename } = await import('node:fs/promises');
  await rename(file('in/b/three.png'), file('in/b/four.png'));
  const { spaces } = await indexFolder(collection);
  expect(spaces[0]).toMatchObject({ embedded: 1, reused: 1, removed: 0 });
  expect(await cells('a/one.png', ['stars', 'note'])).toEqual({ stars: 5, note: 'a, b' });
  expect(await cells('b/four.png', ['text', 'code'])).toEqual({ text: 'three of them', code: '007' });
});

it('takes accents however they are composed, and no column without a name', async () => {
  const name = 'caf\u00e9.png'; // as it is typed; some disks keep e and its accent apart
  await put(path.join(place.folder, 'in/d', name.normalize('NFD')), await picture(60));
  await writeFile(file('n.csv'), `,file,drink\n0,d/${name},coffee\n1,${name},tea\n`);
  const { metadata } = await indexFolder(collection, { metadata: file('n.csv') });
  expect(metadata).toMatchObject({ matched: 2, columns: [{ name: 'drink', type: 'text' }] });
  expect(await cells(`d/${name.normalize('NFD')}`, ['drink'])).toEqual({ drink: 'tea' });
});

it('says what is wrong with a file', async () => {
  await writeFile(file('bad.csv'), 'x,y\n1,2\n');
  await expect(indexFolder(collection, { metadata: file('bad.csv') })).rejects.toThrow(FormatError);
  await expect(indexFolder(collection, { metadata: file('m.xlsx') })).rejects.toThrow(
    /\.csv, \.jsonl or \.parquet/,
  );
});
