/**
 * @file The probability that a hit is more than chance for its collection, so that a search can say "nothing found".
 * What chance reaches is measured once, kept beside the collection, and measured again when the collection has grown
 * or shrunk by a tenth. `chance-null.ts` says how.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { BACKGROUND_TEXTS } from '../embedding/background-texts.js';
import type { Embedder } from '../embedding/embedder.js';
import { sha256 } from '../embedding/identity.js';
import { UsageError } from '../errors.js';
import { writeAtomically } from '../models/cache.js';
import { normalizeRows } from '../vectors/vectors.js';
import {
  type LikenessNull,
  likenessChance,
  likenessNull,
  type TextNull,
  textChance,
  textNull,
} from './chance-null.js';
import type { Collection } from './collection.js';
import type { Space } from './manifest.js';

/** Items that the measurement looks at. */
const SAMPLE = 2000;
const SEED = 1;
/** How much the number of items may differ from what was measured, as a share. */
const DRIFT = 0.1;
const FINGERPRINT = sha256(JSON.stringify([1, SAMPLE, BACKGROUND_TEXTS]));

/** One term of a query that is asked for (not one that is taken away). */
export interface ChanceTerm {
  /** `text`, or `image` for images, items and other vectors. */
  kind: 'text' | 'image';
  /** As long as the space's vectors, of any length but 0. */
  vector: ArrayLike<number>;
}

/**
 * For each hit, the probability that it is more than chance: that at least one of the terms fits it. 0.5 is where
 * "found" and "not found" are equally likely if half of all queries fit something. They mostly fall with the score, but need
 * not: an item that is near to every text has a lower probability than its score suggests.
 * @param terms those that are asked for; for a query that only takes away, its whole vector as one term
 * @param hits the vectors of the hits, of any length but 0
 * @param total how many items were searched
 * @throws UsageError for a vector of another dimension, and as {@link Collection.embedderOf} for a text.
 */
export async function moreThanChance(
  collection: Collection,
  space: Space,
  terms: readonly ChanceTerm[],
  hits: readonly Float32Array[],
  total: number,
): Promise<number[]> {
  const { dimension } = space.identity;
  const items = hits.map((hit) => unit(hit, dimension));
  const best = hits.map(() => 0);
  if (hits.length === 0) return best;
  for (const { kind, vector } of terms) {
    const query = unit(vector, dimension);
    const cosines = items.map((item) => cosine(query, item));
    const chances =
      kind === 'text'
        ? await textNullOf(collection, space).then((known) =>
            cosines.map((c, i) => textChance(known, c, items[i]!, total)),
          )
        : await likenessNullOf(collection, space).then((known) =>
            cosines.map((c) => likenessChance(known, c, total)),
          );
    chances.forEach((chance, i) => {
      best[i] = Math.max(best[i]!, chance);
    });
  }
  return best;
}

/** Unit vectors of items drawn at random, row by row: 2,000 of them, or all. The same ones until the items change. */
export async function sampleVectors(
  collection: Collection,
  space: Space,
): Promise<{ vectors: Float32Array; count: number }> {
  const { items } = await collection.tablesOf(space);
  const { ids, vectors } = await items.sample(SAMPLE, SEED, { vectors: true });
  const units = Float32Array.from(vectors);
  normalizeRows(units, space.identity.dimension);
  return { vectors: units, count: ids.length };
}

/** Options of {@link textNullOf}. */
export interface TextNullOptions {
  /** The space's embedder, where it is open. @default opened by the collection when something must be measured */
  embedder?: Embedder | undefined;
  /** Gives up when it is aborted: the promise rejects with its reason. */
  signal?: AbortSignal | undefined;
}

/** What texts score by chance, measured where it is not known; doing so after indexing makes the first search fast. */
export function textNullOf(
  collection: Collection,
  space: Space,
  { embedder, signal }: TextNullOptions = {},
): Promise<TextNull> {
  return known(collection, space, 'text', async (sample) => {
    const { dimension } = space.identity;
    const opened = embedder ?? (await collection.embedderOf(space));
    const texts = await opened.embedTexts(BACKGROUND_TEXTS, { signal });
    const bank = new Float32Array(texts.length * dimension);
    for (const [i, text] of texts.entries()) bank.set(text, i * dimension);
    normalizeRows(bank, dimension);
    return textNull(bank, sample, dimension);
  });
}

/** How near the items are to their nearest, measured where it is not known. */
function likenessNullOf(collection: Collection, space: Space): Promise<LikenessNull> {
  return known(collection, space, 'likeness', async (sample) =>
    likenessNull(sample, space.identity.dimension),
  );
}

type Kind = 'text' | 'likeness';
type Measured = { fingerprint: string; count: number; null: TextNull | LikenessNull };

const measured = new WeakMap<Collection, Map<string, Promise<Measured>>>();

/** From memory, from the collection's folder, or anew. */
async function known<T extends TextNull | LikenessNull>(
  collection: Collection,
  space: Space,
  kind: Kind,
  measure: (sample: Float32Array) => Promise<T>,
): Promise<T> {
  const { items } = await collection.tablesOf(space);
  const count = await items.count();
  const name = `${space.key}-${kind}`;
  const file = path.join(collection.folder, 'chance', `${name}.json`);
  const cache = measured.get(collection) ?? new Map<string, Promise<Measured>>();
  measured.set(collection, cache);
  const kept = await (cache.get(name) ?? read(file))?.catch(() => undefined);
  if (kept && isFresh(kept, count)) {
    cache.set(name, Promise.resolve(kept));
    return kept.null as T;
  }
  const measuring = sampleVectors(collection, space).then(async ({ vectors }): Promise<Measured> => {
    const found: Measured = { fingerprint: FINGERPRINT, count, null: await measure(vectors) };
    await writeAtomically(file, JSON.stringify(found, packed)).catch(() => undefined); // a read-only folder
    return found;
  });
  cache.set(name, measuring);
  measuring.catch(() => cache.delete(name));
  return (await measuring).null as T;
}

function isFresh({ fingerprint, count }: Measured, now: number): boolean {
  return fingerprint === FINGERPRINT && Math.abs(now - count) <= DRIFT * count;
}

/** What was measured before; undefined where there is nothing, or nothing that can be read: it is measured again. */
async function read(file: string): Promise<Measured | undefined> {
  try {
    const found = JSON.parse(await readFile(file, 'utf8'), unpacked) as Partial<Measured> | null;
    return found?.fingerprint === FINGERPRINT ? (found as Measured) : undefined;
  } catch {
    return undefined;
  }
}

/** The bank's vectors as base64, in the order of bytes of all machines that Node runs on. */
function packed(key: string, value: unknown): unknown {
  if (key !== 'bank' || !(value instanceof Float32Array)) return value;
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64');
}

function unpacked(key: string, value: unknown): unknown {
  if (key !== 'bank' || typeof value !== 'string') return value;
  return new Float32Array(Uint8Array.from(Buffer.from(value, 'base64')).buffer);
}

function unit(vector: ArrayLike<number>, dimension: number): Float32Array {
  if (vector.length !== dimension)
    throw new UsageError(
      `chance: expected vectors of ${dimension} numbers but received one of ${vector.length}`,
    );
  const scaled = Float32Array.from(vector);
  normalizeRows(scaled, dimension);
  return scaled;
}

function cosine(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let d = 0; d < a.length; d++) sum += a[d]! * b[d]!;
  return sum;
}
