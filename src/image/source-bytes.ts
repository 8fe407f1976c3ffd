/**
 * @file Bytes gathered up to a limit, and the wording of what can go wrong while they are read. Every source ends
 * here, so that one limit and one set of messages hold for files, URLs, streams and archive members.
 */
import { ImageError } from '../errors.js';

/** Bytes that one encoded image may have unless told otherwise: 256 MiB. */
export const DEFAULT_MAX_BYTES = 256 * 1024 * 1024;

const FIRST_ROOM = 64 * 1024;

/** Gathers the bytes of one image, and throws as soon as there are more than `maxBytes`. */
export class ByteSink {
  readonly #source: string;
  readonly #maxBytes: number;
  #buffer = new Uint8Array(0);
  #length = 0;

  constructor(source: string, maxBytes: number) {
    this.#source = source;
    this.#maxBytes = maxBytes;
  }

  /** How many bytes there are so far. */
  get length(): number {
    return this.#length;
  }

  /** Refuses a size that is too large. */
  check(size: number): void {
    if (size > this.#maxBytes) throw this.#tooLarge(`${size} bytes`);
  }

  /** Announces the size: too large a file is refused before it is read, and memory is allotted once. */
  expect(size: number): void {
    this.check(size);
    // One byte more than announced, so that the read which finds the end needs no new memory.
    if (this.#buffer.length === 0) this.#buffer = new Uint8Array(size + 1);
  }

  /** Passes on bytes that are already in memory. @throws {ImageError} when there are none or too many. */
  whole(bytes: Uint8Array): Uint8Array {
    this.check(bytes.length);
    if (bytes.length === 0) throw this.#empty();
    return bytes;
  }

  /** Space to read into, at least one byte; {@link advance} says how much of it was filled. */
  room(): Uint8Array {
    if (this.#length === this.#buffer.length) this.#grow(this.#length + 1);
    return this.#buffer.subarray(this.#length);
  }

  /** Says that `count` bytes were read into {@link room}. */
  advance(count: number): void {
    this.#length += count;
    if (this.#length > this.#maxBytes) throw this.#tooLarge(`more than ${this.#maxBytes} bytes`);
  }

  /** Adds a copy of a chunk. */
  add(chunk: Uint8Array): void {
    if (this.#length + chunk.length > this.#maxBytes)
      throw this.#tooLarge(`more than ${this.#maxBytes} bytes`);
    if (this.#length + chunk.length > this.#buffer.length) this.#grow(this.#length + chunk.length);
    this.#buffer.set(chunk, this.#length);
    this.#length += chunk.length;
  }

  /** All bytes. @throws {ImageError} when there are none. */
  finish(): Uint8Array {
    if (this.#length === 0) throw this.#empty();
    return this.#buffer.subarray(0, this.#length);
  }

  #grow(needed: number): void {
    const size = Math.min(
      Math.max(needed, this.#buffer.length * 2, FIRST_ROOM),
      Math.max(needed, this.#maxBytes + 1),
    );
    const larger = new Uint8Array(size);
    larger.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = larger;
  }

  #empty(): ImageError {
    return new ImageError('read', this.#source, 'empty: it has no bytes');
  }

  #tooLarge(what: string): ImageError {
    return new ImageError('read', this.#source, `${what}, where at most ${this.#maxBytes} are allowed`, {
      hint: 'raise maxBytes if this is really an image',
    });
  }
}

const REASONS: Record<string, [reason: string, hint?: string]> = {
  ENOENT: ['no such file', 'check the spelling; relative paths start at the current folder'],
  ENOTDIR: ['no such file: a part of the path is not a folder'],
  EACCES: ['no permission to read it', 'check the permissions of the file and its folders'],
  EPERM: ['no permission to read it', 'check the permissions of the file and its folders'],
  EISDIR: ['this is a folder, not an image'],
  ELOOP: ['a symbolic link that leads to itself'],
  EMFILE: ['too many open files', 'raise the limit (ulimit -n) or lower the concurrency'],
  ENFILE: ['too many open files on this machine'],
  ENAMETOOLONG: ['the path is too long'],
  EIO: ['the disk could not read it', 'the disk or the connection to it may be failing'],
  EINVAL: ['the path is not valid'],
  ERR_INVALID_ARG_VALUE: ['the path is not valid'],
  ENXIO: ['this is a socket or device, not a file'],
  ERR_STREAM_PREMATURE_CLOSE: ['the stream was closed before its end'],
};

/** What the operating system or a stream threw, as an {@link ImageError} of stage `read`. */
export function readFailure(source: string, error: unknown): ImageError {
  if (error instanceof ImageError) return error;
  const code = errorCode(error);
  const known = code === undefined ? undefined : REASONS[code];
  const message = error instanceof Error ? error.message : String(error);
  const [reason, hint] = known ?? [`cannot be read (${message})`];
  return new ImageError('read', source, reason, { hint, cause: error });
}

/** The error for something that took longer than it may. */
export function timeOut(source: string, timeoutMs: number): ImageError {
  return new ImageError('read', source, `not read to its end within ${timeoutMs / 1000} s`, {
    hint: 'raise timeoutMs if the source is merely slow',
  });
}

/** The `code` of a system error, where it has one. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
