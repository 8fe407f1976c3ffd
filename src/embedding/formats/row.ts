/** @file One row of an embeddings file, and what all formats agree on. */
import type { EmbeddingIdentity } from '../identity.js';

/** A vector and what is known about its item. */
export interface EmbeddingRow {
  /** The item's path, URL or `archive/member`; for a text, what the caller calls it. */
  id: string;
  vector: Float32Array;
  /** @default 'image' */
  kind?: 'image' | 'text';
  /** The text itself, or an image's caption. */
  text?: string;
  /** Width and height of the picture in pixels, upright. */
  width?: number;
  height?: number;
  /** The picture's format: `jpeg`, `png`, … */
  format?: string;
  /** Anything else, as plain JSON. */
  metadata?: Record<string, unknown>;
  /** Cells of the source's `columns`, by name; shown as columns and fields of their own. */
  cells?: Readonly<Record<string, RowCell>>;
}

/** Rows near to a row: their positions in the file, from 0, nearest first, and how far they are. */
export interface RowNeighbors {
  ids: number[];
  distances: number[];
}

/** What a cell of a {@link RowColumn} holds; null where nothing is known. */
export type RowCell = string | number | boolean | Date | RowNeighbors | null;

/** A column besides those that every file may have. Integers lie within ±2^53; times are instants. */
export interface RowColumn {
  name: string;
  type: 'text' | 'integer' | 'number' | 'boolean' | 'time' | 'neighbors';
}

/** A row without its vector. */
export type RowInfo = Omit<EmbeddingRow, 'vector' | 'cells'>;

/** The files that can be written. */
export type OutputFormat = 'npy' | 'parquet' | 'jsonl' | 'csv' | 'clip-retrieval';

/** Which of the optional fields occur: columns exist in a file only where they hold something. */
export interface RowFacts {
  count: number;
  kind: boolean;
  text: boolean;
  width: boolean;
  height: boolean;
  format: boolean;
  metadata: boolean;
}

/** Facts about no rows yet. */
export function noFacts(): RowFacts {
  return { count: 0, kind: false, text: false, width: false, height: false, format: false, metadata: false };
}

/** Takes one more row into account. */
export function addFacts(facts: RowFacts, row: RowInfo): void {
  facts.count++;
  facts.kind ||= row.kind !== undefined;
  facts.text ||= row.text !== undefined;
  facts.width ||= row.width !== undefined;
  facts.height ||= row.height !== undefined;
  facts.format ||= row.format !== undefined;
  facts.metadata ||= row.metadata !== undefined;
}

/** A row's fields in the order in which files show them, without those that are absent. */
export function rowInfo(row: RowInfo): RowInfo {
  const { id, kind, text, width, height, format, metadata } = row;
  return {
    id,
    ...(kind !== undefined && { kind }),
    ...(text !== undefined && { text }),
    ...(width !== undefined && { width }),
    ...(height !== undefined && { height }),
    ...(format !== undefined && { format }),
    ...(metadata !== undefined && { metadata }),
  };
}

/** A row without its vector as an object of JSON: {@link rowInfo}, and its cells as fields of their own. */
export function rowObject(row: EmbeddingRow): object {
  const cells = Object.entries(row.cells ?? {}).filter(([, cell]) => cell !== null);
  return cells.length === 0 ? rowInfo(row) : { ...rowInfo(row), ...Object.fromEntries(cells) };
}

const TEXTS = new Set(['kind', 'text', 'format']);

/**
 * A row's fields from a record of any origin: ours by name, `path`, `image_path` or `filename` for a missing id,
 * `caption` for a missing text, and everything else as metadata.
 */
export function infoFromRecord(record: Record<string, unknown>, index: number): RowInfo {
  const known: Record<string, unknown> = {};
  const rest: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(record)) {
    if (value === undefined || value === null) continue;
    const plain = typeof value === 'bigint' ? Number(value) : value;
    if (TEXTS.has(name) && typeof plain === 'string') known[name] = plain;
    else if ((name === 'width' || name === 'height') && typeof plain === 'number') known[name] = plain;
    else if (name === 'metadata' && isRecord(plain)) Object.assign(rest, plain);
    else if (name !== 'id') rest[name] = plain;
  }
  const idName = ['path', 'image_path', 'filename', 'url'].find((name) => rest[name] !== undefined);
  const id = record.id ?? (idName === undefined ? index : rest[idName]);
  if (idName !== undefined && String(rest[idName]) === String(id)) delete rest[idName];
  if (known.text === undefined && typeof rest.caption === 'string') {
    known.text = rest.caption;
    delete rest.caption;
  }
  if (known.kind !== 'image' && known.kind !== 'text') delete known.kind;
  const metadata = Object.keys(rest).length > 0 ? { metadata: rest } : {};
  return rowInfo({ id: String(id), ...known, ...metadata });
}

/** Whether the value is an object with named fields. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A file of embeddings that can be read once or more, batch by batch. */
export interface EmbeddingScan {
  /** Where the vectors come from; null when the file does not say. */
  identity: EmbeddingIdentity | null;
  /** Numbers per vector; 0 for a file without rows that does not say. */
  dimension: number;
  /** How many rows there are, where that is known before reading them. */
  count?: number;
  /** The rows in the order of the file, some at a time. */
  batches(): AsyncIterable<EmbeddingRow[]>;
}

/** What a format's writer is given when the file is made. */
export interface RowSource {
  identity: EmbeddingIdentity;
  facts: RowFacts;
  /** Columns of the rows' `cells`. @default none */
  columns?: readonly RowColumn[];
  /** Write the vectors, too; tables can do without. @default true */
  vectors?: boolean;
  /** Rows per part, for formats that are split. */
  rowsPerPart: number;
  /** The rows in the order in which they were appended; may be called more than once. */
  batches(): AsyncIterable<EmbeddingRow[]>;
}
