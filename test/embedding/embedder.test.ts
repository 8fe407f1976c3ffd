/** @file The embedder from files and texts to vectors, against transformers with Pillow (fixtures/embedding/make_e2e.py). */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Embedder,
  EmbeddingError,
  type EmbeddingResult,
  isFailed,
  loadEmbedder,
} from '#src/embedding/index.js';
import { ModelError, UsageError } from '#src/errors.js';

const fixtures = fileURLToPath(new URL('../fixtures/', import.meta.url));
const model = path.join(fixtures, 'embedding', 'tiny-clip');
const files = path.join(fixtures, 'image', 'files');
const expected = JSON.parse(readFileSync(path.join(fixtures, 'embedding', 'expected.json'), 'utf8')) as {
  logit_scale: number;
  images: Record<string, number[]>;
  texts: Record<string, number[]>;
};
const names = Object.keys(expected.images);
const paths = names.map((n) => path.join(files, n));
const warnings: string[] = [];
let clip: Embedder;

beforeAll(async () => {
  clip = await loadEmbedder(model, {
    threads: 1,
    workers: 2,
    batchSize: 4,
    onWarning: (m) => warnings.push(m),
  });
});
afterAll(() => clip.close());

function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    ab += a[i]! * b[i]!;
    aa += a[i]! ** 2;
    bb += b[i]! ** 2;
  }
  return ab / Math.sqrt(aa * bb);
}

async function all(results: AsyncIterable<EmbeddingResult>): Promise<EmbeddingResult[]> {
  const list: EmbeddingResult[] = [];
  for await (const r of results) list.push(r);
  return list;
}

describe('the same vectors as Python', () => {
  it('for images of many formats, from their bytes', async () => {
    const vectors = await clip.embedImages(paths);
    names.forEach((name, i) => {
      expect(1 - cosine(vectors[i]!, expected.images[name]!), name).toBeLessThan(1e-9);
      vectors[i]!.forEach((x, j) => {
        expect(Math.abs(x - expected.images[name]![j]!), name).toBeLessThan(3e-6);
      });
    });
  });

  it('for texts, with a warning for one that is cut', async () => {
    const texts = Object.keys(expected.texts);
    const vectors = await clip.embedTexts(texts);
    texts.forEach((text, i) => {
      expect(1 - cosine(vectors[i]!, expected.texts[text]!), text).toBeLessThan(1e-9);
    });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/longer than 77 tokens/);
  });

  it('whatever the batch, the workers, the threads and the kind of input', async () => {
    const other = await loadEmbedder(model, { threads: 2, workers: 0, batchSize: 3, inline: true });
    const bytes = paths.map((p) => readFileSync(p));
    const inputs = bytes.map((b, i) =>
      i % 2 ? new Uint8Array(b) : `data:image/x;base64,${b.toString('base64')}`,
    );
    const vectors = await other.embedImages(inputs);
    await other.close();
    names.forEach((name, i) => {
      expect(1 - cosine(vectors[i]!, expected.images[name]!), name).toBeLessThan(1e-9);
    });
    expect(other.identity).toEqual(clip.identity);
  });

  it('and the scale that turns cosines into logits', async () => {
    expect((await clip.model.logitScale())!.scale).toBeCloseTo(expected.logit_scale, 2);
  });
});

