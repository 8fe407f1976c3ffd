/** @file What the demo does with words, where the model knows any: searches, and labels chosen for images. */
import { type Collection, labelItems, type SearchHit, search } from '../../collection/index.js';
import { table } from '../table.js';
import { dim, print } from '../terminal.js';

/** What is searched for. */
const SEARCHES = ['a cat', 'mountains', 'boats on the water', 'an astronaut', 'a strawberry'];

/** What an image may be called. */
const LABELS = [
  'a cat',
  'a dog',
  'sheep',
  'a person',
  'a house',
  'mountains',
  'boats',
  'an airplane',
  'a rocket',
  'a cup of coffee',
  'a flower',
  'stars',
];

/** The samples that are labelled. */
const LABELLED = [
  'cat-portrait.jpg',
  'sheep-pasture.jpg',
  'boats-nagasaki.jpg',
  'coffee-cup.jpg',
  'rocket-launch.jpg',
];

/** A search and the images that were found, the best first. */
export interface Search {
  text: string;
  found: SearchHit[];
}

/** `0.31 cat-portrait`. */
export function scored({ id, score }: SearchHit): string {
  return `${score.toFixed(2)} ${id.replace(/\.\w+$/, '')}`;
}

/** Prints the three images nearest to each text; returns `limit` for each. */
export async function showSearches(photos: Collection, limit: number): Promise<Search[]> {
  const searches: Search[] = [];
  for (const text of SEARCHES)
    searches.push({ text, found: (await search(photos, [{ text, weight: 1 }], { limit })).hits });
  const rows = searches.map(({ text, found }) => [text, ...found.slice(0, 3).map(scored)]);
  await print(table(['words', 'best', 'second', 'third'], rows, '   '));
  return searches;
}

/** Prints the labels that are likeliest for some images. */
export async function showLabels(photos: Collection): Promise<void> {
  const filter = { op: 'in', column: 'id', values: LABELLED } as const;
  const rows: string[][] = [];
  for await (const items of labelItems(photos, LABELS, { filter, topK: 3, templates: ['a photo of {}'] }))
    for (const { id, labels } of items)
      rows.push([
        id.replace(/\.\w+$/, ''),
        ...labels.map(({ text, probability }) => `${Math.round(100 * probability)} % ${text}`),
      ]);
  rows.sort(([a], [b]) => (a! < b! ? -1 : 1));
  await print(table(['image', 'likeliest', 'second', 'third'], rows, '   '));
  await print(dim(`   Shares among ${LABELS.length} labels; the right one need not be among them.`));
}
