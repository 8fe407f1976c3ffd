/** @file Search: the items nearest to a query, filtered, cut, collapsed and put in order. */

import type { ImageInput } from '../image/index.js';
import { normalizeRows } from '../vectors/vectors.js';
import { moreThanChance } from './chance.js';
import type { Collection } from './collection.js';
import type { Values } from './columns.js';
import { collapse, marginalRelevance } from './diversity.js';
import { kilometresBetween } from './geo.js';
import type { Space } from './manifest.js';
import { parseQuery, type Query, queryText } from './query.js';
import { spaceFor } from './query-space.js';
import { type QueryVector, queryVector } from './query-vector.js';
import { checkNumbers, filterOf, type SearchOptions } from './search-options.js';
import type { StoreHit } from './store.js';

/** One item that was found. */
export interface SearchHit {
  id: string;
  /** Where its file lies. */
  file: string;
  /** Cosine of the angle between the query and the item, −1..1. */
  score: number;
  /** The probability that it is more than chance, 0..1. */
  probability: number;
  /** Its columns. */
  values: Values;
  /** Where it was asked for. */
  vector?: Float32Array;
  /** With `dedup`: the hits that were collapsed onto this one, best first, of those that were looked at. */
  collapsed?: string[];
}

/** What a search has found. */
export interface SearchResult {
  /** Best first; with `diverse`, in that order. */
  hits: SearchHit[];
  /** The space that answered. */
  space: Space;
  /** The query, as it would be typed. */
  query: string;
  /** Items that pass the filters; those of `near` are counted in the box around the circle. */
  total: number;
  /** True when no item, on this page or before it or cut off by `minScore`, is more likely than not to be more than chance. */
  nothing: boolean;
}

/**
 * From which cosine on two pictures count as near-equal. With mini-clip, of 300 photographs of Flickr8k no two reach
 * 0.87, and the middle 90 % of a photograph has a median of 0.94 with the whole. Copies at half the size and JPEG
 * quality 50 mostly stay below (median 0.74): what finds those is a lower threshold, at the price of mistakes.
 */
const NEAR_EQUAL = 0.9;
/** Carbonell & Goldstein's middle: relevance and novelty count alike. */
const EVEN_LAMBDA = 0.5;
/** With `diverse`, so many of the best are put in order; those after them follow by score. */
const DIVERSE_POOL = 500;
/** How often more is fetched when too few remain; each time 4 times as many. */
const MAX_ROUNDS = 6;

type Candidate = StoreHit & { probability: number; collapsed?: string[] };

/**
 * Searches a collection. Items that the query names are left out of the answer, and so are items with the same bytes
 * as its images, wherever they lie.
 * @param query terms; or their text, or the words of a command line, see `parseQuery`
 * @throws UsageError for a query or an option that is wrong, IdentityError for a vector of another origin, ImageError
 *   for a query image that cannot be read.
 */
