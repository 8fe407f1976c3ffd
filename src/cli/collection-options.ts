/** @file The option that names a collection, the same for every command that uses one, and how one is found without it. */
import path from 'node:path';
import { collectionAt } from '../collection/locate.js';
import { UsageError } from '../errors.js';
import type { OptionSpecs } from './command.js';

export const COLLECTION_OPTION = {
  collection: {
    type: 'string',
    short: 'c',
    value: 'DIR',
    group: 'collection',
    help: 'the collection’s folder, or one that holds it; by default .afterimage here or in a folder above',
  },
} as const satisfies OptionSpecs;

/**
 * Finds a collection's own folder, absolute.
 * @param option what `--collection` says: the collection's own folder, or a folder that contains `.afterimage`
 * @param start where to look, and then in the folders above it, when the option is not given
 * @throws UsageError when there is no collection.
 */
export async function findCollection(option: string | undefined, start = process.cwd()): Promise<string> {
  if (option !== undefined) {
    const found = await collectionAt(path.resolve(start, option));
    if (found !== undefined) return found;
    throw new UsageError(`no collection in "${option}"`, {
      hint: `"afterimage index FOLDER --collection ${option}" makes one there`,
    });
  }
  for (let folder = path.resolve(start); ; folder = path.dirname(folder)) {
    const found = await collectionAt(folder);
    if (found !== undefined) return found;
    if (folder === path.dirname(folder)) break;
  }
  throw new UsageError('no collection here, nor in the folders above', {
    hint: '"afterimage index FOLDER" makes one for a folder of images; --collection DIR names one that lies elsewhere',
  });
}
