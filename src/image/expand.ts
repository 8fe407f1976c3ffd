/**
 * @file From what a user names (files, folders, globs, archives, lists, URLs) to single images, one at a time.
 *
 * Nothing here throws for what is found on the way: an input that is missing or damaged becomes an item that fails
 * when it is read, so that it is recorded like any other failure and the run goes on; a folder that cannot be
 * entered or holds no image is told to `onSkip`.
 */
import { createReadStream, type Stats } from 'node:fs';
import { lstat, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import picomatch from 'picomatch';
import { ImageError } from '../errors.js';
import { archiveItems } from './archive.js';
import { failingItem, type SourceItem } from './expand-item.js';
import { listEntries } from './expand-list.js';
import { archiveKind, isImageName, type NameOptions, nameFilter } from './expand-names.js';
import { walkFolder } from './expand-walk.js';
import { sourceName } from './source.js';
import { DEFAULT_MAX_BYTES, readFailure } from './source-bytes.js';

export type { SourceItem } from './expand-item.js';

/** How inputs are expanded. The globs are relative to each folder or archive that was named. */
export interface ExpandOptions extends NameOptions {
  /** Enter the folders below a named folder. @default true */
  recursive?: boolean;
  /** The largest archive member, in bytes. @default 268435456 (256 MiB) */
  maxBytes?: number;
  /**
   * Ids that are not wanted again (already done): archive members among them are not even read. Asked once for each
   * item that `expandInputs` finds, and once more for each that `countItems` counts.
   */
  skip?(id: string): boolean;
  /** Told of folders that cannot be read or hold no image, with the reason. */
  onSkip?(path: string, reason: string): void;
  /** Where the input `-` reads its list. @default process.stdin */
  stdin?: Readable;
}

/** What an input led to: an image, an archive of them, or a list whose length nobody knows. */
type Found = { item: SourceItem } | { archive: string; id: string } | { stdin: true };

/**
 * Lists the images that the inputs name, in a stable order and in bounded memory.
 *
 * - A file is taken whatever its extension; in folders and archives the known image extensions are.
 * - A folder is walked in the order of its names; `id` is the folder as given, `/`, and the path below it.
 * - `*.zip`, `*.tar`, `*.tar.gz`, `*.tgz`: the members, with ids like `shard.tar/0001.jpg`, their bytes read as they
 *   are reached. Tar archives follow webdataset: members that share a key belong together.
 * - A glob that the shell did not expand is expanded: in it, `**` crosses folders.
 * - `@list.txt` and `-` (standard input): one path or URL a line; see {@link listEntries}. Relative paths start at the
 *   current folder. Globs and further lists are not expanded there.
 * - `http(s):` and `data:` URLs are passed on; `file:` URLs are paths.
 *
 * A file that is reached twice, by overlapping inputs or links, is listed once.
 */
export async function* expandInputs(
  inputs: Iterable<string | URL>,
  options: ExpandOptions = {},
): AsyncGenerator<SourceItem> {
  const { skip, maxBytes = DEFAULT_MAX_BYTES } = options;
  const filter = nameFilter(options);
  for await (const found of findAll(inputs, options)) {
    if ('item' in found) {
      if (!skip?.(found.item.id)) yield found.item;
    } else if ('archive' in found) {
      yield* archiveItems(found.archive, found.id, { maxBytes, filter, skip });
    }
  }
}

/**
 * How many items {@link expandInputs} will give, from names alone; undefined when only reading would tell (archives,
 * a list on standard input).
 */
export async function countItems(
  inputs: Iterable<string | URL>,
  options: ExpandOptions = {},
): Promise<number | undefined> {
  const all = [...inputs];
  if (all.includes('-')) return undefined;
  let count = 0;
  for await (const found of findAll(all, { ...options, onSkip: () => {} })) {
    if (!('item' in found)) return undefined;
    if (!options.skip?.(found.item.id)) count++;
  }
  return count;
}

/** Files already listed: names by real folder, which takes far less memory than whole paths. */
class Seen {
  readonly #folders = new Map<string, Set<string>>();

  /** True the first time. */
  claim(folder: string, name: string): boolean {
    let names = this.#folders.get(folder);
    if (names === undefined) {
      names = new Set();
      this.#folders.set(folder, names);
    }
    if (names.has(name)) return false;
    names.add(name);
    return true;
  }
}

async function* findAll(inputs: Iterable<string | URL>, options: ExpandOptions): AsyncGenerator<Found> {
  const seen = new Seen();
  for (const given of inputs) {
    const input = String(given);
    if (input === '-') yield* findListed(options.stdin ?? process.stdin, '-', seen, options);
    else if (isUrl(input)) yield* findUrl(input, seen, options);
    else if ((await exists(input)) !== undefined) yield* findPath(input, seen, options);
    else if (input.startsWith('@')) yield* findListed(createReadStream(input.slice(1)), input, seen, options);
    else if (picomatch.scan(toSlashes(input)).isGlob) yield* findGlob(toSlashes(input), seen, options);
    else yield* findPath(input, seen, options);
  }
}

async function* findListed(
  list: Readable,
  name: string,
  seen: Seen,
  options: ExpandOptions,
): AsyncGenerator<Found> {
  try {
    for await (const entry of listEntries(list)) {
      if (isUrl(entry)) yield* findUrl(entry, seen, options);
      else yield* findPath(entry, seen, options);
    }
  } catch (error) {
    if (error instanceof RangeError)
      yield { item: failingItem(name, new ImageError('read', name, error.message)) };
    else yield { item: failingItem(name, readFailure(name, error)) };
  } finally {
    if (list !== process.stdin) list.destroy();
  }
}

async function* findUrl(url: string, seen: Seen, options: ExpandOptions): AsyncGenerator<Found> {
  if (/^file:/i.test(url)) {
    try {
      yield* findPath(fileURLToPath(url), seen, options);
    } catch (cause) {
      if (!(cause instanceof TypeError)) throw cause;
      yield { item: { id: url, input: url } };
    }
    return;
  }
  const id = /^data:/i.test(url) ? url : sourceName(url);
  if (seen.claim('url:', id)) yield { item: { id: sourceName(url), input: url } };
}

/** A path: file, folder or archive. What cannot be looked at is passed on, and fails when it is read. */
async function* findPath(input: string, seen: Seen, options: ExpandOptions): AsyncGenerator<Found> {
  const info = await exists(input);
  if (info?.isDirectory()) yield* findInFolder(input, seen, options);
  else {
    const real = await realpath(input).catch(() => path.resolve(input));
    if (seen.claim(path.dirname(real), path.basename(real))) yield asFound(input);
  }
}

async function* findInFolder(folder: string, seen: Seen, options: ExpandOptions): AsyncGenerator<Found> {
  const filter = nameFilter(options);
  const prefix = folderPrefix(folder);
  let images = 0;
  let others = 0;
  let unreadable = false;
  const walk = walkFolder(folder, {
    file: filter.file,
    folder: filter.folder,
    maxDepth: (options.recursive ?? true) ? Number.POSITIVE_INFINITY : 0,
    onSkip: (where, reason) => {
      if (where === folder) unreadable = true;
      options.onSkip?.(toSlashes(where), reason);
    },
    onOther: () => others++,
  });
  for await (const { relative, realFolder, realName } of walk) {
    images++;
    if (seen.claim(realFolder, realName)) yield { item: { id: prefix + relative, input: prefix + relative } };
  }
  if (images === 0 && !unreadable) {
    const rest =
      others === 0
        ? 'it has no files'
        : `none of its ${others} files is one by name, or the globs leave them out`;
    options.onSkip?.(folder, `no images in this folder: ${rest}`);
  }
}

/**
 * Files that match a pattern count as named by the user, so any extension goes, unless the pattern ends in a bare
 * `*`: then images and archives are meant. Folders that match are walked.
 */
async function* findGlob(pattern: string, seen: Seen, options: ExpandOptions): AsyncGenerator<Found> {
  const { base, glob } = picomatch.scan(pattern);
  const matches = picomatch(glob, { dot: options.includeHidden ?? false });
  const filter = nameFilter({ ...options, include: [] });
  const openEnded = glob.endsWith('*');
  const prefix = base === '' ? '' : folderPrefix(base);
  const wanted = (relative: string): boolean =>
    matches(relative) && (!openEnded || isImageName(relative) || archiveKind(relative) !== undefined);
  const folders: string[] = [];
  const depth = globDepth(glob);
  let any = false;
  const walk = walkFolder(base === '' ? '.' : base, {
    file: wanted,
    folder: (relative) => {
      if (!filter.folder(relative)) return false;
      if (matches(relative) && !glob.includes('**')) folders.push(relative);
      return relative.split('/').length <= depth;
    },
    onSkip: (where, reason) => {
      // A base that does not exist is told below, as a pattern without a match.
      if (where !== base) options.onSkip?.(toSlashes(where), reason);
    },
  });
  for await (const { relative, realFolder, realName } of walk) {
    any = true;
    if (seen.claim(realFolder, realName)) yield asFound(prefix + relative);
  }
  for (const folder of folders.sort()) {
    any = true;
    yield* findInFolder(prefix + folder, seen, options);
  }
  if (!any)
    yield { item: failingItem(pattern, new ImageError('read', pattern, 'no file matches this pattern')) };
}

/** How many folders below its base a pattern reaches. */
function globDepth(glob: string): number {
  return glob.includes('**') || /[{(].*\//.test(glob) ? Number.POSITIVE_INFINITY : glob.split('/').length - 1;
}

function asFound(file: string): Found {
  const id = toSlashes(file);
  return archiveKind(file) === undefined ? { item: { id, input: file } } : { archive: file, id };
}

/** The folder as given, ready to have a relative path put after it. */
function folderPrefix(folder: string): string {
  return `${toSlashes(folder).replace(/\/+$/, '')}/`;
}

function toSlashes(file: string): string {
  return path.sep === '\\' ? file.replaceAll('\\', '/') : file;
}

function isUrl(input: string): boolean {
  return /^(https?:\/\/|file:|data:)/i.test(input);
}

/** What is there, through links; of a broken link the link itself; undefined when there is nothing to be seen. */
async function exists(file: string): Promise<Stats | undefined> {
  return stat(file).catch(() => lstat(file).catch(() => undefined));
}
