/**
 * @file Number formats of tensors on disk, and their exact conversion to and from float32.
 *
 * Widening (f16, bf16 → f32) loses nothing; narrowing rounds to the nearest, ties to even, as IEEE 754 and PyTorch do.
 * Everything on disk is little-endian. The loops run over typed arrays only: 350 MB convert in well under a second.
 */
import { endianness } from 'node:os';
import { WeightsError } from '../../errors.js';

/** Formats a tensor may have in a safetensors file, by safetensors' names. */
export type Dtype =
  | 'BOOL'
  | 'U8'
  | 'I8'
  | 'F8_E5M2'
  | 'F8_E4M3'
  | 'I16'
  | 'U16'
  | 'F16'
  | 'BF16'
  | 'I32'
  | 'U32'
  | 'F32'
  | 'C64'
  | 'F64'
  | 'I64'
  | 'U64';

/** Bytes of one element. */
export const DTYPE_BYTES: Readonly<Record<Dtype, number>> = Object.freeze({
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E5M2: 1,
  F8_E4M3: 1,
  I16: 2,
  U16: 2,
  F16: 2,
  BF16: 2,
  I32: 4,
  U32: 4,
  F32: 4,
  C64: 8,
  F64: 8,
  I64: 8,
  U64: 8,
});

const LITTLE = endianness() === 'LE';

/** True when `name` is a format this module knows the size of. */
export function isDtype(name: unknown): name is Dtype {
  return typeof name === 'string' && Object.hasOwn(DTYPE_BYTES, name);
}

/**
 * Elements of a tensor as float32, with the values of PyTorch's `.float()`.
 *
 * @param bytes little-endian elements; a `Float32Array` over the same memory comes back where the format allows it
 * @param dtype the format of `bytes`; integers beyond 2^53 go through float64 and may round twice
 * @param file named in errors
 * @throws WeightsError for formats that have no meaning as a weight (complex, 8-bit floats)
 */
export function toFloat32(bytes: Uint8Array, dtype: Dtype, file = 'tensor'): Float32Array {
  const count = bytes.byteLength / DTYPE_BYTES[dtype];
  const at = aligned(bytes, DTYPE_BYTES[dtype]);
  const { buffer, byteOffset } = at;
  switch (dtype) {
    case 'F32':
      return new Float32Array(buffer, byteOffset, count);
    case 'F16':
      return widenHalf(new Uint16Array(buffer, byteOffset, count), new Float32Array(count));
    case 'BF16':
      return widenBrain(new Uint16Array(buffer, byteOffset, count), new Float32Array(count));
    case 'F64':
      return new Float32Array(new Float64Array(buffer, byteOffset, count));
    case 'I8':
      return new Float32Array(new Int8Array(buffer, byteOffset, count));
    case 'BOOL':
    case 'U8':
      return new Float32Array(at);
    case 'I16':
      return new Float32Array(new Int16Array(buffer, byteOffset, count));
    case 'U16':
      return new Float32Array(new Uint16Array(buffer, byteOffset, count));
    case 'I32':
      return new Float32Array(new Int32Array(buffer, byteOffset, count));
    case 'U32':
      return new Float32Array(new Uint32Array(buffer, byteOffset, count));
    case 'I64':
      return Float32Array.from(new BigInt64Array(buffer, byteOffset, count), Number);
    case 'U64':
      return Float32Array.from(new BigUint64Array(buffer, byteOffset, count), Number);
    case 'C64':
    case 'F8_E5M2':
    case 'F8_E4M3':
      throw new WeightsError(
        file,
        `expected a tensor of float32, float16, bfloat16 or integers, but it is ${dtype}`,
      );
    default:
      return dtype satisfies never;
  }
}

