/**
 * @file The images that folders, archives, globs and lists hold, each with the folders above it, in the order of their
 * ids.
 */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { FormatError, ImageError, type ItemFailure, UsageError } from '../../errors.js';
import { archiveKind } from '../../image/expand-names.js';
import { expandInputs, readSource, type SourceItem } from '../../image/index.js';

/** An image, and where below its root it lies. */
export interface FoundImage {
  id: string;
  /** Folders between the root and the image; null when the image was named by itself, by a glob or a list. */
  folders: string[] | null;
  input: string | Uint8Array;
  /** The archive that it is a member of; null for a file. */
  archive: string | null;
}

/** All that was found. */
export interface FoundImages {
  images: FoundImage[];
  /** Members of archives that cannot be read. */
  unreadable: ItemFailure[];
  /** Folders that could not be entered. */
  warnings: string[];
}

/** Which names are wanted. */
export interface ListOptions {
  include?: string[] | undefined;
  exclude?: string[] | undefined;
  /** Passes over members of archives by their path in it, before they are read. */
  wanted?: ((member: string) => boolean) | undefined;
}

/** Bytes of archive members that are held in memory; beyond this the archive is to be unpacked. */
const MAX_HELD_BYTES = 2 ** 31;

/**
 * Lists the images of every source. Ids are paths below the one source, or begin with the name of each of several.
 * Members of archives are read, still encoded, and held in memory.
 * @throws UsageError for a source that does not exist or holds no image; FormatError for a damaged archive, or one too
 *   large to be held.
 */
export async function listImages(sources: readonly string[], options: ListOptions): Promise<FoundImages> {
  const found: FoundImages = { images: [], unreadable: [], warnings: [] };
  const names = rootNames(sources);
  const taken = new Set<string>();
  let held = 0;
  for (const [i, source] of sources.entries()) {
    const root = await rootOf(source);
    const before = found.images.length + found.unreadable.length;
    const items = expandInputs([source], {
      ...(options.include ? { include: options.include } : {}),
      ...(options.exclude ? { exclude: options.exclude } : {}),
      skip: (id) => root.archived && options.wanted?.(id.slice(root.prefix.length)) === false,
      onSkip: (where, reason) => found.warnings.push(`${where}: ${reason}`),
    });
    for await (const item of items) {
      const below = root.prefix !== '' && item.id.startsWith(root.prefix);
      const relative = below ? item.id.slice(root.prefix.length) : item.id;
      const id = below && sources.length > 1 ? `${names[i]}/${relative}` : relative;
      if (taken.has(id)) continue;
      taken.add(id);
      const input = await inputOf(item, source);
      if (typeof input === 'object' && 'reason' in input) {
        found.unreadable.push({ ...input, id });
        continue;
      }
      if (input instanceof Uint8Array) held += input.length;
      if (held > MAX_HELD_BYTES) throw tooLarge(source);
      const folders = below ? relative.split('/').slice(0, -1) : null;
      found.images.push({ id, folders, input, archive: root.archived ? source : null });
    }
    if (found.images.length + found.unreadable.length === before && options.wanted === undefined)
      throw nothingFound(source, found.warnings);
  }
  found.images.sort((a, b) => (a.id < b.id ? -1 : 1));
  return found;
}

/** The last part of each source's path; the whole path where that is not unique. */
function rootNames(sources: readonly string[]): string[] {
  const names = sources.map((source) => path.basename(source));
  return new Set(names).size === names.length ? names : sources.map(toSlashes);
}

/** A path with `/` between its parts. */
export function toSlashes(file: string): string {
  return path.sep === '\\' ? file.replaceAll('\\', '/') : file;
}

/** What the ids of a source's images begin with: nothing where it is neither folder nor archive. */
async function rootOf(source: string): Promise<{ prefix: string; archived: boolean }> {
  const info = await stat(source).catch(() => undefined);
  if (info?.isDirectory()) return { prefix: `${toSlashes(source).replace(/\/+$/, '')}/`, archived: false };
  if (info !== undefined) {
    const archived = archiveKind(source) !== undefined;
    return { prefix: archived ? `${toSlashes(source)}/` : '', archived };
  }
  if (/^@|[*?[{(]|^https?:/.test(source)) return { prefix: '', archived: false };
  throw new UsageError(`data: there is no file or folder "${source}"`, {
    hint: 'check the spelling; relative paths start at the current folder',
  });
}

/** An item's path or bytes, or why there are none. @throws FormatError when it is the source itself that fails. */
async function inputOf(item: SourceItem, source: string): Promise<FoundImage['input'] | ItemFailure> {
  if (typeof item.input === 'string') return item.input;
  if (item.input instanceof Uint8Array) return item.input.slice(); // without the room it was read into
  try {
    await readSource(item.input);
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    if (item.id === toSlashes(source))
      throw new FormatError(source, error.reason, { hint: error.hint, cause: error });
    return { id: item.id, stage: error.stage, reason: error.reason };
  }
  throw new FormatError(source, `${item.id} can be read only once`);
}

function tooLarge(source: string): FormatError {
  return new FormatError(
    source,
    `its images take more than ${MAX_HELD_BYTES / 2 ** 30} GiB and would fill the memory`,
    {
      hint: 'unpack it and give the folder',
    },
  );
}

function nothingFound(source: string, warnings: readonly string[]): UsageError {
  const why = warnings.find((w) => w.startsWith(source));
  return new UsageError(`data: expected images in ${source} but found none${why ? ` (${why})` : ''}`, {
    hint: 'give a folder of images or of class folders, an archive, or a label file (CSV, Parquet, JSONL)',
  });
}
