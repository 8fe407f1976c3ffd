/** @file What the demo does with words, where the model knows any: searches, and labels chosen for images. */
import { classify, type Embedder, labelBank, type Neighbour, nearestTo } from '../../embedding/index.js';
import { table } from '../table.js';
import { dim, print } from '../terminal.js';

/** The embedded samples, aligned. */
export interface Samples {
  /** File names without endings. */
  names: string[];
  vectors: Float32Array[];
}

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
const LABELLED = ['cat-portrait', 'sheep-pasture', 'boats-nagasaki', 'coffee-cup', 'rocket-launch'];

/** A search and the images that were found, the best first. */
export interface Search {
  text: string;
  found: Neighbour[];
}

/** `0.31 cat-portrait`. */
export function scored({ index, score }: Neighbour, { names }: Samples): string {
  return `${score.toFixed(2)} ${names[index]}`;
}

/** Prints the three images nearest to each text; returns `k` for each. */
export async function showSearches(embedder: Embedder, samples: Samples, k: number): Promise<Search[]> {
  const queries = await embedder.embedTexts(SEARCHES);
  const searches = queries.map((query, i) => ({
    text: SEARCHES[i]!,
    found: nearestTo(query, samples.vectors, k),
  }));
  const rows = searches.map(({ text, found }) => [text, ...found.slice(0, 3).map((n) => scored(n, samples))]);
  await print(table(['words', 'best', 'second', 'third'], rows, '   '));
  await print(dim('   Words always find something; compare the numbers of one row only.'));
  return searches;
}

/** Prints the labels that are likeliest for some images. */
export async function showLabels(embedder: Embedder, { names, vectors }: Samples): Promise<void> {
  const bank = await labelBank(embedder, LABELS, { templates: ['a photo of {}'] });
  const labelled = LABELLED.map((name) => vectors[names.indexOf(name)]!);
  const rows = classify(labelled, bank, { topK: 3 }).map((choices, i) => [
    LABELLED[i]!,
    ...choices.map(({ text, probability }) => `${Math.round(100 * probability)} % ${text}`),
  ]);
  await print(table(['image', 'likeliest', 'second', 'third'], rows, '   '));
  await print(dim(`   Shares among ${LABELS.length} labels; the right one need not be among them.`));
}
