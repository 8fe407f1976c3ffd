/** @file One writer per output: a small file that holds the process's id, and is taken over when that process is gone. */
import { writeFileSync } from 'node:fs';
import { readFile, rm, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { UsageError } from '../../errors.js';
import { writeFailure } from './files.js';

/** Milliseconds that a lock may be empty: it is made, and then written. */
const YOUNG = 500;

/**
 * Takes the lock; the returned function gives it back.
 * @throws {UsageError} when a living process holds it
 */
export async function lock(file: string): Promise<() => Promise<void>> {
  for (let attempt = 0; ; attempt++) {
    try {
      const started = await startOf(process.pid);
      writeFileSync(file, `${process.pid} ${started ?? ''}`.trim(), { flag: 'wx' }); // at once: nothing comes between
      return () => rm(file, { force: true });
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST'))
        throw writeFailure(file, error);
      while ((await isEmpty(file)) && (await isYoung(file))) await sleep(20);
      const [holder = '', started] = (await readFile(file, 'utf8').catch(() => '')).trim().split(' ');
      if ((await isAlive(Number(holder), started)) || attempt > 2) {
        throw new UsageError(`process ${holder} is writing to this output`, {
          hint: `wait for it; if it is certain that nothing is running, delete ${file}`,
        });
      }
      await rm(file, { force: true });
    }
  }
}

async function isEmpty(file: string): Promise<boolean> {
  return (await stat(file).catch(() => undefined))?.size === 0;
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
