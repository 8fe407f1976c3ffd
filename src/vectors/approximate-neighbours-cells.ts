/**
 * @file Cells of unit vectors: spherical k-means (Dhillon & Modha, Machine Learning 2001) on a sample, kept balanced by
 * giving the centres of the smallest cells to the largest ones.
 */
import type { Session } from '../graph/index.js';
import type { Random } from '../random.js';
import { gather, rowsAtOnce, scan } from './approximate-neighbours-scan.js';
import { normalizeRows } from './vectors.js';

const ITERATIONS = 6;
/** Vectors of the sample for each cell. */
const SAMPLE = 32;
/** A cell of more than this many times the mean size is divided. */
const LARGE = 3;

/** The centres `[cells × dimension]` of cells that the vectors at `rows` fall in. */
export async function trainCells(
  session: Session,
  vectors: Float32Array,
  dimension: number,
  rows: Int32Array,
  cells: number,
  random: Random,
  signal?: AbortSignal,
): Promise<Float32Array> {
  const sample = draw(rows, Math.min(rows.length, SAMPLE * cells), random);
  const centres = gather(vectors, dimension, sample, 0, cells);
  for (let iteration = 0; iteration < ITERATIONS; iteration++) {
    const cell = await nearestCells(session, vectors, dimension, sample, centres, 1, undefined, signal);
    const sums = new Float64Array(centres.length);
    const sizes = new Int32Array(cells);
    for (let i = 0; i < sample.length; i++) {
      const c = cell[i]!;
      sizes[c]!++;
      const from = sample[i]! * dimension;
      const to = c * dimension;
      for (let d = 0; d < dimension; d++) sums[to + d]! += vectors[from + d]!;
    }
    for (let c = 0; c < cells; c++)
      if (sizes[c]! > 0) centres.set(sums.subarray(c * dimension, (c + 1) * dimension), c * dimension);
    if (iteration < ITERATIONS - 2) divide(vectors, dimension, sample, cell, sizes, centres, random);
    normalizeRows(centres, dimension);
  }
  return centres;
}

/**
 * The `probes` nearest cells of each vector, nearest first: `[rows × probes]`.
 * @param onProgress gets the share that is done, 0..1.
 */
export async function nearestCells(
  session: Session,
  vectors: Float32Array,
  dimension: number,
  rows: Int32Array,
  centres: Float32Array,
  probes: number,
  onProgress?: (share: number) => void,
  signal?: AbortSignal,
): Promise<Uint16Array> {
  const result = new Uint16Array(rows.length * probes);
  const block = rowsAtOnce(centres.length / dimension, dimension);
  for (let first = 0; first < rows.length; first += block) {
    signal?.throwIfAborted();
    const end = Math.min(rows.length, first + block);
    const queries = gather(vectors, dimension, rows, first, end);
    const { indices } = await scan(session, dimension, queries, centres.slice(), probes);
    result.set(indices, first * probes);
    onProgress?.(end / rows.length);
  }
  return result;
}

/** So many of the rows, in random order. */
function draw(rows: Int32Array, count: number, random: Random): Int32Array {
  const all = rows.slice();
  for (let i = 0; i < count; i++) {
    const j = i + random.integer(all.length - i);
    [all[i], all[j]] = [all[j]!, all[i]!];
  }
  return all.slice(0, count);
}

/** Moves the centres of the smallest cells to members of those that are too large, as long as both exist. */
function divide(
  vectors: Float32Array,
  dimension: number,
  sample: Int32Array,
  cell: Uint16Array,
  sizes: Int32Array,
  centres: Float32Array,
  random: Random,
): void {
  const mean = sample.length / sizes.length;
  const order = [...sizes.keys()].sort((a, b) => sizes[a]! - sizes[b]!);
  const members = new Map<number, number[]>();
  for (const c of sizes.keys()) if (sizes[c]! > LARGE * mean) members.set(c, []);
  if (members.size > 0) cell.forEach((c, i) => void members.get(c)?.push(sample[i]!));
  let smallest = 0;
  for (let largest = order.length - 1; largest > smallest; largest--) {
    const own = members.get(order[largest]!);
    if (!own) break;
    for (let more = Math.floor(own.length / (LARGE * mean)); more > 0 && smallest < largest; more--) {
      const c = order[smallest]!;
      if (sizes[c]! > mean / 2) return;
      const from = own[random.integer(own.length)]! * dimension;
      centres.set(vectors.subarray(from, from + dimension), c * dimension);
      smallest++;
    }
  }
}
