/**
 * @file A folder walked depth first in the order of its names, with memory for one folder per level and not for the
 * tree. Links to folders are followed, but no folder is entered twice in one walk, so loops end.
 */
import type { Dirent } from 'node:fs';
import { opendir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { readFailure } from './source-bytes.js';

/** What a walk takes and whom it tells. */
export interface WalkOptions {
  /** Whether to take a file; `relative` has `/` between its parts. */
  file(relative: string): boolean;
  /** Whether to enter a folder below the root. */
  folder(relative: string): boolean;
  /** How many folders deep to go: 0 is the root alone. @default Infinity */
  maxDepth?: number;
  /** Told of folders that cannot be read. */
  onSkip?(path: string, reason: string): void;
  /** Told of every file that was not taken. */
  onOther?(relative: string): void;
}

/** One file of a walk. */
export interface WalkedFile {
  /** Relative to the root, with `/`. */
  relative: string;
  /** The real folder that holds the file (links resolved) and its name there: equal for equal files. */
  realFolder: string;
  realName: string;
}

interface Entry {
  name: string;
  folder: boolean;
  /** Set when the entry is a link: where it leads, or undefined when that cannot be found out. */
  real?: string | undefined;
}

interface Level {
  relative: string;
  real: string;
  entries: Entry[];
  next: number;
}

/** Walks `root`, in a stable order: names compared by code unit, files and folders together. */
export async function* walkFolder(root: string, options: WalkOptions): AsyncGenerator<WalkedFile> {
  const { maxDepth = Number.POSITIVE_INFINITY } = options;
  const entered = new Set<string>();
  const levels: Level[] = [];

  const enter = async (relative: string, known: string | undefined): Promise<void> => {
    const onDisk = relative === '' ? root : path.join(root, relative);
    try {
      const real = known ?? (await realpath(onDisk));
      if (entered.has(real)) return;
      entered.add(real);
      const entries = await listFolder(onDisk, relative, levels.length < maxDepth, options);
      levels.push({ relative, real, entries, next: 0 });
    } catch (error) {
      options.onSkip?.(onDisk, readFailure(onDisk, error).reason);
    }
  };

  await enter('', undefined);
  for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
    const entry = level.entries[level.next++];
    if (entry === undefined) {
      levels.pop();
      continue;
    }
    const relative = level.relative === '' ? entry.name : `${level.relative}/${entry.name}`;
    if (entry.folder) await enter(relative, 'real' in entry ? entry.real : path.join(level.real, entry.name));
    else if (entry.real !== undefined) {
      yield { relative, realFolder: path.dirname(entry.real), realName: path.basename(entry.real) };
    } else yield { relative, realFolder: level.real, realName: entry.name };
  }
}

async function listFolder(
  onDisk: string,
  above: string,
  enterable: boolean,
  options: WalkOptions,
): Promise<Entry[]> {
  const entries: Entry[] = [];
  for await (const dirent of await opendir(onDisk, { bufferSize: 256 })) {
    const { name } = dirent;
    const relative = above === '' ? name : `${above}/${name}`;
    const entry = await resolveEntry(dirent, path.join(onDisk, name));
    if (entry === undefined) continue;
    if (entry.folder) {
      if (enterable && options.folder(relative)) entries.push(entry);
    } else if (options.file(relative)) entries.push(entry);
    else options.onOther?.(relative);
  }
  return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** A file or folder, through links; undefined for sockets, pipes and devices. A broken link counts as a file. */
async function resolveEntry(dirent: Dirent, onDisk: string): Promise<Entry | undefined> {
  const { name } = dirent;
  if (dirent.isFile()) return { name, folder: false };
  if (dirent.isDirectory()) return { name, folder: true };
  if (dirent.isFIFO() || dirent.isSocket() || dirent.isCharacterDevice() || dirent.isBlockDevice())
    return undefined;
  try {
    const target = await stat(onDisk);
    if (!target.isFile() && !target.isDirectory()) return undefined;
    return { name, folder: target.isDirectory(), real: await realpath(onDisk) };
  } catch {
    return { name, folder: false, real: undefined };
  }
}
