/**
 * @file Fetches one blob: resumed where it was cut, checked, and renamed into place only when whole.
 *
 * The part that has arrived lies in `blobs/<name>.afterimage.incomplete`, a name that Python's tools do not write to.
 */
import { mkdir, open, rename, rm, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { HubError } from '../errors.js';
import { describe, type HubContext, requestOnce, Transient, withRetries } from './hub-fetch.js';
import { blobName, checksumOf } from './hub-layout.js';

/** A blob to be fetched. */
export interface BlobRequest {
  /** For messages. */
  file: string;
  url: string;
  /** The blob's name: its checksum. */
  name: string;
  /** Bytes. */
  size: number;
  /** Where it shall lie. */
  path: string;
  /** Told how many bytes are on disk. */
  onBytes(bytes: number): void;
}

/** A file that arrived whole with a wrong checksum is fetched again this often. */
const CHECKSUM_TRIES = 2;

/** Fetches a blob. The caller holds its lock. @throws HubError */
export async function fetchBlob(context: HubContext, request: BlobRequest): Promise<void> {
  const { file, name, size, path } = request;
  const part = `${path}.afterimage.incomplete`;
  await mkdir(dirname(path), { recursive: true });
  await checkSpace(context, request, part);
  let found: string | undefined;
  for (let tries = 0; tries < CHECKSUM_TRIES; tries++) {
    await fetchPart(context, request, part);
    found = await checksumOf(part, name);
    if (found === undefined || found === name) {
      await rename(part, path);
      return;
    }
    await rm(part, { force: true });
  }
  throw new HubError(
    `${context.repo}: "${file}" arrived with a wrong checksum (${found}, expected ${name})`,
    {
      hint: `Nothing was kept of these ${size} bytes. Something between here and ${context.endpoint} changes them: a proxy or a mirror.`,
    },
  );
}

/** Brings the part to its full size, over as many connections as it takes. */
async function fetchPart(context: HubContext, request: BlobRequest, part: string): Promise<void> {
  let reached = await sizeOf(part);
  let before = reached;
  const hadProgress = () => {
    const grew = reached > before;
    before = reached;
    return grew;
  };
  await withRetries(
    context,
    async () => {
      reached = await sizeOf(part);
      if (reached > request.size) await rm(part);
      if (reached === request.size && reached > 0) return;
      await receive(context, request, part, reached > request.size ? 0 : reached, (bytes) => {
        reached = bytes;
      });
    },
    hadProgress,
  );
}

/** One connection: appends to the part what comes. Throws Transient when it ends early. */
async function receive(
  context: HubContext,
  { url, name, size, file, onBytes }: BlobRequest,
  part: string,
  from: number,
  onReached: (bytes: number) => void,
): Promise<void> {
  const stalled = new AbortController();
  const headers = { 'accept-encoding': 'identity', ...(from > 0 && { range: `bytes=${from}-` }) };
  const response = await requestOnce(context, url, { headers, signal: stalled.signal });
  const linked = response.headers.get('x-linked-etag');
  if (linked !== null && blobName(linked) !== name) {
    await response.body?.cancel();
    throw new HubError(`${context.repo}: "${file}" was changed at the publisher's while it was fetched`, {
      hint: 'Run the command again to get the new one.',
    });
  }
  const begins =
    response.status === 206 ? /bytes (\d+)-/.exec(response.headers.get('content-range') ?? '')?.[1] : '0';
  const isResumed = from > 0 && Number(begins) === from;
  if (response.status === 416 || (!isResumed && Number(begins) !== 0)) {
    await response.body?.cancel();
    await rm(part, { force: true });
    throw new Transient(`the server cannot continue at byte ${from}`, { waitMs: 0 });
  }
  const handle = await open(part, isResumed ? 'a' : 'w');
  let bytes = isResumed ? from : 0;
  let timer = setTimeout(() => stalled.abort(), context.timeoutMs);
  try {
    onBytes(bytes);
    for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      clearTimeout(timer);
      await handle.writeFile(chunk);
      bytes += chunk.length;
      onReached(bytes);
      onBytes(Math.min(bytes, size));
      timer = setTimeout(() => stalled.abort(), context.timeoutMs);
    }
  } catch (cause) {
    context.signal?.throwIfAborted();
    if (typeof (cause as NodeJS.ErrnoException).syscall === 'string') throw cause; // the disk, not the network
    const what = stalled.signal.aborted ? `no byte in ${context.timeoutMs} ms` : describe(cause);
    throw new Transient(`"${file}" was cut at byte ${bytes} of ${size}: ${what}`, { cause });
  } finally {
    clearTimeout(timer);
    await handle.close();
  }
  if (bytes < size) throw new Transient(`"${file}" was cut at byte ${bytes} of ${size}`, {});
  if (bytes > size) {
    await rm(part, { force: true });
    throw new Transient(`"${file}" has ${bytes} bytes, expected ${size}`, {});
  }
}

async function checkSpace(
  context: HubContext,
  { file, size, path }: BlobRequest,
  part: string,
): Promise<void> {
  const disk = await statfs(dirname(path)).catch(() => undefined); // not every file system tells
  if (disk === undefined) return;
  const free = disk.bavail * disk.bsize;
  const needed = size - (await sizeOf(part));
  if (needed > free) {
    throw new HubError(
      `${context.repo}: "${file}" needs ${needed} bytes, but ${dirname(path)} has ${free} left`,
      {
        hint: 'Make room, or set HF_HUB_CACHE to a folder on another disk.',
      },
    );
  }
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    (info) => info.size,
    () => 0,
  );
}
