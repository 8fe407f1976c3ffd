/** @file Tensors of the gradient fixtures: numbers in base64, integers in the clear. */
import type { DType, Tensor } from '#src/graph/index.js';

export interface Packed {
  shape: number[];
  /** @default 'float32'; '1/1024' is float32 too, stored as 16-bit multiples of 1/1024 */
  dtype?: '1/1024' | 'int64' | 'int32' | 'bool';
  data: string | number[];
}

/** The numbers of a float32 tensor. */
export function float32({ data, dtype }: Packed): Float32Array {
  const bytes = Buffer.from(data as string, 'base64');
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  return dtype ? Float32Array.from(new Int16Array(buffer), (x) => x / 1024) : new Float32Array(buffer);
}

/** Its element type in a graph. */
export const dtypeOf = ({ dtype = '1/1024' }: Packed): DType => (dtype === '1/1024' ? 'float32' : dtype);

/** What a session takes. */
export function tensor(packed: Packed): Tensor {
  const { shape, dtype } = packed;
  switch (dtype) {
    case undefined:
    case '1/1024':
      return { data: float32(packed), dims: shape };
    case 'int64':
      return { data: BigInt64Array.from(packed.data as number[], BigInt), dims: shape };
    case 'int32':
      return { data: Int32Array.from(packed.data as number[]), dims: shape };
    case 'bool':
      return { data: Uint8Array.from(packed.data as number[]), dims: shape };
    default:
      return dtype satisfies never;
  }
}

/** The largest difference, in units of the largest expected number. */
export function differences(found: Tensor, expected: Float32Array): number {
  if (found.data.length !== expected.length) return Number.POSITIVE_INFINITY;
  const scale = expected.reduce((m, x) => Math.max(m, Math.abs(x)), 0);
  return expected.reduce((m, x, i) => Math.max(m, Math.abs((found.data[i] as number) - x)), 0) / (scale || 1);
}
