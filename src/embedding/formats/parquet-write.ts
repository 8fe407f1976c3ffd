/**
 * @file Tables written as Parquet, one row group in memory at a time. Vectors are a standard LIST of required
 * 32-bit FLOATs: pandas and Arrow see `list<float>`, DuckDB sees `FLOAT[]`.
 *
 * @see https://github.com/apache/parquet-format/blob/master/LogicalTypes.md#lists
 */
import type { SchemaElement } from 'hyparquet';
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import { AtomicFile, writeFailure } from './files.js';
import { writeVectors } from './parquet-vectors.js';
import type { EmbeddingRow, RowCell, RowColumn, RowNeighbors, RowSource } from './row.js';

/** The key under which a file's metadata holds the identity as JSON. */
export const IDENTITY_KEY = 'afterimage.identity';

/** One column and where its values come from; undefined and null are null. */
export type ParquetColumn =
  | { name: string; type: 'string'; required?: boolean; value(row: EmbeddingRow): string | null | undefined }
  | { name: string; type: 'int'; value(row: EmbeddingRow): number | undefined }
  | { name: string; type: 'int64'; value(row: EmbeddingRow): bigint | null }
  | { name: string; type: 'double' | 'boolean' | 'time'; value(row: EmbeddingRow): RowCell }
  | { name: string; type: 'neighbors'; value(row: EmbeddingRow): object }
  /** Vectors come last. */
  | { name: string; type: 'vector' };

/** About how many vector numbers one row group holds: enough for readers, little enough for memory. */
const GROUP_NUMBERS = 1 << 19;
const MAX_GROUP_ROWS = 20_000;

/** Writes rows as one table: id, path, the fields that occur, the source's own columns, and the embedding. */
export async function writeParquet(file: string, source: RowSource): Promise<void> {
  const { facts, vectors = true } = source;
  const columns: ParquetColumn[] = [{ name: 'id', type: 'string', required: true, value: (row) => row.id }];
  // A source with columns of its own says itself where the files are.
  if (source.columns) columns.push(...source.columns.map(cellColumn));
  else
    columns.push({
      name: 'path',
      type: 'string',
      value: (row) => (row.kind === 'text' ? undefined : row.id),
    });
  if (facts.kind) columns.push({ name: 'kind', type: 'string', value: (row) => row.kind });
  if (facts.text) columns.push({ name: 'text', type: 'string', value: (row) => row.text });
  if (facts.width) columns.push({ name: 'width', type: 'int', value: (row) => row.width });
  if (facts.height) columns.push({ name: 'height', type: 'int', value: (row) => row.height });
  if (facts.format) columns.push({ name: 'format', type: 'string', value: (row) => row.format });
  if (facts.metadata) columns.push({ name: 'metadata', type: 'string', value: metadataText });
  if (vectors) columns.push({ name: 'embedding', type: 'vector' });
  const table = await ParquetTable.create(file, columns, { [IDENTITY_KEY]: JSON.stringify(source.identity) });
  try {
    for await (const rows of source.batches()) await table.add(rows);
    await table.commit();
  } catch (error) {
    await table.discard();
    throw error;
  }
}

/** A typed column of the rows' cells. */
export function cellColumn({ name, type }: RowColumn): ParquetColumn {
  const cell = (row: EmbeddingRow): RowCell => row.cells?.[name] ?? null;
  switch (type) {
    case 'text':
      return { name, type: 'string', value: (row) => cell(row) as string | null };
    case 'integer':
      return { name, type: 'int64', value: (row) => toBigInt(cell(row) as number | null) };
    case 'number':
      return { name, type: 'double', value: cell };
    case 'boolean':
    case 'time':
      return { name, type, value: cell };
    case 'neighbors':
      return {
        name,
        type,
        value(row) {
          const { ids, distances } = cell(row) as RowNeighbors;
          return { ids: ids.map(BigInt), distances };
        },
      };
    default:
      return type satisfies never;
  }
}

function toBigInt(cell: number | null): bigint | null {
  return cell === null ? null : BigInt(cell);
}

/** A row's metadata as JSON text. */
export function metadataText(row: EmbeddingRow): string | undefined {
  return row.metadata === undefined ? undefined : JSON.stringify(row.metadata);
}

/** A table under construction. */
export class ParquetTable {
  readonly #out: AtomicFile;
  readonly #columns: ParquetColumn[];
  readonly #bytes: DrainingWriter;
  readonly #writer: ParquetWriter;
  #rows: EmbeddingRow[] = [];

