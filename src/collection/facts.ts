/** @file What a file says about itself besides its pixels: the hash of its bytes, and its EXIF. */
import { createHash, webcrypto } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { type Exif, readExif, readSource } from '../image/index.js';
import { readFailure } from '../image/source-bytes.js';
import type { Values } from './columns.js';

/** Larger files are not held in memory. */
export const MAX_HELD_BYTES = 32 * 1024 * 1024;

/** Where EXIF is looked for in a file that is not held: cameras write it first. */
const HEAD = 1024 * 1024;

/** What is read of a file at once. */
export interface FileContent {
  /** SHA-256 of the bytes, lower-case hex. */
  hash: string;
  /** The bytes, or the path of a file of more than {@link MAX_HELD_BYTES}. */
  input: Uint8Array | string;
  /** The columns that EXIF fills. */
  facts: Values;
}

/**
 * Reads a file once.
 * @param bytes its size, as it was found
 * @throws ImageError of stage `read`.
 */
export async function readContent(file: string, bytes: number): Promise<FileContent> {
  if (bytes > MAX_HELD_BYTES) return readLarge(file);
  const input = (await readSource(file)) as Uint8Array;
  const hash = Buffer.from(await webcrypto.subtle.digest('SHA-256', input)).toString('hex');
  return { hash, input, facts: exifColumns(readExif(input)) };
}

async function readLarge(file: string): Promise<FileContent> {
  try {
    const hash = createHash('sha256');
    for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) hash.update(chunk);
    await using handle = await open(file);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD), 0, HEAD, 0);
    const facts = exifColumns(readExif(buffer.subarray(0, bytesRead)));
    return { hash: hash.digest('hex'), input: file, facts };
  } catch (error) {
    throw readFailure(file, error);
  }
}

function exifColumns({ taken, camera, latitude, longitude, orientation }: Exif): Values {
  return {
    orientation: orientation ?? null,
    taken: taken ?? null,
    year: taken?.getUTCFullYear() ?? null,
    camera: camera ?? null,
    latitude: latitude ?? null,
    longitude: longitude ?? null,
  };
}