export async function search(
  collection: Collection,
  query: Query | string | readonly string[],
  options: SearchOptions = {},
): Promise<SearchResult> {
  const { limit, offset } = checkNumbers(options);
  await collection.refresh();
  const terms = isWritten(query) ? parseQuery(query) : query;
  const space = spaceFor(collection, terms, options.model);
  const asking = queryVector(collection, space, terms, options);
  asking.catch(() => undefined); // awaited below
  const { items } = await collection.tablesOf(space);
  const columns = await items.columns();
  const filter = filterOf(options, columns);
  const counting = items.count(filter);
  counting.catch(() => undefined);
  const asked = await asking;
  const total = await counting;

  const wanted = options.columns ?? columns.map(({ name }) => name);
  const needed = [
    ...(asked.hashes.size > 0 && columns.some(({ name }) => name === 'hash') ? ['hash'] : []),
    ...(options.near ? ['latitude', 'longitude'] : []),
  ];
  const { dedup, diverse, minScore = -2, minProbability = 0 } = options;
  const end = offset + limit;
  const pool = isOn(diverse) ? Math.max(end, DIVERSE_POOL) : end;
  const selection = { vectors: true, columns: [...new Set([...wanted, ...needed])] };
  let ranked: Candidate[] = [];
  let likelyBefore = -1;
  let nothing = true;
  let k = Math.min(Math.max(total, 1), pool + asked.ids.size + asked.hashes.size);
  for (let round = 1; ; round++) {
    const found = await items.nearest(asked.vector, { k, filter, exact: options.exact, ...selection });
    const answers = found.filter((hit) => isAnswer(hit, asked, options));
    const vectors = answers.map(({ vector }) => vector!);
    const chances = await moreThanChance(collection, space, asked.terms, vectors, total);
    nothing = !chances.some((chance) => chance > 0.5);
    const good = answers
      .map((hit, i): Candidate => ({ ...hit, probability: chances[i]! }))
      .filter(({ score }) => score >= minScore);
    const likely = good.filter(({ probability }) => probability >= minProbability);
    ranked = isOn(dedup) ? collapsed(likely, dedup) : likely;
    // What comes after scores less still, and is hardly more than chance where none of the last ones was.
    const over = good.length < answers.length || (minProbability > 0 && likely.length === likelyBefore);
    if (ranked.length >= pool || over || found.length < k || k >= total || round === MAX_ROUNDS) break;
    likelyBefore = likely.length;
    k = Math.min(total, 4 * k);
  }
  if (isOn(diverse)) ranked = diversified(ranked, diverse, end);
  const hits = ranked.slice(offset, end).map((hit) => finished(collection, hit, wanted, options));
  return { hits, space, query: queryText(terms), total, nothing };
}

/**
 * The items most like an image or an item.
 * @param what an image, or `{ id }` for an item of the collection
 * @throws as {@link search}.
 */
export function similar(
  collection: Collection,
  what: ImageInput | { id: string },
  options: SearchOptions = {},
): Promise<SearchResult> {
  return search(collection, [isItem(what) ? { id: what.id } : { image: what }], options);
}

function isItem(what: ImageInput | { id: string }): what is { id: string } {
  return typeof what === 'object' && 'id' in what && typeof what.id === 'string' && !('data' in what);
}

function isWritten(query: Query | string | readonly string[]): query is string | readonly string[] {
  return typeof query === 'string' || query.every((term) => typeof term === 'string');
}

function isOn(option: boolean | number | undefined): option is true | number {
  return option !== undefined && option !== false;
}

/** Not the question itself, and within the circle. */
function isAnswer({ id, values }: StoreHit, { ids, hashes }: QueryVector, { near }: SearchOptions): boolean {
  if (ids.has(id) || (typeof values.hash === 'string' && hashes.has(values.hash))) return false;
  if (!near) return true;
  const { latitude, longitude } = values;
  return (
    typeof latitude === 'number' &&
    typeof longitude === 'number' &&
    kilometresBetween(near, { latitude, longitude }) <= near.kilometres
  );
}

function collapsed(hits: readonly Candidate[], dedup: true | number): Candidate[] {
  return collapse(hits.map(unit), dedup === true ? NEAR_EQUAL : dedup).map(({ hit, collapsed }) => ({
    ...hit.hit,
    collapsed,
  }));
}

/** The first `end` in their order. */
function diversified(hits: readonly Candidate[], diverse: true | number, end: number): Candidate[] {
  const pool = hits.slice(0, DIVERSE_POOL).map(unit);
  const ordered = marginalRelevance(pool, diverse === true ? EVEN_LAMBDA : diverse, end);
  return [...ordered.map(({ hit }) => hit), ...hits.slice(DIVERSE_POOL)];
}

function unit(hit: Candidate) {
  const vector = hit.vector!.slice();
  normalizeRows(vector, vector.length);
  return { id: hit.id, score: hit.score, vector, hit };
}

function finished(
  collection: Collection,
  { id, score, probability, values, vector, collapsed }: Candidate,
  columns: readonly string[],
  options: SearchOptions,
): SearchHit {
  return {
    id,
    file: collection.fileOf(id),
    score,
    probability,
    values: Object.fromEntries(columns.map((name) => [name, values[name] ?? null])),
    ...(options.vectors && vector ? { vector } : {}),
    ...(collapsed ? { collapsed } : {}),
  };
}
