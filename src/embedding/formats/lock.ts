/** @file One writer per output: a small file that holds the process's id, and is taken over when that process is gone. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { UsageError } from '../../errors.js';
import { writeFailure } from './files.js';

/**
 * Takes the lock; the returned function gives it back.
 * @throws {UsageError} when a living process holds it
 */
export async function lock(file: string): Promise<() => Promise<void>> {
  for (let attempt = 0; ; attempt++) {
    try {
      await writeFile(file, String(process.pid), { flag: 'wx' });
      return () => rm(file, { force: true });
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST'))
        throw writeFailure(file, error);
      const holder = Number(await readFile(file, 'utf8').catch(() => ''));
      if ((holder > 0 && isAlive(holder)) || attempt > 2) {
        throw new UsageError(`process ${holder} is writing to this output`, {
          hint: `wait for it; if it is certain that nothing is running, delete ${file}`,
        });
      }
      await rm(file, { force: true });
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
