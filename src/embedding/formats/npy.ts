/**
 * @file NumPy's `.npy`: a matrix of float32, row by row, beside `<file>.jsonl` (what each row is) and
 * `<file>.identity.json`. Read are also float16 and float64, either byte order, either axis order, versions 1 to 3,
 * as NumPy and others write them.
 *
 * @see https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
import { type FileHandle, open } from 'node:fs/promises';
import { FormatError } from '../../errors.js';
import { AtomicFile, identityPath, readFailure, readFully, readIdentity, writeIdentity } from './files.js';
import { readInfoLines } from './jsonl.js';
import { halfToNumber, vectorBytes, vectorFromBytes } from './numbers.js';
import { type EmbeddingRow, type EmbeddingScan, type RowInfo, type RowSource, rowObject } from './row.js';

const MAGIC = Buffer.from('\x93NUMPY', 'latin1');
/** About as many bytes as one batch of rows is read from. */
const READ_AHEAD = 4 << 20;

/** What an array file's header says. */
export interface NpyHeader {
  rows: number;
  columns: number;
  /** Bytes per number: 2, 4 or 8. */
  width: 2 | 4 | 8;
  bigEndian: boolean;
  /** Stored column by column. */
  fortran: boolean;
  /** Where the numbers begin. */
  offset: number;
}

/**
 * The header of a matrix, format version 1.0, padded so that the numbers begin at a multiple of 64.
 * @param type NumPy's name of its numbers. @default float32
 */
export function npyHeader(rows: number, columns: number, type = '<f4'): Buffer {
  const text = `{'descr': '${type}', 'fortran_order': False, 'shape': (${rows}, ${columns}), }`;
  const total = Math.ceil((MAGIC.length + 4 + text.length + 1) / 64) * 64;
  const header = Buffer.alloc(total, 0x20);
  MAGIC.copy(header);
  header.writeUInt8(1, 6);
  header.writeUInt8(0, 7);
  header.writeUInt16LE(total - 10, 8);
  header.write(text, 10, 'latin1');
  header.write('\n', total - 1);
  return header;
}

/** Writes the matrix and the two files beside it; the matrix appears last. */
export async function writeNpy(file: string, source: RowSource): Promise<void> {
  const infos = await AtomicFile.create(sidecarPath(file));
  const matrix = await AtomicFile.create(file);
  try {
    await matrix.write(npyHeader(source.facts.count, source.identity.dimension));
    for await (const rows of source.batches()) {
      for (const row of rows) {
        await matrix.write(vectorBytes(row.vector));
        await infos.write(`${JSON.stringify(rowObject(row))}\n`);
      }
    }
    await infos.finish();
    await matrix.finish();
    await writeIdentity(identityPath(file), source.identity);
    await infos.commit();
    await matrix.commit();
  } catch (error) {
    await infos.discard();
    await matrix.discard();
    throw error;
  }
}

/** Opens a matrix; without the file beside it, rows are named by their numbers. */
export async function scanNpy(file: string): Promise<EmbeddingScan> {
  const { rows, columns } = await readNpyHeader(file);
  const identity = await readIdentity(identityPath(file));
  const infos = await readInfoLines(sidecarPath(file));
  if (infos && infos.length !== rows) {
    throw new FormatError(file, `has ${rows} rows, but ${sidecarPath(file)} describes ${infos.length}`);
  }
  return { identity, dimension: columns, count: rows, batches: () => batches(file, infos) };
}

async function* batches(file: string, infos: RowInfo[] | undefined): AsyncGenerator<EmbeddingRow[]> {
  let index = 0;
  for await (const vectors of npyVectors(file)) {
    yield vectors.map((vector) => {
      const info = infos?.[index] ?? { id: String(index) };
      index++;
      return { ...info, vector };
    });
  }
}

