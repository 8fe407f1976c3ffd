/** @file Token ids against those of Python's transformers and open_clip. */
import { existsSync } from 'node:fs';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EncodedTexts, loadTokenizer } from '#src/models/tokenizer.js';
import { cleanForOpenClip } from '#src/models/tokenizer-clean.js';

const fixtures = new URL('../fixtures/tokenizer/', import.meta.url).pathname;
const small = join(fixtures, 'small');
const sharedWeights = new URL('../../../shared/weights', import.meta.url).pathname;
const fullBpe = join(
  process.env.AFTERIMAGE_WEIGHTS ?? sharedWeights,
  'clip_bpe',
  'bpe_simple_vocab_16e6.txt.gz',
);

interface Expected {
  end: number;
  transformers: number[][];
  mask: number[];
  open_clip: number[][];
  rows: number[][];
}
const readJson = async (name: string) => JSON.parse(await readFile(join(fixtures, name), 'utf8'));
const texts: string[] = await readJson('texts.json');
const expected: Record<string, Expected> = await readJson('expected.json');

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'afterimage-tokenizer-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Row `i` without the padding at its end, as the fixtures hold it. */
function trimmed({ inputIds, length }: EncodedTexts, i: number, pad: number): number[] {
  const row = Array.from(inputIds.subarray(i * length, (i + 1) * length), Number);
  while (row.length > 1 && row.at(-1) === pad && row.at(-2) === pad) row.pop();
  return row;
}

async function copyOf(...names: string[]): Promise<string> {
  const place = await mkdtemp(join(folder, 'copy-'));
  for (const name of names) await copyFile(join(small, name), join(place, name));
  return place;
}

describe.each(['small', 'full'])('CLIP, %s vocabulary', (size) => {
  const path = size === 'small' ? small : fullBpe;
  if (!existsSync(path)) {
    it.skip(`skipped: ${fullBpe} is absent (set AFTERIMAGE_WEIGHTS)`);
    return;
  }
  const golden = expected[size]!;

  it('equals transformers on every text', async () => {
    const tokenizer = await loadTokenizer(path, { onWarning() {} });
    const encoded = tokenizer.encode(texts);
    expect(tokenizer.padId).toBe(golden.end);
    expect(encoded.length).toBe(77);
    for (const [i, text] of texts.entries()) {
      expect(trimmed(encoded, i, golden.end), JSON.stringify(text)).toEqual(golden.transformers[i]);
      const mask = encoded.attentionMask.subarray(i * 77, (i + 1) * 77);
      expect(mask.reduce((sum, bit) => sum + bit, 0n)).toBe(BigInt(golden.mask[i]!));
    }
  });

  it('equals open_clip on every text', async () => {
    const tokenizer = await loadTokenizer(path, { reference: 'open_clip', onWarning() {} });
    const encoded = tokenizer.encode(texts);
    for (const [i, text] of texts.entries()) {
      expect(trimmed(encoded, i, 0), JSON.stringify(text)).toEqual(golden.open_clip[i]);
    }
  });
});

describe('forms and lengths', () => {
  it('gives the same ids from tokenizer.json, vocab.json + merges.txt and the bpe file', async () => {
    const quiet = { onWarning() {} };
    const all = [
      await loadTokenizer(join(small, 'tokenizer.json'), quiet),
      await loadTokenizer(await copyOf('tokenizer.json'), quiet),
      await loadTokenizer(await copyOf('vocab.json', 'merges.txt'), quiet),
      await loadTokenizer(await copyOf('bpe_simple_vocab_16e6.txt.gz'), quiet),
      await loadTokenizer(join(small, 'bpe_simple_vocab_16e6.txt.gz'), quiet),
    ];
    for (const tokenizer of all) {
      const encoded = tokenizer.encode(texts);
      expect(tokenizer.contextLength).toBe(77);
      for (const i of texts.keys()) {
        expect(trimmed(encoded, i, expected.small!.end)).toEqual(expected.small!.transformers[i]);
      }
    }
  });

  it('cuts a long text before its end token, marks it and warns once', async () => {
    const warnings: string[] = [];
    const tokenizer = await loadTokenizer(small, {
      contextLength: 6,
      onWarning: (text) => warnings.push(text),
    });
    const encoded = tokenizer.encode(['the', 'the the the the', 'the the the the the']);
    const { end } = expected.small!;
    expect(encoded.truncated).toEqual([false, false, true]);
    expect(Number(encoded.inputIds[17])).toBe(end);
    expect(encoded.attentionMask.subarray(12)).toEqual(BigInt64Array.of(1n, 1n, 1n, 1n, 1n, 1n));
    expect(warnings).toEqual([
      '1 of 3 texts longer than 6 tokens were cut: their ends have no effect ' +
        '(the first, of 7 tokens, begins "the the the the the")',
    ]);
    tokenizer.encode(['the']);
    expect(warnings).toHaveLength(1);
  });

  it('warns through the process unless told otherwise', async () => {
    const tokenizer = await loadTokenizer(small, { contextLength: 3 });
    const warning = new Promise<Error>((resolve) => process.once('warning', resolve));
    tokenizer.encode(['the the the']);
    expect((await warning).message).toMatch(/longer than 3 tokens were cut/);
  });

  it('pads to the longest text on request, and to one token at least', async () => {
    const tokenizer = await loadTokenizer(small);
    expect(tokenizer.encode(['the', 'the the'], 'longest').length).toBe(4);
    expect(tokenizer.encode([], 'longest').inputIds.length).toBe(0);
    expect(tokenizer.encode(['']).truncated).toEqual([false]);
  });

  it('says what is missing or broken', async () => {
    const empty = await mkdtemp(join(folder, 'empty-'));
    await expect(loadTokenizer(empty)).rejects.toThrow(/expected tokenizer.json, vocab.json with merges.txt/);
    await writeFile(join(empty, 'tokenizer.json'), '{"model":');
    await expect(loadTokenizer(empty)).rejects.toThrow(/tokenizer cannot be read/);
  });
});

describe('a unigram model with the steps of SigLIP', () => {
  it('equals transformers on every text', async () => {
    const tokenizer = await loadTokenizer(join(fixtures, 'unigram'), { onWarning() {} });
    expect(tokenizer.contextLength).toBe(64);
    const encoded = tokenizer.encode(texts);
    for (const [i, text] of texts.entries()) {
      const row = trimmed(encoded, i, 1);
      const wanted = expected.unigram!.rows[i]!;
      // One emoji sixty times: several splits into the same pieces are equally probable, so their order is free.
      const isTie = /^(.)\1+$/u.test(text) && text.length > 100;
      expect(isTie ? row.sort() : row, JSON.stringify(text)).toEqual(isTie ? wanted.toSorted() : wanted);
    }
  });
});

describe('cleaning as open_clip does', () => {
  it.each([
    ['“it’s”', '"it\'s"'],
    ['A  &amp;\tB', 'a & b'],
    ['&lt;b&gt; &EACUTE;', '<b> é'],
    ['ｆｕｌｌ　ﬁne', 'full fine'],
    ['e\u0301', 'é'],
  ])('%j becomes %j', (text, cleaned) => {
    expect(cleanForOpenClip(text)).toBe(cleaned);
  });
});
