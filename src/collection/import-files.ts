/** @file The files of imported items, where they lie below the collection's folder of images. */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { Collection } from './collection.js';
import type { Values } from './columns.js';

const AT_ONCE = 128;

/** An item's id in a collection: a path below its folder of images becomes relative to it, with `/`. */
export function itemId(root: string | undefined, id: string): string {
  if (root === undefined || !path.isAbsolute(id)) return id;
  const below = path.relative(root, id);
  const outside = below === '' || below.startsWith('..') || path.isAbsolute(below);
  return outside ? id : below.split(path.sep).join('/');
}

/** Size and time of the items' files, in their order; undefined for those that are not there. */
export async function fileFacts(
  collection: Collection,
  ids: readonly string[],
): Promise<(Values | undefined)[]> {
  const facts: (Values | undefined)[] = new Array(ids.length).fill(undefined);
  if (collection.root === undefined) return facts;
  for (let from = 0; from < ids.length; from += AT_ONCE)
    await Promise.all(
      ids.slice(from, from + AT_ONCE).map(async (id, i) => {
        const info = await stat(collection.fileOf(id)).catch(() => undefined);
        if (info?.isFile())
          facts[from + i] = { size: info.size, modified: new Date(Math.trunc(info.mtimeMs)) };
      }),
    );
  return facts;
}
