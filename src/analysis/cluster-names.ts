/**
 * @file Names for clusters, where images and texts have one space: of many words the one that a cluster's centre is nearer
 * to than the other centres are. What merely fits best would often fit all of them ("a photograph", "clothes").
 */
import { labelBank } from '../embedding/zero-shot.js';
import { UsageError } from '../errors.js';
import type { VectorSet } from './vector-set.js';
import { CLUSTER_WORDS } from './words.js';

/** Options of {@link nameClusters}. */
export interface NameOptions {
  /** Words to choose from, before the built-in ones: a name of these that fits is preferred. @default none */
  names?: readonly string[] | undefined;
  /** Only these `names`, none of the built-in ones. @default false */
  only?: boolean | undefined;
  /** A column with captions: what they often speak of can be a name, too. */
  captions?: string | undefined;
}

/** A name, and how well it tells the cluster from the others. */
export interface ClusterName {
  text: string;
  /** The cosine to the cluster's centre less the mean of those to the other centres. */
  margin: number;
}

/** One sentence alone: more of them name no better, and each costs as much again. */
const TEMPLATE = 'a photo of a {}.';
/** Words within so many places of the best fitting ones can be a name. */
const FITTING = 0.06;
/** How much the cosine to the cluster itself counts beside the margin: with none, a detail that no other cluster has wins. */
const FIT = 1;
/** What a word of the user's own is favoured by, in cosine. */
const FAVOUR = 0.01;

/**
 * Names clusters; no two have the same name.
 * @param centres unit vectors
 * @returns a name for each centre; null where the words have run out
 * @throws ModelError where the embedding has no text, UsageError as `VectorSet.embedder`
 */
export async function nameClusters(
  set: VectorSet,
  centres: readonly Float32Array[],
  options: NameOptions = {},
): Promise<(ClusterName | null)[]> {
  const { names = [], only = false, captions } = options;
  const own = [...new Set(names.map((name) => name.trim()).filter((name) => name !== ''))];
  if (only && own.length === 0) throw new UsageError('names: expected at least one but received none');
  const spoken = captions === undefined ? [] : frequentPhrases(await captionsOf(set, captions));
  const words = [...new Set([...own, ...(only ? [] : [...spoken, ...CLUSTER_WORDS])])];
  const bank = await labelBank(await set.embedder(), words, { templates: [TEMPLATE] });
  const scores = centres.map((centre) => bank.vectors.map((word) => dot(centre, word)));
  return distinct(scores, own.length).map((found) => found && { ...found, text: bank.texts[found.word]! });
}

/** For each centre a word of its own, the clearest first. */
function distinct(scores: number[][], favoured: number): ({ word: number; margin: number } | null)[] {
  const others = scores.length - 1;
  const totals = scores[0]?.map((_, word) => scores.reduce((sum, row) => sum + row[word]!, 0)) ?? [];
  const found: { cluster: number; word: number; margin: number; value: number }[] = [];
  for (const [cluster, row] of scores.entries()) {
    const sorted = [...row].sort((a, b) => b - a);
    const fitting = sorted[Math.min(sorted.length - 1, Math.max(20, Math.ceil(FITTING * row.length)))]!;
    for (const [word, score] of row.entries()) {
      const margin = others > 0 ? score - (totals[word]! - score) / others : score;
      const least = score < fitting ? -1 : 0; // what does not fit is only taken when nothing else is left
      found.push({
        cluster,
        word,
        margin,
        value: margin + FIT * score + least + (word < favoured ? FAVOUR : 0),
      });
    }
  }
  found.sort((a, b) => b.value - a.value);
  const names: ({ word: number; margin: number } | null)[] = scores.map(() => null);
  const taken = new Set<number>();
  for (const { cluster, word, margin } of found) {
    if (names[cluster] || taken.has(word)) continue;
    names[cluster] = { word, margin };
    taken.add(word);
  }
  return names;
}

async function captionsOf(set: VectorSet, column: string): Promise<string[]> {
  const { cells, type } = await set.column(column);
  if (type !== 'text')
    throw new UsageError(`${set.source}: the column ${column} holds no texts, so no captions`);
  return cells.filter((cell) => cell !== null).map(String);
}

const STOP = new Set(
  (
    'a an the of in on at to and or with by for from into over under up down out off near next is are was were be being ' +
    'been has have had his her its their our your my he she it they we you i that this these those there who which what ' +
    'as while very some two three four one another other each both all not no'
  ).split(' '),
);

/** Words and pairs of words that begin and end with a meaning, and that captions often hold; the most frequent first. */
function frequentPhrases(captions: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const caption of captions) {
    const words = caption.toLowerCase().match(/[\p{L}\p{N}'-]+/gu) ?? [];
    const here = new Set<string>();
    for (const [i, word] of words.entries()) {
      if (STOP.has(word) || word.length < 3) continue;
      here.add(word);
      const next = words[i + 1];
      if (next !== undefined && next.length > 2 && !STOP.has(next)) here.add(`${word} ${next}`);
    }
    for (const phrase of here) counts.set(phrase, (counts.get(phrase) ?? 0) + 1);
  }
  const least = Math.max(3, captions.length / 500);
  return [...counts]
    .filter(([, n]) => n >= least)
    .sort((a, b) => b[1] - a[1])
    .slice(0, 500)
    .map(([phrase]) => phrase);
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
