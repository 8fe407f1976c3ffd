/**
 * @file Vectors in fewer bits: 8-bit integers, a quarter of the size, and one bit a number, a thirty-second.
 *
 * Both keep the order of similarities nearly as it was; how nearly depends on the vectors and is measured by
 * {@link neighbourRecall}.
 */
import { UsageError } from '../errors.js';
import { nearest } from './nearest.js';
import { countOf, toUnit, type Vectors } from './vectors.js';

/** Vectors as 8-bit integers: a number is its integer times `scale`. */
export interface Int8Vectors {
  /** `count × dimension`, −127..127. */
  data: Int8Array;
  dimension: number;
  scale: number;
}

/** Vectors as bits: 1 where a number is above zero, the first number in the highest bit of the first byte (NumPy's `packbits`). */
export interface BinaryVectors {
  /** `count × ⌈dimension / 8⌉` bytes; the bits left over are 0. */
  data: Uint8Array;
  dimension: number;
}

/** The share of numbers that may lie beyond ±127 and are cut: a few large ones would waste bits on all the others. */
const CUT = 1e-4;

/**
 * One factor for all numbers, so that inner products of integers are those of the vectors times `scale²`; 99.99 % of the
 * numbers fit, and the largest are cut.
 */
export function quantizeInt8(vectors: Vectors): Int8Vectors {
  const { data, dimension } = vectors;
  countOf(vectors, 'int8');
  // A sample of a million numbers says where they end: whole vectors, so that every coordinate has its share.
  const step = Math.max(1, Math.floor(data.length / 2 ** 20));
  const rows = Math.ceil(data.length / dimension / step);
  const sizes = new Float32Array(rows * dimension);
  for (let row = 0; row < rows; row++)
    for (let d = 0; d < dimension; d++)
      sizes[row * dimension + d] = Math.abs(data[row * step * dimension + d]!);
  sizes.sort();
  const largest = sizes[Math.min(sizes.length - 1, Math.ceil((1 - CUT) * sizes.length))] ?? 0;
  const scale = largest > 0 ? largest / 127 : 1;
  const result = new Int8Array(data.length);
  for (let i = 0; i < data.length; i++)
    result[i] = Math.max(-127, Math.min(127, Math.round(data[i]! / scale)));
  return { data: result, dimension, scale };
}

/** The numbers that the integers stand for. */
export function dequantizeInt8({ data, dimension, scale }: Int8Vectors): Vectors {
  return { data: Float32Array.from(data, (value) => value * scale), dimension };
}

/** The signs alone. Vectors whose numbers lie around zero keep the most; {@link neighbourRecall} tells. */
export function quantizeBinary(vectors: Vectors): BinaryVectors {
  const { data, dimension } = vectors;
  const count = countOf(vectors, 'binary');
  const bytes = Math.ceil(dimension / 8);
  const result = new Uint8Array(count * bytes);
  for (let row = 0; row < count; row++)
    for (let i = 0; i < dimension; i++)
      if (data[row * dimension + i]! > 0) result[row * bytes + (i >> 3)]! |= 128 >> (i & 7);
  return { data: result, dimension };
}

/** Binary vectors as −1 and 1, whose inner products are the dimension less twice the bits that differ. */
export function signs({ data, dimension }: BinaryVectors): Vectors {
  const bytes = Math.ceil(dimension / 8);
  const count = data.length / bytes;
  const result = new Float32Array(count * dimension);
  for (let row = 0; row < count; row++)
    for (let i = 0; i < dimension; i++)
      result[row * dimension + i] = (data[row * bytes + (i >> 3)]! & (128 >> (i & 7))) === 0 ? -1 : 1;
  return { data: result, dimension };
}

/** How neighbours are compared before and after. */
export interface RecallOptions {
  /** @default 10 */
  k?: number | undefined;
  /** How the stand-ins are compared. @default 'cosine' */
  distance?: 'euclidean' | 'cosine' | undefined;
  /** Take so many times `k` of the stand-ins' nearest and choose among them by the true vectors. @default 1: do not */
  rescore?: number | undefined;
}

/**
 * What is lost: the share of each vector's true `k` nearest others, by cosine, that are among the `k` nearest of the
 * stand-ins; the mean over the queries.
 *
 * @param queries positions of the vectors to ask with
 * @throws UsageError when there are not as many stand-ins, or no `k` others.
 */
export async function neighbourRecall(
  vectors: Vectors,
  standIns: Vectors,
  queries: readonly number[],
  options: RecallOptions = {},
): Promise<number> {
  const { k = 10, rescore = 1, distance } = options;
  const count = countOf(vectors, 'vectors');
  if (countOf(standIns, 'stand-ins') !== count)
    throw new UsageError(`stand-ins: expected as many as vectors, ${count}`);
  const width = Math.min(count - 1, k * rescore);
  const wanted = await nearestOf(vectors, queries, k);
  const found = await nearestOf(standIns, queries, width, distance);
  const unit = width > k ? toUnit(vectors) : vectors;
  let kept = 0;
  queries.forEach((query, i) => {
    let candidates = Array.from(found.subarray(i * width, (i + 1) * width));
    if (width > k) {
      const scored = candidates.map((j) => ({ j, score: product(unit, query, j) }));
      candidates = scored.sort((a, b) => b.score - a.score).map(({ j }) => j);
    }
    const truth = new Set(wanted.subarray(i * k, (i + 1) * k));
    for (const j of candidates.slice(0, k)) if (truth.has(j)) kept++;
  });
  return kept / (queries.length * k);
}

/** The `k` nearest others of some of the vectors, nearest first: `[queries × k]` positions. */
export async function nearestOf(
  vectors: Vectors,
  queries: readonly number[],
  k: number,
  distance: 'euclidean' | 'cosine' = 'cosine',
): Promise<Int32Array> {
  const { data, dimension } = vectors;
  const asked = new Float32Array(queries.length * dimension);
  queries.forEach((query, i) => {
    asked.set(data.subarray(query * dimension, (query + 1) * dimension), i * dimension);
  });
  const width = k + 1; // it finds itself, too; where copies come before it, the last of them is left out instead
  const found = await nearest({ data: asked, dimension }, { k: width, reference: vectors, distance });
  const result = new Int32Array(queries.length * k);
  queries.forEach((query, i) => {
    const row = found.subarray(i * width, (i + 1) * width);
    const own = row.indexOf(query);
    result.set(
      row.filter((_, j) => j !== (own < 0 ? k : own)),
      i * k,
    );
  });
  return result;
}

function product({ data, dimension }: Vectors, a: number, b: number): number {
  let sum = 0;
  for (let i = 0, x = a * dimension, y = b * dimension; i < dimension; i++, x++, y++)
    sum += data[x]! * data[y]!;
  return sum;
}
