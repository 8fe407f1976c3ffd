/** @file `afterimage label`, `caption` and `info`, with the bundled model and a real collection of samples. */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { caption } from '#src/cli/commands/caption.js';
import { info } from '#src/cli/commands/info.js';
import { label } from '#src/cli/commands/label.js';
import { openCollection } from '#src/collection/collection.js';
import { collectionInfo, failuresOf } from '#src/collection/info.js';
import { newSpace, savedEmbedder } from '#src/collection/manifest.js';
import { loadEmbedder, SAMPLES } from '#src/embedding/index.js';
import { UsageError } from '#src/errors.js';
import { capture } from './capture.js';
import { scratch } from './run.js';

const { folder, remove } = scratch();
const photos = path.join(folder, 'photos');
const NAMES = ['boats-nagasaki.jpg', 'cat-portrait.jpg', 'coffee-cup.jpg', 'mountains-alpine.jpg'];
const LABELS = ['--label', 'cat', '--label', 'boats', '--label', 'mountains', '--none', '--threads', '1'];
const EXPECTED = {
  'boats-nagasaki': 'boats',
  'cat-portrait': 'cat',
  'coffee-cup': '',
  'mountains-alpine': 'mountains',
};
const taken = (i: number) => (i === 0 ? null : new Date(Date.UTC(2001 + i, 5, 1)));

beforeAll(async () => {
  mkdirSync(photos);
  for (const name of NAMES) copyFileSync(path.join(SAMPLES, name), path.join(photos, name));
  writeFileSync(
    path.join(photos, 'damaged.jpg'),
    readFileSync(path.join(photos, NAMES[0]!)).subarray(0, 700),
  );
});
afterAll(remove);

/** Label by name, of lines PATH, label, probability. */
function byName(lines: string): Record<string, string> {
  const rows = lines.trim().split('\n');
  return Object.fromEntries(
    rows.map((row) => {
      const [file, text, share] = row.split('\t');
      expect(Number(share)).toBeGreaterThan(0.3);
      return [path.parse(file!).name, text!];
    }),
  );
}

describe('files', () => {
  it('are labelled, and failures are told beside', async () => {
    const { code, stdout, stderr } = await capture(label, [photos, ...LABELS]);
    expect(code).toBe(0);
    expect(byName(stdout)).toEqual(EXPECTED);
    expect(stderr).toMatch(/failed: .*damaged\.jpg: .*truncated/);
  });

  it('are labelled into CSV from a file of labels', async () => {
    const [labels, out] = [path.join(folder, 'labels.txt'), path.join(folder, 'out.csv')];
    writeFileSync(labels, 'cat\n\nboats, large ones\n');
    const cup = path.join(photos, NAMES[0]!);
    await capture(label, [cup, '--labels', labels, '--top', '2', '--out', out, '-q', '--threads', '1']);
    const [head, first, second] = readFileSync(out, 'utf8').trim().split('\n');
    expect(head).toBe('path,label,probability,score');
    expect(first).toContain('"boats, large ones"');
    expect(Number(first!.split(',').at(-2)) + Number(second!.split(',').at(-2))).toBeCloseTo(1, 3);
  });

  it('have best captions', async () => {
    const captions = path.join(folder, 'captions.txt');
    writeFileSync(captions, 'boats lie in a harbour\na high mountain behind a forest\n');
    const file = path.join(photos, NAMES[3]!);
    const { stdout } = await capture(caption, [
      file,
      '--from',
      captions,
      '-t',
      '2',
      '--json',
      '--threads',
      '1',
    ]);
    const row = JSON.parse(stdout) as { path: string; captions: { caption: string; score: number }[] };
    expect(row.captions.map((c) => c.caption)).toEqual([
      'a high mountain behind a forest',
      'boats lie in a harbour',
    ]);
  });

  it('need labels, and a collection to save to', async () => {
    await expect(capture(label, [photos])).rejects.toThrow('no labels');
    await expect(capture(label, [photos, '--label', 'x', '--save', 'kind'])).rejects.toThrow(UsageError);
    await expect(capture(caption, [photos])).rejects.toThrow('--from');
  });
});

