import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { countItems, type ExpandOptions, expandInputs, type SourceItem } from '#src/image/expand.js';
import { readSource } from '#src/image/source.js';

// The archives come from make_archives.py beside them.
const fixtures = path.resolve('test/fixtures/sources');
let temporary: string;

async function collect(items: AsyncIterable<SourceItem>): Promise<SourceItem[]> {
  const all: SourceItem[] = [];
  for await (const item of items) all.push(item);
  return all;
}

beforeAll(async () => {
  temporary = await mkdtemp(path.join(os.tmpdir(), 'archive-'));
});
afterAll(() => rm(temporary, { recursive: true }));

/** Each item's id below the archive, with what it held or why it failed. */
async function contents(archive: string, options?: ExpandOptions): Promise<[string, string][]> {
  const found: [string, string][] = [];
  for await (const item of expandInputs([archive], options)) {
    const held = await readSource(item.input).then(
      (bytes) => Buffer.from(bytes as Uint8Array).toString(),
      (error: { reason: string }) => `! ${error.reason}`,
    );
    found.push([item.id.replace(`${archive}/`, ''), held.slice(0, 80)]);
  }
  return found;
}

describe('zip archives', () => {
  it('give their images in order, and failures for members that cannot be read', async () => {
    expect(await contents(`${fixtures}/plain.zip`, { maxBytes: 100_000 })).toEqual([
      ['b.JPG', 'stored b'],
      ['sub/a.png', 'deflated a '.repeat(100).slice(0, 80)],
      ['sub/empty.gif', '! empty: it has no bytes'],
      ['für/猫.webp', 'utf-8 name'],
      ['packed.webp', '! packed with zip method 12; only stored and deflate are read'],
      ['big.bmp', '! 200000 bytes, where at most 100000 are allowed'],
    ]);
  });

  it('are filtered by name and by what is done already', async () => {
    expect(
      (await contents(`${fixtures}/plain.zip`, { include: ['sub/**'], exclude: ['*.gif'] })).map(
        ([id]) => id,
      ),
    ).toEqual(['sub/a.png']);
    for (const [archive, wanted, count] of [
      ['plain.zip', 'b.JPG', 6],
      ['shard.tar.gz', 'train/0002.right.jpg', 6],
    ] as const) {
      const asked: string[] = [];
      const skip = (id: string) => {
        asked.push(id);
        return !id.endsWith(wanted);
      };
      expect((await contents(`${fixtures}/${archive}`, { skip })).map(([id]) => id)).toEqual([wanted]);
      expect(asked).toHaveLength(count);
      expect(new Set(asked).size).toBe(count);
      expect(await contents(`${fixtures}/${archive}`, { skip: () => true })).toEqual([]);
    }
  });

  it('that are damaged fail by member or as a whole', async () => {
    expect((await contents(`${fixtures}/checksum.zip`))[0]).toEqual([
      'b.JPG',
      '! damaged: its checksum differs',
    ]);
    const torn = await contents(`${fixtures}/torn.zip`);
    expect(torn).toHaveLength(1);
    expect(torn[0]![1]).toMatch(/^! the archive is damaged or of another kind/);
    expect(await contents(`${fixtures}/encrypted.zip`)).toEqual([['secret.png', '! encrypted']]);
  });
});

describe('tar archives', () => {
  it('follow webdataset: samples with captions, classes and metadata', async () => {
    const items = await collect(expandInputs([`${fixtures}/shard.tar.gz`]));
    expect(
      items.map(({ id, input, ...rest }) => [
        id.replace(`${fixtures}/shard.tar.gz/`, ''),
        Buffer.from(input as Uint8Array)
          .toString()
          .slice(0, 20)
          .trim(),
        rest,
      ]),
    ).toEqual([
      ['train/0001.jpg', 'picture one', { text: 'a café', metadata: { class: 7, width: 3, tags: ['x'] } }],
      ['train/0002.left.jpg', 'picture two, left', { text: 'a pair' }],
      ['train/0002.right.jpg', 'picture two, right', { text: 'a pair' }],
      ['train/0003.png', 'picture three', {}],
      ['train/0004.webp', 'picture four picture', {}],
      [`${'long/'.repeat(40)}0005.gif`, 'picture five', {}],
    ]);
  });

  it('give the same items without gzip, whatever their name says', async () => {
    const plain = path.join(temporary, 'shard.tgz');
    await writeFile(plain, gunzipSync(readFileSync(`${fixtures}/shard.tar.gz`)));
    expect(await contents(plain)).toEqual(await contents(`${fixtures}/shard.tar.gz`));
  });

  it('that are torn give what came before the tear', async () => {
    const torn = `${fixtures}/torn.tar`;
    const found = await contents(torn);
    expect(found.map(([id]) => id)).toEqual([
      'train/0001.jpg',
      'train/0002.left.jpg',
      'train/0002.right.jpg',
      'train/0003.png',
      torn,
    ]);
    expect(found.at(-1)![1]).toMatch(/^! the archive is damaged/);
    const gz = path.join(temporary, 'torn.tar.gz');
    await writeFile(gz, readFileSync(`${fixtures}/shard.tar.gz`).subarray(0, 300));
    expect((await contents(gz)).at(-1)![1]).toMatch(/^! the archive is damaged/);
  });

  it('limit members, and cannot be counted', async () => {
    const found = await contents(`${fixtures}/shard.tar.gz`, { maxBytes: 5000 });
    expect(found[4]).toEqual(['train/0004.webp', '! 13000 bytes, where at most 5000 are allowed']);
    expect(found[5]![1]).toBe('picture five');
    expect(await countItems([`${fixtures}/shard.tar.gz`])).toBeUndefined();
  });

  it('can be left early', async () => {
    for await (const item of expandInputs([`${fixtures}/shard.tar.gz`, `${fixtures}/plain.zip`])) {
      expect(item.id).toContain('0001.jpg');
      break;
    }
  });

  it('that hold no image, or are something else, say so', async () => {
    const fake = path.join(temporary, 'fake.tar');
    await writeFile(fake, 'not an archive at all');
    expect((await contents(fake))[0]![1]).toMatch(/^! (the archive is damaged|no images)/);
    expect((await contents(path.join(temporary, 'gone.zip')))[0]![1]).toBe('! no such file');
  });
});
