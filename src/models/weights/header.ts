/**
 * @file The header of a safetensors file: read and checked in full before any tensor is touched.
 *
 * Layout: 8 bytes little-endian header length N, N bytes of JSON (padded with spaces), then the tensors' bytes. The
 * format's rules are enforced as the Rust reference does (https://github.com/huggingface/safetensors): a bounded
 * header, known formats, size = shape × format, no hole, no overlap, no byte after the last tensor.
 */
import { open } from 'node:fs/promises';
import { WeightsError } from '../../errors.js';
import { DTYPE_BYTES, type Dtype, isDtype } from './dtype.js';

/** Where one tensor lies. */
export interface TensorInfo {
  name: string;
  dtype: Dtype;
  shape: number[];
  /** The file that holds it. */
  file: string;
  /** Absolute position of its first byte in `file`. */
  offset: number;
  /** Bytes. */
  length: number;
  /** The factors that 8-bit integers are multiplied by, one for each index of the first axis. */
  scale?: TensorInfo;
}

/** The longest header accepted, as in the reference implementation. */
const MAX_HEADER_BYTES = 100_000_000;

const DAMAGED_HINT =
  'Delete it or run `afterimage models verify`; a damaged file of the hub cache is fetched again.';

/**
 * Reads and checks the header of one safetensors file.
 *
 * @throws WeightsError when the file is not safetensors, is cut short, or breaks a rule of the format
 */
export async function readHeader(
  file: string,
): Promise<{ tensors: Map<string, TensorInfo>; metadata: Record<string, string> }> {
  const handle = await open(file, 'r').catch((cause: NodeJS.ErrnoException) => {
    throw new WeightsError(
      file,
      cause.code === 'ENOENT' ? 'no such file' : `cannot be opened (${cause.message})`,
      {
        cause,
      },
    );
  });
  try {
    const { size } = await handle.stat();
    if (size < 8) throw truncated(file, 'at least 8 bytes', size);
    const prefix = Buffer.alloc(8);
    await handle.read(prefix, 0, 8, 0);
    const headerLength = prefix.readBigUInt64LE();
    if (headerLength > BigInt(MAX_HEADER_BYTES)) throw new WeightsError(file, notSafetensors(prefix));
    const start = 8 + Number(headerLength);
    if (start > size) throw truncated(file, `at least ${start} bytes`, size);
    const json = Buffer.alloc(Number(headerLength));
    await handle.read(json, 0, json.length, 8);
    const { tensors, metadata } = parseHeader(file, json, start);
    const end = [...tensors.values()].reduce(
      (last, tensor) => Math.max(last, tensor.offset + tensor.length),
      start,
    );
    if (end > size) throw truncated(file, `${end} bytes`, size);
    if (end < size) {
      throw new WeightsError(
        file,
        `header says ${end} bytes, file has ${size}: bytes follow the last tensor`,
        {
          hint: DAMAGED_HINT,
        },
      );
    }
    return { tensors, metadata };
  } finally {
    await handle.close();
  }
}

function parseHeader(
  file: string,
  json: Buffer,
  start: number,
): { tensors: Map<string, TensorInfo>; metadata: Record<string, string> } {
  const bad = (what: string, cause?: unknown) =>
    new WeightsError(file, `not a valid safetensors header: ${what}`, { hint: DAMAGED_HINT, cause });
  if (json[0] !== 0x7b) throw bad('expected it to begin with "{"');
  let parsed: Record<string, unknown>;
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(json);
    parsed = JSON.parse(text) as Record<string, unknown>;
  } catch (cause) {
    throw bad('expected JSON in UTF-8', cause);
  }
  const twice = firstDuplicateKey(text);
  if (twice !== undefined) throw bad(`tensor "${twice}" is listed twice`);

  const metadata: Record<string, string> = {};
  const tensors: TensorInfo[] = [];
  for (const [name, value] of Object.entries(parsed)) {
    if (name === '__metadata__') Object.assign(metadata, checkMetadata(value, bad));
    else tensors.push(checkTensor(file, name, value, start, bad));
  }
  tensors.sort((a, b) => a.offset - b.offset || a.length - b.length);
  let expected = start;
  for (const { name, offset, length } of tensors) {
    if (offset !== expected) {
      const what = offset < expected ? 'overlaps the one before it' : 'leaves a hole before it';
      throw bad(`tensor "${name}" ${what} (begins at ${offset - start}, expected ${expected - start})`);
    }
    expected = offset + length;
  }
  return { tensors: new Map(tensors.map((tensor) => [tensor.name, tensor])), metadata };
}

