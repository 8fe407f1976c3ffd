/**
 * @file Vectors that were computed elsewhere into a collection. The file is read twice: first everything is checked and
 * nothing is written; then its rows go to the store in batches. A run that was broken off is simply run again.
 */
import { type EmbeddingIdentity, sameIdentity } from '../embedding/identity.js';
import type { Progress } from '../embedding/results.js';
import type { Collection } from './collection.js';
import { lockCollection } from './collection-lock.js';
import type { Column } from './columns.js';
import { fileFacts } from './import-files.js';
import { type ImportIdentity, identityOf } from './import-identity.js';
import { type ImportSource, importRows, type RowOptions } from './import-rows.js';
import { type ImportSurvey, surveyRows } from './import-survey.js';
import { type Row, toBatch } from './index-writer.js';
import { type IndexQuality, newSpace, type Space } from './manifest.js';
import { maintain } from './quality.js';

/** Options of {@link importVectors}. */
export interface ImportOptions extends RowOptions {
  /**
   * The model that made the vectors, for a file that does not say: a name of the catalogue, of the hub, or any other.
   * It is taken at the caller's word.
   */
  model?: string | undefined;
  /** The same in full, or as much of it as is known; `model` at least. */
  identity?: (Partial<EmbeddingIdentity> & { model: string }) | undefined;
  /** Told after every batch; `stage` is first `check`, then `write`. */
  onProgress?: ((progress: Progress & { stage: 'check' | 'write' }) => void) | undefined;
  /** Ends the import after the batch in hand; running it again completes it. */
  signal?: AbortSignal | undefined;
}

/** What was imported. */
export interface ImportSummary {
  /** Rows of the file. */
  rows: number;
  /** Items written: rows less repetitions. */
  items: number;
  /** Rows that repeated an item, vector and all. */
  repeated: number;
  space: Space;
  /** Whether somebody's word stands for what made the vectors; else the file says it. */
  declared: boolean;
  /** The user's columns, as they are called now. */
  columns: Column[];
  /** Columns that had to be renamed: `[as in the file, as they are called now]`. */
  renamed: [string, string][];
  /** Of the items' files, how many lie below the collection's root. */
  found: number;
  /** Reading, checking and writing. */
  seconds: number;
  /** Bringing the store into order afterwards; with many items, building its index and measuring it. */
  indexSeconds: number;
}

const BATCH = 10_000;

/**
 * Imports a file or folder of vectors: whatever `scanEmbeddings` reads, with its metadata as typed columns.
 *
 * An item's id is the row's own (see `RowOptions.id`); absolute paths below the collection's folder of images become
 * relative to it. An item that is there already is replaced. Where the item's file is there, its size and time are
 * recorded, and the vector counts as that of the file as it is now: indexing passes it over until it changes. Where
 * there is no such file (texts, addresses), the item stays whatever happens in the folder.
 * @throws UsageError and IdentityError for options that do not fit the file, FormatError for a file that cannot be
 *   read and for rows that cannot be used (not a number, zero, one id with two vectors): before anything is written;
 *   CollectionError when another process writes to the collection, or the disk refuses.
 */
export async function importVectors(
  collection: Collection,
  file: string,
  options: ImportOptions = {},
): Promise<ImportSummary> {
  const { onProgress, signal } = options;
  const start = performance.now();
  const source = await importRows(file, options, collection.root);
  const survey = await surveyRows(source, (done) => {
    signal?.throwIfAborted();
    onProgress?.({ stage: 'check', done, failed: 0, total: source.count });
  });
  const found = await identityOf(file, source.identity, survey, options);
  const release = await lockCollection(collection.folder);
  try {
    await collection.refresh();
    return await writeRows(collection, source, survey, found, options, start);
  } finally {
    await release();
  }
}

async function writeRows(
  collection: Collection,
  source: ImportSource,
  survey: ImportSurvey,
  { identity, embedder, declared }: ImportIdentity,
  { onProgress, signal }: ImportOptions,
  start: number,
): Promise<ImportSummary> {
  const known = collection.spaces.find((space) => sameIdentity(space.identity, identity));
  const space = known ?? newSpace(identity, embedder);
  if (known === undefined)
    await collection.change((manifest) => ({ ...manifest, spaces: [...manifest.spaces, space] }));
  const { items } = await collection.tablesOf(space);
  const layout = survey.types.layout(await items.columns());
  await items.addColumns(layout.columns);

  let [rows, written, found] = [0, 0, 0];
  const seen = new Set<string>();
  const indexed = new Date();
  const names = [...(await items.columns())].map(({ name }) => name);
  const write = async (batch: Row[], done: number) => {
    signal?.throwIfAborted();
    const facts = await fileFacts(
      collection,
      batch.map(({ id }) => id),
      indexed,
    );
    for (const [i, row] of batch.entries()) row.values = { indexed, ...row.values, ...facts[i] };
    await items.upsert(toBatch(batch, identity.dimension, names));
    found += facts.filter(({ size }) => typeof size === 'number').length;
    written += batch.length;
    onProgress?.({ stage: 'write', done, failed: 0, total: survey.rows });
  };
  // While the store writes a batch, the next one is read.
  let batch: Row[] = [];
  let writing: Promise<void> = Promise.resolve();
  const flush = async () => {
    await writing;
    writing = write(batch, rows);
    writing.catch(() => {}); // heard of by whoever waits for it
    batch = [];
  };
  for await (const part of source.batches()) {
    for (const { id, vector, values } of part) {
      rows++;
      if (seen.has(id)) continue;
      seen.add(id);
      batch.push({ id, vector, values: layout.cells(values) });
      if (batch.length === BATCH) await flush();
    }
  }
  await flush();
  await writing;
  const end = performance.now();
  const quality = await maintain(items, space.quality, signal);
  await collection.change((manifest) => ({
    ...manifest,
    spaces: manifest.spaces.map((s) => (s.key === space.key ? readySpace(s, quality) : s)),
    current: manifest.current ?? space.key,
  }));
  return {
    rows,
    items: written,
    repeated: rows - written,
    space: collection.spaces.find(({ key }) => key === space.key)!,
    declared,
    columns: layout.columns,
    renamed: layout.renamed,
    found,
    seconds: (end - start) / 1000,
    indexSeconds: (performance.now() - end) / 1000,
  };
}

function readySpace({ quality: _, ...space }: Space, quality: IndexQuality | undefined): Space {
  return { ...space, state: 'ready', ...(quality && { quality }) };
}
