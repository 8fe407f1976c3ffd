/**
 * @file A collection as a file for other programs: Parquet with typed columns (and, for embedding-atlas, a projection
 * and neighbours), npy, JSONL, CSV, or clip-retrieval's folder. Rows stream from the store into the file, which appears
 * whole.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { type EmbeddingRow, formatFromPath, type OutputFormat } from '../embedding/formats/index.js';
import { noFacts, type RowCell, type RowColumn } from '../embedding/formats/row.js';
import { writeRows } from '../embedding/formats/writer.js';
import type { EmbeddingIdentity } from '../embedding/identity.js';
import type { Progress } from '../embedding/results.js';
import { UsageError } from '../errors.js';
import type { Collection } from './collection.js';
import { type ExportMap, mapOf } from './export-map.js';
import { chooseColumns, Survey } from './export-rows.js';
import type { Space } from './manifest.js';
import type { RowBatch } from './store.js';
import { parseWhere } from './where.js';

/** Options of {@link exportCollection}. */
export interface ExportOptions {
  /** Whose vectors, as `Collection.space` takes it. @default the space that answers */
  model?: string | undefined;
  /** Only items for which this holds: SQL, as for search. */
  where?: string | undefined;
  /** @default as the name of the output says */
  format?: OutputFormat | undefined;
  /** Columns, besides the id. @default `path`, and all columns that hold something */
  columns?: readonly string[] | undefined;
  /** Write the vectors. Parquet, JSONL and CSV can do without. @default true */
  vectors?: boolean | undefined;
  /** Add `projection_x` and `projection_y`: the two principal components, in the place of a map that was kept. */
  projection?: 'pca' | undefined;
  /** Add `neighbors`: the positions of so many nearest rows, from 0, and their cosine distances. All vectors are held in memory. */
  neighbors?: number | undefined;
  /** Replace what is there. @default false */
  overwrite?: boolean | undefined;
  /** Rows per part of a clip-retrieval folder. @default 1000000 */
  rowsPerPart?: number | undefined;
  /** Told after every batch of rows that is written. */
  onProgress?: ((progress: Progress) => void) | undefined;
  /** Ends the export; what was there before stays. */
  signal?: AbortSignal | undefined;
}

/** What was written. */
export interface ExportSummary {
  format: OutputFormat;
  count: number;
  /** The columns besides the id and the vector. */
  columns: string[];
  identity: EmbeddingIdentity;
  /** With `projection`: the share of all variance that lies along each of the two axes. */
  shares?: number[];
  seconds: number;
}

/** Names that files use for something else; `projection_x` and `projection_y` are a map that was kept, or one made now. */
const TAKEN = new Set(['id', 'path', 'embedding', 'neighbors']);

/**
 * Writes a collection's items to a file.
 *
 * Vectors are the stored ones to the bit; `scanEmbeddings` and `importVectors` read the file back. Times are instants in UTC.
 * `path` is the absolute path of an item's file, where the collection has a folder of images.
 * @throws UsageError for options that do not fit, FormatError when the place cannot be written, CollectionError when
 *   the collection is changed meanwhile, the reason of `signal`.
 */
export async function exportCollection(
  collection: Collection,
  out: string,
  options: ExportOptions = {},
): Promise<ExportSummary> {
  const start = performance.now();
  const { vectors = true, rowsPerPart = 1_000_000, onProgress, signal } = options;
  const format = formatOf(out, options);
  await collection.refresh();
  const space = collection.space(options.model);
  const { items } = await collection.tablesOf(space);
  const all = await items.columns();
  const filter = options.where === undefined ? undefined : parseWhere(options.where, all);
  const survey = await Survey.make(items, filter, signal);
  const chosen = chooseColumns(all, survey, options.columns, collection.root !== undefined);
  const kept = ({ name }: { name: string }) =>
    options.projection === undefined || !/^projection_[xy]$/.test(name);
  const columns = chosen.filter(kept); // a map that is made now takes the place of one that was kept
  for (const { name } of columns)
    if ((TAKEN.has(name) && name !== 'path') || (format === 'csv' && vectors && /^e\d+$/.test(name)))
      throw new UsageError(`column "${name}": files use this name for something else`, {
        hint: 'leave it out: --columns names those that are written',
      });
  const map = await mapOf(survey, space.identity.dimension, options);
  const rows = rowMaker(collection, space, columns, map);
  await writeRows(out, format, {
    identity: space.identity,
    facts: { ...noFacts(), count: survey.count },
    columns: [...columns, ...map.columns],
    vectors,
    rowsPerPart,
    async *batches() {
      let done = 0;
      const read = columns.map(({ name }) => name).filter((name) => name !== 'path');
      for await (const batch of survey.scan({ columns: read, vectors: vectors || map.needsVectors })) {
        yield rows(batch, done);
        done += batch.ids.length;
        onProgress?.({ done, failed: 0, total: survey.count });
      }
    },
  });
  return {
    format,
    count: survey.count,
    columns: [...columns, ...map.columns].map(({ name }) => name),
    identity: space.identity,
    ...(map.shares && { shares: map.shares }),
    seconds: (performance.now() - start) / 1000,
  };
}

function formatOf(out: string, { format, vectors = true, overwrite = false }: ExportOptions): OutputFormat {
  const chosen = format ?? formatFromPath(out);
  if (chosen === undefined)
    throw new UsageError(`${out}: expected a name that ends in .parquet, .npy, .jsonl or .csv`, {
      hint: 'or name the format; clip-retrieval’s is a folder: end its name with /',
    });
  if (!vectors && (chosen === 'npy' || chosen === 'clip-retrieval'))
    throw new UsageError(`${chosen} is a format of vectors: expected parquet, jsonl or csv without vectors`);
  if (!overwrite && existsSync(out))
    throw new UsageError(`${out} exists`, { hint: 'name another file, or replace it with overwrite' });
  return chosen;
}

/** From batches of the store to rows of a file; the second argument is the position of a batch's first row. */
function rowMaker(collection: Collection, space: Space, columns: readonly RowColumn[], map: ExportMap) {
  const { dimension } = space.identity;
  return ({ ids, vectors, values }: RowBatch, from: number): EmbeddingRow[] =>
    ids.map((id, i) => {
      const vector = vectors.subarray(i * dimension, (i + 1) * dimension);
      const cells: Record<string, RowCell> = {};
      const file = collection.fileOf(id); // or an address
      for (const { name } of columns)
        cells[name] = name === 'path' ? (path.isAbsolute(file) ? file : null) : (values[name]?.[i] ?? null);
      Object.assign(cells, map.cells(from + i, vector));
      const { text, kind } = cells;
      return {
        id,
        vector,
        cells,
        ...(kind === 'text' && { kind }),
        ...(typeof text === 'string' && { text }),
      };
    });
}
