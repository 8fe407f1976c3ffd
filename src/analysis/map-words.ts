/**
 * @file What lets a page search by meaning without a model: vectors of words, made beforehand, and the items' vectors, both
 * reduced to their principal components and to 8 bits. For the order of the items nothing else is lost: what a component
 * analysis leaves out of t·x is what the left-out components hold.
 */
import { type Embedder, labelBank } from '../embedding/index.js';
import type { MapWords } from '../pages/map-page.js';
import { nearest } from '../vectors/nearest.js';
import type { Vectors } from '../vectors/vectors.js';
import { COMMON_WORDS } from './map-vocabulary.js';
import { along, componentsOf } from './reduce.js';
import type { VectorSet } from './vector-set.js';

/** Numbers per vector in the page: so many for up to so many items, which is some 1.7 MB each time. */
const DIMENSIONS = [
  [10_000, 128],
  [25_000, 64],
  [Number.POSITIVE_INFINITY, 32],
] as const;
/** Words that come from the collection, the most frequent ones. */
const OWN_WORDS = 1500;
/** Queries that the agreement is measured with, and hits of each. */
const SAMPLE = 64;
const HITS = 20;

/** Words with their unit vectors, at full length. */
export interface EmbeddedWords {
  words: readonly string[];
  vectors: Vectors;
}

/**
 * Embeds common words and those of the collection, as "a photo of a …" and other sentences.
 * @throws ModelError when the model has no text tower.
 */
export async function embedWords(embedder: Embedder, own: readonly string[]): Promise<EmbeddedWords> {
  const bank = await labelBank(embedder, [...new Set([...own, ...COMMON_WORDS])]);
  const { dimension } = embedder;
  const data = new Float32Array(bank.texts.length * dimension);
  for (const [i, vector] of bank.vectors.entries()) data.set(vector, i * dimension);
  return { words: bank.texts, vectors: { data, dimension } };
}

/**
 * The words of a set's texts: the values of its columns where they are short, and single words of longer ones, the most
 * frequent first.
 */
export async function wordsOf(set: VectorSet): Promise<string[]> {
  const counts = new Map<string, number>();
  const add = (word: string) => counts.set(word, (counts.get(word) ?? 0) + 1);
  const names = ['folder', ...set.columns.filter(({ type }) => type === 'text').map(({ name }) => name)];
  for (const name of names) {
    if (TECHNICAL.has(name)) continue;
    const { cells } = await set.column(name);
    for (const cell of cells) {
      if (typeof cell !== 'string') continue;
      const text = cell.toLowerCase().replace(/[_]+/g, ' ').trim();
      const words = text.match(/[\p{L}][\p{L}'’-]+/gu) ?? [];
      if (words.length > 1 && words.length <= 3 && words.join(' ') === text) add(text);
      for (const word of words) if (word.length > 2 && word.length < 24) add(word);
    }
  }
  const least = set.count > 500 ? 2 : 1;
  return [...counts]
    .filter(([, count]) => count >= least)
    .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
    .slice(0, OWN_WORDS)
    .map(([word]) => word);
}

/** Texts that name files, not what they show. */
const TECHNICAL = new Set(['hash', 'path', 'format', 'camera']);

/** Reduces words and items to what a page can hold, and measures what is lost by it. */
export async function reduceWords(
  unit: Vectors,
  { words, vectors }: EmbeddedWords,
  seed = 0,
): Promise<MapWords> {
  const count = unit.data.length / unit.dimension;
  const [, most] = DIMENSIONS.find(([items]) => count <= items)!;
  const dimension = Math.min(most, unit.dimension, count);
  const pca = await componentsOf(unit, dimension, seed);
  const items = byColumn(await along(unit, { ...pca, whiten: false }), dimension);
  const reduced = new Float32Array(words.length * dimension);
  const offsets = new Float32Array(words.length);
  for (let w = 0; w < words.length; w++) {
    const vector = vectors.data.subarray(w * unit.dimension, (w + 1) * unit.dimension);
    const dot = (other: Float64Array) => other.reduce((sum, value, k) => sum + value * vector[k]!, 0);
    offsets[w] = dot(pca.mean);
    for (let k = 0; k < dimension; k++) reduced[w * dimension + k] = dot(pca.components[k]!);
  }
  const coded = byRow(reduced, dimension);
  const result = {
    dimension,
    words,
    items: items.codes,
    itemScales: items.scales,
    vectors: coded.codes,
    wordScales: coded.scales,
    offsets,
  };
  return { ...result, agreement: await agreement(unit, vectors, result) };
}

/** The share of the first hits of full vectors that the reduced ones find, too. */
async function agreement(
  unit: Vectors,
  words: Vectors,
  reduced: Omit<MapWords, 'agreement'>,
): Promise<number> {
  const count = unit.data.length / unit.dimension;
  const total = reduced.words.length;
  const k = Math.min(HITS, count);
  const sample = Array.from({ length: Math.min(SAMPLE, total) }, (_, i) =>
    Math.floor((i * total) / Math.min(SAMPLE, total)),
  );
  const queries = Float32Array.from(
    sample.flatMap((w) => Array.from(words.data.subarray(w * words.dimension, (w + 1) * words.dimension))),
  );
  const exact = await nearest({ data: queries, dimension: words.dimension }, { k, reference: unit });
  const { dimension, items, itemScales, vectors, wordScales } = reduced;
  let shared = 0;
  const scores = new Float32Array(count);
  for (const [i, w] of sample.entries()) {
    const query = itemScales.map((scale, d) => scale * vectors[w * dimension + d]! * wordScales[w]!);
    for (let item = 0; item < count; item++) {
      let sum = 0;
      for (let d = 0; d < dimension; d++) sum += query[d]! * items[item * dimension + d]!;
      scores[item] = sum;
    }
    const limit = scores.slice().sort()[count - k]!;
    for (const item of exact.subarray(i * k, (i + 1) * k)) if (scores[item]! >= limit) shared++;
  }
  return shared / (sample.length * k);
}

interface Coded {
  codes: Int8Array;
  scales: Float32Array;
}

/** 8 bits with one factor for each dimension. */
function byColumn(data: Float32Array, dimension: number): Coded {
  const scales = new Float32Array(dimension);
  for (let i = 0; i < data.length; i++)
    scales[i % dimension] = Math.max(scales[i % dimension]!, Math.abs(data[i]!) / 127);
  return {
    codes: Int8Array.from(data, (value, i) => Math.round(value / (scales[i % dimension]! || 1))),
    scales,
  };
}

/** 8 bits with one factor for each vector. */
function byRow(data: Float32Array, dimension: number): Coded {
  const scales = new Float32Array(data.length / dimension);
  for (let i = 0; i < data.length; i++) {
    const row = Math.floor(i / dimension);
    scales[row] = Math.max(scales[row]!, Math.abs(data[i]!) / 127);
  }
  const codes = Int8Array.from(data, (value, i) =>
    Math.round(value / (scales[Math.floor(i / dimension)]! || 1)),
  );
  return { codes, scales };
}
