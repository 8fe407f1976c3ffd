/** @file Vectors that occur several times: searched for once, each copy finds the others without a search. */
import type { Nearest } from './exact-search.js';

export interface Copies {
  /** The first of each distinct vector, ascending. */
  rows: Int32Array;
  /** For every vector the position of its kind in `rows`. */
  kinds: Int32Array;
}

/** Finds equal vectors by a hash of their bits. */
export function copiesOf(vectors: Float32Array, dimension: number): Copies {
  const count = vectors.length / dimension;
  const bits = new Int32Array(vectors.buffer, vectors.byteOffset, vectors.length);
  const mask = 2 ** Math.ceil(Math.log2(2 * count + 1)) - 1;
  const table = new Int32Array(mask + 1).fill(-1);
  const kinds = new Int32Array(count);
  const rows = new Int32Array(count);
  let distinct = 0;
  for (let row = 0; row < count; row++) {
    let slot = hash(bits, row * dimension, dimension) & mask;
    for (; table[slot]! >= 0; slot = (slot + 1) & mask)
      if (equal(bits, rows[table[slot]!]! * dimension, row * dimension, dimension)) break;
    if (table[slot]! < 0) {
      table[slot] = distinct;
      rows[distinct++] = row;
    }
    kinds[row] = table[slot]!;
  }
  return { rows: rows.slice(0, distinct), kinds };
}

/**
 * From `own` neighbours of each distinct vector (positions among all vectors, each the first of its kind) to `k` of
 * every vector: first its own copies, those behind it before those in front, then its neighbours and their copies.
 */
export function withCopies(
  found: Nearest,
  own: number,
  { rows, kinds }: Copies,
  vectors: Float32Array,
  dimension: number,
  k: number,
): Nearest {
  const count = kinds.length;
  if (rows.length === count) return { indices: found.indices, scores: found.scores };
  // The copies of each vector form a ring.
  const after = new Int32Array(count);
  const last = rows.slice();
  for (let row = 0; row < count; row++) {
    const kind = kinds[row]!;
    after[last[kind]!] = row;
    after[row] = rows[kind]!;
    last[kind] = row;
  }
  const indices = new Int32Array(count * k);
  const scores = new Float32Array(count * k);
  for (let row = 0; row < count; row++) {
    const end = (row + 1) * k;
    let to = row * k;
    const self = square(vectors, row * dimension, dimension);
    for (let copy = after[row]!; copy !== row && to < end; copy = after[copy]!) {
      indices[to] = copy;
      scores[to++] = self;
    }
    const from = kinds[row]! * own;
    for (let i = from; i < from + own && to < end; i++) {
      const first = found.indices[i]!;
      let copy = first;
      do {
        indices[to] = copy;
        scores[to++] = found.scores[i]!;
        copy = after[copy]!;
      } while (copy !== first && to < end);
    }
  }
  return { indices, scores };
}

function hash(bits: Int32Array, from: number, length: number): number {
  let h = 0;
  for (let i = from; i < from + length; i++) {
    h = Math.imul(h ^ bits[i]!, 0x9e3779b1);
    h ^= h >>> 15;
  }
  return h;
}

function equal(bits: Int32Array, a: number, b: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (bits[a + i] !== bits[b + i]) return false;
  return true;
}

function square(vectors: Float32Array, from: number, length: number): number {
  let sum = 0;
  for (let i = from; i < from + length; i++) sum += vectors[i]! * vectors[i]!;
  return sum;
}
