/** @file Embedding into files from the library: sinks, open embedders, texts, stopping, aborting. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Embedder,
  type EmbeddingRow,
  embedTo,
  embedToFile,
  loadEmbedder,
  type Progress,
  readEmbeddings,
} from '#src/embedding/index.js';
import { UsageError } from '#src/errors.js';
import { cosineSimilarity } from '#src/vectors/index.js';
import { makeClip, makeImages } from '../cli/images.js';
import { scratch } from '../cli/run.js';

const { folder, remove } = scratch();
const file = (...parts: string[]) => path.join(folder, ...parts);
let clip: Embedder;

beforeAll(async () => {
  await makeImages(file('photos'), 30);
  writeFileSync(file('photos', '011.jpg'), 'damaged');
  clip = await loadEmbedder(makeClip(file('clip')), { batchSize: 4, inline: true, workers: 1 });
});
afterAll(async () => {
  await clip.close();
  remove();
});

/** Keeps rows in memory. */
function memory(done: string[] = []) {
  const batches: EmbeddingRow[][] = [];
  return {
    batches,
    has: (id: string) => done.includes(id),
    append: async (rows: EmbeddingRow[]) => {
      batches.push(rows);
    },
  };
}

describe('embedTo', () => {
  it('hands over rows by batches, in order, and counts', async () => {
    const sink = memory([`${folder}/photos/003.jpg`]);
    const progress: Progress[] = [];
    const failures: string[] = [];
    const summary = await embedTo(clip, { inputs: [file('photos')] }, sink, {
      onProgress: (p) => progress.push(p),
      onFailure: ({ id, stage }) => failures.push(`${path.basename(id)} ${stage}`),
    });
    expect(summary).toMatchObject({ embedded: 28, failed: 1, skipped: 1, interrupted: false });
    expect(sink.batches.map((b) => b.length)).toEqual([4, 4, 3, 4, 4, 4, 4, 1]);
    const names = sink.batches.flat().map((row) => Number(path.parse(row.id).name));
    expect(names).toEqual([...Array(30).keys()].filter((i) => i !== 3 && i !== 11));
    expect(failures).toEqual(['011.jpg decode']);
    expect(progress.map((p) => p.done)).toEqual([4, 8, 12, 16, 20, 24, 28, 29]);
    expect(progress.at(-1)).toEqual({ done: 29, failed: 1, total: 29 });
    const [direct] = await clip.embedImages([file('photos', '029.jpg')]);
    expect(cosineSimilarity(sink.batches.at(-1)![0]!.vector, direct!)).toBeCloseTo(1, 6);
  });

  it('stops after the batch in hand', async () => {
    const controller = new AbortController();
    const sink = memory();
    const append = async (rows: EmbeddingRow[]) => {
      await sink.append(rows);
      controller.abort();
    };
    const summary = await embedTo(
      clip,
      { inputs: [file('photos')] },
      { append },
      { stop: controller.signal },
    );
    expect(summary).toMatchObject({ embedded: 4, interrupted: true });
    expect(sink.batches.map((b) => b.length)).toEqual([4]);
  });

  it('rejects when aborted, and passes on what the sink throws', async () => {
    const controller = new AbortController();
    controller.abort(new Error('enough'));
    const run = embedTo(clip, { inputs: [file('photos')] }, memory(), { signal: controller.signal });
    await expect(run).rejects.toThrow('enough');
    const full = { append: () => Promise.reject(new Error('disk full')) };
    await expect(embedTo(clip, { inputs: [file('photos')] }, full)).rejects.toThrow('disk full');
  });

  it('takes texts of any origin, under their own ids', async () => {
    const sink = memory(['b']);
    const texts = [
      { id: 'a', text: 'a cat' },
      { id: 'b', text: 'a dog' },
      { id: 'c', text: 'a cat' },
    ];
    await embedTo(clip, { texts }, sink);
    const rows = sink.batches.flat();
    expect(rows.map(({ id, kind, text }) => ({ id, kind, text }))).toEqual([
      { id: 'a', kind: 'text', text: 'a cat' },
      { id: 'c', kind: 'text', text: 'a cat' },
    ]);
    const [cat] = await clip.embedTexts(['a cat']);
    expect(cosineSimilarity(rows[1]!.vector, cat!)).toBeCloseTo(1, 6);
  });
});

describe('embedToFile', () => {
  it('leaves an open embedder open', async () => {
    const out = file('open.parquet');
    await embedToFile({ inputs: [file('photos', '000.jpg')] }, out, { model: clip });
    await embedToFile({ inputs: [file('photos')] }, out, { model: clip, resume: true });
    const { ids, identity } = await readEmbeddings(out);
    expect(ids.length).toBe(29);
    expect(identity).toEqual(clip.identity);
  });

  it('ends suspended when stopped, and resumes', async () => {
    const out = file('stopped.npy');
    const controller = new AbortController();
    const first = await embedToFile({ inputs: [file('photos')] }, out, {
      model: clip,
      errors: file('stopped.errors'),
      stop: controller.signal,
      onProgress: ({ done }) => done >= 12 && controller.abort(),
    });
    expect(first).toMatchObject({ interrupted: true, embedded: 11, failed: 1 });
    expect(existsSync(out)).toBe(false);
    expect(readFileSync(file('stopped.errors'), 'utf8')).toMatch(/011\.jpg","stage":"decode"/);
    const second = await embedToFile({ inputs: [file('photos')] }, out, { model: clip, resume: true });
    expect(second).toMatchObject({ interrupted: false, embedded: 18, failed: 1, skipped: 11 });
    expect((await readEmbeddings(out)).ids.length).toBe(29);
  });

  it('finds what the name makes impossible before it opens a model', async () => {
    const model = 'no-such-model-anywhere';
    await expect(embedToFile({}, file('x.xyz'), { model })).rejects.toThrow(/does not say the format/);
    await expect(embedToFile({}, file('open.parquet'), { model })).rejects.toThrow(UsageError);
    await expect(embedToFile({}, file('y.npy'), { model, resume: true, overwrite: true })).rejects.toThrow(
      /exclude/,
    );
  });
});
