import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkDataSet, formatDataReport } from '#src/training/data/check.js';
import { assertTrainable } from '#src/training/data/check-trainable.js';
import { openDataSet } from '#src/training/data/dataset.js';
import { assembleDataSet } from '#src/training/data/dataset-assemble.js';
import { splitDataSet } from '#src/training/data/split.js';
import { Disk, labelled, png, refusal } from './dataset-on-disk.js';

let disk: Disk;

beforeAll(async () => {
  disk = await Disk.create();
  const whole = await png(99, 64);
  await disk.write({
    'set/train/cat/1.png': 1,
    'set/train/cat/2.png': 2,
    'set/train/cat/3.png': 3,
    'set/train/cat/cut.png': whole.subarray(0, whole.length - 30),
    'set/train/cat/text.png': 'not an image at all',
    'set/train/cat/empty.png': '',
    'set/train/dog/1.png': 4,
    'set/train/dog/large.png': whole,
    'set/test/cat/leaked.png': 1,
    'set/test/dog/relabelled.png': 3,
    'set/test/dog/twice-1.png': 8,
    'set/test/dog/twice-2.png': 8,
    'bad/1.png': 'no',
    'bad/2.png': 'no',
    'pairs/a.png': 1,
    'pairs/b.png': 2,
    'pairs/c.png': 'damaged',
    'pairs/pairs.csv':
      'a,b,same,split\na.png,b.png,1,train\na.png,c.png,0,train\nb.png,b.png,0,train\nb.png,a.png,1,test\n',
  });
});
afterAll(() => disk.remove());

describe('checkDataSet', () => {
  it('leaves out what cannot be decoded, and says what is wrong with the rest', async () => {
    const seen: number[] = [];
    const { set, split, report } = await checkDataSet(await disk.open('set'), {
      split: { validation: 0 },
      inputSize: { width: 32, height: 8 },
      workers: 2,
      onProgress: ({ done, total }) => seen.push(done / total),
    });
    expect(seen.length).toBe(12);
    expect(seen.at(-1)).toBe(1);
    expect(report.unreadable.map(({ id, stage }) => [id, stage])).toEqual([
      ['train/cat/cut.png', 'decode'],
      ['train/cat/empty.png', 'read'],
      ['train/cat/text.png', 'decode'],
    ]);
    expect(report.unreadable[0]!.reason).toMatch(/truncated/);
    expect(set.items.length).toBe(9);
    expect([split.train.length, split.validation.length, split.test.length]).toEqual([5, 0, 4]);
    expect(report.classes).toEqual([
      { name: 'dog', total: 5, train: 2, validation: 0, test: 3 },
      { name: 'cat', total: 4, train: 3, validation: 0, test: 1 },
    ]);
    expect(report.imbalance).toBe(1.5);
    expect(report.duplicates).toEqual([
      { ids: ['test/cat/leaked.png', 'train/cat/1.png'], parts: ['train', 'test'], labels: ['cat'] },
      {
        ids: ['test/dog/relabelled.png', 'train/cat/3.png'],
        parts: ['train', 'test'],
        labels: ['dog', 'cat'],
      },
      { ids: ['test/dog/twice-1.png', 'test/dog/twice-2.png'], parts: ['test'], labels: ['dog'] },
    ]);
    expect(report.small.length).toBe(8);
    expect(report.width).toEqual([8, 8, 64]);
    expect(report.warnings).toEqual([
      '3 images are unreadable and left out',
      expect.stringMatching(
        /^2 images have copies in more than one part, .*leaked\.png = train\/cat\/1\.png/,
      ),
      expect.stringMatching(/^1 image has copies in the same part/),
      expect.stringMatching(/^1 image has copies in different classes: .*\(dog, cat\)$/),
      expect.stringMatching(/^8 images are smaller than 32 × 8 and will be enlarged/),
    ]);
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
    expect(formatDataReport({ ...report, seconds: 1 })).toMatchInlineSnapshot(`
      "9 images (labelled, 2 classes), checked in 1.0 s
      images: 5 train, 0 validation, 4 test
      width 8 to 64 (median 8), height 8 to 64 (median 8)

      class  train  test  total
      dog        2     3      5
      cat        3     1      4

      largest class over smallest in training: 1.50

      unreadable:
        train/cat/cut.png: the PNG file is truncated (vipspng: libpng read error)
        train/cat/empty.png: empty: it has no bytes
        train/cat/text.png: not an image in any known format

      warning: 3 images are unreadable and left out
      warning: 2 images have copies in more than one part, which makes the measured quality too good: test/cat/leaked.png = train/cat/1.png, test/dog/relabelled.png = train/cat/3.png
      warning: 1 image has copies in the same part: test/dog/twice-1.png = test/dog/twice-2.png
      warning: 1 image has copies in different classes: test/dog/relabelled.png = train/cat/3.png (dog, cat)
      warning: 8 images are smaller than 32 × 8 and will be enlarged: test/cat/leaked.png, test/dog/relabelled.png, test/dog/twice-1.png and 5 more
      "
    `);
  });

  it('takes pairs away with their images, and tells images on two sides', async () => {
    const { set, report } = await checkDataSet(await disk.open('pairs/pairs.csv'), {
      split: { validation: 0 },
      workers: 1,
    });
    expect([...set.pairs!]).toEqual([0, 1, 1, 1, 1, 0]);
    expect(report.classes).toEqual([
      { name: 'same', total: 2, train: 1, validation: 0, test: 1 },
      { name: 'different', total: 1, train: 1, validation: 0, test: 0 },
    ]);
    expect(report.warnings).toContain(
      '2 images are in rows of more than one part; a split by group keeps them apart',
    );
  });

  it('is an error when nothing can be read', async () => {
    expect(await refusal(checkDataSet(await disk.open('bad'), { workers: 1 }))).toMatch(
      /expected images that can be read but none of 2 can: 1\.png: /,
    );
  });

  it('stops when it is told to', async () => {
    const set = await disk.open('set');
    const controller = new AbortController();
    const onProgress = () => controller.abort(new Error('enough'));
    expect(await refusal(checkDataSet(set, { workers: 1, signal: controller.signal, onProgress }))).toMatch(
      /enough/,
    );
  });

  const clothing = `${process.env.AFTERIMAGE_DATA ?? '../shared/data'}/clothing`;
  it.skipIf(!existsSync(clothing))(
    'reads a published set of photographs (skipped: no data folder)',
    async () => {
      const opened = await openDataSet(`${clothing}/validation`);
      expect(opened.classes.length).toBe(10);
      const { report } = await checkDataSet(opened, { split: { validation: 0.5 } });
      expect(report.unreadable).toEqual([]);
    },
  );
});

