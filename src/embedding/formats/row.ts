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
}

/** A row without its vector. */
export type RowInfo = Omit<EmbeddingRow, 'vector'>;

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
  /** Rows per part, for formats that are split. */
  rowsPerPart: number;
  /** The rows in the order in which they were appended; may be called more than once. */
  batches(): AsyncIterable<EmbeddingRow[]>;
}
