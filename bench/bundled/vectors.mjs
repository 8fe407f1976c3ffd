// Vectors of the bundled models and of the teacher, each computed once, and what is read from them.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { loadEmbedder } from '../../dist/embedding/index.js';
import { DecodePool } from '../../dist/image/index.js';
import { torchvisionTransform } from '../../dist/image/transform-presets.js';
import { nearest } from '../../dist/vectors/index.js';
import { here, threads } from '../lib.mjs';

const box = process.env.BENCH_BUNDLE ?? path.join(here, '..', 'models');
/** The folder of a bundled model; undefined while it is not in the box. */
export function bundled(name) {
  const folder = path.join(box, name);
  return existsSync(path.join(folder, 'config.json')) ? { name, folder } : undefined;
}
export { box };

const known = new Map();
/** Vectors of a set's images, one after the other, not normalised. */
export async function vectorsOf(model, set) {
  const key = `${model.folder} ${set.name}`;
  if (!known.has(key)) known.set(key, await embedded(model, set.items));
  return known.get(key);
}

async function embedded({ folder, output, name }, items) {
  const started = performance.now();
  const embedder = await loadEmbedder(folder, { output, threads, normalize: false });
  const vectors = flat(await embedder.embedImages(items), embedder.dimension);
  await embedder.close();
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.error(`${name}: ${items.length} images in ${seconds} s`);
  return vectors;
}

/** Vectors in one block, as the metrics take them. */
export function flat(vectors, dimension) {
  const data = new Float32Array(vectors.length * dimension);
  vectors.forEach((vector, i) => {
    data.set(vector, i * dimension);
  });
  return { data, dimension };
}

/** The baseline that has learned nothing: 32 × 32 pixels in 0..1. */
export async function pixelsOf({ items }) {
  const spec = torchvisionTransform({ resize: 32, crop: 32, mean: [0, 0, 0], std: [1, 1, 1] });
  const pool = new DecodePool({ workers: threads, spec });
  const prepared = await Promise.all(items.map((item) => pool.process(item)));
  await pool.close();
  return flat(
    prepared.map(({ tensor }) => tensor),
    3 * 32 * 32,
  );
}

/** For each query the positions of its `k` nearest by cosine; without a reference among themselves. */
export async function neighbours(queries, k, reference) {
  const all = await nearest(queries, { k, reference, session: { threads } });
  return Array.from({ length: all.length / k }, (_, i) => all.subarray(i * k, (i + 1) * k));
}

/** Cosines of each row of `a` with each row of `b`, row by row. Both of unit length. */
export function cosines(a, b) {
  const { dimension } = a;
  const [rows, columns] = [a.data.length / dimension, b.data.length / dimension];
  return Array.from({ length: rows }, (_, i) => {
    const row = new Float32Array(columns);
    const x = a.data.subarray(i * dimension, (i + 1) * dimension);
    for (let j = 0, at = 0; j < columns; j++) {
      let sum = 0;
      for (let d = 0; d < dimension; d++) sum += x[d] * b.data[at++];
      row[j] = sum;
    }
    return row;
  });
}

/** How many come before place `own` when scores are sorted; equal ones count as coming before. */
export function rankOf(scores, own) {
  let before = -1; // itself
  for (const score of scores) if (score >= scores[own]) before++;
  return before;
}
