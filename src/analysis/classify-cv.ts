/** @file Which classifier, and how good it is: cross-validation of several at once, without a look at what is tested. */
import { setImmediate as pause } from 'node:timers/promises';
import { UsageError } from '../errors.js';
import type { SessionOptions } from '../graph/index.js';
import type { ClassifierMethod, ClassifierOptions } from '../vectors/classify/classifier.js';
import { foldOf, folds as foldsOf } from '../vectors/folds.js';
import { type ClassificationReport, classificationReport } from '../vectors/metrics/classification.js';
import {
  bestOf,
  type Candidate,
  type ClassScore,
  candidatesOf,
  checkWeights,
  outcomesOf,
  predictUnseen,
  type Scores,
  scoresOf,
} from './classify-candidates.js';
import { type ClassItems, classItems } from './classify-items.js';
import { type Labels, rowsOf } from './targets.js';
import type { VectorSet } from './vector-set.js';

/** How good a candidate was over all folds, the mean of the repeats. */
export interface Tried extends Candidate, Scores {}

export interface CrossValidationOptions {
  /** `auto` compares knn, logistic, svm and rbf-svm. @default 'logistic' */
  method?: ClassifierMethod | 'auto' | undefined;
  /** Values of C to try. @default 1, 10, 100, 1000 (svm and rbf-svm from 0.1 to 100) */
  regularization?: readonly number[] | undefined;
  /** Numbers of neighbours to try, of `knn`. @default 1, 3, 5, 10, 20 */
  neighbours?: readonly number[] | undefined;
  /** @default 5 */
  folds?: number | undefined;
  /** A column: items with equal cells are never on both sides. */
  group?: string | undefined;
  /** How often all is done, with other folds each time; each item then counts that often. @default 1 */
  repeats?: number | undefined;
  /** `balanced`, or a weight by class name, 1 for those that are not named. @default all the same */
  classWeights?: 'balanced' | Readonly<Record<string, number>> | undefined;
  /** As of `fitClassifier`. @default 'platt' for svm and rbf-svm, 'none' for the others */
  calibration?: ClassifierOptions['calibration'];
  /** What decides; the log loss does among equals. @default 'balancedAccuracy' with balanced weights, else 'accuracy' */
  score?: ClassScore | undefined;
  /** Draws of the bootstrap. @default 1000 */
  resamples?: number | undefined;
  /** @default 0 */
  seed?: number | undefined;
  /**
   * Where the products are computed. @default for up to 2²¹ numbers the calling thread, with a pause before each fit: the
   * start of a worker would take longer than the fit; for more, workers
   */
  session?: SessionOptions | undefined;
  signal?: AbortSignal | undefined;
  /** After each fit. */
  onProgress?: ((done: number, total: number, candidate: Candidate) => void) | undefined;
  /** Told which items are left out. */
  onWarning?: ((message: string) => void) | undefined;
}

export interface CrossValidation {
  /** The classes. */
  names: string[];
  /** The rows of the set that were tested, again for each repeat. */
  rows: Int32Array;
  /** The class of each row. */
  labels: Int32Array;
  /** What models that had not seen the row said of it: `[rows × classes]`. */
  probabilities: Float32Array;
  /** Every candidate, in the order in which they were tried. */
  tried: Tried[];
  /** The best of them over all folds. */
  best: Candidate;
  /** What decided. */
  score: ClassScore;
  /** What was measured of {@link probabilities}. */
  report: ClassificationReport;
}

/** Numbers in vectors that are so few that no worker is started for them. */
const FEW = 2 ** 21;

/**
 * Cross-validates classifiers on the unit vectors of a set.
 *
 * Every candidate is fitted on all folds but one and tested on that one. The figures that are reported are those of a
 * choice made without the fold: what is said of the items of a fold comes from the candidate that was best on the
 * *other* folds, so that trying many of them does not flatter the result (nested cross-validation, at no fit more).
 * Takes 4 bytes for each candidate, item, class and repeat.
 *
 * @throws UsageError when fewer than two classes have two items, or there are fewer items or groups than folds.
 */