function checkMetadata(value: unknown, bad: (what: string) => WeightsError): Record<string, string> {
  const isMap = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!isMap || !Object.values(value).every((item) => typeof item === 'string')) {
    throw bad('expected "__metadata__" to map strings to strings');
  }
  return value as Record<string, string>;
}

function checkTensor(
  file: string,
  name: string,
  value: unknown,
  start: number,
  bad: (what: string) => WeightsError,
): TensorInfo {
  const entry = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  const { dtype, shape, data_offsets: offsets } = entry;
  if (!isDtype(dtype)) {
    throw bad(`tensor "${name}" has the unknown format ${JSON.stringify(dtype)}`);
  }
  const isSize = (x: unknown): x is number => Number.isSafeInteger(x) && (x as number) >= 0;
  if (!Array.isArray(shape) || !shape.every(isSize)) {
    throw bad(`tensor "${name}": expected a shape of whole numbers but received ${JSON.stringify(shape)}`);
  }
  if (
    !Array.isArray(offsets) ||
    offsets.length !== 2 ||
    !offsets.every(isSize) ||
    offsets[1]! < offsets[0]!
  ) {
    throw bad(`tensor "${name}": expected data_offsets [begin, end] but received ${JSON.stringify(offsets)}`);
  }
  const [begin, end] = offsets as [number, number];
  const needed = (shape as number[]).reduce((product, side) => product * side, DTYPE_BYTES[dtype]);
  if (needed !== end - begin) {
    throw bad(
      `tensor "${name}": ${dtype} [${shape.join(', ')}] needs ${needed} bytes, data_offsets give ${end - begin}`,
    );
  }
  return { name, dtype, shape: [...shape], file, offset: start + begin, length: end - begin };
}

/** The first key that occurs twice in the outermost object of valid JSON (`JSON.parse` keeps the last in silence). */
function firstDuplicateKey(text: string): string | undefined {
  const seen = new Set<string>();
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === '{' || c === '[') depth++;
    else if (c === '}' || c === ']') depth--;
    else if (c === '"') {
      const begin = i;
      do i = text.indexOf('"', i + 1);
      while (isEscaped(text, i));
      if (depth !== 1 || !/^\s*:/.test(text.slice(i + 1, i + 40))) continue;
      const key = JSON.parse(text.slice(begin, i + 1)) as string;
      if (seen.has(key)) return key;
      seen.add(key);
    }
  }
  return undefined;
}

function isEscaped(text: string, quote: number): boolean {
  let slashes = 0;
  while (text[quote - 1 - slashes] === '\\') slashes++;
  return slashes % 2 === 1;
}

function truncated(file: string, says: string, has: number): WeightsError {
  return new WeightsError(
    file,
    `truncated: header says ${says}, file has ${has}; delete it or run \`afterimage models verify\``,
    { hint: DAMAGED_HINT },
  );
}

function notSafetensors(prefix: Buffer): string {
  const head = prefix.toString('latin1');
  if (head.startsWith('PK'))
    return 'expected safetensors but this is a zip archive (a pickled PyTorch file?)';
  if (head.startsWith('version '))
    return 'expected safetensors but this is a Git LFS pointer: the weights were not fetched';
  if (head.startsWith('<')) return 'expected safetensors but this is a web page';
  return `expected safetensors but the header would be longer than ${MAX_HEADER_BYTES} bytes`;
}
