import path from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { createGzip } from 'node:zlib';
import tar from 'tar-stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDataSet } from '#src/training/data/dataset.js';
import { fingerprintDataSet, keepItems } from '#src/training/data/dataset-assemble.js';
import { Disk, labelsOf, png, refusal } from './dataset-on-disk.js';

let disk: Disk;
const zip = path.resolve('test/fixtures/training/data/classes.zip'); // by make_zip.py

beforeAll(async () => {
  disk = await Disk.create();
  await disk.write({
    'plain/dog/2.png': 1,
    'plain/dog/1.png': 2,
    'plain/cat/deep/er/1.png': 3,
    'plain/cat/.hidden.png': 4,
    'plain/cat/notes.txt': 'no image',
    'plain/.git/1.png': 5,
    'loose/b.png': 1,
    'loose/a.png': 2,
    'mixed/cat/1.png': 1,
    'mixed/dog/1.png': 2,
    'mixed/stray.png': 3,
    'given/train/cat/1.png': 1,
    'given/train/dog/1.png': 2,
    'given/val/cat/2.png': 3,
    'given/Test/dog/2.png': 4,
    'vehicles/train/1.png': 1,
    'vehicles/bus/1.png': 2,
    'products/cup/p1/front.png': 1,
    'products/cup/p1/back.png': 2,
    'products/cup/p2/front.png': 3,
    'products/bowl/p3/front.png': 4,
    'one/cat/1.png': 1,
    'empty/readme.txt': 'nothing here',
  });
});
afterAll(() => disk.remove());

describe('a folder per class', () => {
  it('gives classes by the first folder, sorted, without hidden files and clutter', async () => {
    const set = await disk.open('plain');
    expect(set.kind).toBe('labelled');
    expect(set.classes).toEqual(['cat', 'dog']);
    expect(set.items.map(({ id }) => id)).toEqual(['cat/deep/er/1.png', 'dog/1.png', 'dog/2.png']);
    expect([...set.labels!]).toEqual([0, 1, 1]);
    expect(set.items[0]!.input).toBe(disk.path('plain/cat/deep/er/1.png'));
    expect(set.given).toBeNull();
  });

  it('takes folders train, val and test as the split', async () => {
    const set = await disk.open('given');
    expect(set.classes).toEqual(['cat', 'dog']);
    expect(set.given).toEqual(['test', 'train', 'train', 'validation']);
    expect((await disk.open('given', { givenSplit: false })).classes).toEqual(['Test', 'train', 'val']);
  });

  it('leaves a class alone that happens to be called train', async () => {
    const set = await disk.open('vehicles');
    expect(set.classes).toEqual(['bus', 'train']);
    expect(set.given).toBeNull();
  });

  it('names classes by several folders, and groups', async () => {
    const set = await disk.open('products', { groupDepth: 2 });
    expect(set.classes).toEqual(['bowl', 'cup']);
    expect(set.items.map(({ group }) => group)).toEqual(['bowl/p3', 'cup/p1', 'cup/p1', 'cup/p2']);
    expect((await disk.open('products', { classDepth: 2 })).classes).toEqual(['bowl/p3', 'cup/p1', 'cup/p2']);
  });

  it('filters by globs', async () => {
    const set = await disk.open('plain', { include: ['1.png'], exclude: ['deep'] });
    expect(set.items.map(({ id }) => id)).toEqual(['dog/1.png']);
  });

  it('is refused as labelled when images lie beside the classes', async () => {
    expect((await disk.open('mixed')).kind).toBe('unlabelled');
    expect(await refusal(disk.open('mixed', { kind: 'labelled' }))).toMatch(
      /expected every image in a class folder but 1 of 3 images is not: stray.png/,
    );
  });
});

