/** @file Label files as rows of named cells: CSV with or without a header, Parquet, JSON Lines. */

import { csvRecords } from '../../embedding/formats/csv.js';
import { parseLine } from '../../embedding/formats/jsonl.js';
import { fileLines } from '../../embedding/formats/lines.js';
import { parquetRecords } from '../../embedding/formats/parquet-read.js';
import { FormatError } from '../../errors.js';
import { isImageName } from '../../image/expand-names.js';

/** One row of a label file. */
export interface TableRow {
  /** Cells as text, without surrounding blanks; empty where there is none. */
  cell(column: string): string;
  /** `line 12`, or `row 3` of a Parquet file, counted from 1. */
  where: string;
}

/** A label file that has been read. */
export interface Table {
  file: string;
  columns: string[];
  rows: TableRow[];
}

/** Whether a name ends like that of a label file. */
export function isTableName(name: string): boolean {
  return /\.(csv|parquet|jsonl|ndjson)$/i.test(name);
}

/** @throws FormatError for a file that cannot be read, or has no rows. */
export async function readTable(file: string): Promise<Table> {
  const read = /\.csv$/i.test(file) ? readCsv : /\.parquet$/i.test(file) ? readParquet : readJsonl;
  const table = await read(file);
  if (table.rows.length === 0) throw new FormatError(file, 'expected rows that name images but it has none');
  return table;
}

async function readCsv(file: string): Promise<Table> {
  let columns: string[] | undefined;
  const rows: TableRow[] = [];
  for await (const { cells, number } of csvRecords(file)) {
    const where = `line ${number}`;
    if (columns === undefined) {
      const header = cells.map((cell) => cell.trim());
      columns = headless(header) ?? header;
      if (columns === header) continue;
    }
    if (cells.length !== columns.length)
      throw new FormatError(file, `${where}: expected ${columns.length} cells but found ${cells.length}`);
    const names = columns;
    rows.push({ cell: (column) => cells[names.indexOf(column)]?.trim() ?? '', where });
  }
  return { file, columns: columns ?? [], rows };
}

/** Names for the columns of a file whose first row names images already; undefined for one that has a header. */
function headless(first: string[]): string[] | undefined {
  const images = first.filter(isImageName).length;
  if (images === 0) return undefined;
  const usual = [
    ['path', 'label', 'group'],
    ['a', 'b', 'same'],
    ['anchor', 'positive', 'negative'],
  ][Math.min(images, 3) - 1]!;
  return first.map((_, i) => usual[i] ?? `column ${i + 1}`);
}

async function readParquet(file: string): Promise<Table> {
  const columns = new Set<string>();
  const rows: TableRow[] = [];
  for await (const records of parquetRecords(file)) {
    for (const record of records) rows.push(toRow(record, `row ${rows.length + 1}`, columns));
  }
  return { file, columns: [...columns], rows };
}

async function readJsonl(file: string): Promise<Table> {
  const columns = new Set<string>();
  const rows: TableRow[] = [];
  for await (const { line, number } of fileLines(file)) {
    if (line.trim() !== '') rows.push(toRow(parseLine(file, line, number), `line ${number}`, columns));
  }
  return { file, columns: [...columns], rows };
}

function toRow(record: Record<string, unknown>, where: string, columns: Set<string>): TableRow {
  for (const name of Object.keys(record)) columns.add(name);
  return { cell: (column) => textOf(record[column]).trim(), where };
}

/** Numbers, truth values and text as text; nothing, lists and structures as no text. */
function textOf(value: unknown): string {
  return value === null || value === undefined || typeof value === 'object' ? '' : String(value);
}
