/** @file Rows of a table without vectors that lies beside images or vectors: CSV, JSON Lines or Parquet. */
import { csvRecords } from '../embedding/formats/csv.js';
import { formatFromPath } from '../embedding/formats/index.js';
import { parseLine } from '../embedding/formats/jsonl.js';
import { fileLines } from '../embedding/formats/lines.js';
import { FormatError } from '../errors.js';

/**
 * The rows of a file, which is what its ending says. An empty cell of a CSV is null; columns without a name, such as
 * the one in which pandas writes its row numbers, are left out.
 * @throws FormatError when it cannot be read, or ends otherwise.
 */
export async function* tableRecords(file: string): AsyncGenerator<Record<string, unknown>> {
  switch (formatFromPath(file)) {
    case 'parquet': {
      const { parquetRecords } = await import('../embedding/formats/parquet-read.js');
      for await (const group of parquetRecords(file)) yield* group;
      return;
    }
    case 'jsonl':
      for await (const { line, number } of fileLines(file))
        if (line.trim() !== '') yield parseLine(file, line, number);
      return;
    case 'csv':
      yield* csvTable(file);
      return;
    default:
      throw new FormatError(file, 'expected a table that ends in .csv, .jsonl or .parquet');
  }
}

async function* csvTable(file: string): AsyncGenerator<Record<string, unknown>> {
  let header: string[] | undefined;
  for await (const { cells, number } of csvRecords(file)) {
    if (header === undefined) {
      header = cells.map((name) => name.replace(/^\uFEFF/, '').trim());
      continue;
    }
    if (cells.length !== header.length)
      throw new FormatError(
        file,
        `line ${number}: expected ${header.length} cells but found ${cells.length}`,
      );
    yield Object.fromEntries(
      header.map((name, i) => [name, cells[i] === '' ? null : cells[i]!] as const).filter(([name]) => name),
    );
  }
}
