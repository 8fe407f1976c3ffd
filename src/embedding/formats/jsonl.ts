/**
 * @file JSON Lines: one object a row, `{"id": …, "text": …, "embedding": […]}`, and `<file>.identity.json` beside it.
 * Read is any file whose rows hold one array of numbers.
 */
import { access } from 'node:fs/promises';
import { FormatError } from '../../errors.js';
import { scanWithIdentity, writeWithIdentity } from './files.js';
import { fileLines } from './lines.js';
import { vectorToText } from './numbers.js';
import {
  type EmbeddingRow,
  type EmbeddingScan,
  infoFromRecord,
  isRecord,
  type RowInfo,
  type RowSource,
  rowObject,
} from './row.js';

/** Names under which a vector is looked for, before any other field that is an array of numbers. */
export const VECTOR_NAMES = [
  'embedding',
  'embeddings',
  'vector',
  'emb',
  'image_embedding',
  'text_embedding',
  'features',
];

/** One row as a line of the file, its end included. */
export function jsonlLine(row: EmbeddingRow): string {
  return `${JSON.stringify(rowObject(row)).slice(0, -1)},"embedding":[${vectorToText(row.vector)}]}\n`;
}

/** Writes the rows, then the identity. */
export async function writeJsonl(file: string, source: RowSource): Promise<void> {
  const line =
    source.vectors === false ? (row: EmbeddingRow) => `${JSON.stringify(rowObject(row))}\n` : jsonlLine;
  await writeWithIdentity(file, source.identity, async (out) => {
    for await (const rows of source.batches()) {
      for (const row of rows) await out.write(line(row));
    }
  });
}

/** Opens a file of rows. */
export function scanJsonl(file: string): Promise<EmbeddingScan> {
  return scanWithIdentity(file, batches);
}

async function* batches(file: string, size: number): AsyncGenerator<EmbeddingRow[]> {
  let rows: EmbeddingRow[] = [];
  let index = 0;
  let dimension: number | undefined;
  let name: string | undefined;
  for await (const { line, number } of fileLines(file)) {
    if (line.trim() === '') continue;
    const record = parseLine(file, line, number);
    name ??= vectorName(file, record, number);
    const { [name]: values, ...rest } = record;
    const vector = toVector(values);
    if (!vector) throw new FormatError(file, `line ${number}: expected ${name} to be an array of numbers`);
    dimension ??= vector.length;
    if (vector.length !== dimension) {
      throw new FormatError(file, `line ${number}: expected ${dimension} numbers but found ${vector.length}`);
    }
    rows.push({ ...infoFromRecord(rest, index++), vector });
    if (rows.length === size) {
      yield rows;
      rows = [];
    }
  }
  if (rows.length > 0) yield rows;
}

/** The object on a line. @throws {FormatError} that names the line. */
export function parseLine(file: string, line: string, number: number): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw new FormatError(file, `line ${number} is not JSON; the file may be cut short`, { cause });
  }
  if (!isRecord(value)) throw new FormatError(file, `line ${number}: expected an object`);
  return value;
}

function vectorName(file: string, record: Record<string, unknown>, number: number): string {
  const found = [...VECTOR_NAMES, ...Object.keys(record)].find(
    (name) => toVector(record[name]) !== undefined,
  );
  if (found !== undefined) return found;
  throw new FormatError(file, `line ${number}: no field holds an array of numbers`, {
    hint: `vectors are looked for under ${VECTOR_NAMES.join(', ')} and any other name`,
  });
}

/** The numbers as a vector; undefined when the value is not a filled array of numbers. */
export function toVector(value: unknown): Float32Array | undefined {
  if (value instanceof Float32Array) return value;
  if (!Array.isArray(value) && !(value instanceof Float64Array)) return undefined;
  if (value.length === 0) return undefined;
  for (const number of value) if (typeof number !== 'number') return undefined;
  return Float32Array.from(value as ArrayLike<number>);
}

/** The rows of a file without vectors, as it lies beside a matrix; undefined when there is none. */
export async function readInfoLines(file: string): Promise<RowInfo[] | undefined> {
  try {
    await access(file);
  } catch {
    return undefined;
  }
  const infos: RowInfo[] = [];
  for await (const { line, number } of fileLines(file)) {
    if (line.trim() !== '') infos.push(infoFromRecord(parseLine(file, line, number), infos.length));
  }
  return infos;
}
