/** @file Opening a file of embeddings by what it is: its first bytes decide, then its extension. */
import { open, stat } from 'node:fs/promises';
import { FormatError } from '../../errors.js';
import type { EmbeddingIdentity } from '../identity.js';
import { scanCsv } from './csv.js';
import { readFailure, readFully } from './files.js';
import { JOURNAL_MAGIC, Journal } from './journal.js';
import { scanJsonl } from './jsonl.js';
import { scanNpy } from './npy.js';
import type { EmbeddingRow, EmbeddingScan, OutputFormat, RowInfo } from './row.js';

/** A whole file of embeddings in memory. */
export interface Embeddings {
  /** Where the vectors come from; null when the file does not say. */
  identity: EmbeddingIdentity | null;
  ids: string[];
  /** `ids.length * dimension` numbers, row by row. */
  vectors: Float32Array;
  dimension: number;
  /** What else is known of each row, `id` included. */
  rows: RowInfo[];
}

/** The format that a path's extension asks for: a trailing slash means clip-retrieval's folder. */
export function formatFromPath(path: string): OutputFormat | undefined {
  if (/[/\\]$/.test(path)) return 'clip-retrieval';
  const extension = /\.([^./\\]+)$/.exec(path)?.[1]?.toLowerCase();
  switch (extension) {
    case 'npy':
    case 'parquet':
    case 'jsonl':
    case 'csv':
      return extension;
    case 'pq':
      return 'parquet';
    case 'ndjson':
      return 'jsonl';
    default:
      return undefined;
  }
}

/**
 * Opens a file or folder of embeddings for reading batch by batch, in bounded memory: what Afterimage wrote (the
 * journal of an unfinished run too) and what NumPy, pandas, Arrow, DuckDB, Polars and clip-retrieval write.
 * @throws {FormatError} when it is missing, cut short, of another kind, or not a table of equally long vectors
 */
export async function scanEmbeddings(path: string): Promise<EmbeddingScan> {
  const start = await firstBytes(path);
  if (start === undefined) return (await import('./clip-retrieval.js')).scanClipRetrieval(path);
  if (start.subarray(0, 4).toString('latin1') === 'PAR1')
    return (await import('./parquet-read.js')).scanParquet(path);
  if (start.subarray(0, 6).toString('latin1') === '\x93NUMPY') return scanNpy(path);
  if (start.equals(JOURNAL_MAGIC)) return scanJournal(path);
  const format = formatFromPath(path);
  if (format === 'csv' || format === 'jsonl') return format === 'csv' ? scanCsv(path) : scanJsonl(path);
  if (format !== undefined) {
    throw new FormatError(path, `not a ${format} file: it begins with other bytes`, {
      hint: 'it may be damaged',
    });
  }
  return /^\uFEFF?\s*\{/.test(start.toString()) ? scanJsonl(path) : scanCsv(path);
}

/**
 * Reads a whole file of embeddings; see {@link scanEmbeddings} for what can be read.
 * @throws {FormatError}
 */
export async function readEmbeddings(path: string): Promise<Embeddings> {
  const scan = await scanEmbeddings(path);
  const { identity, dimension } = scan;
  const rows: RowInfo[] = [];
  let vectors = new Float32Array((scan.count ?? 1024) * dimension);
  for await (const batch of scan.batches()) {
    for (const { vector, ...info } of batch) {
      if (vector.length !== dimension) {
        throw new FormatError(
          path,
          `row ${rows.length}: expected ${dimension} numbers but found ${vector.length}`,
        );
      }
      const end = (rows.length + 1) * dimension;
      if (end > vectors.length) {
        const larger = new Float32Array(Math.max(end, vectors.length * 2));
        larger.set(vectors);
        vectors = larger;
      }
      vectors.set(vector, rows.length * dimension);
      rows.push(info);
    }
  }
  const used = rows.length * dimension;
  if (used < vectors.length) vectors = vectors.slice(0, used);
  return { identity, ids: rows.map(({ id }) => id), vectors, dimension, rows };
}

/** The first eight bytes; undefined for a folder. */
async function firstBytes(path: string): Promise<Buffer | undefined> {
  try {
    if ((await stat(path)).isDirectory()) return undefined;
    const file = await open(path, 'r');
    try {
      return await readFully(file, JOURNAL_MAGIC.length, 0);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw readFailure(path, error);
  }
}

async function scanJournal(path: string): Promise<EmbeddingScan> {
  const journal = await Journal.open(path, 'read');
  const { identity, dimension, count } = journal;
  await journal.close();
  return {
    identity,
    dimension,
    count,
    async *batches(): AsyncGenerator<EmbeddingRow[]> {
      const again = await Journal.open(path, 'read');
      try {
        yield* again.batches();
      } finally {
        await again.close();
      }
    },
  };
}
