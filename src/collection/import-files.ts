/** @file The files of imported items, where they lie below the collection's folder of images. */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { Collection } from './collection.js';
import type { Values } from './columns.js';
import { idBelow } from './scan.js';

const AT_ONCE = 128;

/** An item's id in a collection: a path below its folder of images becomes relative to it, with `/`. */
export function itemId(root: string | undefined, id: string): string {
  if (root === undefined || !path.isAbsolute(id)) return id;
  return idBelow(root, id) ?? id;
}

/**
 * Size and time of the items' files below the collection's folder, and that they are as they were indexed now; nulls for
 * items without a file, and nothing where the collection has no folder.
 */
export async function fileFacts(
  collection: Collection,
  ids: readonly string[],
  now: Date,
): Promise<Values[]> {
  const facts: Values[] = ids.map(() => ({}));
  if (collection.root === undefined) return facts;
  for (let from = 0; from < ids.length; from += AT_ONCE)
    await Promise.all(
      ids.slice(from, from + AT_ONCE).map(async (id, i) => {
        const info = await stat(collection.fileOf(id)).catch(() => undefined);
        facts[from + i] = info?.isFile()
          ? { size: info.size, modified: new Date(Math.trunc(info.mtimeMs)), indexed: now }
          : { size: null, modified: null };
      }),
    );
  return facts;
}