describe('a collection', () => {
  const place = path.join(photos, '.afterimage');

  beforeAll(async () => {
    const embedder = await loadEmbedder(undefined, { workers: 0, threads: 1 });
    const vectors = await embedder.embedImages(NAMES.map((name) => path.join(photos, name)));
    const space = newSpace(embedder.identity, savedEmbedder('mini-clip'));
    const collection = await openCollection(place, { create: true, root: photos, embedder });
    await collection.change((manifest) => ({
      ...manifest,
      spaces: [{ ...space, state: 'ready' }],
      current: space.key,
    }));
    const { items, removed, failures } = await collection.tablesOf(space);
    await items.upsert({
      ids: NAMES,
      vectors: Float32Array.from(vectors.flatMap((vector) => [...vector])),
      values: { taken: NAMES.map((_, i) => taken(i)), width: NAMES.map(() => 100) },
    });
    await removed.upsert({ ids: ['gone.jpg'], vectors: vectors[0]!, values: {} });
    await failures.upsert({
      ids: ['c.jpg', 'a.jpg', 'b.jpg'],
      vectors: new Float32Array(0),
      values: { stage: ['decode', 'decode', 'read'], reason: ['cut', 'cut', 'gone'] },
    });
    await collection.close();
    await embedder.close();
    for (const name of NAMES) writeFileSync(path.join(photos, name), 'no longer a picture');
  });

  it('is labelled as a whole', async () => {
    const run = capture(label, [photos, ...LABELS, '--include', 'cat*']);
    await expect(run).rejects.toThrow(UsageError);
  });

  it('is counted', async () => {
    const collection = await openCollection(place);
    try {
      const found = await collectionInfo(collection);
      expect(found).toMatchObject({ folder: place, items: 4, taken: { from: taken(1), to: taken(3) } });
      expect(found.bytes).toBeGreaterThan(4 * 256 * 4);
      expect(found.spaces).toHaveLength(1);
      expect(found.spaces[0]).toMatchObject({ current: true, state: 'ready', items: 4, removed: 1 });
      expect(found.spaces[0]!.failures).toEqual([
        { stage: 'decode', reason: 'cut', files: 2 },
        { stage: 'read', reason: 'gone', files: 1 },
      ]);
      const filled = Object.fromEntries(found.columns.map((column) => [column.name, column.filled]));
      expect(filled).toMatchObject({ width: 4, taken: 3, camera: 0 });
      expect((await failuresOf(collection, collection.space())).map(({ id }) => id)).toEqual([
        'a.jpg',
        'b.jpg',
        'c.jpg',
      ]);
    } finally {
      await collection.close();
    }
  });

  it('is told', async () => {
    const { stdout } = await capture(info, [photos]);
    expect(stdout).toMatch(/items +4\n/);
    expect(stdout).toContain('2002-06-01 to 2004-06-01');
    expect(stdout).toContain('2 × cut (decode)');
    expect(stdout).toMatch(/taken +time +75\.0 %/);
    const { stdout: failed } = await capture(info, [photos, '--failures']);
    expect(failed.split('\n')[0]).toBe([path.join(photos, 'a.jpg'), 'decode', 'cut'].join('\t'));
    const json = JSON.parse((await capture(info, [photos, '--json'])).stdout) as { items: number };
    expect(json.items).toBe(4);
  });

  it('is labelled from its vectors, without its images, into a column', async () => {
    const { code, stdout, stderr } = await capture(label, [photos, ...LABELS, '--save', 'kind']);
    expect(code).toBe(0);
    expect(stderr).toContain('no image is read');
    expect(byName(stdout)).toEqual(EXPECTED);
    const collection = await openCollection(place);
    try {
      const { items } = await collection.tablesOf(collection.space());
      const { ids, values } = await items.get(NAMES, { columns: ['kind', 'width'] });
      for (const [i, id] of ids.entries())
        expect([values.kind![i] ?? '', values.width![i]]).toEqual([
          EXPECTED[path.parse(id).name as keyof typeof EXPECTED],
          100,
        ]);
    } finally {
      await collection.close();
    }
    await expect(capture(label, [photos, ...LABELS, '--save', 'width'])).rejects.toThrow('received "width"');
  });
});
