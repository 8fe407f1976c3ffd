/** @file Reduced and quantised vectors as files. */
import { existsSync } from 'node:fs';
import { formatFromPath } from '../embedding/formats/index.js';
import { npyHeader } from '../embedding/formats/npy.js';
import { noFacts } from '../embedding/formats/row.js';
import { writeRows } from '../embedding/formats/writer.js';
import { UsageError } from '../errors.js';
import { writeAtomically } from '../models/cache.js';
import { quantizeBinary, quantizeInt8 } from '../vectors/quantize.js';
import type { Vectors } from '../vectors/vectors.js';
import type { Reduced } from './reduce.js';
import type { VectorSet } from './vector-set.js';

const TOGETHER = 4096;

/**
 * Writes reduced vectors with their ids, in the format that the name says.
 * @throws UsageError when the file exists (unless `overwrite`) or its name says no format, FormatError as the writers.
 */
export async function writeReduced(
  file: string,
  set: VectorSet,
  { data, dimension, identity }: Pick<Reduced, 'data' | 'dimension' | 'identity'>,
  { overwrite = false }: { overwrite?: boolean | undefined } = {},
): Promise<void> {
  const format = formatFromPath(file);
  if (format === undefined)
    throw new UsageError(`${file}: expected a name that ends in .npy, .parquet, .jsonl or .csv`);
  refuseExisting(file, overwrite);
  await writeRows(file, format, {
    identity,
    facts: { ...noFacts(), count: set.count },
    rowsPerPart: 1_000_000,
    async *batches() {
      for (let from = 0; from < set.count; from += TOGETHER)
        yield set.ids.slice(from, from + TOGETHER).map((id, i) => ({
          id,
          vector: data.slice((from + i) * dimension, (from + i + 1) * dimension),
        }));
    },
  });
}

/**
 * Writes quantised vectors as NumPy's array, int8 `[n, dimension]` or packed bits uint8 `[n, ⌈dimension / 8⌉]`, with the ids
 * in `FILE.jsonl` and, in `FILE.quantization.json`, what the numbers mean and which vectors they stand for.
 * @throws UsageError when the name does not end in .npy, or the file exists (unless `overwrite`).
 */
export async function writeQuantized(
  file: string,
  set: VectorSet,
  vectors: Vectors,
  kind: 'int8' | 'binary',
  { overwrite = false }: { overwrite?: boolean | undefined } = {},
): Promise<void> {
  if (formatFromPath(file) !== 'npy')
    throw new UsageError(
      `${file}: quantised vectors are written as .npy, as NumPy and vector indices read them`,
    );
  refuseExisting(file, overwrite);
  const { identity } = set;
  const about =
    kind === 'int8'
      ? quantizeInt8(vectors)
      : {
          ...quantizeBinary(vectors),
          bits: 'above zero, the first number in the highest bit (numpy.packbits)',
        };
  const { data, ...what } = about;
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const header = npyHeader(set.count, data.length / set.count, kind === 'int8' ? '|i1' : '|u1');
  await writeAtomically(`${file}.jsonl`, set.ids.map((id) => `${JSON.stringify({ id })}\n`).join(''));
  await writeAtomically(
    `${file}.quantization.json`,
    `${JSON.stringify({ kind, ...what, identity }, null, 2)}\n`,
  );
  await writeAtomically(file, Buffer.concat([header, bytes]));
}

function refuseExisting(file: string, overwrite: boolean): void {
  if (overwrite || !existsSync(file)) return;
  throw new UsageError(`${file} exists`, { hint: 'name another file, or replace it with overwrite' });
}
