/** @file The items that test/fixtures/vectors/make_classify.py makes. */
import * as classifier from '#src/vectors/classify/classifier.js';
import type { Vectors } from '#src/vectors/vectors.js';

export const DIM = 16;
const SIZES = [120, 80, 60, 40];

export interface Items {
  vectors: Vectors;
  labels: Int32Array;
}

/** Four overlapping classes of unequal size. */
export function draw(seed: number): Items {
  let state = seed;
  const next = () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
  const data: number[] = [];
  const labels: number[] = [];
  SIZES.forEach((size, label) => {
    for (let i = 0; i < size; i++) {
      const row = Array.from({ length: DIM }, () => Math.floor(1024 * (next() + next() + next())) / 1024);
      row[label]! += 0.5;
      row[(2 * label + 5) % DIM]! += 0.375;
      data.push(...row);
      labels.push(label);
    }
  });
  return { vectors: { data: Float32Array.from(data), dimension: DIM }, labels: Int32Array.from(labels) };
}

export function choose({ vectors, labels }: Items, keep: (item: number, label: number) => boolean): Items {
  const items = [...labels.keys()].filter((item) => keep(item, labels[item]!));
  const data = items.flatMap((item) => [...vectors.data.subarray(item * DIM, (item + 1) * DIM)]);
  return {
    vectors: { data: Float32Array.from(data), dimension: DIM },
    labels: Int32Array.from(items, (item) => labels[item]!),
  };
}

/** The largest difference, relative to the largest number where that is more than 1. */
export function difference(found: ArrayLike<number>, wanted: readonly number[]): number {
  if (found.length !== wanted.length) return Number.POSITIVE_INFINITY;
  const scale = Math.max(1, ...wanted.map(Math.abs));
  return Math.max(...wanted.map((value, i) => Math.abs(found[i]! - value))) / scale;
}

export const train = draw(1);
export const unseen = choose(draw(2), (item) => item % 5 === 0);
/** Those of the first two classes. */
export const two = (items: Items): Items => choose(items, (_, label) => label < 2);

/** On this thread, where a session opens faster than in a worker. */
export const fitClassifier: typeof classifier.fitClassifier = (vectors, labels, classes, options) =>
  classifier.fitClassifier(vectors, labels, classes, { session: { inline: true }, ...options });
