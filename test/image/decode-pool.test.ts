/**
 * @file The decode pool with real worker threads: same tensors as without, failures that stay with their image.
 */
import { setMaxListeners } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { ImageError } from '#src/errors.js';
import { DecodePool, type DecodePoolOptions, torchvisionTransform } from '#src/image/index.js';
import { fixtures } from './golden.js';

const file = (name: string): string => path.join(fixtures, 'files', name);
const spec = torchvisionTransform({ resize: 32, crop: 28 });
const pools: DecodePool[] = [];

function open(options: Partial<DecodePoolOptions>): DecodePool {
  const pool = new DecodePool({ spec, ...options });
  pools.push(pool);
  return pool;
}

afterEach(async () => {
  for (const pool of pools.splice(0)) await pool.close();
});

describe('DecodePool', () => {
  it('gives the same tensors on threads as on the caller’s own', async () => {
    const inline = open({ workers: 0 });
    const threads = open({ workers: 2 });
    const bytes = readFileSync(file('png-rgb.png'));
    const raw = { data: new Uint8Array(50 * 40 * 3).map((_, i) => i % 251), width: 50, height: 40 };
    const inputs = [
      file('jpeg-exif-6.jpg'),
      bytes,
      raw,
      new Blob([bytes]),
      new URL(`file://${file('gif-static.gif')}`),
    ];
    const expected = await Promise.all(inputs.map((input) => inline.process(input)));
    const found = await Promise.all(inputs.map((input) => threads.process(input)));
    expect(found).toEqual(expected);
    expect(expected[0]).toMatchObject({ width: 37, height: 53, format: 'jpeg' });
    expect(bytes.byteLength).toBeGreaterThan(0); // the caller's bytes were copied, not taken away
  });

  it.each([0, 1])('fails single images and goes on, with %i workers', async (workers) => {
    const pool = open({ workers });
    const results = await Promise.allSettled(
      ['missing.jpg', 'broken-jpeg-truncated.jpg', 'jpeg-420.jpg', 'broken-text.jpg'].map((name) =>
        pool.process(file(name)),
      ),
    );
    expect(results.map((r) => (r.status === 'rejected' ? r.reason.stage : 'ok'))).toEqual([
      'read',
      'decode',
      'ok',
      'decode',
    ]);
    const [missing] = results;
    if (missing?.status !== 'rejected') throw new Error('a missing file was read');
    expect(missing.reason).toBeInstanceOf(ImageError);
    expect(missing.reason.source).toBe(file('missing.jpg'));
  });

  it('replaces a worker that takes too long, and only its image fails', async () => {
    const pool = open({ workers: 1, itemTimeoutMs: 1 });
    const error = await pool.process(file('tiff-pages.tif')).catch((e) => e);
    expect(error).toBeInstanceOf(ImageError);
    expect(error.reason).toBe('it was not decoded within 1 ms');
  });

  it('takes views of large buffers, moved buffers and objects with more on them', async () => {
    const pool = open({ workers: 1 });
    const bytes = readFileSync(file('png-rgb.png'));
    const large = new Uint8Array(256 * 2 ** 20);
    large.set(bytes);
    const [expected] = await Promise.all([pool.process(new Uint8Array(bytes)), pool.process(bytes)]);
    const start = performance.now();
    for (let i = 0; i < 8; i++) expect(await pool.process(large.subarray(0, bytes.length))).toEqual(expected);
    expect(performance.now() - start).toBeLessThan(500); // copying the large buffer 8 times takes seconds
    const moved = new Uint8Array(bytes);
    structuredClone(moved, { transfer: [moved.buffer] });
    await expect(pool.process(moved)).rejects.toThrow(ImageError);
    const raw = { data: new Uint8Array(48), width: 4, height: 4, describe: () => 'mine' };
    const all = await Promise.all([pool.process(bytes), pool.process(raw), pool.process(bytes)]);
    expect(all.map((p) => p.format)).toEqual(['png', 'raw', 'png']);
  });

  it('starts nothing for a stream that ends after it was closed', async () => {
    const pool = open({ workers: 1 });
    const bytes = readFileSync(file('png-rgb.png'));
    const slow = new ReadableStream<Uint8Array>({
      async start(controller) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        controller.enqueue(new Uint8Array(bytes));
        controller.close();
      },
    });
    const running = expect(pool.process(slow)).rejects.toThrow('the pool of decoders is closed');
    await pool.close();
    await running;
  });

  it('lets single images leave the line', async () => {
    const pool = open({ workers: 1 });
    const controller = new AbortController();
    setMaxListeners(0, controller.signal);
    const first = pool.process(file('jpeg-420.jpg'));
    const left = Array.from({ length: 50 }, () => pool.process(file('jpeg-420.jpg'), controller.signal));
    const last = pool.process(file('png-rgb.png'));
    controller.abort(new Error('enough'));
    const results = await Promise.allSettled(left);
    expect(results.every((r) => r.status === 'rejected' && r.reason.message === 'enough')).toBe(true);
    expect((await first).format).toBe('jpeg');
    expect((await last).format).toBe('png');
  });

  it('ends with its signal', async () => {
    const controller = new AbortController();
    const pool = open({ workers: 1, signal: controller.signal });
    const running = Promise.allSettled(Array.from({ length: 20 }, () => pool.process(file('jpeg-420.jpg'))));
    controller.abort(new Error('enough'));
    const results = await running;
    expect(results.every((r) => r.status === 'rejected' && r.reason.message === 'enough')).toBe(true);
    await expect(pool.process(file('jpeg-420.jpg'))).rejects.toThrow('enough');
  });

  it('refuses work after it was closed', async () => {
    const pool = open({ workers: 1 });
    await pool.process(file('jpeg-420.jpg'));
    await pool.close();
    await expect(pool.process(file('jpeg-420.jpg'))).rejects.toThrow('the pool of decoders is closed');
  });
});
