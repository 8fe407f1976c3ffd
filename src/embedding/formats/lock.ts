/** @file One writer per output: a small file that holds the process's id, and is taken over when that process is gone. */
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { UsageError } from '../../errors.js';
import { writeFailure } from './files.js';

/** Milliseconds within which a lock may still be empty: it is made, and then written. */
const YOUNG = 2000;

/**
 * Takes the lock; the returned function gives it back.
 * @throws {UsageError} when a living process holds it
 */
export async function lock(file: string): Promise<() => Promise<void>> {
  for (let attempt = 0; ; attempt++) {
    try {
      const started = await startOf(process.pid);
      await writeFile(file, `${process.pid} ${started ?? ''}`.trim(), { flag: 'wx' });
      return () => rm(file, { force: true });
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST'))
        throw writeFailure(file, error);
      const [holder = '', started] = (await readFile(file, 'utf8').catch(() => '')).trim().split(' ');
      const busy = holder === '' ? await isYoung(file) : await isAlive(Number(holder), started);
      if (busy || attempt > 2) {
        throw new UsageError(
          `${holder === '' ? 'another process' : `process ${holder}`} is writing to this output`,
          {
            hint: `wait for it; if it is certain that nothing is running, delete ${file}`,
          },
        );
      }
      await rm(file, { force: true });
    }
  }
}

async function isYoung(file: string): Promise<boolean> {
  const info = await stat(file).catch(() => undefined);
  return info !== undefined && Date.now() - info.mtimeMs < YOUNG;
}

/** Whether a process is there, and is the one that it was: in a container every first process has the same id. */
async function isAlive(pid: number, started: string | undefined): Promise<boolean> {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
  const now = await startOf(pid);
  return now !== ENDED && (started === undefined || now === undefined || started === now);
}

/** Of a process that has ended, and waits for its parent to notice. */
const ENDED = 'ended';

/** When a process began, in ticks since the machine did, where the system says so (Linux); or {@link ENDED}. */
async function startOf(pid: number): Promise<string | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  // The name comes second, in parentheses, and may hold anything.
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ');
  return fields?.[0] === 'Z' ? ENDED : fields?.[19];
}
