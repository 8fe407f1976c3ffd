/**
 * @file CSV (RFC 4180): `id`, the fields that occur, then one column a number: `e0`, `e1`, …; and
 * `<file>.identity.json` beside it. Read are also files whose vectors are numbered columns of another name, or one
 * column of bracketed lists, as data frames write them.
 */
import { FormatError } from '../../errors.js';
import { scanWithIdentity, writeWithIdentity } from './files.js';
import { toVector, VECTOR_NAMES } from './jsonl.js';
import { fileLines } from './lines.js';
import { vectorToText } from './numbers.js';
import {
  type EmbeddingRow,
  type EmbeddingScan,
  infoFromRecord,
  type RowCell,
  type RowFacts,
  type RowSource,
} from './row.js';

const FIELDS = ['kind', 'text', 'width', 'height', 'format'] as const;

/** Writes the table, then the identity. */
export async function writeCsv(file: string, source: RowSource): Promise<void> {
  const { facts, identity, columns = [], vectors = true } = source;
  const fields = FIELDS.filter((name) => facts[name as keyof RowFacts]);
  const header = ['id', ...fields, ...columns.map(({ name }) => csvCell(name))];
  if (facts.metadata) header.push('metadata');
  if (vectors) for (let i = 0; i < identity.dimension; i++) header.push(`e${i}`);
  await writeWithIdentity(file, identity, async (out) => {
    await out.write(`${header.join(',')}\n`);
    for await (const rows of source.batches()) {
      for (const row of rows) {
        const cells = [row.id, ...fields.map((name) => row[name] ?? '')];
        for (const { name } of columns) cells.push(cellText(row.cells?.[name] ?? null));
        if (facts.metadata) cells.push(row.metadata === undefined ? '' : JSON.stringify(row.metadata));
        const numbers = vectors ? `,${vectorToText(row.vector)}` : '';
        await out.write(`${cells.map(csvCell).join(',')}${numbers}\n`);
      }
    }
  });
}

/** A cell as text: times in ISO 8601, nothing for null. */
function cellText(cell: RowCell): string {
  if (cell === null) return '';
  if (cell instanceof Date) return cell.toISOString();
  return typeof cell === 'object' ? JSON.stringify(cell) : String(cell);
}

/** Opens a table. */
export function scanCsv(file: string): Promise<EmbeddingScan> {
  return scanWithIdentity(file, batches);
}

