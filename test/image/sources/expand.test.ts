import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { countItems, type ExpandOptions, expandInputs, type SourceItem } from '#src/image/expand.js';
import { readSource } from '#src/image/source.js';

let root: string;

async function collect(items: AsyncIterable<SourceItem>): Promise<SourceItem[]> {
  const all: SourceItem[] = [];
  for await (const item of items) all.push(item);
  return all;
}

beforeAll(async () => {
  root = await mkdtemp(path.join(os.tmpdir(), 'expand-'));
  const names = `p/b.jpg p/A.JPG p/a.txt p/.hidden.jpg p/._b.jpg p/Thumbs.db p/sub/x.heic p/sub/deep/y.AVIF p/sub/z.png
    p/.git/g.jpg p/node_modules/n.jpg p/@eaDir/t.jpg p/sub-small/s.webp q/only.txt q/none.md r/[1].jpg r/1.jpg
    System_Volume/v.bmp`;
  for (const name of names.split(/\s+/)) {
    const file = path.join(root, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, name);
  }
  await mkdir(path.join(root, 'empty'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** Ids relative to the test folder. */
async function ids(inputs: string[], options: ExpandOptions = {}): Promise<string[]> {
  const found: string[] = [];
  for await (const { id } of expandInputs(inputs.map(at), options)) found.push(id.replaceAll(`${root}/`, ''));
  const counted = await countItems(inputs.map(at), { ...options, stdin: Readable.from([]) });
  if (counted !== undefined) expect(counted).toBe(found.length);
  return found;
}

function at(name: string): string {
  return /^(-$|@|https?:|data:)/.test(name) ? name.replace('@', `@${root}/`) : `${root}/${name}`;
}

describe('folders', () => {
  it('are walked in the order of names, by extension in any case, without clutter', async () => {
    const all = [
      'p/A.JPG',
      'p/b.jpg',
      'p/sub/deep/y.AVIF',
      'p/sub/x.heic',
      'p/sub/z.png',
      'p/sub-small/s.webp',
    ];
    expect((await ids(['p'])).sort()).toEqual(all.toSorted());
    expect(await ids(['p'])).toEqual([
      'p/A.JPG',
      'p/b.jpg',
      'p/sub/deep/y.AVIF',
      'p/sub/x.heic',
      'p/sub/z.png',
      'p/sub-small/s.webp',
    ]);
    expect(await ids(['p///'])).toEqual(await ids(['p']));
    expect(await ids(['p'], { recursive: false })).toEqual(['p/A.JPG', 'p/b.jpg']);
  });

  it('give hidden files and clutter when asked', async () => {
    expect(await ids(['p'], { includeHidden: true, recursive: false })).toEqual([
      'p/.hidden.jpg',
      'p/A.JPG',
      'p/b.jpg',
    ]);
    const everything = await ids(['p'], { includeHidden: true, defaultIgnores: false });
    expect(everything).toContain('p/.git/g.jpg');
    expect(everything).toContain('p/@eaDir/t.jpg');
    expect(everything).toContain('p/._b.jpg');
    expect(everything).toHaveLength(11);
  });

  it('are filtered by globs relative to them', async () => {
    expect(await ids(['p'], { include: ['*.jpg'] })).toEqual(['p/A.JPG', 'p/b.jpg']);
    expect(await ids(['p'], { include: ['sub/**'] })).toEqual([
      'p/sub/deep/y.AVIF',
      'p/sub/x.heic',
      'p/sub/z.png',
    ]);
    expect(await ids(['p'], { include: ['sub/*.{png,heic}'] })).toEqual(['p/sub/x.heic', 'p/sub/z.png']);
    expect(await ids(['p'], { exclude: ['sub/'] })).toEqual(['p/A.JPG', 'p/b.jpg', 'p/sub-small/s.webp']);
    expect(await ids(['p'], { exclude: ['deep', '*-small'], include: ['sub*/**'] })).toEqual([
      'p/sub/x.heic',
      'p/sub/z.png',
    ]);
  });

  it('without an image say so once', async () => {
    const skipped: string[] = [];
    const onSkip = (where: string, reason: string) => skipped.push(`${path.basename(where)}: ${reason}`);
    expect(await ids(['q', 'empty', 'p'], { onSkip })).toHaveLength(6);
    expect(skipped).toEqual([
      'q: no images in this folder: none of its 2 files is one by name, or the globs leave them out',
      'empty: no images in this folder: it has no files',
    ]);
  });

  it.skipIf(process.platform === 'win32')('survive loops of links and list a file once', async () => {
    const links = path.join(root, 'links');
    await mkdir(path.join(links, 'a/b'), { recursive: true });
    await writeFile(path.join(links, 'a/b/1.png'), '1');
    await symlink('..', path.join(links, 'a/b/up'));
    await symlink(links, path.join(links, 'a/self'));
    await symlink('b/1.png', path.join(links, 'a/again.png'));
    await symlink(path.join(root, 'r'), path.join(links, 'r'));
    await symlink('nowhere', path.join(links, 'broken.gif'));
    expect(await ids(['links'])).toEqual([
      'links/a/again.png',
      'links/broken.gif',
      'links/r/1.jpg',
      'links/r/[1].jpg',
    ]);
  });

  it.skipIf(process.getuid?.() === 0 || process.platform === 'win32')(
    'pass over what cannot be entered',
    async () => {
      const locked = path.join(root, 'locked');
      await mkdir(path.join(locked, 'in'), { recursive: true });
      await writeFile(path.join(locked, 'z.png'), '1');
      await chmod(path.join(locked, 'in'), 0);
      const skipped: string[] = [];
      expect(await ids(['locked'], { onSkip: (_, reason) => skipped.push(reason) })).toEqual([
        'locked/z.png',
      ]);
      expect(skipped).toEqual(['no permission to read it']);
    },
  );

  it('of many files are listed lazily', async () => {
    const many = path.join(root, 'many');
    for (const part of ['0', '1', '2']) {
      await mkdir(path.join(many, part), { recursive: true });
      await writeFile(path.join(many, part, 'x.png'), part);
    }
    const items = expandInputs([many]);
    expect((await items.next()).value.id).toMatch(/many\/0\/x\.png$/);
    // What changes further on is still seen, so the tree was not listed in advance.
    await writeFile(path.join(many, '2', 'late.png'), 'late');
    const rest: string[] = [];
    for await (const { id } of items) rest.push(path.basename(id));
    expect(rest).toEqual(['x.png', 'late.png', 'x.png']);
  });
});

describe('files, URLs and globs', () => {
  it('are taken by name whatever the extension, once', async () => {
    const url = 'https://example.org/a.jpg';
    expect(await ids(['p/a.txt', 'p', 'p/b.jpg', 'p/sub/../b.jpg', url, url, 'p/sub'])).toEqual([
      'p/a.txt',
      ...(await ids(['p'])),
      url,
    ]);
    const [item] = await collect(expandInputs([pathToFileURL(`${root}/p/b.jpg`)]));
    expect(item?.id).toBe(`${root}/p/b.jpg`);
  });

  it('that are missing become items which fail when they are read', async () => {
    const items = await collect(expandInputs([`${root}/nope.jpg`, `${root}/none-*.jpg`, `@${root}/nolist`]));
    expect(items.map(({ id }) => id)).toEqual([`${root}/nope.jpg`, `${root}/none-*.jpg`, `@${root}/nolist`]);
    await expect(readSource(items[0]!.input)).rejects.toThrow('no such file');
    await expect(readSource(items[1]!.input)).rejects.toThrow('no file matches this pattern');
    await expect(readSource(items[2]!.input)).rejects.toThrow('no such file');
  });

  it('expand globs that the shell left alone', async () => {
    expect(await ids(['p/*.jpg'])).toEqual(['p/b.jpg']);
    expect(await ids(['p/**/*.{png,heic}'])).toEqual(['p/sub/x.heic', 'p/sub/z.png']);
    expect(await ids(['p/*.txt'])).toEqual(['p/a.txt']);
    expect(await ids(['p/s*'])).toEqual(
      ['p/sub-small/s.webp', 'p/sub/deep/y.AVIF', 'p/sub/x.heic', 'p/sub/z.png'].sort(bySub),
    );
    expect(await ids(['r/[1].jpg'])).toEqual(['r/[1].jpg']);
    expect(await ids(['r/[12].jpg'])).toEqual(['r/1.jpg']);
  });
});

/** `sub` before `sub-small`: folders that match are taken in the order of their names. */
function bySub(a: string, b: string): number {
  return Number(a.includes('small')) - Number(b.includes('small')) || (a < b ? -1 : 1);
}

describe('lists', () => {
  it.each([
    ['LF', (names: string[]) => `${names.join('\n')}\n`],
    [
      'CRLF, comments, blanks and a mark',
      (names: string[]) => `\uFEFF# mine\r\n\r\n${names.join('\r\n  \r\n')}`,
    ],
    ['NUL', (names: string[]) => names.map((name) => `${name}\0`).join('')],
  ])('are read with %s', async (_, format) => {
    const names = [`${root}/p/b.jpg`, `${root}/p/sub`, 'https://example.org/ü.png', `${root}/missing.png`];
    const list = path.join(root, 'list.txt');
    await writeFile(list, format(names));
    const expected = [
      'p/b.jpg',
      'p/sub/deep/y.AVIF',
      'p/sub/x.heic',
      'p/sub/z.png',
      'https://example.org/%C3%BC.png',
      'missing.png',
    ];
    expect(await ids(['@list.txt'])).toEqual(expected);
    // One byte at a time, so that separators and characters are cut everywhere.
    const bytes = [...Buffer.from(format(names))].map((byte) => Buffer.of(byte));
    const head = Buffer.from(format(names)).indexOf(format(names).includes('\0') ? 0 : 10) + 1;
    const stdin = Readable.from([Buffer.concat(bytes.slice(0, head)), ...bytes.slice(head)]);
    expect(await ids(['-'], { stdin })).toEqual(expected);
  });

  it('keep newlines and # in names that end with NUL', async () => {
    const found = await collect(expandInputs(['-'], { stdin: Readable.from([Buffer.from('#a\nb.jpg\0')]) }));
    expect(found.map(({ id }) => id)).toEqual(['#a\nb.jpg']);
  });

  it('cannot be counted on standard input, and an image is no list', async () => {
    expect(await countItems(['-', 'x'])).toBeUndefined();
    await writeFile(path.join(root, 'blob'), Buffer.alloc(3_000_000, 65));
    const [item] = await collect(expandInputs([`@${root}/blob`]));
    await expect(readSource(item!.input)).rejects.toThrow('not a list of paths');
  });
});
