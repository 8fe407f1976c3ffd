/** @file Who may read the store's files: whoever may read its folder. */
import { chmod, readdir, stat } from 'node:fs/promises';
import path from 'node:path';

/**
 * The engine makes files that their owner alone can read. This lets those read them that the permissions of the folder
 * let in, so that others on a shared disk, or a server with a user of its own, can search. What belongs to another
 * user, or is gone by now, is passed over.
 */
export async function shareFiles(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const mode = (await stat(folder)).mode & 0o666;
  // Another process may remove folders meanwhile; the next one that writes does what is left.
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const file = path.join(entry.parentPath, entry.name);
    const own = (await stat(file).catch(() => undefined))?.mode;
    if (own !== undefined && (own & 0o666) !== mode) await chmod(file, mode).catch(() => undefined);
  }
}
