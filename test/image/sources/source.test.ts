import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ImageError } from '#src/errors.js';
import { readSource, sourceName } from '#src/image/source.js';
import type { ImageInput, ReadOptions } from '#src/image/types.js';

let folder: string;
let file: string;
const bytes = Uint8Array.from({ length: 100_000 }, (_, i) => (i * 31) & 255);

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'source-'));
  file = path.join(folder, 'ä b#c.png');
  await writeFile(file, bytes);
});
afterAll(() => rm(folder, { recursive: true }));

async function failure(input: ImageInput, options?: ReadOptions): Promise<ImageError> {
  const error = await readSource(input, options).then(
    () => undefined,
    (caught: unknown) => caught,
  );
  expect(error).toBeInstanceOf(ImageError);
  expect((error as ImageError).stage).toBe('read');
  return error as ImageError;
}

describe('readSource', () => {
  it('reads the same bytes from every kind of source', async () => {
    const base64 = Buffer.from(bytes).toString('base64');
    const percent = [...bytes].map((b) => `%${b.toString(16).padStart(2, '0')}`).join('');
    const sources: ImageInput[] = [
      file,
      pathToFileURL(file),
      pathToFileURL(file).href,
      `data:image/png;base64,${base64}`,
      `data:image/png;BASE64,${base64.replaceAll('+', '%2B').replaceAll('/', '%2F').replaceAll('=', '%3D')}`,
      new URL(`data:;base64,${base64.replace(/=+$/, '')}`),
      `data:application/octet-stream,${percent}`,
      bytes,
      Buffer.from(bytes),
      bytes.slice().buffer,
      new Blob([bytes.subarray(0, 10), bytes.subarray(10)]),
      Readable.from([Buffer.from(bytes.subarray(0, 70_000)), Buffer.from(bytes.subarray(70_000))]),
      new Blob([bytes]).stream(),
    ];
    for (const source of sources) {
      const read = await readSource(source);
      expect(read).toBeInstanceOf(Uint8Array);
      expect(Buffer.compare(read as Uint8Array, bytes), sourceName(source)).toBe(0);
    }
  });

  it('keeps literal characters of a data URI as UTF-8', async () => {
    const svg = '<svg xmlns="http://www.w3.org/2000/svg"><text>é</text></svg>';
    expect(Buffer.from((await readSource(`data:image/svg+xml,${svg}`)) as Uint8Array).toString()).toBe(svg);
  });

  it('passes raw pixels on and checks their size', async () => {
    const raw = { data: new Uint8Array(2 * 3 * 4), width: 2, height: 3, channels: 4 } as const;
    expect(await readSource(raw)).toBe(raw);
    expect((await failure({ ...raw, channels: 3 })).reason).toBe(
      'expected 2 x 3 x 3 = 18 bytes but received 24',
    );
    expect((await failure({ ...raw, width: 0 })).reason).toContain('positive width');
  });

  it.each([
    ['nowhere.jpg', /^no such file$/],
    [os.tmpdir(), /^this is a folder, not an image$/],
    ['s3://bucket/key.jpg', /^cannot read s3: URLs$/],
    ['http://[bad/', /^this is not a valid URL$/],
    ['data:image/png;base64', /no comma/],
    ['data:;base64,####', /not base64/],
    ['data:;base64,AAAAA', /not base64/],
    ['data:,50%', /two hex digits/],
    ['data:,', /^empty/],
    ['a\0b.jpg', /^the path is not valid$/],
  ])('says what is wrong with %s', async (input, reason) => {
    expect((await failure(input)).reason).toMatch(reason);
  });

  it.skipIf(process.getuid?.() === 0 || process.platform === 'win32')(
    'says that there is no permission',
    async () => {
      const locked = path.join(folder, 'locked.png');
      await writeFile(locked, bytes, { mode: 0 });
      expect((await failure(locked)).reason).toBe('no permission to read it');
    },
  );

  it('refuses an empty file', async () => {
    const empty = path.join(folder, 'empty.png');
    await writeFile(empty, '');
    expect((await failure(empty)).reason).toMatch(/^empty/);
  });

  it('enforces maxBytes on every kind of source, at the byte', async () => {
    const endless = () =>
      new ReadableStream<Uint8Array>({ pull: (controller) => controller.enqueue(new Uint8Array(65_536)) });
    const sources = (): ImageInput[] => [
      file,
      pathToFileURL(file),
      `data:;base64,${Buffer.from(bytes).toString('base64')}`,
      bytes,
      new Blob([bytes]),
      Readable.from([Buffer.from(bytes)]),
      endless(),
    ];
    for (const source of sources()) {
      const error = await failure(source, { maxBytes: bytes.length - 1 });
      expect(error.reason).toMatch(/where at most 99999 are allowed$/);
      expect(error.hint).toContain('maxBytes');
    }
    for (const source of sources().slice(0, -1)) {
      expect(((await readSource(source, { maxBytes: bytes.length })) as Uint8Array).length).toBe(
        bytes.length,
      );
    }
  });

  it.skipIf(process.platform !== 'linux')('stops reading a device that never ends', async () => {
    expect((await failure('/dev/zero', { maxBytes: 1_000_000 })).reason).toMatch(/more than 1000000 bytes/);
  });

  it('gives up on a stream that stalls, and destroys it', async () => {
    const stalled = new Readable({ read() {} });
    stalled.push(Buffer.from('head'));
    const error = await failure(stalled, { timeoutMs: 100 });
    expect(error.reason).toBe('not read to its end within 0.1 s');
    expect(stalled.destroyed).toBe(true);
    let cancelled = false;
    const web = new ReadableStream<Uint8Array>({
      cancel() {
        cancelled = true;
      },
    });
    await failure(web, { timeoutMs: 50 });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(cancelled).toBe(true);
  });

  it("rejects with the signal's own reason when aborted, before and during", async () => {
    const reason = new Error('enough');
    await expect(readSource(file, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const control = new AbortController();
    const reading = readSource(new Readable({ read() {} }), { signal: control.signal });
    setTimeout(() => control.abort(reason), 20);
    await expect(reading).rejects.toBe(reason);
  });

  it('passes on what a stream failed with', async () => {
    const broken = new Readable({ read() {} });
    setTimeout(() => broken.destroy(new Error('the tape snapped')), 10);
    expect((await failure(broken)).reason).toContain('the tape snapped');
    expect((await failure(Readable.from(['text'], { encoding: 'utf8' }))).reason).toContain(
      'a string where bytes',
    );
  });

  it('names what it was given when that is no image', async () => {
    expect((await failure(42 as unknown as string)).reason).toContain('a number');
    expect((await failure(null as unknown as string)).reason).toContain('null');
  });
});

describe('sourceName', () => {
  it('names inputs without secrets or bulk', () => {
    expect(sourceName('a/b.jpg')).toBe('a/b.jpg');
    expect(sourceName('https://user:secret@example.org/a.jpg?x=1')).toBe('https://example.org/a.jpg?x=1');
    expect(sourceName(`data:image/png;base64,${'A'.repeat(5000)}`)).toBe(
      '<data:image/png of 5022 characters>',
    );
    expect(sourceName(pathToFileURL(file))).toBe(file);
    expect(sourceName(bytes)).toBe('<buffer>');
    expect(sourceName(new File([], 'c.jpg'))).toBe('c.jpg');
    expect(sourceName({ data: bytes, width: 4, height: 5 })).toBe('<raw 4x5>');
    expect(sourceName(Readable.from([]))).toBe('<stream>');
  });
});