/** The vectors of a matrix, some at a time. */
export async function* npyVectors(file: string): AsyncGenerator<Float32Array[]> {
  const header = await readNpyHeader(file);
  const { rows, columns, width, bigEndian, offset, fortran } = header;
  const handle = await open(file, 'r');
  try {
    const step = Math.max(1, Math.floor(READ_AHEAD / (columns * width)));
    for (let row = 0; row < rows; row += step) {
      const count = Math.min(step, rows - row);
      const vectors = Array.from({ length: count }, () => new Float32Array(columns));
      if (fortran) {
        for (let column = 0; column < columns; column++) {
          const bytes = await readFully(handle, count * width, offset + (column * rows + row) * width);
          for (let i = 0; i < count; i++) vectors[i]![column] = numberAt(bytes, i * width, header);
        }
      } else {
        const bytes = await readFully(handle, count * columns * width, offset + row * columns * width);
        vectors.forEach((vector, i) => {
          if (width === 4 && !bigEndian) vector.set(vectorFromBytes(bytes, i * columns * 4, columns));
          else
            for (let j = 0; j < columns; j++) vector[j] = numberAt(bytes, (i * columns + j) * width, header);
        });
      }
      yield vectors;
    }
  } finally {
    await handle.close();
  }
}

function numberAt(bytes: Buffer, at: number, { width, bigEndian }: NpyHeader): number {
  if (width === 4) return bigEndian ? bytes.readFloatBE(at) : bytes.readFloatLE(at);
  if (width === 8) return bigEndian ? bytes.readDoubleBE(at) : bytes.readDoubleLE(at);
  return halfToNumber(bigEndian ? bytes.readUInt16BE(at) : bytes.readUInt16LE(at));
}

/** Reads and checks a header. @throws {FormatError} for other types and shapes, and for a file that is cut short. */
export async function readNpyHeader(file: string): Promise<NpyHeader> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(file, 'r');
    const start = await readFully(handle, 12, 0);
    if (start.length < 12 || !start.subarray(0, 6).equals(MAGIC))
      throw new FormatError(file, 'not an .npy file');
    const major = start.readUInt8(6);
    if (major < 1 || major > 3) throw new FormatError(file, `.npy format version ${major} is not known`);
    const textAt = major === 1 ? 10 : 12;
    const length = major === 1 ? start.readUInt16LE(8) : start.readUInt32LE(8);
    const text = await readFully(handle, Math.min(length, 1 << 20), textAt);
    const header = parseHeader(file, text.toString('latin1'), textAt + length);
    const expected = header.offset + header.rows * header.columns * header.width;
    const { size } = await handle.stat();
    if (size < expected)
      throw new FormatError(file, `cut short: expected ${expected} bytes but found ${size}`);
    return header;
  } catch (error) {
    throw readFailure(file, error);
  } finally {
    await handle?.close();
  }
}

function parseHeader(file: string, text: string, offset: number): NpyHeader {
  const type = /'descr'\s*:\s*'([^']*)'/.exec(text)?.[1];
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(text)?.[1];
  const shape = /'shape'\s*:\s*\(([\d\s,L]*)\)/.exec(text)?.[1];
  if (order === undefined || shape === undefined)
    throw new FormatError(file, 'the .npy header cannot be understood');
  const parts = /^([<>=])f([248])$/.exec(type ?? '');
  if (!parts) {
    throw new FormatError(
      file,
      `expected float16, float32 or float64 numbers but found ${type ?? 'a structured type'}`,
    );
  }
  const sizes = shape
    .split(',')
    .map((size) => size.trim())
    .filter((size) => size !== '')
    .map(Number.parseFloat);
  if (sizes.length !== 2) {
    throw new FormatError(
      file,
      `expected a matrix [rows, dimension] but found the shape [${sizes.join(', ')}]`,
    );
  }
  return {
    rows: sizes[0]!,
    columns: sizes[1]!,
    width: Number(parts[2]) as 2 | 4 | 8,
    bigEndian: parts[1] === '>',
    fortran: order === 'True',
    offset,
  };
}

function sidecarPath(file: string): string {
  return `${file}.jsonl`;
}