export async function crossValidate(
  set: VectorSet,
  labels: Labels,
  options: CrossValidationOptions = {},
): Promise<CrossValidation> {
  const items = await classItems(set, labels, options.group);
  for (const warning of items.warnings) options.onWarning?.(warning);
  return validateItems(items, options);
}

/** Where products with these items are computed. */
export function sessionFor(
  { vectors }: ClassItems,
  { session }: CrossValidationOptions,
): SessionOptions | undefined {
  return session ?? (vectors.data.length <= FEW ? { inline: true } : undefined);
}

/** {@link crossValidate} of items that were chosen before. */
export async function validateItems(
  items: ClassItems,
  given: CrossValidationOptions,
): Promise<CrossValidation> {
  const options = { ...given, session: sessionFor(items, given) };
  const { folds: parts = 5, repeats = 1, seed = 0, classWeights, onProgress, signal } = options;
  const score = options.score ?? (classWeights === 'balanced' ? 'balancedAccuracy' : 'accuracy');
  if (!Number.isInteger(repeats) || repeats < 1)
    throw new UsageError(`repeats: expected a whole number of at least 1 but received ${repeats}`);
  const { labels, names, groups } = items;
  checkWeights(names, classWeights);
  const [count, classes] = [labels.length, names.length];
  const candidates = candidatesOf(options, Math.floor((count * (parts - 1)) / parts));
  const all = new Float32Array(repeats * count * classes);
  const sums = candidates.map(() => ({ accuracy: 0, balancedAccuracy: 0, logLoss: 0 }));
  let done = 0;
  for (let repeat = 0; repeat < repeats; repeat++) {
    const assignment = foldsOf(count, { folds: parts, labels, groups, seed: seed + repeat });
    const said = candidates.map(() => new Float32Array(count * classes));
    for (let fold = 0; fold < parts; fold++) {
      const { train, test } = foldOf(assignment, fold);
      const vectors = { data: rowsOf(items.vectors, test), dimension: items.vectors.dimension };
      for (const [i, candidate] of candidates.entries()) {
        await pause(); // so that a signal is heard
        signal?.throwIfAborted();
        const predicted = await predictUnseen(items, train, vectors, candidate, options);
        for (const [t, item] of test.entries())
          said[i]!.set(predicted.subarray(t * classes, (t + 1) * classes), item * classes);
        onProgress?.(++done, candidates.length * parts * repeats, candidate);
      }
    }
    const outcomes = said.map((probabilities) => outcomesOf(labels, probabilities, classes));
    for (const [i, outcome] of outcomes.entries()) {
      const whole = scoresOf(labels, outcome, classes, () => true);
      for (const name of ['accuracy', 'balancedAccuracy', 'logLoss'] as const)
        sums[i]![name] += whole[name] / repeats;
    }
    for (let fold = 0; fold < parts; fold++) {
      const elsewhere = outcomes.map((o) =>
        scoresOf(labels, o, classes, (item) => assignment[item] !== fold),
      );
      const chosen = said[bestOf(elsewhere, score)]!;
      for (let item = 0; item < count; item++)
        if (assignment[item] === fold)
          all.set(chosen.subarray(item * classes, (item + 1) * classes), (repeat * count + item) * classes);
    }
  }
  const again = <T extends Int32Array>(values: T) =>
    Int32Array.from({ length: repeats * count }, (_, i) => values[i % count]!);
  const own = groups ?? (repeats > 1 ? Int32Array.from(labels, (_, item) => item) : undefined);
  const tested = again(labels);
  return {
    names,
    rows: again(items.rows),
    labels: tested,
    probabilities: all,
    tried: candidates.map((candidate, i) => ({ ...candidate, ...sums[i]! })),
    best: candidates[bestOf(sums, score)]!,
    score,
    report: classificationReport(tested, all, classes, {
      groups: own && again(own),
      resamples: options.resamples,
      seed,
    }),
  };
}
