/** @file Items whose file is gone: kept for a while with their vectors, should the file come back. */

import { moveRows } from './index-writer.js';
import type { SpaceTables } from './space-tables.js';
import type { VectorTable } from './store.js';

/** Days for which the vectors of deleted files are kept unless told otherwise. */
const KEEP_DAYS = 30;
const TOGETHER = 256;

/**
 * Puts the rows of files that are gone away.
 * @param moved hashes of files that were found under another name in the same run: their old rows are not kept
 * @returns how many files are gone that did not merely move.
 */
export async function putAway(
  { items, removed }: SpaceTables,
  ids: readonly string[],
  columns: readonly string[],
  moved: ReadonlySet<string>,
): Promise<number> {
  let count = 0;
  for (let first = 0; first < ids.length; first += TOGETHER) {
    const some = ids.slice(first, first + TOGETHER);
    const { ids: found, values } = await items.get(some, { columns: ['hash'] });
    const gone = found.filter((_, i) => !moved.has(String(values.hash![i])));
    count += gone.length;
    if (gone.length > 0) await moveRows(items, removed, gone, columns, { indexed: new Date() });
    if (gone.length < some.length) await items.remove(some);
  }
  return count;
}

/** Drops what was put away long ago, or all of it. */
export async function purgeRemoved(
  removed: VectorTable,
  {
    purge = false,
    keepRemovedDays = KEEP_DAYS,
  }: { purge?: boolean | undefined; keepRemovedDays?: number | undefined },
): Promise<void> {
  if ((await removed.count()) === 0) return;
  const limit = new Date(Date.now() - keepRemovedDays * 86_400_000);
  const old = { op: '<', left: { column: 'indexed' }, right: { value: limit } } as const;
  const ids: string[] = [];
  for await (const batch of removed.scan(purge ? {} : { filter: old })) ids.push(...batch.ids);
  for (let first = 0; first < ids.length; first += TOGETHER)
    await removed.remove(ids.slice(first, first + TOGETHER));
  if (ids.length > 0) await removed.optimize();
}
