import { access, appendFile, readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  type EmbeddingRow,
  type OutputFormat,
  openWriter,
  readEmbeddings,
  scanEmbeddings,
} from '#src/embedding/formats/index.js';
import { FormatError, IdentityError, UsageError } from '#src/errors.js';
import { identityOf, inFolder, sampleRows } from './helpers.js';

const FORMATS: [OutputFormat, string][] = [
  ['npy', 'v.npy'],
  ['parquet', 'v.parquet'],
  ['jsonl', 'v.jsonl'],
  ['csv', 'v.csv'],
  ['clip-retrieval', 'v'],
];
const DIM = 5;
const identity = identityOf(DIM);

/** Reads a file back as rows, with vectors as hex so that -0 and every bit count. */
async function rowsOf(file: string): Promise<unknown[]> {
  const { rows, vectors, dimension } = await readEmbeddings(file);
  return rows.map((row, i) => ({ ...row, vector: hex(vectors.slice(i * dimension, (i + 1) * dimension)) }));
}

function expected(rows: EmbeddingRow[]): unknown[] {
  return rows.map(({ vector, ...row }) => ({ ...row, vector: hex(vector) }));
}

function hex(vector: Float32Array): string {
  return Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString('hex');
}

describe.each(FORMATS)('%s', (format, name) => {
  it('gives back every row, field and bit', () =>
    inFolder(async (folder) => {
      const out = path.join(folder, 'new', name);
      const rows = sampleRows(23, DIM);
      const { writer, done } = await openWriter(out, format, { identity });
      expect(done.size).toBe(0);
      await writer.append(rows.slice(0, 10));
      await Promise.all([
        writer.append(rows.slice(10, 11)),
        writer.append([]),
        writer.append(rows.slice(11)),
      ]);
      await writer.close();
      expect(await rowsOf(out)).toEqual(expected(rows));
      const read = await readEmbeddings(out);
      expect(read.identity).toEqual(identity);
      expect(read.ids).toEqual(rows.map(({ id }) => id));
      const left = (await readdir(path.join(folder, 'new'))).filter((file) => /partial|writing/.test(file));
      expect(left).toEqual([]);
    }));

  it('can hold no rows', () =>
    inFolder(async (folder) => {
      const out = path.join(folder, name);
      const { writer } = await openWriter(out, format, { identity });
      await writer.close();
      const { ids, vectors, dimension } = await readEmbeddings(out);
      expect([ids.length, vectors.length, dimension]).toEqual([0, 0, DIM]);
    }));

  it('goes on after an interruption, and after the end', () =>
    inFolder(async (folder) => {
      const out = path.join(folder, name);
      const rows = sampleRows(9, DIM);
      const first = await openWriter(out, format, { identity });
      await first.writer.append(rows.slice(0, 4));
      await first.writer.suspend();
      await expect(access(out)).rejects.toThrow();
      expect((await readEmbeddings(`${out}.partial`)).ids).toHaveLength(4);

      const second = await openWriter(out, format, { identity, resume: true });
      expect([...second.done]).toEqual(rows.slice(0, 4).map(({ id }) => id));
      await second.writer.append(rows.slice(4, 7));
      await second.writer.close();
      expect(await rowsOf(out)).toEqual(expected(rows.slice(0, 7)));

      const third = await openWriter(out, format, { identity, resume: true });
      expect(third.done.size).toBe(7);
      await third.writer.append(rows.slice(7));
      // Until it is closed, the finished file stays as it was.
      expect((await readEmbeddings(out)).ids).toHaveLength(7);
      await third.writer.close();
      expect(await rowsOf(out)).toEqual(expected(rows));

      const before = (await stat(out)).mtimeMs;
      const fourth = await openWriter(out, format, { identity, resume: true });
      expect(fourth.done.size).toBe(9);
      await fourth.writer.close();
      expect((await stat(out)).mtimeMs).toBe(before);
      expect(await rowsOf(out)).toEqual(expected(rows));
    }));

  it('refuses to resume with vectors of another origin', () =>
    inFolder(async (folder) => {
      const out = path.join(folder, name);
      const other = { ...identity, dtype: 'int8' as const };
      const first = await openWriter(out, format, { identity });
      await first.writer.append(sampleRows(2, DIM));
      await first.writer.suspend();
      await expect(openWriter(out, format, { identity: other, resume: true })).rejects.toThrow(IdentityError);
      await (await openWriter(out, format, { identity, resume: true })).writer.close();
      const refused = openWriter(out, format, { identity: other, resume: true });
      await expect(refused).rejects.toThrow(/dtype fp32 there, int8 here/);
      // Without resume it is a new file.
      const { writer } = await openWriter(out, format, { identity: other });
      await writer.append(sampleRows(1, DIM));
      await writer.close();
      expect((await readEmbeddings(out)).identity).toEqual(other);
      expect((await readEmbeddings(out)).ids).toHaveLength(1);
    }));

  it('refuses a place that cannot be written, before anything is computed', () =>
    inFolder(async (folder) => {
      await writeFile(path.join(folder, 'file'), '');
      const below = path.join(folder, 'file', name);
      await expect(openWriter(below, format, { identity })).rejects.toThrow(
        /cannot be written: a part of the path is a file/,
      );
    }));

  it('keeps the journal when the output cannot be made, and makes it later', () =>
    inFolder(async (folder) => {
      const out = path.join(folder, name);
      const rows = sampleRows(3, DIM);
      const { writer } = await openWriter(out, format, { identity });
      await writer.append(rows);
      // Something gets in the way during the run.
      const { mkdir, rm } = await import('node:fs/promises');
      const blocked =
        format === 'clip-retrieval'
          ? path.join(out, 'img_emb', 'img_emb_0000.npy', 'x')
          : path.join(out, 'x');
      await mkdir(blocked, { recursive: true });
      await expect(writer.close()).rejects.toThrow(FormatError);
      expect((await readdir(folder)).filter((file) => /writing$|lock$/.test(file))).toEqual([]);
      await rm(out, { recursive: true });
      const again = await openWriter(out, format, { identity, resume: true });
      expect(again.done.size).toBe(3);
      await again.writer.close();
      expect(await rowsOf(out)).toEqual(expected(rows));
    }));
});

