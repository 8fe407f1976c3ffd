/** @file From a query to the one vector that is searched for, and to the items that are the question and no answer. */
import { realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { sha256 } from '../embedding/identity.js';
import { ImageError, type ItemFailure, UsageError } from '../errors.js';
import { type ImageInput, type ReadOptions, readSource, sourceName } from '../image/index.js';
import { normalizeRows } from '../vectors/vectors.js';
import type { ChanceTerm } from './chance.js';
import type { Collection } from './collection.js';
import type { Space } from './manifest.js';
import { type Query, queryText } from './query.js';
import { idBelow } from './scan.js';
import type { VectorTable } from './store.js';

/** Options of {@link queryVector}. */
export interface QueryOptions {
  /** How images are fetched. */
  read?: ReadOptions | undefined;
  /** Told when a text looks like a path. */
  onWarning?: ((message: string) => void) | undefined;
}

/** A query as one vector. */
export interface QueryVector {
  /** Of unit length. */
  vector: Float32Array;
  /** Items that the query names, and those at the paths of its images. */
  ids: ReadonlySet<string>;
  /** SHA-256 of the files of its images. */
  hashes: ReadonlySet<string>;
  /** What is asked for, term by term, without what is taken away; the whole where all is. */
  terms: ChanceTerm[];
}

interface TermVector {
  vector: ArrayLike<number>;
  id?: string;
  hash?: string;
}

/**
 * The vector of a query: each term's vector scaled to unit length, times its weight, summed, and scaled to unit length
 * again. So a score is a cosine, −1..1, whatever the weights; rclip leaves the sum as it is, and its scores can exceed
 * 1. The order of the hits is the same. Items, and images that the collection holds, take the vectors that are stored;
 * no network runs for them.
 * @throws UsageError for an item that is not there, a vector of another length, or terms that cancel out; ImageError
 *   for an image that cannot be read; and as {@link Collection.embedderOf}.
 */
export async function queryVector(
  collection: Collection,
  space: Space,
  query: Query,
  options: QueryOptions = {},
): Promise<QueryVector> {
  if (query.length === 0) throw new UsageError('query: expected at least one term but received none');
  const { dimension } = space.identity;
  const found = await termVectors(collection, space, query, options);
  const sum = new Float64Array(dimension);
  let weights = 0;
  query.forEach(({ weight = 1 }, i) => {
    if (!Number.isFinite(weight) || weight === 0)
      throw new UsageError(`query: expected a weight other than 0 but received ${weight}`);
    const { vector } = found[i]!;
    let squares = 0;
    for (let d = 0; d < dimension; d++) squares += vector[d]! * vector[d]!;
    if (!Number.isFinite(squares) || squares === 0)
      throw new UsageError(`query: the vector of ${queryText([query[i]!])} has no direction`);
    for (let d = 0; d < dimension; d++) sum[d]! += (weight * vector[d]!) / Math.sqrt(squares);
    weights += Math.abs(weight);
  });
  const length = Math.hypot(...sum);
  if (length < 1e-6 * weights)
    throw new UsageError(`query: the terms of ${queryText(query)} cancel each other out`, {
      hint: 'give one of them another weight, such as 2:TERM',
    });
  const vector = Float32Array.from(sum, (x) => x / length);
  normalizeRows(vector, dimension);
  const present = <T>(values: (T | undefined)[]) => new Set(values.filter((v) => v !== undefined));
  const terms = query.flatMap((term, i): ChanceTerm[] =>
    (term.weight ?? 1) > 0 ? [{ kind: 'text' in term ? 'text' : 'image', vector: found[i]!.vector }] : [],
  );
  return {
    vector,
    ids: present(found.map((f) => f.id)),
    hashes: present(found.map((f) => f.hash)),
    terms: terms.length > 0 ? terms : [{ kind: 'text' in query[0]! ? 'text' : 'image', vector }],
  };
}

async function termVectors(
  collection: Collection,
  space: Space,
  query: Query,
  options: QueryOptions,
): Promise<TermVector[]> {
  const texts = query.flatMap((term) => ('text' in term ? [term.text] : []));
  // The tables open while the network does.
  const embedding = texts.length > 0 ? embedTexts(collection, space, texts) : Promise.resolve([]);
  embedding.catch(() => undefined); // awaited below
  const { items } = await collection.tablesOf(space);
  const { dimension, model } = space.identity;
  let text = 0;
  return Promise.all(
    query.map(async (term): Promise<TermVector> => {
      if ('text' in term) {
        const index = text++;
        await warnOfPath(term.text, options);
        return { vector: (await embedding)[index]! };
      }
      if ('id' in term) return itemVector(collection, items, term.id);
      if ('image' in term) return imageVector(collection, space, items, term.image, options);
      if (term.vector.length !== dimension)
        throw new UsageError(
          `query: expected a vector of ${dimension} numbers (${model}) but received one of ${term.vector.length}`,
          { hint: 'vectors of another model belong to another space' },
        );
      return { vector: term.vector };
    }),
  );
}

async function embedTexts(collection: Collection, space: Space, texts: string[]): Promise<Float32Array[]> {
  const embedder = await collection.embedderOf(space);
  return embedder.embedTexts(texts);
}

async function warnOfPath(text: string, { onWarning }: QueryOptions): Promise<void> {
  if (onWarning && (await stat(text).catch(() => undefined))?.isFile())
    onWarning(`"${text}" is searched as a text; to search by the image, write ./${text}`);
}

async function itemVector(collection: Collection, items: VectorTable, id: string): Promise<TermVector> {
  const { ids, vectors } = await items.get([id], { vectors: true });
  if (ids.length > 0) return { vector: vectors, id };
  throw new UsageError(`query: there is no item "${id}" in this collection`, {
    hint: `an item is named by its path below ${collection.root ?? 'the folder that was imported'}, with / between its parts`,
  });
}

async function imageVector(
  collection: Collection,
  space: Space,
  items: VectorTable,
  input: ImageInput,
  options: QueryOptions,
): Promise<TermVector> {
  const source = await readSource(input, options.read);
  const hash = source instanceof Uint8Array ? sha256(source) : undefined;
  const id = await idOf(collection, input);
  if (hash !== undefined) {
    const stored = await storedVector(items, hash, id);
    if (stored) return { vector: stored, hash, ...(id === undefined ? {} : { id }) };
  }
  const embedder = await collection.embedderOf(space);
  const failures: ItemFailure[] = [];
  const named = [{ id: sourceName(input), input: source }];
  const [vector] = await embedder.embedImages(named, { onFailure: (failure) => failures.push(failure) });
  const [failure] = failures;
  if (failure) throw new ImageError(failure.stage, failure.id, failure.reason);
  return { vector: vector!, ...(hash === undefined ? {} : { hash }), ...(id === undefined ? {} : { id }) };
}

/** The vector of the same bytes, where the collection holds them. */
async function storedVector(
  items: VectorTable,
  hash: string,
  id: string | undefined,
): Promise<Float32Array | undefined> {
  if (id !== undefined) {
    const { ids, vectors, values } = await items.get([id], { columns: ['hash'], vectors: true });
    if (ids.length > 0 && values.hash?.[0] === hash) return vectors;
  }
  const filter = { op: '=', left: { column: 'hash' }, right: { value: hash } } as const;
  for await (const { ids, vectors } of items.scan({ filter, vectors: true, batchSize: 1 }))
    if (ids.length > 0) return vectors.slice(0, items.dimension);
  return undefined;
}

/** The id that a file below the collection's root has. */
async function idOf({ root }: Collection, input: ImageInput): Promise<string | undefined> {
  const place = placeOf(input);
  if (root === undefined || place === undefined) return undefined;
  const real = await Promise.all([root, path.resolve(place)].map((p) => realpath(p).catch(() => p)));
  return idBelow(real[0]!, real[1]!);
}

/** The path of an image on this machine. */
function placeOf(input: ImageInput): string | undefined {
  if (typeof input !== 'string' && !(input instanceof URL)) return undefined;
  const written = String(input);
  if (/^file:/i.test(written)) return fileURLToPath(written);
  return input instanceof URL || /^(?:https?|data):/i.test(written) ? undefined : written;
}