/** A cell as RFC 4180 wants it. */
export function csvCell(cell: string | number): string {
  const text = String(cell);
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

async function* batches(file: string, size: number): AsyncGenerator<EmbeddingRow[]> {
  let columns: Columns | undefined;
  let rows: EmbeddingRow[] = [];
  let index = 0;
  for await (const { cells, number } of csvRecords(file)) {
    if (columns === undefined) {
      columns = findColumns(file, cells);
      if (!columns.headless) continue;
    }
    if (cells.length !== columns.count) {
      throw new FormatError(
        file,
        `line ${number}: expected ${columns.count} cells but found ${cells.length}`,
      );
    }
    rows.push(toRow(file, columns, cells, number, index++));
    if (rows.length === size) {
      yield rows;
      rows = [];
    }
  }
  if (rows.length > 0) yield rows;
}

interface Columns {
  count: number;
  /** The file begins with a row of numbers. */
  headless: boolean;
  /** Positions of the numbers; or one position of a list. */
  numbers: number[];
  list: number | undefined;
  /** The other columns. */
  fields: { name: string; at: number }[];
}

/** A numbered column: `e0`, `dim_12`, `embedding.3`, `7`. */
const NUMBERED = /^([a-z_]*?)[_. -]?\d+$/i;

function findColumns(file: string, header: string[]): Columns {
  const count = header.length;
  if (
    header.every((cell) => cell !== '' && Number.isFinite(Number(cell))) &&
    !header.every((cell, i) => cell === String(i))
  ) {
    return { count, headless: true, numbers: header.map((_, i) => i), list: undefined, fields: [] };
  }
  const names = header.map((name, at) => ({ name: name.trim(), at }));
  const list = names.find(({ name }) => VECTOR_NAMES.includes(name));
  const numbers = list ? [] : largestFamily(names);
  if (!list && numbers.length === 0) {
    throw new FormatError(file, 'no columns hold vectors', {
      hint: 'expected columns like e0, e1, … or one called embedding',
    });
  }
  const taken = new Set(list ? [list.at] : numbers);
  // A nameless first column is the index that a data frame writes.
  const fields = names.filter(({ name, at }) => !taken.has(at) && name !== '');
  return { count, headless: false, numbers, list: list?.at, fields };
}

/** The positions of the numbered columns that share a prefix and are most. */
function largestFamily(names: { name: string; at: number }[]): number[] {
  const families = new Map<string, number[]>();
  for (const { name, at } of names) {
    const prefix = NUMBERED.exec(name)?.[1];
    if (prefix !== undefined) families.set(prefix, [...(families.get(prefix) ?? []), at]);
  }
  return [...families.values()].sort((a, b) => b.length - a.length)[0] ?? [];
}

function toRow(file: string, columns: Columns, cells: string[], number: number, index: number): EmbeddingRow {
  const record: Record<string, unknown> = {};
  for (const { name, at } of columns.fields) if (cells[at] !== '') record[name] = cellValue(name, cells[at]!);
  const info = infoFromRecord(record, index);
  if (columns.list !== undefined) {
    const vector = parseList(cells[columns.list]!);
    if (!vector) throw new FormatError(file, `line ${number}: expected a list of numbers in brackets`);
    return { ...info, vector };
  }
  const vector = new Float32Array(columns.numbers.length);
  columns.numbers.forEach((at, i) => {
    const value = cells[at]!.trim() === '' ? Number.NaN : Number(cells[at]);
    if (Number.isNaN(value))
      throw new FormatError(file, `line ${number}: expected a number but found "${cells[at]}"`);
    vector[i] = value;
  });
  return { ...info, vector };
}

function cellValue(name: string, cell: string): unknown {
  if (name === 'width' || name === 'height') return Number(cell);
  if (name !== 'metadata') return cell;
  try {
    return JSON.parse(cell) as unknown;
  } catch {
    return cell;
  }
}

function parseList(cell: string): Float32Array | undefined {
  const body = /^\s*\[([^\]]*)\]\s*$/.exec(cell)?.[1]?.trim();
  if (body === undefined || body === '') return undefined;
  const numbers = body.split(/\s*,\s*|\s+/).map(Number);
  return numbers.some(Number.isNaN) ? undefined : toVector(numbers);
}

/** The records of a CSV file with the lines on which they begin; a quoted cell may hold line ends. */
export async function* csvRecords(file: string): AsyncGenerator<{ cells: string[]; number: number }> {
  let open = '';
  let first = 0;
  for await (const { line, number } of fileLines(file)) {
    if (open === '' && line.trim() === '') continue;
    if (open === '') first = number;
    open = open === '' ? line : `${open}\n${line}`;
    const cells = splitRecord(open.endsWith('\r') ? open.slice(0, -1) : open);
    if (cells === undefined) continue;
    yield { cells, number: first };
    open = '';
  }
  if (open !== '')
    throw new FormatError(file, `line ${first}: a quoted cell is not closed; the file may be cut short`);
}

/** The cells of a record, or undefined when a quoted cell is still open at its end. */
function splitRecord(text: string): string[] | undefined {
  if (!text.includes('"')) return text.split(',');
  const cells: string[] = [];
  let at = 0;
  for (;;) {
    if (text[at] === '"') {
      let cell = '';
      for (at++; ; ) {
        const end = text.indexOf('"', at);
        if (end < 0) return undefined;
        cell += text.slice(at, end);
        at = end + 1;
        if (text[at] !== '"') break;
        cell += '"';
        at++;
      }
      const comma = text.indexOf(',', at);
      cells.push(cell + text.slice(at, comma < 0 ? text.length : comma));
      at = comma;
    } else {
      const comma = text.indexOf(',', at);
      cells.push(text.slice(at, comma < 0 ? text.length : comma));
      at = comma;
    }
    if (at < 0) return cells;
    at++;
  }
}
