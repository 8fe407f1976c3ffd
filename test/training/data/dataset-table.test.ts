import { writeFileSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { parquetWriteBuffer } from 'hyparquet-writer';
import tar from 'tar-stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDataSet } from '#src/training/data/dataset.js';
import { keepItems } from '#src/training/data/dataset-assemble.js';
import { Disk, labelsOf, png, refusal } from './dataset-on-disk.js';

let disk: Disk;

beforeAll(async () => {
  disk = await Disk.create();
  await disk.write({ 'images/a.png': 1, 'images/b.png': 2, 'images/c.png': 3, 'images/d.png': 4 });
});
afterAll(() => disk.remove());

async function open(name: string, content: string | Uint8Array, options = {}) {
  await disk.write({ [name]: content });
  return disk.open(name, options);
}

describe('a label file', () => {
  const expected = { 'images/a.png': 'cat', 'images/b.png': 'dog', 'images/c.png': 'big, red cat' };

  it('is a CSV with a mark, quotes and Windows line ends', async () => {
    const set = await open(
      'labels.csv',
      '\ufeffpath,label\r\n./images/b.png,dog\r\nimages/../images/a.png, cat\r\nimages/c.png,"big, red cat"\r\n',
    );
    expect(set.kind).toBe('labelled');
    expect(labelsOf(set)).toEqual(expected);
    expect(set.classes).toEqual(['big, red cat', 'cat', 'dog']);
    expect([...set.labels!]).toEqual([1, 2, 0]);
    expect(set.items[0]!.input).toBe(disk.path('images/a.png'));
  });

  it('is a CSV without a header', async () => {
    const set = await open('bare.csv', 'images/a.png,cat\nimages/b.png,dog\nimages/c.png,"big, red cat"\n');
    expect(labelsOf(set)).toEqual(expected);
  });

  it('is JSON Lines, with groups and parts', async () => {
    const set = await open(
      'labels.jsonl',
      '{"image":"images/a.png","class":3,"group":"x","split":"train"}\n\n{"image":"images/b.png","class":12,"group":"y","split":"val"}\n',
    );
    expect(set.classes).toEqual(['12', '3']);
    expect(set.items.map(({ group }) => group)).toEqual(['x', 'y']);
    expect(set.given).toEqual(['train', 'validation']);
  });

  it('is a Parquet file with integer labels', async () => {
    const bytes = parquetWriteBuffer({
      columnData: [
        { name: 'filename', data: ['b.png', 'a.png'], type: 'STRING' },
        { name: 'target', data: [7n, 1n], type: 'INT64' },
      ],
    });
    const set = await open('labels.parquet', new Uint8Array(bytes), { images: disk.path('images') });
    expect(labelsOf(set)).toEqual({ 'a.png': '1', 'b.png': '7' });
  });

  it('names members of an archive, with or without its outer folder', async () => {
    const pack = tar.pack();
    for (const name of ['images/a.png', 'images/b.png', 'images/unused.png'])
      pack.entry({ name }, await png(1));
    pack.finalize();
    writeFileSync(disk.path('images.tar'), await buffer(pack));
    await disk.write({ 'short.csv': 'path,label\na.png,cat\nb.png,dog\n' });
    const set = await disk.open('short.csv', { images: disk.path('images.tar') });
    expect(labelsOf(set)).toEqual({ 'a.png': 'cat', 'b.png': 'dog' });
    expect(set.items[0]!.input).toBeInstanceOf(Uint8Array);
    await disk.write({ 'long.csv': 'path,label\nimages/a.png,cat\nimages/b.png,dog\n' });
    const beside = await openDataSet(disk.path('images.tar'), { labels: disk.path('long.csv') });
    expect(labelsOf(beside)).toEqual({ 'images/a.png': 'cat', 'images/b.png': 'dog' });
  });

  it('without labels gives unlabelled images, each once', async () => {
    const set = await open(
      'captions.csv',
      'image,caption\nimages/b.png,one\nimages/b.png,two\nimages/a.png,three\n',
    );
    expect(set).toMatchObject({ kind: 'unlabelled', warnings: [] });
    expect(set.items.map(({ id }) => id)).toEqual(['images/a.png', 'images/b.png']);
  });

  it('may repeat an image, but not with another label', async () => {
    const set = await open(
      'twice.csv',
      'path,label\nimages/a.png,cat\n./images/a.png,cat\nimages/b.png,dog\n',
    );
    expect(set.items.length).toBe(2);
    expect(set.warnings).toEqual(['1 row of twice.csv repeats an image that was named before']);
    expect(await refusal(open('torn.csv', 'path,label\nimages/a.png,cat\nimages/a.png,dog\n'))).toMatch(
      /torn\.csv: expected one label for images\/a\.png but it is "cat" \(line 2\) and "dog" \(line 3\)/,
    );
  });
});

describe('images that are missing', () => {
  const rows = [
    'images/a.png,cat',
    'images/x.png,cat',
    'images/b.png,dog',
    'images/y.png,dog',
    'images/x.png,cat',
  ];
  const csv = `path,label\n${rows.join('\n')}\n`;

  it('are counted and named with their lines', async () => {
    expect(await refusal(open('missing.csv', csv))).toMatch(
      /missing\.csv: expected every image that it names in .*, but 2 of 4 images are missing: images\/x\.png \(line 3\), images\/y\.png \(line 5\) \| .*onMissing: 'skip'/,
    );
  });

  it('can be left out', async () => {
    const set = await open('missing.csv', csv, { onMissing: 'skip' });
    expect(labelsOf(set)).toEqual({ 'images/a.png': 'cat', 'images/b.png': 'dog' });
    expect(set.warnings).toEqual([
      '2 images of missing.csv missing and left out: images/x.png, images/y.png',
    ]);
  });

  it('cannot be all of them', async () => {
    const all = 'path,label\na.png,cat\nb.png,dog\n';
    expect(await refusal(open('elsewhere.csv', all, { onMissing: 'skip' }))).toMatch(
      /but all of 2 images are missing: a\.png \(line 2\), b\.png \(line 3\) \| say with images in which folder/,
    );
    expect(labelsOf(await disk.open('elsewhere.csv', { images: disk.path('images') }))).toEqual({
      'a.png': 'cat',
      'b.png': 'dog',
    });
  });
});

describe('a label file that cannot be used', () => {
  it.each([
    [
      'a mistyped column',
      'path,label\nimages/a.png,cat\n',
      { labelColumn: 'lable' },
      /expected a column "lable" but there is none \(columns: path, label\) \| did you mean "label"\?/,
    ],
    [
      'no paths',
      'name,label\nx,cat\n',
      {},
      /expected a column for the paths of images but found none \(columns: name, label\) \| name it with pathColumn/,
    ],
    [
      'no labels',
      'path,colour\nimages/a.png,red\n',
      { kind: 'labelled' },
      /expected a column of labels but found none .*labelColumn/,
    ],
    [
      'empty cells',
      'path,label\nimages/a.png,cat\nimages/b.png,\nimages/c.png, \n',
      {},
      /expected a value in column "label" but 2 cells are empty: line 3, line 4/,
    ],
    ['no rows', 'path,label\n', {}, /expected rows that name images but it has none/],
    ['a torn row', 'path,label\nimages/a.png\n', {}, /line 2: expected 2 cells but found 1/],
    [
      'an unknown part',
      'path,label,split\nimages/a.png,cat,holdout\n',
      {},
      /line 2: expected train, validation or test in column "split" but found "holdout"/,
    ],
    [
      'pairs without columns',
      'path,label\nimages/a.png,cat\n',
      { kind: 'pairs' },
      /expected a column for pairs of paths/,
    ],
    [
      'an odd truth',
      'a,b,same\nimages/a.png,images/b.png,maybe\n',
      {},
      /line 2: expected 1 \(same\) or 0 \(different\) in column "same" but found "maybe"/,
    ],
  ])('%s', async (_, content, options, expected) => {
    expect(await refusal(open('bad.csv', content, options))).toMatch(expected);
  });

  it('is not there', async () => {
    expect(await refusal(disk.open('none.csv'))).toMatch(/labels: there is no file or folder ".*none\.csv"/);
    expect(await refusal(disk.open('bad.csv', { images: disk.path('nowhere') }))).toMatch(
      /images: there is no file/,
    );
  });
});

describe('pairs', () => {
  const csv =
    'a,b,same\nimages/c.png,images/a.png,1\nimages/a.png,images/b.png,false\nimages/b.png,images/d.png,0\n';

  it('refer to items that are each there once', async () => {
    const set = await open('pairs.csv', csv);
    expect(set.kind).toBe('pairs');
    expect(set.items.map(({ id }) => id.slice(-5))).toEqual(['a.png', 'b.png', 'c.png', 'd.png']);
    expect([...set.pairs!]).toEqual([2, 0, 0, 1, 1, 3]);
    expect([...set.same!]).toEqual([1, 0, 0]);
  });

  it('go when one of their images goes', async () => {
    const set = keepItems(await open('pairs.csv', csv), ({ id }) => !id.endsWith('c.png'));
    expect(set.items.length).toBe(3);
    expect([...set.pairs!]).toEqual([0, 1, 1, 2]);
    expect([...set.same!]).toEqual([0, 0]);
  });

  it('are found under other names and without a header', async () => {
    const named = await open('named.csv', csv.replace('a,b,same', 'left_eye,right_eye,verdict'), {
      pairColumns: ['left_eye', 'right_eye'],
      sameColumn: 'verdict',
    });
    expect([...named.same!]).toEqual([1, 0, 0]);
    const bare = await open('bare-pairs.csv', csv.slice(csv.indexOf('\n') + 1));
    expect([...bare.pairs!]).toEqual([2, 0, 0, 1, 1, 3]);
    const all = await open('together.csv', 'image1,image2\nimages/a.png,images/b.png\n');
    expect([...all.same!]).toEqual([1]);
  });
});

describe('triplets', () => {
  it('refer to items that are each there once', async () => {
    const set = await open(
      'triplets.csv',
      'anchor,positive,negative,split\nimages/a.png,images/b.png,images/d.png,train\nimages/b.png,images/a.png,images/c.png,test\n',
    );
    expect(set.kind).toBe('triplets');
    expect([...set.triplets!]).toEqual([0, 1, 3, 1, 0, 2]);
    expect(set.given).toEqual(['train', 'test']);
  });
});
