/**
 * @file The loader with real files and threads: the same numbers however it is run, failures that cost one place, and
 * batches that are ready while the caller's thread is busy.
 */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { Worker } from 'node:worker_threads';
import tar from 'tar-stream';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { ImageError, type ItemFailure, TrainingError, UsageError } from '#src/errors.js';
import {
  applyTransform,
  decodeImage,
  expandInputs,
  type RawImage,
  torchvisionTransform,
} from '#src/image/index.js';
import { PixelCache } from '#src/training/data/cache.js';
import { type Batch, Loader, type LoaderOptions } from '#src/training/data/loader.js';
import type { LoaderItem } from '#src/training/data/loader-batch.js';
import { replaceByLabel } from '#src/training/data/loader-replacement.js';

const root = path.resolve(import.meta.dirname, '../../..');
const samples = readdirSync(path.join(root, 'samples'))
  .filter((name) => /emoji.*png$|cat.*jpg$|coffee/.test(name))
  .sort();
const items: LoaderItem[] = samples.map((name) => ({ id: name, input: path.join(root, 'samples', name) }));
const spec = torchvisionTransform({ resize: 30, crop: 24 });
const length = 3 * 24 * 24;

const scratch = mkdtempSync(path.join(tmpdir(), 'afterimage-loader-'));
const loaders: Loader[] = [];

function open(options: Partial<LoaderOptions> = {}): Loader {
  const loader = new Loader({ items, spec, seed: 3, workers: 2, cacheBytes: 2 ** 22, ...options });
  loaders.push(loader);
  return loader;
}

afterEach(async () => {
  for (const loader of loaders.splice(0)) await loader.close();
});
afterAll(() => rmSync(scratch, { recursive: true }));

/** Batches of four in an order that is not the items' own, with an image that occurs twice in a batch. */
const plan = Array.from({ length: 5 }, (_, k) =>
  Int32Array.from([7 * k + 3, 5 * k, 7 * k + 3, 2 * k + 1], (i) => i % items.length),
);

async function all(batches: AsyncIterable<Batch>): Promise<Batch[]> {
  const found: Batch[] = [];
  for await (const batch of batches) found.push(batch);
  return found;
}

async function expectedRow(input: LoaderItem['input']): Promise<Float32Array> {
  const bytes = typeof input === 'string' ? readFileSync(input) : (input as Uint8Array);
  return applyTransform(await decodeImage(bytes), spec);
}

const row = ({ images }: Batch, place: number): Float32Array =>
  images.subarray(place * length, (place + 1) * length);

