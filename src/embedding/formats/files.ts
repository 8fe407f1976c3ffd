/**
 * @file Files that appear whole or not at all: written beside their place, flushed to the disk, then renamed into it.
 * And the one wording for what the disk refuses.
 */
import { type FileHandle, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { FormatError } from '../../errors.js';
import { type EmbeddingIdentity, parseIdentity } from '../identity.js';
import type { EmbeddingRow, EmbeddingScan } from './row.js';

const FLUSH_AT = 1 << 20;
const ROWS = 512;

/** A file under construction. */
export class AtomicFile {
  readonly path: string;
  readonly #temporary: string;
  readonly #file: FileHandle;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #finished = false;

  private constructor(file: string, temporary: string, handle: FileHandle) {
    this.path = file;
    this.#temporary = temporary;
    this.#file = handle;
  }

  /** @throws {FormatError} when the place cannot be written. */
  static async create(file: string): Promise<AtomicFile> {
    const temporary = temporaryName(file);
    try {
      await mkdir(path.dirname(file), { recursive: true });
      return new AtomicFile(file, temporary, await open(temporary, 'w'));
    } catch (error) {
      throw writeFailure(file, error);
    }
  }

  /** Adds bytes or UTF-8 text. The bytes must not change afterwards. */
  async write(data: Uint8Array | string): Promise<void> {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data;
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
    if (this.#pendingBytes >= FLUSH_AT) await this.#flush();
  }

  /** Puts everything on the disk: after this only the rename can fail. */
  async finish(): Promise<void> {
    if (this.#finished) return;
    await this.#flush();
    try {
      await this.#file.sync();
      await this.#file.close();
    } catch (error) {
      throw writeFailure(this.path, error);
    }
    this.#finished = true;
  }

  /** Makes the file appear in its place. */
  async commit(): Promise<void> {
    await this.finish();
    await moveIntoPlace(this.path);
  }

  /** Removes what was written. Safe after a failure, without effect after {@link commit}. */
  async discard(): Promise<void> {
    await this.#file.close().catch(() => {});
    await rm(this.#temporary, { force: true }).catch(() => {});
  }

  async #flush(): Promise<void> {
    const bytes = this.#pending.length === 1 ? this.#pending[0]! : Buffer.concat(this.#pending);
    this.#pending = [];
    this.#pendingBytes = 0;
    try {
      await writeFully(this.#file, bytes, null);
    } catch (error) {
      throw writeFailure(this.path, error);
    }
  }
}

/** Where a file is written before it is moved into its place. */
export function temporaryName(file: string): string {
  return `${file}.writing`;
}

/** Renames a finished temporary file, and makes the rename itself durable. */
export async function moveIntoPlace(file: string): Promise<void> {
  try {
    await rename(temporaryName(file), file);
  } catch (error) {
    throw writeFailure(file, error);
  }
  await syncFolder(path.dirname(file));
}

/** Flushes a folder's entries; not every system can, and none needs to for a process that merely dies. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined);
  await handle?.sync().catch(() => {});
  await handle?.close();
}

/** Writes all bytes, however many calls that takes. */
export async function writeFully(
  file: FileHandle,
  bytes: Uint8Array,
  position: number | null,
): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const at = position === null ? null : position + done;
    done += (await file.write(bytes, done, bytes.length - done, at)).bytesWritten;
  }
}

/** Reads exactly `length` bytes, or fewer at the end of the file. */
export async function readFully(file: FileHandle, length: number, position: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await file.read(buffer, done, length - done, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return buffer.subarray(0, done);
}

const REASONS: Record<string, [reason: string, hint?: string]> = {
  ENOSPC: ['the disk is full', 'free some space and resume: nothing that was acknowledged is lost'],
  EDQUOT: ['the disk quota is used up', 'free some space and resume: nothing that was acknowledged is lost'],
  EFBIG: ['the file system does not allow files of this size'],
  EACCES: ['no permission to write here', 'choose another place or change the permissions'],
  EPERM: ['no permission to write here', 'choose another place or change the permissions'],
  EROFS: ['the file system is read-only', 'choose another place'],
  ENOTDIR: ['a part of the path is a file, not a folder'],
  EEXIST: ['a part of the path is a file, not a folder'],
  EISDIR: ['a folder is in the way'],
  ENOTEMPTY: ['a folder is in the way'],
  EIO: ['the disk failed', 'the disk or the connection to it may be failing'],
};

/** What the system threw while writing, as a {@link FormatError} that names the file. */
export function writeFailure(file: string, error: unknown): FormatError {
  if (error instanceof FormatError) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const [reason, hint] = REASONS[code] ?? [error instanceof Error ? error.message : String(error)];
  return new FormatError(file, `cannot be written: ${reason}`, { hint, cause: error });
}

/** What was thrown while reading, as a {@link FormatError} that names the file. */
export function readFailure(file: string, error: unknown): FormatError {
  if (error instanceof FormatError) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const reason = code === 'ENOENT' ? 'no such file' : error instanceof Error ? error.message : String(error);
  return new FormatError(file, `cannot be read: ${reason}`, { cause: error });
}

/** The file beside `file` that says where its vectors come from, for formats that cannot hold it themselves. */
export function identityPath(file: string): string {
  return `${file}.identity.json`;
}

/** Writes {@link identityPath}. */
export async function writeIdentity(file: string, identity: EmbeddingIdentity): Promise<void> {
  const out = await AtomicFile.create(file);
  try {
    await out.write(`${JSON.stringify(identity, null, 2)}\n`);
    await out.commit();
  } catch (error) {
    await out.discard();
    throw error;
  }
}

/** Reads an identity file; null when there is none. */
export async function readIdentity(file: string): Promise<EmbeddingIdentity | null> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw readFailure(file, error);
  }
  return identityFromJson(file, text);
}

/** Parses an identity. @throws {FormatError} when the text is something else. */
export function identityFromJson(file: string, text: string): EmbeddingIdentity {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new FormatError(file, 'the identity is not JSON', { cause });
  }
  const identity = parseIdentity(value);
  if (identity === undefined)
    throw new FormatError(file, 'the identity lacks a field or has one of the wrong type');
  return identity;
}

/** Writes a file of rows with `fill`, and its identity beside it: both or neither. */
export async function writeWithIdentity(
  file: string,
  identity: EmbeddingIdentity,
  fill: (out: AtomicFile) => Promise<void>,
): Promise<void> {
  const out = await AtomicFile.create(file);
  try {
    await fill(out);
    await out.finish();
    await writeIdentity(identityPath(file), identity);
    await out.commit();
  } catch (error) {
    await out.discard();
    throw error;
  }
}

/** Opens a file of rows that `batches` reads in groups of a size; the first row tells the dimension. */
export async function scanWithIdentity(
  file: string,
  batches: (file: string, size: number) => AsyncGenerator<EmbeddingRow[]>,
): Promise<EmbeddingScan> {
  const identity = await readIdentity(identityPath(file));
  let dimension = identity?.dimension ?? 0;
  for await (const rows of batches(file, 1)) {
    dimension = rows[0]!.vector.length;
    break;
  }
  return { identity, dimension, batches: () => batches(file, ROWS) };
}