/** Narrows float32 to IEEE half precision: nearest, ties to even; overflow to infinity, subnormals kept, NaN quiet. */
export function toFloat16(
  values: Float32Array,
  out = new Uint16Array(values.length),
): Uint16Array<ArrayBuffer> {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < bits.length; i++) {
    const x = bits[i]!;
    const sign = (x >>> 16) & 0x8000;
    const magnitude = x & 0x7fffffff;
    if (magnitude >= 0x38800000 && magnitude < 0x47800000) {
      // Normal in half precision: rebias the exponent (127 → 15), then round on the 13 bits that go.
      const rebiased = magnitude - 0x38000000;
      out[i] = sign | ((rebiased + 0xfff + ((rebiased >>> 13) & 1)) >>> 13);
    } else if (magnitude < 0x38800000) {
      out[i] = sign | subnormalHalf(magnitude);
    } else {
      // Too large (65536 and up): infinity. NaN keeps its upper payload bits and is made quiet.
      out[i] = sign | (magnitude > 0x7f800000 ? 0x7e00 | ((magnitude >>> 13) & 0x1ff) : 0x7c00);
    }
  }
  return out;
}

/** The half-precision subnormal (or zero) nearest to a small float32 given by the bits of its magnitude. */
function subnormalHalf(magnitude: number): number {
  const exponent = magnitude >>> 23;
  if (exponent < 102) return 0; // below half of the smallest subnormal
  const mantissa = (magnitude & 0x7fffff) | 0x800000;
  const shift = 126 - exponent; // 14 … 24 bits go
  const half = 1 << (shift - 1);
  const kept = mantissa >>> shift;
  const rest = mantissa & ((1 << shift) - 1);
  return rest > half || (rest === half && (kept & 1) === 1) ? kept + 1 : kept;
}

let halfTable: Float32Array | undefined;

function widenHalf(source: Uint16Array, out: Float32Array): Float32Array {
  halfTable ??= makeHalfTable();
  const table = halfTable;
  // Bits are copied, not values: a signalling NaN would not survive a trip through a float register on every machine.
  const from = new Uint32Array(table.buffer);
  const to = new Uint32Array(out.buffer, out.byteOffset, out.length);
  for (let i = 0; i < source.length; i++) to[i] = from[source[i]!]!;
  return out;
}

function makeHalfTable(): Float32Array {
  const table = new Float32Array(65536);
  const bits = new Uint32Array(table.buffer);
  for (let h = 0; h < 65536; h++) {
    const sign = (h & 0x8000) << 16;
    const exponent = (h >>> 10) & 0x1f;
    const mantissa = h & 0x3ff;
    if (exponent === 0) {
      table[h] = mantissa * 2 ** -24;
      bits[h] = (bits[h]! | sign) >>> 0;
    } else {
      const wide = exponent === 31 ? 0xff : exponent + 112;
      bits[h] = (sign | (wide << 23) | (mantissa << 13)) >>> 0;
    }
  }
  return table;
}

function widenBrain(source: Uint16Array, out: Float32Array): Float32Array {
  const to = new Uint32Array(out.buffer, out.byteOffset, out.length);
  for (let i = 0; i < source.length; i++) to[i] = source[i]! << 16;
  return out;
}

/** The same bytes at an offset that a typed array of `size`-byte elements accepts, in this machine's byte order. */
function aligned(bytes: Uint8Array, size: number): Uint8Array<ArrayBuffer> {
  const fits = bytes.byteOffset % size === 0 && bytes.buffer instanceof ArrayBuffer;
  if (LITTLE || size === 1) return fits ? (bytes as Uint8Array<ArrayBuffer>) : new Uint8Array(bytes);
  const swapped = Buffer.from(bytes);
  if (size === 2) swapped.swap16();
  else if (size === 4) swapped.swap32();
  else swapped.swap64();
  return new Uint8Array(swapped);
}

/** Bytes of a typed array in the file's (little-endian) order; the same memory on little-endian machines. */
export function littleEndianBytes(array: NodeJS.TypedArray): Uint8Array {
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  return LITTLE ? bytes : aligned(bytes, array.BYTES_PER_ELEMENT);
}