  private constructor(out: AtomicFile, columns: ParquetColumn[], metadata: Record<string, string>) {
    this.#out = out;
    this.#columns = columns;
    this.#bytes = new DrainingWriter();
    this.#writer = new ParquetWriter({
      writer: this.#bytes,
      schema: schemaOf(columns),
      codec: 'SNAPPY',
      createdBy: 'afterimage',
      kvMetadata: Object.entries(metadata).map(([key, value]) => ({ key, value })),
    });
  }

  /** @throws {FormatError} when the place cannot be written. */
  static async create(
    file: string,
    columns: ParquetColumn[],
    metadata: Record<string, string> = {},
  ): Promise<ParquetTable> {
    return new ParquetTable(await AtomicFile.create(file), columns, metadata);
  }

  /** Adds rows; they are written when a row group is full. */
  async add(rows: EmbeddingRow[]): Promise<void> {
    for (const row of rows) {
      this.#rows.push(row);
      const full = this.#hasVectors ? Math.ceil(GROUP_NUMBERS / row.vector.length) : MAX_GROUP_ROWS;
      if (this.#rows.length >= Math.min(full, MAX_GROUP_ROWS)) await this.#writeGroup();
    }
  }

  /** Writes what is left and the footer, and makes the file appear. */
  async commit(): Promise<void> {
    await this.#writeGroup();
    try {
      await this.#writer.finish();
    } catch (error) {
      throw writeFailure(this.#out.path, error);
    }
    await this.#out.write(this.#bytes.drain());
    await this.#out.commit();
  }

  /** Removes what was written. */
  discard(): Promise<void> {
    return this.#out.discard();
  }

  /** Vectors are the last column. */
  get #hasVectors(): boolean {
    return this.#columns.at(-1)?.type === 'vector';
  }

  async #writeGroup(): Promise<void> {
    const rows = this.#rows;
    this.#rows = [];
    if (rows.length === 0) return;
    const columnData = this.#columns.flatMap((column) =>
      column.type === 'vector' ? [] : { name: column.name, data: rows.map((row) => column.value(row)) },
    );
    try {
      await this.#writer.write({ columnData, rowGroupSize: rows.length });
      if (this.#hasVectors) {
        const group = this.#writer.row_groups.at(-1)!;
        const vectors = rows.map(({ vector }) => vector);
        const chunk = writeVectors(this.#bytes, this.#columns.at(-1)!.name, vectors);
        group.columns.push(chunk);
        const size = chunk.meta_data!.total_compressed_size;
        group.total_byte_size += size;
        group.total_compressed_size = (group.total_compressed_size ?? 0n) + size;
      }
    } catch (error) {
      throw writeFailure(this.#out.path, error);
    }
    await this.#out.write(this.#bytes.drain());
  }
}

/** Collects bytes until they are taken away, while positions go on counting. */
class DrainingWriter extends ByteWriter {
  drain(): Uint8Array {
    const bytes = this.getBytes().slice();
    this.index = 0;
    return bytes;
  }
}

function schemaOf(columns: ParquetColumn[]): SchemaElement[] {
  const root: SchemaElement = { name: 'schema', num_children: columns.length };
  return [root, ...columns.flatMap(elementsOf)];
}

function elementsOf(column: ParquetColumn): SchemaElement[] {
  const { name, type } = column;
  switch (type) {
    case 'string': {
      const repetition_type = column.required ? 'REQUIRED' : 'OPTIONAL';
      return [
        {
          name,
          type: 'BYTE_ARRAY',
          converted_type: 'UTF8',
          logical_type: { type: 'STRING' },
          repetition_type,
        },
      ];
    }
    case 'int':
      return [{ name, type: 'INT32', repetition_type: 'OPTIONAL' }];
    case 'int64':
      return [{ name, type: 'INT64', repetition_type: 'OPTIONAL' }];
    case 'double':
      return [{ name, type: 'DOUBLE', repetition_type: 'OPTIONAL' }];
    case 'boolean':
      return [{ name, type: 'BOOLEAN', repetition_type: 'OPTIONAL' }];
    case 'time':
      return [
        {
          name,
          type: 'INT64',
          converted_type: 'TIMESTAMP_MILLIS',
          logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MILLIS' },
          repetition_type: 'OPTIONAL',
        },
      ];
    case 'neighbors':
      return [
        { name, repetition_type: 'REQUIRED', num_children: 2 },
        ...listOf('ids', 'INT64'),
        ...listOf('distances', 'DOUBLE'),
      ];
    case 'vector':
      return listOf(name, 'FLOAT');
    default:
      return type satisfies never;
  }
}

/** A list, none of whose parts is ever null. */
function listOf(name: string, type: 'FLOAT' | 'DOUBLE' | 'INT64'): SchemaElement[] {
  return [
    {
      name,
      repetition_type: 'REQUIRED',
      num_children: 1,
      converted_type: 'LIST',
      logical_type: { type: 'LIST' },
    },
    { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
    { name: 'element', type, repetition_type: 'REQUIRED' },
  ];
}
