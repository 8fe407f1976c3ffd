/**
 * @file From anything that names or holds an image to the bytes of its file, with a limit on their number and on
 * the time. Nothing is decoded here: `decode.ts` tells formats apart by content.
 *
 * Everything that goes wrong is an {@link ImageError} of stage `read` whose reason a person can act on; only an
 * abort rejects with the signal's own reason, because it ends the batch and not the item.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { ImageError } from '../errors.js';
import { fetchBytes } from './fetch.js';
import { ByteSink, DEFAULT_MAX_BYTES, readFailure, timeOut } from './source-bytes.js';
import type { ImageInput, RawImage, ReadOptions } from './types.js';

/** Milliseconds that a URL or stream may take unless told otherwise. */
const DEFAULT_TIMEOUT_MS = 30_000;

/**
 * Reads an image's encoded bytes, or passes raw pixels on.
 *
 * Strings are paths unless they begin with `http:`, `https:`, `file:` or `data:`.
 *
 * @throws {ImageError} of stage `read`: missing, a folder, no permission, too large, too slow, refused address, …
 */
export async function readSource(
  input: ImageInput,
  options: ReadOptions = {},
): Promise<Uint8Array | RawImage> {
  if (typeof input !== 'string' && (typeof input !== 'object' || input === null))
    throw notAnImage('<input>', input);
  const source = sourceName(input);
  const maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES;
  options.signal?.throwIfAborted();

  if (typeof input === 'string' || input instanceof URL) return readNamed(input, source, maxBytes, options);
  if (input instanceof Uint8Array) return new ByteSink(source, maxBytes).whole(input);
  if (input instanceof ArrayBuffer) return new ByteSink(source, maxBytes).whole(new Uint8Array(input));
  if (input instanceof Blob) {
    const sink = new ByteSink(source, maxBytes);
    sink.check(input.size);
    return sink.whole(new Uint8Array(await input.arrayBuffer()));
  }
  if (isRawImage(input)) return checkRawImage(input, source);
  if (isStream(input)) return readStream(input, source, maxBytes, options);
  throw notAnImage(source, input);
}

function notAnImage(source: string, input: unknown): ImageError {
  return new ImageError('read', source, `expected an image but received ${describe(input)}`, {
    hint: 'give a path, a URL, bytes, a Blob, a stream or {data, width, height, channels}',
  });
}

/** The name that an input goes by in errors and records: its path or URL (without password), or what it is. */
export function sourceName(input: ImageInput): string {
  if (typeof input === 'string') {
    if (/^data:/i.test(input)) return dataUriName(input);
    if (/^https?:/i.test(input) && URL.canParse(input)) return sourceName(new URL(input));
    return input;
  }
  if (input instanceof URL) {
    if (input.protocol === 'data:') return dataUriName(input.href);
    if (input.protocol === 'file:' && !input.host) return fileURLToPath(input);
    if (!input.username && !input.password) return input.href;
    const shown = new URL(input);
    shown.username = '';
    shown.password = '';
    return shown.href;
  }
  if (input instanceof Uint8Array || input instanceof ArrayBuffer) return '<buffer>';
  if (input instanceof Blob) return 'name' in input && typeof input.name === 'string' ? input.name : '<blob>';
  if (isRawImage(input)) return `<raw ${input.width}x${input.height}>`;
  const path = isStream(input) && 'path' in input ? input.path : undefined;
  return typeof path === 'string' ? path : '<stream>';
}

async function readNamed(
  input: string | URL,
  source: string,
  maxBytes: number,
  options: ReadOptions,
): Promise<Uint8Array> {
  const scheme =
    typeof input === 'string'
      ? /^([a-z][a-z0-9+.-]+):/i.exec(input)?.[1]?.toLowerCase()
      : input.protocol.slice(0, -1);
  if (scheme === 'data') return parseDataUri(String(input), source, maxBytes);
  if (scheme === 'http' || scheme === 'https') {
    return fetchBytes(parseUrl(input, source), {
      ...options,
      source,
      maxBytes,
      timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    });
  }
  if (scheme === 'file')
    return readFile(filePath(parseUrl(input, source), source), source, maxBytes, options.signal);
  if (input instanceof URL || /^[a-z][a-z0-9+.-]+:\/\//i.test(input)) {
    throw new ImageError('read', source, `cannot read ${scheme}: URLs`, {
      hint: 'use a path or an http(s):, file: or data: URL',
    });
  }
  return readFile(input, source, maxBytes, options.signal);
}

function parseUrl(input: string | URL, source: string): URL {
  if (input instanceof URL) return input;
  if (!URL.canParse(input)) throw new ImageError('read', source, 'this is not a valid URL');
  return new URL(input);
}

function filePath(url: URL, source: string): string {
  try {
    return fileURLToPath(url);
  } catch (cause) {
    throw new ImageError('read', source, 'this file: URL names no file on this machine', { cause });
  }
}

