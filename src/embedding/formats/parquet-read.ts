/**
 * @file Parquet read row group by row group: our own tables, and any other with one column of number lists (fixed
 * size or not), as pandas, Arrow, DuckDB and Polars write them, in every codec.
 */
import { type FileHandle, open } from 'node:fs/promises';
import {
  type AsyncBuffer,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
  parquetSchema,
  type SchemaTree,
} from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { FormatError } from '../../errors.js';
import type { EmbeddingIdentity } from '../identity.js';
import { identityFromJson, readFailure, readFully } from './files.js';
import { toVector, VECTOR_NAMES } from './jsonl.js';
import { readVectors } from './parquet-vectors.js';
import { IDENTITY_KEY } from './parquet-write.js';
import { type EmbeddingRow, type EmbeddingScan, infoFromRecord } from './row.js';

/** Opens a table with vectors. */
export async function scanParquet(file: string): Promise<EmbeddingScan> {
  const metadata = await withFile(file, (buffer) => parquetMetadataAsync(buffer));
  const column = vectorColumn(file, metadata);
  const identity = identityOf(file, metadata);
  const count = Number(metadata.num_rows);
  const batches = () => vectorBatches(file, metadata, column);
  let dimension = identity?.dimension ?? 0;
  if (identity === null && count > 0) {
    const [first] = await withFile(file, (buffer) => readRows(buffer, metadata, 0, 1, [column]));
    dimension = toVector(first?.[column])?.length ?? 0;
  }
  return { identity, dimension, count, batches };
}

async function* vectorBatches(
  file: string,
  metadata: FileMetaData,
  column: string,
): AsyncGenerator<EmbeddingRow[]> {
  let index = 0;
  let dimension: number | undefined;
  for await (const { records, vectors } of vectorGroups(file, metadata, column)) {
    yield records.map((record, i) => {
      const { [column]: values, ...rest } = record;
      const vector = vectors?.[i] ?? toVector(values);
      if (!vector)
        throw new FormatError(file, `row ${index}: expected ${column} to hold numbers but it is empty`);
      dimension ??= vector.length;
      if (vector.length !== dimension) {
        throw new FormatError(file, `row ${index}: expected ${dimension} numbers but found ${vector.length}`);
      }
      return { ...infoFromRecord(withMetadata(rest), index++), vector };
    });
  }
}

/** The rows by row groups: where we wrote the vectors ourselves they are copied, apart from the records. */
async function* vectorGroups(
  file: string,
  metadata: FileMetaData,
  column: string,
): AsyncGenerator<{ records: Record<string, unknown>[]; vectors: Float32Array[] | undefined }> {
  const others = parquetSchema(metadata)
    .children.map(({ element }) => element.name)
    .filter((name) => name !== column);
  const dimension = identityOf(file, metadata)?.dimension ?? 0;
  let start = 0;
  for (const group of metadata.row_groups) {
    const [from, rows] = [start, Number(group.num_rows)];
    const chunk = group.columns.find(({ meta_data }) => meta_data?.path_in_schema[0] === column)?.meta_data;
    yield await withFile(file, async (buffer) => {
      let vectors: Float32Array[] | undefined;
      if (dimension > 0 && others.length > 0 && chunk?.codec === 'UNCOMPRESSED') {
        const at = Number(chunk.data_page_offset);
        const bytes = await buffer.slice(at, at + Number(chunk.total_compressed_size));
        vectors = readVectors(new Uint8Array(bytes), rows, dimension);
      }
      const columns = vectors && others;
      return { records: await readRows(buffer, metadata, from, from + rows, columns), vectors };
    });
    start += rows;
  }
}

/** The rows of a table as plain records, a row group at a time. */
export async function* parquetRecords(
  file: string,
  known?: FileMetaData,
): AsyncGenerator<Record<string, unknown>[]> {
  const metadata = known ?? (await withFile(file, (buffer) => parquetMetadataAsync(buffer)));
  let start = 0;
  for (const group of metadata.row_groups) {
    const end = start + Number(group.num_rows);
    const from = start;
    yield await withFile(file, (buffer) => readRows(buffer, metadata, from, end));
    start = end;
  }
}

async function readRows(
  file: AsyncBuffer,
  metadata: FileMetaData,
  rowStart: number,
  rowEnd: number,
  columns?: string[],
): Promise<Record<string, unknown>[]> {
  const some = columns === undefined ? {} : { columns };
  return parquetReadObjects({ file, metadata, compressors, rowStart, rowEnd, geoparquet: false, ...some });
}

async function withFile<T>(file: string, use: (buffer: AsyncBuffer) => Promise<T>): Promise<T> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(file, 'r');
    const { size } = await handle.stat();
    const source = handle;
    return await use({
      byteLength: size,
      async slice(start, end = size) {
        const bytes = await readFully(source, end - start, start);
        if (bytes.length < end - start) throw new Error('the file is cut short');
        return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer;
      },
    });
  } catch (error) {
    throw readFailure(file, error);
  } finally {
    await handle?.close();
  }
}

function identityOf(file: string, metadata: FileMetaData): EmbeddingIdentity | null {
  const text = metadata.key_value_metadata?.find(({ key }) => key === IDENTITY_KEY)?.value;
  return text === undefined ? null : identityFromJson(file, text);
}

/** The one column whose leaves are repeated floating-point numbers; a usual name decides among several. */
function vectorColumn(file: string, metadata: FileMetaData): string {
  const columns = parquetSchema(metadata).children;
  const lists = columns.filter((column) => isNumberList(column)).map(({ element }) => element.name);
  if (lists.length === 1) return lists[0]!;
  const usual = VECTOR_NAMES.find((name) => lists.includes(name));
  if (usual !== undefined) return usual;
  if (lists.length === 0) {
    const names = columns.map(({ element }) => element.name).join(', ');
    throw new FormatError(file, `no column holds lists of floating-point numbers (columns: ${names})`);
  }
  throw new FormatError(file, `several columns could hold the vectors: ${lists.join(', ')}`, {
    hint: `rename one to ${VECTOR_NAMES[0]}`,
  });
}

function isNumberList(column: SchemaTree): boolean {
  let node: SchemaTree | undefined = column;
  let repeated = 0;
  for (; node; node = node.children[0]) {
    if (node.children.length > 1) return false;
    if (node.element.repetition_type === 'REPEATED') repeated++;
    const { type, logical_type } = node.element;
    if (type !== undefined) {
      return repeated === 1 && (type === 'FLOAT' || type === 'DOUBLE' || logical_type?.type === 'FLOAT16');
    }
  }
  return false;
}

/** Our `metadata` column is JSON text. */
function withMetadata(record: Record<string, unknown>): Record<string, unknown> {
  if (typeof record.metadata !== 'string') return record;
  try {
    return { ...record, metadata: JSON.parse(record.metadata) as unknown };
  } catch {
    return record;
  }
}