describe('Loader', () => {
  it.each(['simclr', 'light'] as const)(
    '%s: the same numbers with any number of threads, any cache, and from the middle',
    async (augment) => {
      const inline = open({ augment, workers: 0, cacheBytes: 0 });
      const first = await all(inline.batches(0, plan));
      const second = await all(inline.batches(1, plan));
      expect(first.map(({ indices }) => indices)).toEqual(plan);
      expect(second[0]!.images).not.toEqual(first[0]!.images);
      expect(row(first[0]!, 0)).not.toEqual(row(first[0]!, 2)); // two views of one image
      for (const options of [
        { workers: 1, prefetch: 1 },
        { workers: 3 },
        { workers: 2, cacheBytes: 40_000 }, // room for a few pictures only
        { workers: 0 },
      ]) {
        const loader = open({ augment, ...options });
        expect(await all(loader.batches(0, plan))).toEqual(first);
        expect(await all(loader.batches(1, plan, 3))).toEqual(second.slice(3));
        expect(await all(loader.batches(0, plan))).toEqual(first);
      }
    },
  );

  it('evaluates in order, unvaried, with a shorter last batch', async () => {
    for (const augment of ['simclr', 'light', null] as const) {
      const loader = open({ augment });
      const batches = await all(loader.evaluate([Int32Array.of(0, 1, 2, 3), Int32Array.of(4, 5)]));
      expect(batches.map(({ images }) => images.length)).toEqual([4 * length, 2 * length]);
      for (let i = 0; i < 6; i++) {
        expect(row(batches[Math.floor(i / 4)]!, i % 4)).toEqual(await expectedRow(items[i]!.input));
      }
    }
  });

  it('takes bytes, pixels and members of archives', async () => {
    const pixels: RawImage = { data: new Uint8Array(40 * 50).fill(90), width: 40, height: 50, channels: 1 };
    const members: LoaderItem[] = [];
    const archive = path.join(scratch, 'some.tar');
    const pack = tar.pack();
    for (const { id, input } of items.slice(0, 3)) pack.entry({ name: id }, readFileSync(input as string));
    pack.finalize();
    await writeFile(archive, pack as unknown as Readable);
    for await (const { id, input } of expandInputs([archive])) {
      if (input instanceof Uint8Array) members.push({ id, input });
    }
    expect(members.length).toBe(3);
    const held = [...members, { id: 'grey', input: pixels }];
    for (const workers of [0, 2]) {
      const loader = open({ items: held, workers });
      const everything = Int32Array.from(held.keys());
      const [batch] = await all(loader.evaluate([everything]));
      for (const [i, { input }] of members.entries()) {
        expect(row(batch!, i)).toEqual(await expectedRow(input));
      }
      const rgb = { data: new Uint8Array(40 * 50 * 3).fill(90), width: 40, height: 50 };
      expect(row(batch!, members.length)).toEqual(applyTransform(rgb, spec));
    }
  });

  it('reads a line drawing of one bit', async () => {
    const drawing = path.join(root, 'test/fixtures/image/files');
    const name = readdirSync(drawing).find((file) => /png-1/.test(file))!;
    const input = path.join(drawing, name);
    const loader = open({ items: [{ id: name, input }], augment: 'characters' });
    const [plain] = await all(loader.evaluate([Int32Array.of(0)]));
    expect(plain!.images).toEqual(await expectedRow(input));
    const [varied] = await all(loader.batches(0, [Int32Array.of(0)]));
    expect(varied!.images).not.toEqual(plain!.images);
  });

  it('keeps pixels between epochs, and without memory for them decodes again', async () => {
    const folder = path.join(scratch, 'kept');
    cpSync(path.join(root, 'samples'), folder, { recursive: true });
    const copies = samples.map((name) => ({ id: name, input: path.join(folder, name) }));
    const whole = [Int32Array.from(copies.keys())];
    for (const augment of ['light', 'standard'] as const) {
      const keeping = open({ items: copies, augment, cacheBytes: 2 ** 25 });
      await all(keeping.batches(0, whole));
    }
    const [resized, decoded] = loaders as [Loader, Loader];
    const failures: ItemFailure[] = [];
    const forgetting = open({ items: copies, cacheBytes: 0, onFailure: (failure) => failures.push(failure) });
    const expected = await all(forgetting.evaluate(whole));
    rmSync(folder, { recursive: true });
    expect(await all(resized.evaluate(whole))).toEqual(expected);
    expect(await all(decoded.evaluate(whole))).toEqual(expected);
    await expect(all(forgetting.evaluate(whole))).rejects.toThrow('no image of its batch could be read');
    expect(failures.length).toBe(copies.length);
  });

  it('has batches ready after its caller was busy', async () => {
    const loader = open({ augment: 'standard', workers: 1, prefetch: 4 });
    const batches = loader.batches(0, plan);
    await batches.next(); // the thread runs
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2000);
    let arrived = 0;
    const rest = (async () => {
      for await (const _ of batches) arrived++;
    })();
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(arrived).toBe(4);
    await rest;
  });

  it('ends early without unfinished work that is reported', async () => {
    const loader = open();
    for await (const batch of loader.batches(0, plan)) {
      expect(batch.indices).toEqual(plan[0]);
      break;
    }
    await loader.close();
    await expect(all(loader.batches(1, plan))).rejects.toThrow(TrainingError);
  });
});

