/**
 * @file The vectors of a row group as Parquet bytes. A general writer looks at every number; here the levels of a list
 * of equally long rows are known beforehand, and the numbers are copied as they lie in memory.
 *
 * @see https://github.com/apache/parquet-format/blob/master/Encodings.md#RLE
 */
import type { ColumnChunk } from 'hyparquet';
import { ByteWriter } from 'hyparquet-writer';
import { writePageHeader } from 'hyparquet-writer/src/datapage.js';
import { vectorBytes, vectorFromBytes } from './numbers.js';

/**
 * Appends a column chunk of one page: `name.list.element`, required 32-bit floats, a list for each row.
 * @param vectors all of the same length, at least 1
 * @returns what the footer says of it
 */
export function writeVectors(
  writer: ByteWriter,
  name: string,
  vectors: readonly Float32Array[],
): ColumnChunk {
  const values = vectors.length * vectors[0]!.length;
  const start = writer.offset;
  writer.appendBytes(pageStart(vectors.length, vectors[0]!.length));
  for (const vector of vectors) writer.appendBytes(vectorBytes(vector));
  const total = BigInt(writer.offset - start);
  return {
    meta_data: {
      type: 'FLOAT',
      encodings: ['PLAIN', 'RLE'],
      path_in_schema: [name, 'list', 'element'],
      codec: 'UNCOMPRESSED',
      num_values: BigInt(values),
      total_uncompressed_size: total,
      total_compressed_size: total,
      data_page_offset: BigInt(start),
    },
    file_offset: BigInt(start),
  };
}

/**
 * The vectors of a chunk that {@link writeVectors} has made; undefined for any other, which the bytes before the numbers tell.
 * @param chunk its bytes
 */
export function readVectors(chunk: Uint8Array, rows: number, dimension: number): Float32Array[] | undefined {
  const start = pageStart(rows, dimension);
  if (chunk.length !== start.length + rows * dimension * 4) return undefined;
  if (Buffer.compare(start, chunk.subarray(0, start.length)) !== 0) return undefined;
  return Array.from({ length: rows }, (_, i) =>
    vectorFromBytes(chunk, start.length + i * dimension * 4, dimension),
  );
}

/** What comes before the numbers: the page's header and the levels. */
function pageStart(rows: number, dimension: number): Uint8Array {
  // A row's first number begins a new list (0), the others go on with it (1).
  const row = [...run(1, 0), ...(dimension > 1 ? run(dimension - 1, 1) : [])];
  const repetition = new Uint8Array(rows * row.length);
  for (let at = 0; at < repetition.length; at += row.length) repetition.set(row, at);
  const definition = Uint8Array.from(run(rows * dimension, 1));
  const size = repetition.length + definition.length + rows * dimension * 4;
  const writer = new ByteWriter();
  writePageHeader(writer, {
    type: 'DATA_PAGE_V2',
    uncompressed_page_size: size,
    compressed_page_size: size,
    data_page_header_v2: {
      num_values: rows * dimension,
      num_nulls: 0,
      num_rows: rows,
      encoding: 'PLAIN',
      definition_levels_byte_length: definition.length,
      repetition_levels_byte_length: repetition.length,
      is_compressed: false,
    },
  });
  writer.appendBytes(repetition);
  writer.appendBytes(definition);
  return writer.getBytes().slice();
}

/** A run of one level, 0 or 1: twice its length as LEB128, then the level. */
function run(length: number, level: 0 | 1): number[] {
  const bytes: number[] = [];
  let rest = length * 2;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return [...bytes, rest, level];
}
