import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { EmbeddingRow } from '#src/embedding/formats/index.js';
import type { EmbeddingIdentity } from '#src/embedding/identity.js';

/** An identity of the given dimension. */
export function identityOf(dimension: number): EmbeddingIdentity {
  return {
    model: 'test',
    revision: null,
    weights: '0'.repeat(64),
    dtype: 'fp32',
    transform: null,
    output: 'pooled',
    normalized: false,
    dimension,
  };
}

/** A generator of 32-bit numbers (mulberry32). */
export function random32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
}

/** Finite float32 numbers from random bits, so that every exponent occurs, subnormals and -0 included. */
export function anyFloats(count: number, seed: number): Float32Array {
  const next = random32(seed);
  const bits = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    do bits[i] = next();
    while ((bits[i]! & 0x7f800000) === 0x7f800000);
  }
  if (count > 2) bits.set([0x80000000, 0x00000001], 1);
  return new Float32Array(bits.buffer);
}

/** Rows that use every field, with text that tries the formats' quoting. */
export function sampleRows(count: number, dimension: number): EmbeddingRow[] {
  const texts = [
    'plain',
    'a "quoted", comma',
    'two\nlines',
    'CR\r\nLF',
    ' spaced ',
    'naïve 猫 🐈',
    "it's; tab\t",
    '=1+1',
  ];
  return Array.from({ length: count }, (_, i) => {
    const row: EmbeddingRow = { id: `dir ${i % 3}/ü,"${i}".jpg`, vector: anyFloats(dimension, i + 1) };
    if (i % 4 !== 1) row.text = texts[i % texts.length]!;
    if (i % 3 !== 2) Object.assign(row, { width: 640 + i, height: 480, format: i % 2 ? 'png' : 'jpeg' });
    if (i % 5 === 0) row.metadata = { class: i, tags: ['x', { deep: null }], note: 'a,"b"\n' };
    return row;
  });
}

/** Runs with a folder of its own, which is removed afterwards. */
export async function inFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'formats-'));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