describe('images that cannot be read', () => {
  const broken = path.join(scratch, 'broken.png');
  writeFileSync(broken, readFileSync(path.join(root, 'samples', samples[0]!)).subarray(0, 400));
  const some = [items[0]!, { id: 'broken', input: broken }, items[2]!, { id: 'gone', input: 'gone.png' }];
  const batch = Int32Array.of(1, 0, 3, 1, 2);

  it.each([0, 2])(
    'leave their place to the next of the batch, and are reported once (%i threads)',
    async (workers) => {
      const failures: ItemFailure[] = [];
      const loader = open({ items: some, workers, onFailure: (failure) => failures.push(failure) });
      const [made] = await all(loader.batches(0, [batch]));
      expect(made!.indices).toEqual(Int32Array.of(0, 0, 2, 2, 2));
      expect(row(made!, 0)).toEqual(row(made!, 1));
      expect(row(made!, 2)).toEqual(row(made!, 4));
      expect(row(made!, 3)).toEqual(await expectedRow(items[2]!.input));
      await all(loader.batches(1, [batch]));
      expect(failures.map(({ id, stage }) => [id, stage])).toEqual([
        ['broken', 'decode'],
        ['gone', 'read'],
      ]);
      expect(failures[0]!.reason).toMatch(/truncated/);
      expect(failures[1]!.reason).toMatch(/no such file/);
    },
  );

  it('are replaced by another of their class where one is named', async () => {
    // Items 0 and 1 are of one class, 2 and 3 of the other; 3 is asked for the broken one first.
    const replacement = (item: number, attempt: number) => (item === 3 ? [1, 2][attempt] : 0);
    const varied = open({ items: some, augment: 'light', replacement });
    const again = open({ items: some, augment: 'light', replacement, workers: 0, cacheBytes: 0 });
    const [made] = await all(varied.batches(2, [batch]));
    expect(made!.indices).toEqual(Int32Array.of(0, 0, 2, 0, 2));
    expect(await all(again.batches(2, [batch]))).toEqual([made]);
    // A stand-in is varied by the draws of its place: as if the plan had named it.
    expect(await all(varied.batches(2, [made!.indices]))).toEqual([made]);
  });

  it('end the run when a batch has no other', async () => {
    const loader = open({ items: some });
    const attempt = all(loader.batches(0, [Int32Array.of(3, 1)]));
    await expect(attempt).rejects.toThrow(ImageError);
    await expect(attempt).rejects.toThrow('gone: no such file; no image of its batch could be read');
  });

  it('replaceByLabel stays in the class and the part, and depends on the seed alone', () => {
    const labels = Int32Array.of(0, 1, 0, 1, 0, 1, 0);
    const replace = replaceByLabel(labels, Int32Array.of(0, 1, 2, 3, 6), 1);
    for (let attempt = 0; attempt < 20; attempt++) expect([0, 6]).toContain(replace(2, attempt));
    expect(replace(1, 0)).toBe(3);
    expect(replaceByLabel(labels, Int32Array.of(5), 1)(5, 0)).toBeUndefined();
    expect([1, 2]).toContain(replaceByLabel(null, Int32Array.of(0, 1, 2), 9)(0, 0));
    const same = replaceByLabel(labels, Int32Array.of(0, 1, 2, 3, 6), 1);
    expect([0, 1, 2, 3].map((n) => same(2, n))).toEqual([0, 1, 2, 3].map((n) => replace(2, n)));
  });
});