describe('assertTrainable', () => {
  const split = (set: ReturnType<typeof labelled>) => splitDataSet(set, { validation: 0 });
  const check = (sizes: number[], needs: Parameters<typeof assertTrainable>[2]) => () => {
    const set = labelled(sizes);
    assertTrainable(set, split(set), needs);
  };

  it('lets good data pass', () => {
    expect(check([5, 5, 1], { batch: 4, classes: true, perClass: 2 })).not.toThrow();
    expect(check([5], { batch: 5 })).not.toThrow();
  });

  it.each([
    [
      'one class',
      [8],
      { batch: 4, classes: true },
      /expected images of at least two classes to train on but all 8 images are "c000" \| .*add a second class/,
    ],
    [
      'one image per class',
      [1, 1, 1, 1, 1, 1, 1],
      { batch: 4, classes: true },
      /each of 7 classes has one: c000, c001, c002, c003, c004 and 2 more/,
    ],
    [
      'a batch larger than the data',
      [3, 3],
      { batch: 8, classes: true },
      /at most the 6 images of the training data but received 8/,
    ],
    [
      'more classes than there are',
      [9, 9],
      { batch: 8, classes: true, perClass: 2 },
      /at most 4 \(2 images of each of 2 classes\) but received 8/,
    ],
    [
      'a torn batch',
      [9, 9],
      { batch: 9, classes: true, perClass: 2 },
      /a multiple of 2 \(2 images of each class\) but received 9/,
    ],
  ])('refuses %s', async (_, sizes, needs, expected) => {
    expect(await refusal(check(sizes, needs))).toMatch(expected);
  });

  it('refuses unlabelled images where classes are needed', async () => {
    const set = assembleDataSet('unlabelled', [{ id: 'a', input: 'a' }], {
      given: null,
      unreadable: [],
      warnings: [],
    });
    const none = { train: Int32Array.of(0), validation: new Int32Array(), test: new Int32Array() };
    expect(await refusal(() => assertTrainable(set, none, { batch: 1, classes: true }))).toMatch(
      /expected labelled images for this loss/,
    );
    expect(
      await refusal(() => assertTrainable(set, { ...none, train: new Int32Array() }, { batch: 1 })),
    ).toMatch(/expected a training part/);
  });

  it('refuses pairs that are all the same', async () => {
    const items = ['a', 'b', 'c'].map((id) => ({ id, input: id }));
    const rows = [
      ['a', 'b'],
      ['b', 'c'],
    ];
    const set = assembleDataSet('pairs', items, {
      rows,
      same: [1, 1],
      given: null,
      unreadable: [],
      warnings: [],
    });
    const all = splitDataSet(set, { validation: 0 });
    expect(await refusal(() => assertTrainable(set, all, { batch: 1, classes: true }))).toMatch(
      /but all 2 belong together/,
    );
  });
});
