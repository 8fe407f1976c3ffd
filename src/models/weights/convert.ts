/**
 * @file Converts tensors into one raw file, ready to be mapped as external data of a graph.
 *
 * Tensors follow one another in the order asked for, little-endian, each on a 64-byte boundary. They are moved in
 * pieces through two fixed buffers: memory does not grow with the model.
 */
import { open } from 'node:fs/promises';
import { WeightsError } from '../../errors.js';
import { DTYPE_BYTES, littleEndianBytes, toFloat16, toFloat32 } from './dtype.js';
import type { TensorInfo } from './header.js';
import { findTensor, readFully, type WeightSource } from './safetensors.js';
import { writeWhole } from './write.js';

/** Every tensor begins on a multiple of this many bytes. */
export const ALIGNMENT = 64;

/** Elements converted at a time. */
const PIECE = 1 << 21;

/**
 * Writes the named tensors, converted to `dtype`, to a raw file without header.
 *
 * @param names tensors in the order of the file; a name may come once only
 * @param outPath the file; it appears only when complete
 * @param dtype float32, or float16 rounded to the nearest (ties to even)
 * @returns where each tensor lies: like the source's entries, but with the new file, format, offset and length
 * @throws WeightsError when a tensor is missing or named twice
 */
export async function convertWeights(
  source: WeightSource,
  names: Iterable<string>,
  outPath: string,
  dtype: 'F32' | 'F16',
): Promise<Map<string, TensorInfo>> {
  const placed = new Map<string, TensorInfo>();
  let end = 0;
  for (const name of names) {
    const { shape, dtype: from, length } = findTensor(source, name);
    if (placed.has(name)) throw new WeightsError(outPath, `tensor "${name}" was asked for twice`);
    const offset = Math.ceil(end / ALIGNMENT) * ALIGNMENT;
    const bytes = (length / DTYPE_BYTES[from]) * DTYPE_BYTES[dtype];
    placed.set(name, { name, dtype, shape: [...shape], file: outPath, offset, length: bytes });
    end = offset + bytes;
  }

  const handles = new Map<string, Awaited<ReturnType<typeof open>>>();
  const pieceIn = new Uint8Array(PIECE * 8);
  const pieceOut = new Uint16Array(dtype === 'F16' ? PIECE : 0);
  let written = 0;
  try {
    await writeWhole(outPath, async (write) => {
      for (const { name, offset } of placed.values()) {
        if (offset > written) await write(new Uint8Array(offset - written));
        written = offset;
        const from = findTensor(source, name);
        const size = DTYPE_BYTES[from.dtype];
        const handle = handles.get(from.file) ?? (await open(from.file, 'r'));
        handles.set(from.file, handle);
        for (let done = 0; done < from.length; ) {
          const bytes = pieceIn.subarray(0, Math.min(PIECE * size, from.length - done));
          await readFully(handle, bytes, from.offset + done, from.file);
          done += bytes.length;
          const values = from.dtype === dtype ? bytes : convert(bytes, from, dtype, pieceOut);
          await write(values);
          written += values.length;
        }
      }
    });
  } finally {
    for (const handle of handles.values()) await handle.close();
  }
  return placed;
}

function convert(
  bytes: Uint8Array,
  from: TensorInfo,
  dtype: 'F32' | 'F16',
  piece: Uint16Array<ArrayBuffer>,
): Uint8Array {
  const floats = toFloat32(bytes, from.dtype, `${from.file} (${from.name})`);
  return littleEndianBytes(dtype === 'F32' ? floats : toFloat16(floats, piece.subarray(0, floats.length)));
}
