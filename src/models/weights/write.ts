/**
 * @file Writes safetensors files that Python's `safetensors` reads, whole or not at all.
 *
 * Tensors are laid out as the Rust reference does (widest format first, then by name; header padded to 8 bytes), so that
 * every tensor is aligned for its format. The file appears under its name only when complete.
 */
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { WeightsError } from '../../errors.js';
import { temporaryName } from '../cache.js';
import { DTYPE_BYTES, type Dtype, littleEndianBytes } from './dtype.js';
import type { TensorInfo } from './header.js';

/** A tensor to be written. */
export interface TensorData {
  /** The format; by default that of the typed array (Uint16Array needs it said: U16, F16 or BF16). */
  dtype?: Dtype;
  shape: readonly number[];
  /** Elements, row-major. */
  data: NodeJS.TypedArray;
}

const FORMAT_OF: Readonly<Record<string, Dtype>> = {
  Float32Array: 'F32',
  Float64Array: 'F64',
  Int8Array: 'I8',
  Uint8Array: 'U8',
  Int16Array: 'I16',
  Int32Array: 'I32',
  Uint32Array: 'U32',
  BigInt64Array: 'I64',
  BigUint64Array: 'U64',
};

/**
 * Writes `tensors` to a safetensors file: to a temporary name first, renamed when every byte is on disk.
 *
 * @param metadata strings for the file's `__metadata__`; Python's transformers expects `{ format: 'pt' }`
 * @returns where each tensor lies in the new file
 * @throws WeightsError when a tensor's data do not fill its shape
 */
export async function writeSafetensors(
  path: string,
  tensors: Readonly<Record<string, TensorData>>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<Map<string, TensorInfo>> {
  const entries = Object.entries(tensors).map(([name, tensor]) => ({ name, ...check(path, name, tensor) }));
  entries.sort((a, b) => DTYPE_BYTES[b.dtype] - DTYPE_BYTES[a.dtype] || (a.name < b.name ? -1 : 1));

  const header: Record<string, unknown> = {};
  if (Object.keys(metadata).length > 0) header.__metadata__ = metadata;
  let end = 0;
  for (const { name, dtype, shape, bytes } of entries) {
    header[name] = { dtype, shape, data_offsets: [end, end + bytes.length] };
    end += bytes.length;
  }
  const json = Buffer.from(JSON.stringify(header));
  const headerLength = Math.ceil(json.length / 8) * 8;
  const head = Buffer.alloc(8 + headerLength, ' ');
  head.writeBigUInt64LE(BigInt(headerLength));
  json.copy(head, 8);

  await writeWhole(path, async (write) => {
    await write(head);
    for (const { bytes } of entries) await write(bytes);
  });
  let offset = head.length;
  return new Map(
    entries.map(({ name, dtype, shape, bytes }) => {
      const placed: TensorInfo = { name, dtype, shape, file: path, offset, length: bytes.length };
      offset += bytes.length;
      return [name, placed];
    }),
  );
}

/** Runs `fill` with an appending writer to a temporary file, flushes it and renames it to `path`; removes it on failure. */
export async function writeWhole(
  path: string,
  fill: (write: (bytes: Uint8Array) => Promise<void>) => Promise<void>,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = temporaryName(path);
  try {
    const handle = await open(temporary, 'wx');
    try {
      await fill(async (bytes) => {
        for (let done = 0; done < bytes.length; ) {
          done += (await handle.write(bytes, done, Math.min(bytes.length - done, 1 << 28))).bytesWritten;
        }
      });
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

function check(
  path: string,
  name: string,
  tensor: TensorData,
): { dtype: Dtype; shape: number[]; bytes: Uint8Array } {
  const kind = Object.prototype.toString.call(tensor.data).slice(8, -1);
  const dtype = tensor.dtype ?? FORMAT_OF[kind];
  if (dtype === undefined) throw new WeightsError(path, `tensor "${name}": a ${kind} needs its dtype said`);
  const needed = tensor.shape.reduce((product, side) => product * side, DTYPE_BYTES[dtype]);
  if (needed !== tensor.data.byteLength) {
    throw new WeightsError(
      path,
      `tensor "${name}": ${dtype} [${tensor.shape.join(', ')}] needs ${needed} bytes but received ${tensor.data.byteLength}`,
    );
  }
  return { dtype, shape: [...tensor.shape], bytes: littleEndianBytes(tensor.data) };
}
