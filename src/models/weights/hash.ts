/**
 * @file The sha256 of weight files: part of every vector's identity, so it must be both sure and cheap.
 *
 * A file is hashed once; the result is remembered in the cache under its path, size and modification time. A file of
 * the hub cache needs no hashing: its blob is *named* by its sha256, which was checked when it was downloaded
 * (`afterimage models verify` checks it again).
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { cacheFolder, writeAtomically } from '../cache.js';

/** The sha256 (hex) of a file's bytes, always read in full. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** The sha256 that the hub cache vouches for: of a link to `blobs/<sha256>`. Undefined for any other file. */
export async function blobSha256(path: string): Promise<string | undefined> {
  const blob = await realpath(path);
  const isBlob = blob !== resolve(path) && basename(dirname(blob)) === 'blobs';
  return isBlob && /^[0-9a-f]{64}$/.test(basename(blob)) ? basename(blob) : undefined;
}

/**
 * The sha256 (hex) of a file, from the remembered result when path, size and modification time have not changed.
 *
 * @param folder where results are remembered; `AFTERIMAGE_CACHE/sha256` by default
 */
export async function sha256OfFile(
  path: string,
  folder: string = join(cacheFolder(), 'sha256'),
): Promise<string> {
  const real = await realpath(path);
  const { size, mtimeNs } = await stat(real, { bigint: true });
  const memo = join(folder, `${createHash('sha256').update(real).digest('hex').slice(0, 40)}.json`);
  const key = `${size}:${mtimeNs}`;
  const known = await readFile(memo, 'utf8')
    .then((text) => JSON.parse(text) as { key?: string; sha256?: string })
    .catch(() => undefined); // absent or damaged: hashed again below
  if (known?.key === key && /^[0-9a-f]{64}$/.test(known.sha256 ?? '')) return known.sha256!;
  const sha256 = await hashFile(real);
  // A cache that cannot be written costs time at the next start, nothing else.
  await writeAtomically(memo, JSON.stringify({ path: real, key, sha256 })).catch(() => undefined);
  return sha256;
}

/** One sha256 for the weights in `files`: that of a single file, or of the sorted list of the shards' hashes. */
export async function sha256OfWeights(files: readonly string[]): Promise<string> {
  const hashes: string[] = [];
  for (const file of files) hashes.push((await blobSha256(file)) ?? (await sha256OfFile(file)));
  if (hashes.length === 1) return hashes[0]!;
  return createHash('sha256').update(hashes.sort().join('\n')).digest('hex');
}