describe('openWriter', () => {
  it('does not overwrite an unfinished run unless told to', () =>
    inFolder(async (folder) => {
      const out = path.join(folder, 'v.npy');
      const first = await openWriter(out, 'npy', { identity });
      await first.writer.append(sampleRows(4, DIM));
      await first.writer.suspend();
      const refused = openWriter(out, 'npy', { identity });
      await expect(refused).rejects.toThrow(UsageError);
      await expect(refused).rejects.toThrow(/holds 4 rows of a run that did not finish/);
      const { writer, done } = await openWriter(out, 'npy', { identity, overwrite: true });
      expect(done.size).toBe(0);
      await writer.close();
      expect((await readEmbeddings(out)).ids).toEqual([]);
    }));

  it('lets one writer in at a time, and takes over from a dead one', () =>
    inFolder(async (folder) => {
      const out = path.join(folder, 'v.npy');
      const { writer } = await openWriter(out, 'npy', { identity });
      await expect(openWriter(out, 'npy', { identity, resume: true })).rejects.toThrow(
        /process \d+ is writing/,
      );
      await writer.suspend();
      // The highest process id there is belongs to nobody.
      await writeFile(`${out}.partial.lock`, '4194304');
      await (await openWriter(out, 'npy', { identity })).writer.close();
    }));

  it('checks rows before any of them is written', () =>
    inFolder(async (folder) => {
      const out = path.join(folder, 'v.npy');
      const { writer } = await openWriter(out, 'npy', { identity });
      const [good] = sampleRows(1, DIM);
      await expect(writer.append([good!, { id: 'b', vector: new Float32Array(4) }])).rejects.toThrow(
        /b: expected a Float32Array of 5 numbers but received 4 numbers/,
      );
      await expect(
        writer.append([good!, { id: 'c', vector: Float32Array.of(0, 0, Number.NaN, 0, 0) }]),
      ).rejects.toThrow(/c: the number at 2 is NaN/);
      await writer.close();
      expect((await readEmbeddings(out)).ids).toEqual([]);
      await expect(writer.append([good!])).rejects.toThrow(UsageError);
    }));

  it('drops a torn or damaged tail of the journal, wherever it was cut', () =>
    inFolder(async (folder) => {
      const out = path.join(folder, 'v.npy');
      const partial = `${out}.partial`;
      const rows = sampleRows(3, DIM);
      const sizes: number[] = [];
      const { writer } = await openWriter(out, 'npy', { identity });
      for (const row of rows) {
        await writer.append([row]);
        sizes.push((await stat(partial)).size);
      }
      await writer.suspend();
      const whole = await readFile(partial);
      for (let cut = sizes[0]!; cut <= sizes[2]!; cut++) {
        await writeFile(partial, whole.subarray(0, cut));
        const again = await openWriter(out, 'npy', { identity, resume: true });
        expect(again.done.size).toBe(sizes.filter((size) => size <= cut).length);
        await again.writer.suspend();
        expect(sizes).toContain((await stat(partial)).size);
      }
      // Zeros or noise in place of the last record, as a power cut can leave.
      for (const tail of [Buffer.alloc(500), Buffer.alloc(500, 0xa5)]) {
        await writeFile(partial, whole.subarray(0, sizes[1]));
        await appendFile(partial, tail);
        const again = await openWriter(out, 'npy', { identity, resume: true });
        expect(again.done.size).toBe(2);
        await again.writer.append([rows[2]!]);
        await again.writer.suspend();
        expect(await readFile(partial)).toEqual(whole);
      }
      await truncate(partial, 5);
      await expect(openWriter(out, 'npy', { identity, resume: true })).rejects.toThrow(/not a journal/);
    }));

  it('streams batches larger than its buffers', () =>
    inFolder(async (folder) => {
      const out = path.join(folder, 'v.parquet');
      const wide = identityOf(40_000);
      const { writer } = await openWriter(out, 'parquet', { identity: wide });
      const text = (i: number) => 'x'.repeat(i === 50 ? 6_000_000 : i * 1000);
      const row = (i: number) => ({ id: String(i), vector: new Float32Array(40_000).fill(i), text: text(i) });
      for (let i = 0; i < 90; i += 30) await writer.append(Array.from({ length: 30 }, (_, j) => row(i + j)));
      await writer.close();
      let next = 0;
      for await (const batch of (await scanEmbeddings(out)).batches()) {
        expect(batch.length).toBeLessThan(20);
        for (const { id, vector, text: read } of batch) {
          expect([id, vector[39_999], read?.length]).toEqual([String(next), next, text(next).length]);
          next++;
        }
      }
      expect(next).toBe(90);
    }));
});

