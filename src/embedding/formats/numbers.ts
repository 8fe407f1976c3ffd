/** @file Float32 numbers as text and as bytes, without losing or inventing a bit. */
import { endianness } from 'node:os';

const LITTLE = endianness() === 'LE';

/**
 * The shortest decimal that reads back as the same float32 (at binary powers, where the spacing changes, it may be
 * one digit longer than the shortest). Nine significant digits always suffice; most vectors need eight or nine,
 * where printing the number as a double would take seventeen.
 * @param value a float32 value, finite
 */
export function float32ToText(value: number): string {
  if (Object.is(value, -0)) return '-0';
  if (Number.isInteger(value) && Math.abs(value) < 1e6) return String(value);
  let text = value.toPrecision(8);
  if (Math.fround(Number(text)) !== value) text = value.toPrecision(9);
  else {
    for (let digits = 7; digits > 0; digits--) {
      const shorter = value.toPrecision(digits);
      if (Math.fround(Number(shorter)) !== value) break;
      text = shorter;
    }
  }
  return String(Number(text));
}

/** All numbers of a vector, separated by commas. */
export function vectorToText(vector: Float32Array): string {
  let text = '';
  for (let i = 0; i < vector.length; i++)
    text += i === 0 ? float32ToText(vector[i]!) : `,${float32ToText(vector[i]!)}`;
  return text;
}

/** The little-endian bytes of a vector; they share its memory where the machine is little-endian. */
export function vectorBytes(vector: Float32Array): Buffer {
  const bytes = Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength);
  return LITTLE ? bytes : Buffer.from(bytes).swap32();
}

/** A vector from `count` little-endian float32 numbers at `offset`, in memory of its own. */
export function vectorFromBytes(bytes: Uint8Array, offset: number, count: number): Float32Array {
  const vector = new Float32Array(count);
  const target = Buffer.from(vector.buffer);
  target.set(bytes.subarray(offset, offset + count * 4));
  if (!LITTLE) target.swap32();
  return vector;
}

/** IEEE 754 half precision to a number. */
export function halfToNumber(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  const sign = bits & 0x8000 ? -1 : 1;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
