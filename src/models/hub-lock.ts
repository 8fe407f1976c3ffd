/**
 * @file One writer at a time, between processes: a lock file that is renewed while its holder lives.
 *
 * A holder that was killed is recognised by its process id (same machine) or by a lock that has not been renewed for a
 * while (another machine on a shared disk). Should two writers ever meet all the same, nothing is lost: a download is
 * renamed into place only after its checksum was verified.
 */
import { mkdir, open, readFile, rm, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const RENEW_MS = 5_000;
const STALE_MS = 60_000;
const POLL_MS = 100;

/** Runs `work` while holding the lock file `path`; waits for another holder. Throws the signal's reason when aborted. */
export async function withLock<T>(
  path: string,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  while (!(await take(path))) {
    signal?.throwIfAborted();
    if (await isStale(path)) await removeStale(path);
    else await sleep(POLL_MS);
  }
  const renewal = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => undefined); // removed by hand: the work goes on
  }, RENEW_MS);
  renewal.unref();
  try {
    return await work();
  } finally {
    clearInterval(renewal);
    await rm(path, { force: true });
  }
}

async function take(path: string): Promise<boolean> {
  try {
    const handle = await open(path, 'wx');
    await handle.writeFile(JSON.stringify({ pid: process.pid, host: hostname() }));
    await handle.close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function isStale(path: string): Promise<boolean> {
  const info = await stat(path).catch(() => undefined);
  if (info === undefined) return false; // just released
  if (Date.now() - info.mtimeMs > STALE_MS) return true;
  const holder = await readFile(path, 'utf8')
    .then((text) => JSON.parse(text) as { pid?: number; host?: string })
    .catch(() => undefined); // being written
  return holder?.host === hostname() && Number.isInteger(holder.pid) && !isAlive(holder.pid!);
}

/**
 * Removes a stale lock. Only the holder of a second lock may, and it looks again first: otherwise one process could
 * remove the fresh lock of another that found the same stale one.
 */
async function removeStale(path: string): Promise<void> {
  const guard = `${path}.takeover`;
  if (await take(guard)) {
    try {
      if (await isStale(path)) await rm(path, { force: true });
    } finally {
      await rm(guard, { force: true });
    }
  } else {
    const info = await stat(guard).catch(() => undefined);
    if (info !== undefined && Date.now() - info.mtimeMs > STALE_MS) await rm(guard, { force: true });
    else await sleep(POLL_MS);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
