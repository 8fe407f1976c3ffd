/**
 * @file Classifiers on bare vectors: what fits one, and what one can do.
 *
 * A method gives scores; probabilities are made of them by a link, which calibration fits (see calibration.ts).
 */
import { UsageError } from '../../errors.js';
import type { SessionOptions } from '../../graph/index.js';
import { checkLabels, countOf, type Vectors } from '../vectors.js';
import { type Calibration, fitLink } from './calibration.js';
import { loadKernelSvm } from './kernel-scorer.js';
import { fitKnn, loadKnn } from './knn.js';
import { LINKS, type Link, probabilities } from './link.js';
import { fitLogistic } from './logistic.js';
import { fitMlp } from './mlp.js';
import { varianceOf } from './moments.js';
import { loadLayers, type Scorer, type Tensors } from './scorer.js';
import { fitLinearSvm } from './svm-linear.js';
import { fitKernelSvm } from './svm-rbf.js';

export const METHODS = ['knn', 'logistic', 'svm', 'rbf-svm', 'mlp'] as const;
export type ClassifierMethod = (typeof METHODS)[number];

export interface ClassifierOptions {
  /**
   * - `knn`: the nearest training vectors by cosine vote.
   * - `logistic`: multinomial logistic regression (scikit-learn's `LogisticRegression`).
   * - `svm`: linear, one class against the rest, squared hinge loss (`LinearSVC(dual=False)`).
   * - `rbf-svm`: Gaussian kernel, one class against another (`SVC`); approximated above `kernelLimit` items.
   * - `mlp`: a network with one hidden layer.
   */
  method: ClassifierMethod;
  /** scikit-learn's C: the weight of the items against a penalty on large coefficients; not of `knn`. @default 1 */
  regularization?: number | undefined;
  /** Of `knn`. @default 5 */
  neighbours?: number | undefined;
  /**
   * How much a neighbour's vote counts, of `knn`: as scikit-learn's `weights` 1 or 1 / (1 − cosine), or the cosine.
   * @default 'distance'
   */
  votes?: 'uniform' | 'distance' | 'similarity' | undefined;
  /** Units of the hidden layer, of `mlp`. @default 128 */
  hidden?: number | undefined;
  /** Gamma of `rbf-svm`: the kernel is exp(−gamma · squared distance). @default 1 / (dimension · variance), 'scale' */
  gamma?: number | undefined;
  /** Items above which `rbf-svm` is a linear one on random Fourier features. @default 10000 */
  kernelLimit?: number | undefined;
  /** Random Fourier features. @default 1024 */
  features?: number | undefined;
  /** A weight for the items of each class; `balanced` weighs each class the same. @default 1 each */
  classWeights?: 'balanced' | readonly number[] | undefined;
  /**
   * What makes scores into probabilities, fitted on scores of items that were not trained on: `platt` (a sigmoid for
   * each class), `temperature` (one factor for all), or `none` (softmax of the scores as they are).
   * @default 'platt' for svm and rbf-svm, 'none' for the others
   */
  calibration?: Calibration | undefined;
  /** Parts of the cross-validation that calibration takes. @default 5 */
  calibrationFolds?: number | undefined;
  /** A group of each item: calibration never tests on a group that it trained on. */
  groups?: ArrayLike<number> | undefined;
  /** @default 0 */
  seed?: number | undefined;
  /** Where the products are computed. */
  session?: SessionOptions | undefined;
  signal?: AbortSignal | undefined;
}

export interface Classifier {
  readonly method: ClassifierMethod;
  readonly classes: number;
  readonly dimension: number;
  /** What the classes are told apart by: logits, decision values, shares of votes. */
  readonly scorer: Scorer;
  /** Probabilities `[n × classes]`; rows sum to 1. @throws UsageError for vectors of another dimension or NaN */
  predict(vectors: Vectors): Promise<Float32Array>;
  /** Plain JSON and float32 tensors, from which {@link loadClassifier} makes the same classifier. */
  save(): { config: Record<string, unknown>; tensors: Tensors };
  /** Frees the native memory. */
  close(): Promise<void>;
}

/** A method at work: options whose defaults are filled in, and items that were checked. */
export interface FitInput {
  vectors: Vectors;
  labels: Int32Array;
  classes: number;
  weights: Float64Array;
  options: ClassifierOptions;
  regularization: number;
  seed: number;
}

/**
 * Fits a classifier to vectors whose classes are known.
 *
 * @param labels the class of each vector, 0 .. classes − 1.
 * @throws UsageError when an item has no class, a class no items, or an option is out of its range; when all vectors
 *   are the same.
 */
export async function fitClassifier(
  vectors: Vectors,
  labels: ArrayLike<number>,
  classes: number,
  options: ClassifierOptions,
): Promise<Classifier> {
  const count = countOf(vectors, 'classifier');
  const counts = countClasses(labels, count, classes);
  checkOptions(options);
  if (!varies(vectors))
    throw new UsageError('classifier: expected vectors that differ but all of them are the same');
  const input: FitInput = {
    vectors,
    labels: Int32Array.from(labels),
    classes,
    weights: classWeightsOf(options.classWeights, counts, count),
    options: { ...options, ...kernelOf(vectors, options) },
    regularization: options.regularization ?? 1,
    seed: options.seed ?? 0,
  };
  const { method, calibration = method.endsWith('svm') ? 'platt' : 'none' } = options;
  const link: Link =
    calibration === 'none'
      ? { kind: method === 'knn' ? 'identity' : 'softmax', parameters: [1] }
      : await fitLink(input, calibration, fitScorer);
  return classifierOf(method, classes, vectors.dimension, await fitScorer(input), link);
}

