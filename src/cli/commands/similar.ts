/** @file `afterimage similar`: the images of a collection that are like one. */
import { stat } from 'node:fs/promises';
import type { Collection } from '../../collection/collection.js';
import type { Query } from '../../collection/query.js';
import { ImageError } from '../../errors.js';
import { defineCommand } from '../command.js';
import { SEARCH_OPTIONS } from '../search-options.js';
import { runSearch } from '../search-run.js';

export const similar = defineCommand({
  name: 'similar',
  usage: 'IMAGE [options]',
  summary: 'Finds the images of a collection that are most like an image.',
  details:
    'An IMAGE is a path, a URL, or the id of an item (its path below the collection’s folder). It is left out itself, ' +
    'and so are copies of a path or URL; those of an item are shown. Lines on standard output are cosine and absolute path with a tab between them, best first.',
  arity: [1, 1],
  options: SEARCH_OPTIONS,
  examples: [
    ['afterimage similar photo.jpg', 'the ten most alike'],
    ['afterimage similar photo.jpg --diverse --open', 'alike, but not all the same; as a web page'],
  ],
  run: (values, [image]) => runSearch(values, (collection) => imageOrItem(collection, image!)),
});

/** A file or an address; else an item. */
async function imageOrItem(collection: Collection, word: string): Promise<Query> {
  if (/^(?:https?|file|data):/i.test(word) || (await stat(word).catch(() => undefined)))
    return [{ image: word }];
  const id = word.replace(/^id:/, '');
  for (const space of collection.spaces) {
    const { items } = await collection.tablesOf(space);
    if ((await items.get([id])).ids.length > 0) return [{ id }];
  }
  throw new ImageError('read', word, 'there is no such file, and no such item in the collection');
}