describe('clip-retrieval', () => {
  const pair = (i: number): EmbeddingRow[] => [
    { id: `${i}.jpg`, vector: new Float32Array(DIM).fill(i) },
    { id: `${i}.jpg`, kind: 'text', text: `caption ${i}`, vector: new Float32Array(DIM).fill(-i) },
  ];

  it('splits parts, and puts captions in step with their images', () =>
    inFolder(async (folder) => {
      const out = path.join(folder, 'v');
      const { writer } = await openWriter(out, 'clip-retrieval', { identity, rowsPerPart: 2 });
      const pairs = [0, 1, 2, 3, 4].map(pair);
      await writer.append(pairs.map(([image]) => image!));
      await writer.append(pairs.map(([, text]) => text!).reverse());
      await writer.close();
      expect((await readdir(path.join(out, 'img_emb'))).sort()).toEqual(
        [0, 1, 2].map((i) => `img_emb_000${i}.npy`),
      );
      expect((await readdir(path.join(out, 'metadata'))).sort()).toEqual(
        [0, 1, 2].map((i) => `metadata_000${i}.parquet`),
      );
      const part = await readEmbeddings(path.join(out, 'text_emb', 'text_emb_0001.npy'));
      expect([...part.vectors]).toEqual([...Array(DIM).fill(-2), ...Array(DIM).fill(-3)]);
      const { rows } = await readEmbeddings(out);
      expect(rows.slice(0, 5)).toEqual(
        [0, 1, 2, 3, 4].map((i) => ({ id: `${i}.jpg`, text: `caption ${i}` })),
      );
      expect(rows.slice(5)).toEqual(
        [0, 1, 2, 3, 4].map((i) => ({ id: `${i}.jpg`, kind: 'text', text: `caption ${i}` })),
      );

      // A shorter run in the same place leaves no parts of the longer one.
      const again = await openWriter(out, 'clip-retrieval', { identity, rowsPerPart: 2 });
      await again.writer.append([pair(7)[0]!]);
      await again.writer.close();
      expect(await readdir(path.join(out, 'img_emb'))).toEqual(['img_emb_0000.npy']);
      expect(await readdir(path.join(out, 'text_emb'))).toEqual([]);
      expect((await readEmbeddings(out)).ids).toEqual(['7.jpg']);
    }));

  it('keeps texts that are no captions apart', () =>
    inFolder(async (folder) => {
      const out = path.join(folder, 'v');
      const texts: EmbeddingRow[] = [0, 1, 2].map((i) => ({
        id: `query ${i}`,
        kind: 'text',
        text: `q${i}`,
        vector: new Float32Array(DIM).fill(i),
      }));
      const mixed = await openWriter(out, 'clip-retrieval', { identity });
      await mixed.writer.append([pair(1)[0]!, ...texts]);
      await mixed.writer.close();
      const { rows } = await readEmbeddings(out);
      expect(rows).toEqual([{ id: '1.jpg' }, ...texts.map(({ vector: _, ...info }) => info)]);
      const alone = await openWriter(path.join(folder, 't'), 'clip-retrieval', { identity });
      await alone.writer.append(texts);
      await alone.writer.close();
      expect((await readEmbeddings(path.join(folder, 't'))).rows).toEqual(
        texts.map(({ vector: _, ...info }) => info),
      );
      expect(await readdir(path.join(folder, 't', 'metadata'))).toEqual(['metadata_0000.parquet']);
    }));
});
