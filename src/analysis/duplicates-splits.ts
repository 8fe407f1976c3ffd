/** @file Which split of a data set each item belongs to: a column's cells, or a part of the path. */
import path from 'node:path';
import { UsageError } from '../errors.js';
import type { VectorSet } from './vector-set.js';

/**
 * The split of each item, null where there is none.
 * @param by a column, or `path:N`: the N-th part of the path below the folder that holds all items (`path`: the first)
 * @throws UsageError when there is no such column, or all items lie in one split.
 */
export async function splitsOf(set: VectorSet, by: string): Promise<(string | null)[]> {
  const part = /^path(?::([1-9]\d*))?$/.exec(by);
  const named = part && !set.columns.some(({ name }) => name === by);
  const splits = named
    ? partsOf(set.ids, Number(part[1] ?? 1))
    : (await set.column(by)).cells.map((cell) =>
        cell === null ? null : cell instanceof Date ? cell.toISOString() : String(cell),
      );
  const different = new Set(splits.filter((split) => split !== null));
  if (different.size < 2)
    throw new UsageError(
      different.size === 0
        ? `split: no item has a ${by}`
        : `split: all items have the same ${by}, "${[...different][0]}"`,
      {
        hint: 'name a column such as "split", or a part of the path, such as path:1 for train/dogs/1.jpg',
      },
    );
  return splits;
}

/** The folder that holds all items, for paths and ids alike; empty where there is none. */
export function commonFolder(names: readonly string[]): string {
  const parts = names[0]!.split(/[\\/]/).slice(0, -1);
  for (const name of names) {
    const own = name.split(/[\\/]/).slice(0, -1);
    let same = 0;
    while (same < parts.length && parts[same] === own[same]) same++;
    parts.length = same;
  }
  return parts.join('/');
}

function partsOf(ids: readonly string[], part: number): (string | null)[] {
  const below = commonFolder(ids);
  const skip = below === '' && !ids[0]!.startsWith('/') ? 0 : below.split('/').length;
  return ids.map((id) => id.split(/[\\/]/).slice(skip, -1)[part - 1] ?? null);
}

/** The folder below which the files of a set lie: a collection's own, else the one that holds them all. */
export function rootOf(set: VectorSet): string {
  const [file, id] = [set.file(0), set.ids[0]!];
  if (set.kind === 'collection' && file !== id && file.endsWith(path.normalize(id)))
    return file.slice(0, -id.length);
  return path.resolve(commonFolder(set.ids.map((_, row) => set.file(row))) || '.');
}
