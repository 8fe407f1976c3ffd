/** @file `afterimage embed` as a user runs it: rows, files, failures, exit codes. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readEmbeddings } from '#src/embedding/index.js';
import { cosineSimilarity } from '#src/vectors/index.js';
import { makeClip, makeImages, makeModel } from './images.js';
import { run, scratch, start } from './run.js';

const { folder, remove } = scratch();
const file = (...parts: string[]) => path.join(folder, ...parts);
const at = { cwd: folder };
let names: string[];

beforeAll(async () => {
  names = await makeImages(file('photos'), 20);
  makeModel(file('net'), 'cnn/resnet-basic', 64);
  makeClip(file('clip'));
  mkdirSync(file('broken'));
  await makeImages(file('broken'), 3);
  truncateSync(file('broken', '001.jpg'), 500);
  writeFileSync(file('broken', 'text.png'), 'no picture');
});
afterAll(remove);

interface Row {
  id: string;
  kind?: string;
  text?: string;
  width?: number;
  embedding: number[];
}
const rows = (stdout: string) =>
  stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Row);
const norm = (v: readonly number[]) => Math.hypot(...v);

describe('without --out', () => {
  it('prints rows and nothing else, in order', async () => {
    const { code, stdout, stderr } = await run(['embed', 'photos', '--model', 'net'], at);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const found = rows(stdout);
    expect(found.map((r) => r.id)).toEqual(names.map((n) => `photos/${n}`));
    for (const r of found)
      expect([r.width, r.embedding.length, norm(r.embedding)]).toEqual([64, 40, expect.closeTo(1, 5)]);
  });

  it('gives one image alone the vector that it has among others', async () => {
    const [alone, all] = await Promise.all([
      run(['embed', 'photos/007.jpg', '--model', './net'], at),
      run(['embed', 'photos', '--model', './net', '--batch-size', '7'], at),
    ]);
    const [one] = rows(alone.stdout);
    const same = rows(all.stdout)[7]!;
    expect(one!.id).toBe(same.id);
    expect(cosineSimilarity(one!.embedding, same.embedding)).toBeGreaterThan(0.9999999);
  });

  it('reads a list from standard input, and leaves vectors as they are on request', async () => {
    const stdin = 'photos/003.jpg\nphotos/001.jpg\n';
    const { stdout } = await run(['embed', '-', '--model', 'net', '--no-normalize'], { ...at, stdin });
    const found = rows(stdout);
    expect(found.map((r) => r.id)).toEqual(['photos/003.jpg', 'photos/001.jpg']);
    expect(Math.abs(norm(found[0]!.embedding) - 1)).toBeGreaterThan(0.01);
  });

  it('chooses by globs', async () => {
    const { stdout } = await run(
      ['embed', 'photos', '--model', 'net', '--include', '00?.jpg', '--exclude', '*[02468].jpg'],
      at,
    );
    expect(rows(stdout).map((r) => r.id)).toEqual([1, 3, 5, 7, 9].map((n) => `photos/00${n}.jpg`));
  });

  it('ends quietly when the reader goes away', async () => {
    const { child, ended } = start(['embed', 'photos', '--model', 'net', '--batch-size', '1'], at);
    child.stdout!.once('data', () => child.stdout!.destroy());
    const { code, stderr } = await ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });
});

describe('items that fail', () => {
  it('are told, recorded and counted; the rest goes on', async () => {
    const args = ['embed', 'broken', 'gone.jpg', '--model', 'net', '--errors', 'errors.jsonl'];
    const { code, stdout, stderr } = await run(args, at);
    expect(code).toBe(0);
    expect(rows(stdout).map((r) => r.id)).toEqual(['broken/000.jpg', 'broken/002.jpg']);
    expect(stderr).toMatch(/^failed: broken\/001\.jpg: .+ \(decode\)$/m);
    expect(stderr).toMatch(/^failed: gone\.jpg: .+ \(read\)$/m);
    expect(stderr).toContain('3 of 5 items failed; see errors.jsonl');
    const records = readFileSync(file('errors.jsonl'), 'utf8').trim().split('\n');
    expect(records.map((line) => JSON.parse(line))).toEqual([
      { id: 'broken/001.jpg', stage: 'decode', reason: expect.stringMatching(/./) },
      { id: 'broken/text.png', stage: 'decode', reason: expect.stringMatching(/./) },
      { id: 'gone.jpg', stage: 'read', reason: expect.stringMatching(/./) },
    ]);
  });

  it('make exit code 1 under --strict, and when nothing is left', async () => {
    expect((await run(['embed', 'broken', '--model', 'net', '--strict'], at)).code).toBe(1);
    expect((await run(['embed', 'broken/001.jpg', '--model', 'net'], at)).code).toBe(1);
    mkdirSync(file('empty'), { recursive: true });
    expect(await run(['embed', 'empty', '--model', 'net'], at)).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/no images in this folder[\s\S]*nothing was found/),
    });
  });

  it('never replace a file that is no error record', async () => {
    writeFileSync(file('precious.txt'), 'precious\n');
    const { code, stderr } = await run(['embed', 'broken', '--model', 'net', '--errors', 'precious.txt'], at);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('precious.txt') });
    expect(readFileSync(file('precious.txt'), 'utf8')).toBe('precious\n');
  });
});

describe('texts', () => {
  it('become rows beside images, called by file and line', async () => {
    writeFileSync(file('texts.txt'), '\uFEFFa dog\r\n\na dog\nthe quick brown fox jumps\n');
    const { code, stdout, stderr } = await run(
      ['embed', 'photos/000.jpg', '--texts', 'texts.txt', '--model', 'clip'],
      at,
    );
    expect(code).toBe(0);
    expect(stderr).toMatch(/warning: .*12/); // 21 letters and two marks are more than 12 tokens
    const found = rows(stdout);
    expect(found.map(({ id, kind, text }) => [id, kind, text])).toEqual([
      ['photos/000.jpg', undefined, undefined],
      ['texts.txt:1', 'text', 'a dog'],
      ['texts.txt:3', 'text', 'a dog'],
      ['texts.txt:4', 'text', 'the quick brown fox jumps'],
    ]);
    expect(found.every((r) => r.embedding.length === 16)).toBe(true);
    expect(cosineSimilarity(found[1]!.embedding, found[2]!.embedding)).toBeCloseTo(1, 6);
    expect(cosineSimilarity(found[1]!.embedding, found[3]!.embedding)).toBeLessThan(0.999);
  });

  it('are refused before any image by a model without text', async () => {
    const { code, stdout, stderr } = await run(
      ['embed', 'photos', '--texts', 'texts.txt', '--model', 'net'],
      at,
    );
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('no text tower');
  });

  it('need a file', async () => {
    const { code, stderr } = await run(['embed', '--texts', 'nowhere.txt', '--model', 'clip'], at);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('nowhere.txt') });
  });
});

describe('with --out', () => {
  it.each(['vectors.npy', 'vectors.parquet', 'vectors.jsonl', 'vectors.csv', 'vectors/'])(
    '%s holds what standard output shows',
    async (out) => {
      const [written, printed] = await Promise.all([
        run(['embed', 'photos', '--model', 'net', '--out', out], at),
        run(['embed', 'photos', '--model', 'net'], at),
      ]);
      expect(written).toMatchObject({ code: 0, stderr: '' });
      expect(written.stdout).toMatch(/20 vectors of dimension 40 \(net, pooled, fp32\)/);
      const { ids, vectors, dimension, identity } = await readEmbeddings(file(out));
      const expected = rows(printed.stdout);
      expect(ids).toEqual(expected.map((r) => r.id));
      expect(dimension).toBe(40);
      for (const [i, row] of expected.entries())
        for (const [j, x] of row.embedding.entries()) expect(vectors[i * 40 + j]).toBeCloseTo(x, 6);
      expect(identity).toMatchObject({ model: 'net', output: 'pooled', dtype: 'fp32', normalized: true });
      expect(readdirSync(folder).filter((name) => /partial|writing|lock/.test(name))).toEqual([]);
    },
  );

  it('prints the summary as JSON on request', async () => {
    const { code, stdout } = await run(
      ['embed', 'broken', '--model', 'net', '-o', 'j.npy', '--json', '--quiet'],
      at,
    );
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      out: 'j.npy',
      embedded: 2,
      failed: 2,
      skipped: 0,
      interrupted: false,
      identity: { model: 'net', dimension: 40 },
    });
  });

  it('refuses a file that exists, unless it is told what to do', async () => {
    const args = ['embed', 'photos/001.jpg', '--model', 'net', '--out', 'once.jsonl'];
    expect((await run(args, at)).code).toBe(0);
    const before = readFileSync(file('once.jsonl'));
    const { code, stderr } = await run(args, at);
    expect(code).toBe(2);
    expect(stderr).toMatch(/once\.jsonl exists[\s\S]*--resume[\s\S]*--overwrite/);
    expect(readFileSync(file('once.jsonl'))).toEqual(before);

    const other = ['embed', 'photos/002.jpg', '--model', 'net', '--out', 'once.jsonl', '--overwrite'];
    expect((await run(other, at)).code).toBe(0);
    expect((await readEmbeddings(file('once.jsonl'))).ids).toEqual(['photos/002.jpg']);
  });

  it('adds with --resume what is missing, tries again what failed, and drops nothing', async () => {
    const args = ['embed', 'grow', '--model', 'net', '--out', 'grow.parquet', '--errors', 'grow.errors'];
    await makeImages(file('grow'), 4);
    renameSync(file('grow', '002.jpg'), file('hidden.jpg'));
    writeFileSync(file('grow', '002.jpg'), 'damaged');
    expect((await run(args, at)).code).toBe(0);
    const first = await readEmbeddings(file('grow.parquet'));
    expect(first.ids).toEqual(['grow/000.jpg', 'grow/001.jpg', 'grow/003.jpg']);

    renameSync(file('hidden.jpg'), file('grow', '002.jpg'));
    const second = await run([...args, '--resume'], at);
    expect(second).toMatchObject({ code: 0, stderr: '' });
    expect(second.stdout).toContain('3 were there already');
    const grown = await readEmbeddings(file('grow.parquet'));
    expect(grown.ids).toEqual([...first.ids, 'grow/002.jpg']);
    expect(grown.vectors.subarray(0, 120)).toEqual(first.vectors);
    expect(readFileSync(file('grow.errors'), 'utf8')).toBe('');

    const before = readFileSync(file('grow.parquet'));
    expect((await run([...args, '--resume', '--strict'], at)).code).toBe(0);
    expect(readFileSync(file('grow.parquet'))).toEqual(before);
  });

  it.each([
    [['--model', 'clip'], /model net there, clip here/],
    [['--model', 'net', '--dtype', 'int8'], /dtype fp32 there, int8 here/],
    [['--model', 'net', '--no-normalize'], /normalized true there, false here/],
    [['--model', 'net', '--no-orient'], /transform \w+… there, \w+… here/],
  ])('refuses to resume with %j', async (options, message) => {
    const args = ['embed', 'photos/001.jpg', '--out', 'own.npy'];
    if (!existsSync(file('own.npy'))) await run([...args, '--model', 'net'], at);
    const { code, stderr } = await run([...args, '--resume', ...options], at);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(message) });
  });
});

describe('models', () => {
  it('that do not exist end with exit code 2 and the nearest name', async () => {
    const { code, stderr } = await run(['embed', 'photos', '--model', 'resnet5O'], at);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('did you mean "resnet50"') });
  });

  it('name their outputs when asked for another', async () => {
    const { code, stderr } = await run(['embed', 'photos', '--model', 'net', '--output', 'cls'], at);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('its outputs are pooled') });
  });

  it('that are not on this machine are an error without network', async () => {
    const { code, stderr } = await run(['embed', 'photos', '--model', 'resnet50', '--offline'], at);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('models pull') });
  });
});
