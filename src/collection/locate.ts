/** @file Where a collection lies. It loads nothing, so that asking costs nothing. */
import { stat } from 'node:fs/promises';
import path from 'node:path';

/** The name of a collection's folder within its folder of images. */
export const COLLECTION_FOLDER = '.afterimage';

/** The own folder of the collection that a folder is or contains, where there is one. */
export async function collectionAt(folder: string): Promise<string | undefined> {
  for (const place of [path.join(folder, COLLECTION_FOLDER), folder]) {
    const manifest = await stat(path.join(place, 'collection.json')).catch(() => undefined);
    if (manifest?.isFile()) return place;
  }
  return undefined;
}
