/** @file Parts of the training items to hold out, such that what is left has items of every class. */
import { foldOf, folds, unitsOf } from '../folds.js';
import type { Vectors } from '../vectors.js';
import type { FitInput } from './classifier.js';

/**
 * Training and test items of each part; parts that would leave a class without training items are not given. The only
 * item of a class is trained on in every part, unless there are groups.
 */
export function splitsOf({ labels, classes, options, seed }: FitInput, parts: number): Split[] {
  const { groups } = options;
  const most = Math.min(parts, unitsOf(labels.length, groups).length);
  if (most < 2) return [];
  const assignment = folds(labels.length, { folds: most, labels, groups, seed });
  const sizes = new Int32Array(classes);
  for (const label of labels) sizes[label]!++;
  if (!groups)
    labels.forEach((label, item) => {
      if (sizes[label] === 1) assignment[item] = -1;
    });
  return Array.from({ length: most }, (_, fold) => foldOf(assignment, fold)).filter(
    ({ train, test }) => test.length > 0 && new Set(Array.from(train, (i) => labels[i])).size === classes,
  );
}

/** Positions of items. */
export interface Split {
  train: Int32Array;
  test: Int32Array;
}

/** The same with some of the items. */
export function partOf(input: FitInput, items: Int32Array): FitInput {
  const { groups } = input.options;
  return {
    ...input,
    vectors: rowsOf(input.vectors, items),
    labels: items.map((item) => input.labels[item]!),
    options: { ...input.options, groups: groups && Array.from(items, (item) => groups[item]!) },
  };
}

export function rowsOf({ data, dimension }: Vectors, items: Int32Array): Vectors {
  const result = new Float32Array(items.length * dimension);
  items.forEach((item, at) => {
    result.set(data.subarray(item * dimension, (item + 1) * dimension), at * dimension);
  });
  return { data: result, dimension };
}
