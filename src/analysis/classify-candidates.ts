/** @file The classifiers that are compared: which there are, how they are fitted, and which was best. */
import { nearestName, UsageError } from '../errors.js';
import {
  type Classifier,
  type ClassifierMethod,
  fitClassifier,
  KERNEL_LIMIT,
  METHODS,
} from '../vectors/classify/classifier.js';
import type { Vectors } from '../vectors/vectors.js';
import type { CrossValidationOptions } from './classify-cv.js';
import type { ClassItems } from './classify-items.js';
import { rowsOf } from './targets.js';

/** A method, and its one number that matters. */
export interface Candidate {
  method: ClassifierMethod;
  /** scikit-learn's C; of all but `knn`. */
  regularization?: number;
  /** Of `knn`. */
  neighbours?: number;
}

/** What candidates are compared by. */
export interface Scores {
  accuracy: number;
  balancedAccuracy: number;
  logLoss: number;
}
export type ClassScore = keyof Scores;

/** Values of C. */
const GRIDS: Record<Exclude<ClassifierMethod, 'knn'>, readonly number[]> = {
  logistic: [1, 10, 100, 1000],
  svm: [0.1, 1, 10, 100],
  'rbf-svm': [0.1, 1, 10, 100],
  mlp: [1, 10, 100],
};
const NEIGHBOURS = [1, 3, 5, 10, 20];

/**
 * @param most how many neighbours there are to choose from
 * @throws UsageError for a method that is not known or when nothing is left to try.
 */
export function candidatesOf(
  { method = 'logistic', regularization, neighbours }: CrossValidationOptions,
  most: number,
): Candidate[] {
  if (method !== 'auto' && !METHODS.includes(method))
    throw new UsageError(`method: expected auto or one of ${METHODS.join(', ')} but received ${method}`);
  const methods: readonly ClassifierMethod[] =
    method === 'auto' ? ['knn', 'logistic', 'svm', 'rbf-svm'] : [method];
  const candidates = methods.flatMap((name): Candidate[] =>
    name === 'knn'
      ? (neighbours ?? NEIGHBOURS.filter((k) => k <= most)).map((k) => ({ method: name, neighbours: k }))
      : (regularization ?? GRIDS[name]).map((c) => ({ method: name, regularization: c })),
  );
  if (candidates.length === 0)
    throw new UsageError(`${method}: expected at least one value to try but received none`);
  return candidates;
}

/** Fits a candidate to some of the items, or to all. The caller closes it. */
export function fitCandidate(
  items: ClassItems,
  rows: Int32Array | undefined,
  candidate: Candidate,
  { classWeights, calibration, seed, session, signal }: CrossValidationOptions,
): Promise<Classifier> {
  const { labels, names, groups, vectors } = items;
  const own = rows ? { data: rowsOf(vectors, rows), dimension: vectors.dimension } : vectors;
  const picked = (values: Int32Array) => (rows ? Int32Array.from(rows, (row) => values[row]!) : values);
  // Groups can leave few of the items to learn from.
  const neighbours = candidate.neighbours && Math.min(candidate.neighbours, own.data.length / own.dimension);
  return fitClassifier(own, picked(labels), names.length, {
    ...candidate,
    neighbours,
    // Measured is what will be fitted: a kernel machine of all items may be another than that of a fold.
    kernelLimit: labels.length > KERNEL_LIMIT ? 1 : undefined,
    classWeights:
      typeof classWeights === 'object' ? names.map((name) => classWeights[name] ?? 1) : classWeights,
    calibration,
    groups: groups && picked(groups),
    seed,
    session,
    signal,
  });
}

/** @throws UsageError when weights are given to a class that does not occur */
export function checkWeights(
  names: readonly string[],
  classWeights: CrossValidationOptions['classWeights'],
): void {
  if (typeof classWeights !== 'object') return;
  const unknown = Object.keys(classWeights).find((name) => !names.includes(name));
  if (unknown === undefined) return;
  const near = nearestName(unknown, names);
  throw new UsageError(`class weights: there is no class "${unknown}"`, {
    hint: near ? `did you mean "${near}"?` : `there are ${names.join(', ')}`,
  });
}

/**
 * What a candidate that was fitted to some of the items says of vectors: `[vectors × classes]`. A class of which those
 * items have none, as can be with groups, has the probability 0.
 */
export async function predictUnseen(
  items: ClassItems,
  train: Int32Array,
  vectors: Vectors,
  candidate: Candidate,
  options: CrossValidationOptions,
): Promise<Float32Array> {
  const classes = items.names.length;
  const present = [...new Set(Int32Array.from(train, (row) => items.labels[row]!))].sort((a, b) => a - b);
  const places = new Map(present.map((c, i) => [c, i]));
  const known: ClassItems = {
    ...items,
    names: present.map((c) => items.names[c]!),
    labels: items.labels.map((c) => places.get(c) ?? -1),
  };
  const classifier = await fitCandidate(known, train, candidate, options);
  try {
    const said = await classifier.predict(vectors);
    if (present.length === classes) return said;
    const result = new Float32Array((said.length / present.length) * classes);
    for (let i = 0; i < said.length; i++)
      result[Math.floor(i / present.length) * classes + present[i % present.length]!] = said[i]!;
    return result;
  } finally {
    await classifier.close();
  }
}

/** Whether each item was right, and its −ln of the right class's probability. */
export interface Outcomes {
  right: Uint8Array;
  logLoss: Float64Array;
}

export function outcomesOf(labels: Int32Array, probabilities: Float32Array, classes: number): Outcomes {
  const right = new Uint8Array(labels.length);
  const logLoss = new Float64Array(labels.length);
  for (const [item, own] of labels.entries()) {
    const row = probabilities.subarray(item * classes, (item + 1) * classes);
    let best = 0;
    for (let c = 1; c < classes; c++) if (row[c]! > row[best]!) best = c;
    right[item] = best === own ? 1 : 0;
    logLoss[item] = -Math.log(Math.max(Number.EPSILON, row[own]!));
  }
  return { right, logLoss };
}

/** The scores over the items that are `within`. */
export function scoresOf(
  labels: Int32Array,
  { right, logLoss }: Outcomes,
  classes: number,
  within: (item: number) => boolean,
): Scores {
  const hits = new Float64Array(classes);
  const totals = new Float64Array(classes);
  let loss = 0;
  for (const [item, own] of labels.entries()) {
    if (!within(item)) continue;
    totals[own]!++;
    hits[own]! += right[item]!;
    loss += logLoss[item]!;
  }
  const sum = (values: Float64Array) => values.reduce((a, b) => a + b, 0);
  const present = totals.filter((n) => n > 0).length;
  return {
    accuracy: sum(hits) / sum(totals),
    balancedAccuracy: sum(hits.map((n, c) => (totals[c]! > 0 ? n / totals[c]! : 0))) / present,
    logLoss: loss / sum(totals),
  };
}

/** The place of the best; among equals the one with the least log loss. */
export function bestOf(scores: readonly Scores[], score: ClassScore): number {
  const better = (a: Scores, b: Scores) => {
    const gain = score === 'logLoss' ? 0 : a[score] - b[score];
    return gain > 1e-12 || (gain > -1e-12 && a.logLoss < b.logLoss);
  };
  return scores.reduce((best, s, i) => (better(s, scores[best]!) ? i : best), 0);
}