describe('failures', () => {
  const broken = path.join(files, 'broken-png-truncated.png');
  const inputs = [paths[0]!, path.join(files, 'missing.jpg'), paths[1]!, broken, paths[2]!];

  it('are records in their places, and the rest goes on', async () => {
    const results = await all(clip.streamImages(inputs));
    expect(results.map((r) => [r.index, r.id])).toEqual(inputs.map((p, i) => [i, p]));
    expect(results.map((r) => (isFailed(r) ? r.failure.stage : 'ok'))).toEqual([
      'ok',
      'read',
      'ok',
      'decode',
      'ok',
    ]);
    const alone = await clip.embedImages([paths[2]!]);
    const last = results[4]!;
    expect(isFailed(last) ? undefined : 1 - cosine(last.vector, alone[0]!)).toBeLessThan(1e-9);
  });

  it('reject an array call at its end, with everything that was computed', async () => {
    const error = await clip.embedImages(inputs).catch((e: EmbeddingError) => e);
    expect(error).toBeInstanceOf(EmbeddingError);
    const { failures, vectors, message } = error as EmbeddingError;
    expect(failures.map((f) => f.id)).toEqual([inputs[1], inputs[3]]);
    expect(vectors.map((v) => v?.length ?? null)).toEqual([16, null, 16, null, 16]);
    expect(message).toMatch(/missing\.jpg: .* and 1 more \(2 of 5 items failed\)/);
  });

  it('become nulls when someone listens', async () => {
    const heard: string[] = [];
    const vectors = await clip.embedImages(inputs, { onFailure: (f) => heard.push(f.stage) });
    expect(heard).toEqual(['read', 'decode']);
    expect(vectors[1]).toBeNull();
    expect(vectors[4]).toHaveLength(16);
  });
});

describe('streams', () => {
  it('take no more of the input than they need', async () => {
    let taken = 0;
    function* endless() {
      for (;;) {
        taken++;
        yield paths[taken % paths.length]!;
      }
    }
    let seen = 0;
    for await (const _ of clip.streamImages(endless())) if (++seen === 12) break;
    expect(taken).toBeLessThan(12 + 5 * clip.batchSize);
  });

  it('report progress and stop at a signal', async () => {
    const controller = new AbortController();
    const done: number[] = [];
    const run = all(
      clip.streamImages(
        Array.from({ length: 40 }, () => paths[0]!),
        {
          signal: controller.signal,
          onProgress: (p) => {
            expect(p.total).toBe(40);
            done.push(p.done);
            if (p.done >= 8) controller.abort(new Error('enough'));
          },
        },
      ),
    );
    await expect(run).rejects.toThrow('enough');
    expect(done[0]).toBe(4);
    expect(done.at(-1)).toBeLessThan(20);
  });

  it('give what came before the input broke, and then its error', async () => {
    const seen: EmbeddingResult[] = [];
    function* breaking() {
      for (let i = 0; i < 10; i++) yield paths[0]!;
      throw new Error('the list ended early');
    }
    const run = (async () => {
      for await (const r of clip.streamImages(breaking())) seen.push(r);
    })();
    await expect(run).rejects.toThrow('the list ended early');
    expect(seen.map((r) => [r.index, isFailed(r)])).toEqual(Array.from({ length: 10 }, (_, i) => [i, false]));
  });

  it('stop at once at a signal, even while the input is silent', async () => {
    async function* silent() {
      yield paths[0]!;
      await new Promise((resolve) => setTimeout(resolve, 3000).unref());
    }
    const start = performance.now();
    const run = all(clip.streamImages(silent(), { signal: AbortSignal.timeout(50) }));
    await expect(run).rejects.toThrow(/timeout/);
    expect(performance.now() - start).toBeLessThan(1500);
  });

  it('reject when the embedder is closed, instead of failing every item', async () => {
    const other = await loadEmbedder(model, { threads: 1, workers: 1, batchSize: 2 });
    const seen: EmbeddingResult[] = [];
    const run = (async () => {
      for await (const r of other.streamImages(Array.from({ length: 40 }, () => paths[0]!))) {
        seen.push(r);
        if (seen.length === 2) void other.close();
      }
    })();
    await expect(run).rejects.toThrow(UsageError);
    expect(seen.some(isFailed)).toBe(false);
    await other.close();
    await expect(other.embedImages([paths[0]!])).rejects.toThrow('the embedder was closed');
    await expect(other.embedTexts(['x'])).rejects.toThrow('the embedder was closed');
  });

  it('leave nothing in line when they are left', async () => {
    const other = await loadEmbedder(model, { threads: 1, workers: 1, batchSize: 64 });
    const large = path.join(files, 'jpeg-420.jpg');
    const controller = new AbortController();
    const run = all(
      other.streamImages(
        Array.from({ length: 128 }, () => large),
        { signal: controller.signal },
      ),
    );
    controller.abort(new Error('enough'));
    await expect(run).rejects.toThrow('enough');
    const results = await all(other.streamImages([large]));
    expect(results.map(isFailed)).toEqual([false]);
    await other.close();
  });

  it('take what is no image as an item that failed', async () => {
    const results = await all(clip.streamImages([paths[0]!, null as never, 7 as never]));
    expect(results.map((r) => (isFailed(r) ? r.failure.reason : 'ok'))).toEqual([
      'ok',
      'expected an image but received null',
      'expected an image but received 7',
    ]);
  });

  it('carry ids, texts and metadata through', async () => {
    const item = { id: 'shop/1', input: paths[0]!, text: 'a caption', metadata: { price: 3 } };
    const [result] = await all(clip.streamImages([item]));
    expect(result).toMatchObject({
      index: 0,
      id: 'shop/1',
      text: 'a caption',
      metadata: { price: 3 },
      format: 'jpeg',
    });
  });
});

