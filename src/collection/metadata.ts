/**
 * @file Columns of your own from a file beside the images: CSV, JSON Lines or Parquet, one row an image. Nothing is
 * embedded for them, and only cells that differ are written.
 */
import { FormatError } from '../errors.js';
import type { Collection } from './collection.js';
import { type Cell, type Column, ITEM_COLUMNS, type Values } from './columns.js';
import { ColumnTypes } from './import-columns.js';
import { itemFinder, joinColumn, withoutVectors } from './item-names.js';
import type { Space } from './manifest.js';
import type { VectorTable } from './store.js';
import { tableRecords } from './table-records.js';

/** What became of a file of metadata. */
export interface MetadataReport {
  file: string;
  /** The column that says which image a row is about. */
  joinedBy: string;
  /** The columns that were filled; a name that the collection has for itself becomes `metadata_NAME`. */
  columns: Column[];
  renamed: [from: string, to: string][];
  /** Rows of which there is an image, and items whose cells have changed. */
  matched: number;
  changed: number;
  /** Rows that name no image of the collection, or several, and the first such name. */
  unmatched: number;
  example?: string;
}

/** A file of metadata that has been looked through. */
export interface Metadata {
  file: string;
  joinedBy: string;
  types: ColumnTypes;
  /** One of the columns is called `text`. */
  hasText: boolean;
}

const TOGETHER = 1000;

/**
 * Looks through a file of metadata: which column names the images, and what the others hold.
 *
 * The images are named by a column `id`, `path`, `file`, `filename` or `image`, else by the first column that holds
 * names of image files.
 * @throws FormatError when the file cannot be read, or no column names images.
 */
export async function readMetadata(file: string): Promise<Metadata> {
  const types = new ColumnTypes(/\.csv$/i.test(file));
  let joinedBy: string | undefined;
  let hasText = false;
  for await (const record of tableRecords(file)) {
    joinedBy ??= joinColumn(file, record);
    const { [joinedBy]: key, ...values } = record;
    types.add(String(key), withoutVectors(values));
    hasText ||= typeof values.text === 'string';
  }
  if (joinedBy === undefined) throw new FormatError(file, 'there is no row in it');
  return { file, joinedBy, types, hasText };
}

/**
 * Writes the cells of a file of metadata to the items of a space. A row is about the item of that path below the
 * collection's folder, else of that file name, else of that file name without its ending, where there is just one.
 */
export async function applyMetadata(
  collection: Collection,
  space: Space,
  { file, joinedBy, types, hasText }: Metadata,
): Promise<MetadataReport> {
  const { items, removed } = await collection.tablesOf(space);
  // What the collection finds out itself is not overwritten; only a text can be given.
  const own = new Set<string>(ITEM_COLUMNS.map(({ name }) => name).filter((name) => name !== 'text'));
  const there = (await items.columns()).filter(({ name }) => !own.has(name));
  const { columns, renamed, cells } = types.layout(there);
  await items.addColumns(columns);
  await removed.addColumns(columns);
  // A column of the collection is filled without being new.
  const names = [...new Set([...columns.map(({ name }) => name), ...(hasText ? ['text'] : [])])];
  const report: MetadataReport = { file, joinedBy, columns, renamed, matched: 0, changed: 0, unmatched: 0 };
  const ids: string[] = [];
  for await (const batch of items.scan()) ids.push(...batch.ids);
  const find = itemFinder(ids, collection.root);
  let rows = new Map<string, Values>();
  for await (const record of tableRecords(file)) {
    const { [joinedBy]: key, ...values } = record;
    const id = find(String(key));
    if (id === undefined) {
      report.unmatched++;
      report.example ??= String(key);
      continue;
    }
    report.matched++;
    rows.set(id, cells(withoutVectors(values)));
    if (rows.size < TOGETHER) continue;
    report.changed += await write(items, rows, names);
    rows = new Map();
  }
  report.changed += await write(items, rows, names);
  if (report.changed > TOGETHER) await items.optimize();
  return report;
}

/** Updates the rows that differ; returns how many. */
async function write(
  items: VectorTable,
  rows: ReadonlyMap<string, Values>,
  names: readonly string[],
): Promise<number> {
  if (rows.size === 0 || names.length === 0) return 0;
  const { ids, values } = await items.get([...rows.keys()], { columns: names });
  const different = ids.filter((id, i) =>
    names.some((name) => !sameCell(values[name]![i]!, rows.get(id)![name] ?? null)),
  );
  if (different.length > 0)
    await items.update(
      different,
      Object.fromEntries(names.map((name) => [name, different.map((id) => rows.get(id)![name] ?? null)])),
    );
  return different.length;
}

function sameCell(a: Cell, b: Cell): boolean {
  return a instanceof Date && b instanceof Date ? a.getTime() === b.getTime() : a === b;
}