describe('loose images', () => {
  it('are unlabelled', async () => {
    const set = await disk.open('loose');
    expect(set).toMatchObject({ kind: 'unlabelled', classes: [], labels: null });
    expect(set.items.map(({ id }) => id)).toEqual(['a.png', 'b.png']);
  });

  it('may be classes that are not wanted', async () => {
    expect((await disk.open('plain', { kind: 'unlabelled' })).labels).toBeNull();
  });

  it('are found by glob and by list', async () => {
    expect((await disk.open('*/dog/*.png')).items.length).toBe(3);
    await disk.write({ 'list.txt': `${disk.path('loose/b.png')}\n# remark\n${disk.path('loose/a.png')}\n` });
    expect((await openDataSet(`@${disk.path('list.txt')}`)).items.length).toBe(2);
  });

  it('come from several folders under their names', async () => {
    const set = await openDataSet([disk.path('plain'), disk.path('one')]);
    expect(labelsOf(set)).toEqual({
      'one/cat/1.png': 'cat',
      'plain/cat/deep/er/1.png': 'cat',
      'plain/dog/1.png': 'dog',
      'plain/dog/2.png': 'dog',
    });
  });
});

describe('archives', () => {
  it('are zip files with an outer folder; damaged members are set aside', async () => {
    const set = await openDataSet(zip, { classDepth: 2, groupDepth: 1 });
    expect(set.classes).toEqual(['Greek/alpha', 'Greek/beta', 'Latin/a']);
    expect([...set.labels!]).toEqual([0, 0, 1, 1, 2, 2]);
    expect([...new Set(set.items.map(({ group }) => group))]).toEqual(['Greek', 'Latin']);
    expect(set.items[0]!.id).toBe('drawings/Greek/alpha/0.png');
    expect(set.items[0]!.input).toBeInstanceOf(Uint8Array);
    expect(set.unreadable).toEqual([
      { id: 'drawings/Latin/a/damaged.png', stage: 'read', reason: 'damaged: its checksum differs' },
    ]);
    expect((await openDataSet(zip)).classes).toEqual(['Greek', 'Latin']);
  });

  it('are gzipped tar files with a split inside', async () => {
    const pack = tar.pack();
    for (const name of ['set/train/a/1.png', 'set/train/b/1.png', 'set/validation/a/2.png'])
      pack.entry({ name }, await png(name.length));
    pack.finalize();
    await disk.write({ 'set.tar.gz': await buffer(Readable.from(pack).pipe(createGzip())) });
    const set = await disk.open('set.tar.gz');
    expect(set.classes).toEqual(['a', 'b']);
    expect(set.given).toEqual(['train', 'train', 'validation']);
  });

  it('that are damaged are an error, not an empty set', async () => {
    await disk.write({ 'bad.zip': 'this is no archive' });
    expect(await refusal(disk.open('bad.zip'))).toMatch(/FormatError: .*bad\.zip: the archive is damaged/);
  });
});

describe('data that is not there', () => {
  it.each([
    ['nowhere', /UsageError: data: there is no file or folder ".*nowhere" \| check the spelling/],
    ['empty', /expected images in .*empty but found none \(.*none of its 1 files is one by name/],
    ['no*.png', /no file matches this pattern/],
  ])('%s', async (name, expected) => {
    expect(await refusal(disk.open(name))).toMatch(expected);
  });

  it('asks for a label file where pairs are wanted', async () => {
    expect(await refusal(disk.open('plain', { kind: 'pairs' }))).toMatch(/expected a label file of pairs/);
  });

  it('refuses depths that are no numbers of folders', async () => {
    expect(await refusal(disk.open('plain', { classDepth: 0 }))).toMatch(/classDepth: .*received 0/);
  });
});

describe('parts of a set', () => {
  it('lose the classes that have no image left', async () => {
    const set = keepItems(await disk.open('given'), ({ label }) => label === 'dog');
    expect(set.classes).toEqual(['dog']);
    expect([...set.labels!]).toEqual([0, 0]);
    expect(set.given).toEqual(['test', 'train']);
  });

  it('have another fingerprint, and the same data elsewhere has the same', async () => {
    const set = await disk.open('given');
    const elsewhere = { ...set, items: set.items.map((item) => ({ ...item, input: 'elsewhere' })) };
    expect(fingerprintDataSet(elsewhere)).toBe(fingerprintDataSet(set));
    expect(fingerprintDataSet(keepItems(set, (_, i) => i > 0))).not.toBe(fingerprintDataSet(set));
  });
});