describe('choices', () => {
  it('are part of the identity', async () => {
    expect(clip.identity).toMatchObject({
      model: 'tiny-clip',
      revision: null,
      dtype: 'fp32',
      output: 'projection',
      normalized: true,
      dimension: 16,
    });
    expect(clip.identity.weights).toMatch(/^[0-9a-f]{64}$/);
    const raw = await loadEmbedder(model, {
      normalize: false,
      inline: true,
      workers: 0,
      decode: { orient: false },
    });
    const [a, b] = await raw.embedImages([paths[0]!, paths[names.indexOf('jpeg-exif-8.jpg')]!]);
    await raw.close();
    expect(raw.identity.normalized).toBe(false);
    expect(raw.identity.transform).not.toBe(clip.identity.transform);
    expect(Math.hypot(...a!)).toBeGreaterThan(1.5);
    expect(cosine(a!, expected.images[names[0]!]!)).toBeCloseTo(1, 9);
    expect(cosine(b!, expected.images['jpeg-exif-8.jpg']!)).toBeLessThan(0.9999);
  });

  it('of another output give another dimension and no texts', async () => {
    const tokens = await loadEmbedder(model, { output: 'tokens', inline: true, workers: 0 });
    const [v] = await tokens.embedImages([paths[0]!]);
    expect(tokens.shape).toEqual([10, 32]);
    expect(v).toHaveLength(320);
    expect(Math.hypot(...v!.subarray(32, 64))).toBeCloseTo(1, 5);
    await expect(tokens.embedTexts(['x'])).rejects.toThrow(/output "projection", not in "tokens"/);
    await tokens.close();
  });

  it('in lower precision stay close', async () => {
    for (const [dtype, least] of [
      ['fp16', 0.99999],
      ['int8', 0.99],
    ] as const) {
      const e = await loadEmbedder(model, { dtype, inline: true, workers: 0 });
      const [v] = await e.embedImages([paths[0]!]);
      expect(cosine(v!, expected.images[names[0]!]!), dtype).toBeGreaterThan(least);
      expect(e.identity.dtype).toBe(dtype);
      await e.close();
    }
  });

  it.each([
    [
      'an output',
      { output: 'projecton' as never },
      ModelError,
      /no output "projecton"; did you mean "projection"/,
    ],
    ['a dtype', { dtype: 'int4' as never }, UsageError, /expected fp32, fp16, int8 but received "int4"/],
    ['a batch size', { batchSize: 0 }, UsageError, /batchSize: expected a whole number of at least 1/],
    ['a number of threads', { threads: 0 }, UsageError, /threads: expected a whole number of at least 1/],
  ])('of %s that does not exist are refused', async (_, options, type, message) => {
    const error = await loadEmbedder(model, options).catch((e: Error) => e);
    expect(error).toBeInstanceOf(type);
    expect((error as Error).message).toMatch(message);
  });
});