/**
 * A classifier as it was saved; it predicts the same to the bit.
 * @param tensors the numbers of each saved tensor; shapes follow from the configuration.
 * @throws UsageError when the configuration is of no classifier or a tensor is missing.
 */
export async function loadClassifier(
  config: Readonly<Record<string, unknown>>,
  tensors: Readonly<Record<string, Float32Array>>,
  options: { session?: SessionOptions | undefined } = {},
): Promise<Classifier> {
  const { method, classes, dimension, link, scorer } = config as {
    method: ClassifierMethod;
    classes: number;
    dimension: number;
    link: Link;
    scorer: Scorer['config'];
  };
  if (!METHODS.includes(method) || !link || !LINKS.includes(link.kind))
    throw new UsageError(`classifier: expected one of ${METHODS.join(', ')} but received ${method}`);
  const load = scorer.kind === 'knn' ? loadKnn : scorer.kind === 'kernel' ? loadKernelSvm : loadLayers;
  return classifierOf(method, classes, dimension, await load(scorer, tensors, options.session), link);
}

/** Items of which an exact kernel is held. */
export const KERNEL_LIMIT = 10_000;

/** One kernel and one way to it for all fits of a classifier, though those of its calibration have fewer items. */
function kernelOf(vectors: Vectors, { method, gamma, kernelLimit = KERNEL_LIMIT }: ClassifierOptions) {
  if (method !== 'rbf-svm') return {};
  const many = countOf(vectors, 'classifier') > kernelLimit;
  return {
    gamma: gamma ?? 1 / (vectors.dimension * (varianceOf(vectors) || 1)),
    kernelLimit: many ? 1 : Number.MAX_SAFE_INTEGER,
  };
}

/** What a method learns from the items. */
function fitScorer(input: FitInput): Promise<Scorer> {
  switch (input.options.method) {
    case 'knn':
      return fitKnn(input);
    case 'logistic':
      return fitLogistic(input);
    case 'svm':
      return fitLinearSvm(input);
    case 'rbf-svm':
      return fitKernelSvm(input);
    case 'mlp':
      return fitMlp(input);
  }
}

function classifierOf(
  method: ClassifierMethod,
  classes: number,
  dimension: number,
  scorer: Scorer,
  link: Link,
): Classifier {
  return {
    method,
    classes,
    dimension,
    scorer,
    async predict(vectors) {
      countOf(vectors, 'vectors');
      if (vectors.dimension !== dimension)
        throw new UsageError(
          `vectors: expected ${dimension} numbers each but received ${vectors.dimension}`,
          { hint: 'predict on vectors of the model whose vectors it was fitted to' },
        );
      return probabilities(await scorer.score(vectors), scorer, classes, link);
    },
    save: () => ({
      config: { method, classes, dimension, link, scorer: scorer.config },
      tensors: scorer.tensors,
    }),
    close: () => scorer.close(),
  };
}

/** The items of each class. @throws UsageError unless there are some of every class, and at least two classes */
function countClasses(labels: ArrayLike<number>, count: number, classes: number): Int32Array {
  checkLabels(labels, count, 'classifier');
  if (!Number.isInteger(classes) || classes < 2)
    throw new UsageError(`classes: expected at least 2 but received ${classes}`, {
      hint: 'there is nothing to tell apart: check the column of the labels',
    });
  const counts = new Int32Array(classes);
  for (let item = 0; item < count; item++) {
    const label = labels[item]!;
    if (!Number.isInteger(label) || label < 0 || label >= classes)
      throw new UsageError(`labels: expected 0 to ${classes - 1} but received ${label} for item ${item}`, {
        hint: 'leave out the items that have no class',
      });
    counts[label]!++;
  }
  const empty = counts.indexOf(0);
  if (empty >= 0)
    throw new UsageError(`classes: expected items of each but class ${empty} of ${classes} has none`, {
      hint: 'leave out the classes that have no items',
    });
  return counts;
}

function classWeightsOf(
  given: ClassifierOptions['classWeights'],
  counts: Int32Array,
  count: number,
): Float64Array {
  if (given === undefined) return new Float64Array(counts.length).fill(1);
  if (given === 'balanced') return Float64Array.from(counts, (items) => count / (counts.length * items));
  if (given.length !== counts.length || !given.every((w) => Number.isFinite(w) && w > 0))
    throw new UsageError(
      `classWeights: expected ${counts.length} numbers above 0 but received [${given.join(', ')}]`,
    );
  return Float64Array.from(given);
}

function checkOptions(options: ClassifierOptions): void {
  if (!METHODS.includes(options.method))
    throw new UsageError(`method: expected one of ${METHODS.join(', ')} but received ${options.method}`);
  const { neighbours, hidden, features, kernelLimit, regularization, gamma, calibrationFolds } = options;
  for (const [name, value] of Object.entries({ regularization, gamma }))
    if (value !== undefined && !(Number.isFinite(value) && value > 0))
      throw new UsageError(`${name}: expected a number above 0 but received ${value}`);
  for (const [name, value] of Object.entries({ neighbours, hidden, features, kernelLimit, calibrationFolds }))
    if (value !== undefined && !(Number.isInteger(value) && value >= 1))
      throw new UsageError(`${name}: expected a whole number of at least 1 but received ${value}`);
}

/** True when not all vectors are the same. */
function varies({ data, dimension }: Vectors): boolean {
  for (let i = dimension; i < data.length; i++) if (data[i] !== data[i - dimension]) return true;
  return false;
}
