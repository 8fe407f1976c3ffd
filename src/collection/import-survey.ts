/** @file The first reading of an import: every row is checked before anything is written. */
import { crc32 } from 'node:zlib';
import { vectorBytes } from '../embedding/formats/numbers.js';
import { FormatError } from '../errors.js';
import { ColumnTypes } from './import-columns.js';
import type { ImportSource } from './import-rows.js';

/** What a file holds. */
export interface ImportSurvey {
  /** Rows that are taken, repeated ones included. */
  rows: number;
  /** Numbers per vector; 0 without rows. */
  dimension: number;
  /** Whether all vectors have unit length, to float32's precision. */
  normalized: boolean;
  /** What the values are. */
  types: ColumnTypes;
}

/** How far from 1 the length of a vector may be that was scaled to unit length in float32. */
const UNIT = 1e-5;

/**
 * Reads all rows. Repeated rows (one id, one vector) are well; their first one counts.
 * @throws FormatError for the first row that cannot be used.
 */
export async function surveyRows(
  source: ImportSource,
  onBatch: (rows: number) => void,
): Promise<ImportSurvey> {
  const { file } = source;
  const first = new Map<string, { row: number; crc: number }>();
  const types = new ColumnTypes(source.untyped);
  let [rows, dimension, normalized] = [0, source.identity?.dimension ?? 0, true];
  for await (const batch of source.batches()) {
    for (const { id, row, vector, values } of batch) {
      rows++;
      if (dimension === 0) dimension = vector.length;
      if (vector.length !== dimension)
        throw new FormatError(file, `row ${row}: expected ${dimension} numbers but found ${vector.length}`);
      const length = Math.sqrt(squares(vector));
      if (!(length > 0 && length < Number.POSITIVE_INFINITY))
        throw new FormatError(
          file,
          `row ${row}: ${length === 0 ? 'the vector is zero' : 'a number is not finite'}`,
          {
            hint: 'leave such rows out: they are near to nothing',
          },
        );
      normalized &&= Math.abs(length - 1) <= UNIT;
      const crc = crc32(vectorBytes(vector));
      const before = first.get(id);
      if (before === undefined) {
        first.set(id, { row, crc });
        types.add(id, values);
      } else if (before.crc !== crc)
        throw new FormatError(
          file,
          `row ${row}: "${id}" is the id of row ${before.row}, too, with another vector`,
          {
            hint: 'name a column that tells them apart (--id COLUMN), or number the rows (--id row)',
          },
        );
    }
    onBatch(rows);
  }
  return { rows, dimension, normalized, types };
}

function squares(vector: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < vector.length; i++) sum += vector[i]! * vector[i]!;
  return sum;
}
