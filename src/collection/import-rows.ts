/** @file The rows of a file of vectors as an import takes them: which of them, what they are called, what is known of each. */

import { type EmbeddingRow, formatFromPath, scanEmbeddings } from '../embedding/formats/index.js';
import { infoFromRecord, type RowInfo } from '../embedding/formats/row.js';
import type { EmbeddingIdentity } from '../embedding/identity.js';
import { FormatError, UsageError } from '../errors.js';
import { itemId } from './import-files.js';
import { tableRecords } from './table-records.js';

/** How rows are read. */
export interface RowOptions {
  /** A CSV, JSONL or Parquet file that says, row by row, what the vectors of an `.npy` file belong to. */
  metadata?: string | undefined;
  /**
   * The column that names an item; `row` numbers them from 0. @default the first of id, path, image_path, filename and
   * url that is there, else the row's number; for texts the text itself
   */
  id?: string | undefined;
  /** Take the texts instead of the images; a file that does not say which is which holds texts alone. @default false */
  texts?: boolean | undefined;
}

/** One row. */
export interface ImportRow {
  id: string;
  /** Its position in the file, from 0. */
  row: number;
  vector: Float32Array;
  /** Whatever else is known of it, as the file has it. */
  values: Record<string, unknown>;
}

/** The rows of a file, to be read as often as needed. */
export interface ImportSource {
  file: string;
  identity: EmbeddingIdentity | null;
  /** Rows of the file, where that is known before reading them. */
  count: number | undefined;
  /** All values are text, so that their types must be guessed. */
  untyped: boolean;
  batches(): AsyncGenerator<ImportRow[]>;
}

/** Columns that a row's own id may have come from. */
const ID_NAMES = ['id', 'path', 'image_path', 'filename', 'url'];

/**
 * Opens a file.
 * @param root the collection's folder of images: absolute paths below it become relative
 * @throws FormatError when it cannot be read, UsageError when it holds no rows of the kind asked for.
 */
export async function importRows(
  file: string,
  options: RowOptions,
  root?: string | undefined,
): Promise<ImportSource> {
  const { metadata, texts = false } = options;
  const scan = await scanEmbeddings(file);
  const mixed = texts && (await hasTexts(scan.batches()));
  const take = ({ kind }: RowInfo) => (texts ? !mixed || kind === 'text' : kind !== 'text');
  return {
    file,
    identity: scan.identity,
    count: scan.count,
    untyped: formatFromPath(metadata ?? file) === 'csv',
    async *batches() {
      const infos = metadata === undefined ? undefined : tableRecords(metadata);
      let row = 0;
      let taken = 0;
      for await (const batch of scan.batches()) {
        const rows: ImportRow[] = [];
        for (const own of batch) {
          const next = await infos?.next();
          if (next?.done) throw new FormatError(metadata!, `has ${row} rows, but ${file} has more`);
          const info = next ? infoFromRecord(next.value, row) : own;
          if (take(own)) {
            const next = toRow(file, info, own.vector, row, options);
            rows.push({ ...next, id: itemId(root, next.id) });
          }
          row++;
        }
        taken += rows.length;
        yield rows;
      }
      if (infos && !(await infos.next()).done)
        throw new FormatError(metadata!, `has more than the ${row} rows of ${file}`);
      if (row > 0 && taken === 0)
        throw new UsageError(`${file}: all rows are texts`, { hint: 'import them as such (--texts)' });
    },
  };
}

async function hasTexts(batches: AsyncIterable<EmbeddingRow[]>): Promise<boolean> {
  for await (const rows of batches) if (rows.some(({ kind }) => kind === 'text')) return true;
  return false;
}

function toRow(
  file: string,
  info: RowInfo,
  vector: Float32Array,
  row: number,
  { id: column, texts }: RowOptions,
): ImportRow {
  const { id: own, kind, text, width, height, format, metadata } = info;
  const values: Record<string, unknown> = { ...metadata, text, width, height, format };
  if (texts) values.kind = 'text';
  else if (kind !== undefined) values.kind = kind;
  const named = own !== String(row);
  let id = own;
  if (column === 'row') id = String(row);
  else if (column !== undefined) {
    const value = values[column] ?? (ID_NAMES.includes(column) && named ? own : undefined);
    if (value === undefined || value === '')
      throw new FormatError(file, `row ${row}: expected a value in "${column}" but found none`, {
        hint: `the columns are ${['id', ...Object.keys(values)].join(', ')}`,
      });
    id = String(value);
  } else if (texts && typeof values.text === 'string') id = values.text;
  if (id !== own && named) values.source ??= own;
  return { id, row, vector, values };
}