describe('threads that die', () => {
  /** Calls `act` for each thread that is started meanwhile. */
  async function watching<T>(act: (worker: Worker) => void, during: () => Promise<T>): Promise<T> {
    process.on('worker', act);
    try {
      return await during();
    } finally {
      process.off('worker', act);
    }
  }

  it('are replaced, and nothing is missing', async () => {
    const expected = await all(open({ augment: 'standard', workers: 0 }).batches(0, plan));
    const started: Worker[] = [];
    const found = await watching(
      (worker) => started.push(worker),
      async () => {
        const loader = open({ augment: 'standard', prefetch: 5 });
        const batches = loader.batches(0, plan);
        await new Promise((resolve) => setImmediate(resolve)); // threads are told of in the next turn
        await started[0]!.terminate();
        return all(batches);
      },
    );
    expect(found).toEqual(expected);
    expect(started.length).toBeGreaterThan(2);
  });

  it('end the run when one batch costs two of them', async () => {
    const attempt = watching(
      (worker) => void worker.terminate(),
      () => all(open().batches(4, plan)),
    );
    await expect(attempt).rejects.toThrow(/Batch \d of epoch 4 could not be loaded: its thread died twice/);
  });
});

describe('PixelCache', () => {
  it('gives back what was put, until it is full', () => {
    const memory = PixelCache.allocate(5, 1024);
    const cache = new PixelCache(memory);
    const image = (n: number, width: number) => ({
      data: new Uint8Array(width * 3 * 5).fill(n),
      width,
      height: 5,
    });
    cache.put(3, image(3, 20)); // 300 bytes: 5 units
    cache.put(0, image(1, 40)); // 600 bytes: 10 units
    cache.put(1, image(2, 20)); // does not fit
    expect(cache.get(1)).toBeUndefined();
    cache.put(1, image(2, 4)); // 60 bytes: the last unit
    cache.put(1, image(9, 4)); // there already
    const other = new PixelCache(memory);
    expect(other.get(3)).toEqual(image(3, 20));
    expect(other.get(0)).toEqual(image(1, 40));
    expect(other.get(1)).toEqual(image(2, 4));
    expect(other.get(4)).toBeUndefined();
    expect(other.used).toBe(1024);
    expect(PixelCache.bytesFor(3, { width: 20, height: 5 })).toBe(960);
  });

  it('holds no memory for pictures that do not fit, not even for a moment', async () => {
    // Two that did so at a time would leave less than is in use, and the next picture would overwrite another.
    const memory = PixelCache.allocate(1, 64);
    const script = `
      import { parentPort, workerData } from 'node:worker_threads';
      const { PixelCache } = await import(workerData.module);
      const cache = new PixelCache(workerData.memory);
      const large = { data: new Uint8Array(300), width: 10, height: 10 };
      parentPort.postMessage('ready');
      for (;;) cache.put(0, large);`;
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(script)}`), {
      workerData: { module: new URL('../../../dist/training/data/cache.js', import.meta.url).href, memory },
    });
    await new Promise((resolve) => worker.once('message', resolve));
    const cache = new PixelCache(memory);
    let most = 0;
    for (const end = performance.now() + 1500; most === 0 && performance.now() < end; )
      for (let i = 0; i < 100_000; i++) most = Math.max(most, cache.used);
    await worker.terminate();
    expect(most).toBe(0);
  });
});

describe('options', () => {
  it.each<[string, Partial<LoaderOptions>, string]>([
    ['half a thread', { workers: 0.5 }, 'workers: expected a whole number of at least 0 but received 0.5'],
    ['nothing ahead', { prefetch: 0 }, 'prefetch: expected a whole number of at least 1'],
    ['a negative cache', { cacheBytes: -1 }, 'cacheBytes: expected'],
    ['an unknown step', { augment: { crop: 1 } as object }, 'received crop'],
    ['a size that is not fixed', { spec: { ...spec, crop: null } }, 'its output size depends on the picture'],
    [
      'a stream',
      { items: [{ id: 'a', input: new Blob([]) as unknown as string }] },
      'Expected a path, a URL, bytes or pixels for the input of a',
    ],
  ])('refuse %s before any work', (_, options, message) => {
    expect(() => open(options)).toThrow(UsageError);
    expect(() => open(options)).toThrow(message);
  });
});