/** Reads a file whose size is known in one piece, and anything else (a pipe, `/dev/stdin`) until it ends. */
async function readFile(
  path: string,
  source: string,
  maxBytes: number,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const sink = new ByteSink(source, maxBytes);
  let file: FileHandle | undefined;
  try {
    file = await open(path, 'r');
    const stat = await file.stat();
    if (stat.isDirectory()) {
      throw new ImageError('read', source, 'this is a folder, not an image', {
        hint: 'folders are expanded where inputs are listed; here one image is expected',
      });
    }
    if (stat.isFile() && stat.size > 0) sink.expect(stat.size);
    for (;;) {
      signal?.throwIfAborted();
      const room = sink.room();
      const { bytesRead } = await file.read(room, 0, room.length, null);
      if (bytesRead === 0) break;
      sink.advance(bytesRead);
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw readFailure(source, error);
  } finally {
    await file?.close();
  }
  return sink.finish();
}

type AnyStream = NodeJS.ReadableStream | ReadableStream<Uint8Array>;

async function readStream(
  stream: AnyStream,
  source: string,
  maxBytes: number,
  { signal, timeoutMs = DEFAULT_TIMEOUT_MS }: ReadOptions,
): Promise<Uint8Array> {
  const sink = new ByteSink(source, maxBytes);
  const chunks = chunksOf(stream);
  let timer: NodeJS.Timeout | undefined;
  let onAbort: (() => void) | undefined;
  // What ends the reading early; a pending read is left behind and the stream is cancelled below.
  const cut = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(timeOut(source, timeoutMs)), timeoutMs);
    onAbort = () => reject(signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
  let ended = false;
  try {
    for (;;) {
      const next = await Promise.race([chunks.next(), cut]);
      if (next.done) break;
      sink.add(chunkBytes(next.value, source));
    }
    ended = true;
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    throw readFailure(source, error);
  } finally {
    clearTimeout(timer);
    if (onAbort) signal?.removeEventListener('abort', onAbort);
    if (!ended) chunks.stop();
  }
  return sink.finish();
}

/** One way to pull from both kinds of stream; `stop` lets go of one that will not be read on, without waiting. */
function chunksOf(stream: AnyStream): {
  next(): Promise<{ done?: boolean | undefined; value?: unknown }>;
  stop(): void;
} {
  if ('getReader' in stream) {
    const reader = stream.getReader();
    return { next: () => reader.read(), stop: () => void reader.cancel().catch(() => {}) };
  }
  const chunks = stream[Symbol.asyncIterator]();
  const stop = () => {
    if ('destroy' in stream && typeof stream.destroy === 'function') stream.destroy();
    else chunks.return?.().catch(() => {});
  };
  return { next: () => chunks.next(), stop };
}

function chunkBytes(chunk: unknown, source: string): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk;
  if (chunk instanceof ArrayBuffer) return new Uint8Array(chunk);
  throw new ImageError('read', source, `the stream gave ${describe(chunk)} where bytes were expected`, {
    hint: 'do not set an encoding on the stream',
  });
}

/** RFC 2397: `data:[<media type>][;base64],<data>`. */
function parseDataUri(uri: string, source: string, maxBytes: number): Uint8Array {
  const comma = uri.indexOf(',');
  if (comma < 0) throw new ImageError('read', source, 'this data URI has no comma before its data');
  const sink = new ByteSink(source, maxBytes);
  const data = uri.slice(comma + 1);
  if (/;\s*base64\s*$/i.test(uri.slice(0, comma))) {
    let text = data.includes('%') ? percentDecode(data, source).toString('latin1') : data;
    if (/\s/.test(text)) text = text.replace(/\s+/g, '');
    const body = text.replace(/=+$/, '');
    if (!/^[A-Za-z0-9+/_-]*$/.test(body) || body.length % 4 === 1) {
      throw new ImageError('read', source, 'the data of this data URI is not base64');
    }
    sink.check(Math.floor((body.length * 3) / 4));
    return sink.whole(Buffer.from(body, 'base64'));
  }
  return sink.whole(percentDecode(data, source));
}

function percentDecode(text: string, source: string): Buffer {
  if (/%(?![0-9a-f]{2})/i.test(text)) {
    throw new ImageError(
      'read',
      source,
      'the data of this data URI has a % that is not followed by two hex digits',
    );
  }
  const bytes = Buffer.from(text, 'utf8');
  let length = 0;
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] === 0x25) {
      bytes[length++] = Number.parseInt(bytes.toString('latin1', i + 1, i + 3), 16);
      i += 2;
    } else bytes[length++] = bytes[i]!;
  }
  return bytes.subarray(0, length);
}

function dataUriName(uri: string): string {
  const head = /^data:([^,;]{0,40})/i.exec(uri)?.[1] ?? '';
  return `<data:${head} of ${uri.length} characters>`;
}

function isRawImage(input: object): input is RawImage {
  return 'data' in input && 'width' in input && 'height' in input;
}

function checkRawImage(image: RawImage, source: string): RawImage {
  const { data, width, height, channels = 3 } = image;
  if (!(data instanceof Uint8Array || (data as unknown) instanceof Uint8ClampedArray)) {
    throw new ImageError(
      'read',
      source,
      `expected data to be 8-bit (a Uint8Array) but received ${describe(data)}`,
    );
  }
  if (!Number.isInteger(width) || !Number.isInteger(height) || width < 1 || height < 1) {
    throw new ImageError(
      'read',
      source,
      `expected a positive width and height but received ${width} and ${height}`,
    );
  }
  if (channels !== 1 && channels !== 3 && channels !== 4) {
    throw new ImageError('read', source, `expected 1, 3 or 4 channels but received ${String(channels)}`);
  }
  if (data.length !== width * height * channels) {
    throw new ImageError(
      'read',
      source,
      `expected ${width} x ${height} x ${channels} = ${width * height * channels} bytes but received ${data.length}`,
    );
  }
  return image;
}

function isStream(input: unknown): input is AnyStream {
  return typeof input === 'object' && input !== null && Symbol.asyncIterator in input;
}

function describe(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value !== 'object') return `a ${typeof value}`;
  return value.constructor?.name ?? 'an object';
}
