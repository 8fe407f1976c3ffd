/** @file How well numbers are predicted: cross-validation without a look at what is tested, and intervals with their coverage. */
import { setImmediate as pause } from 'node:timers/promises';
import type { SessionOptions } from '../graph/index.js';
import { Random } from '../random.js';
import { foldOf } from '../vectors/folds.js';
import { CrossConformal } from '../vectors/regress/conformal.js';
import { type FittedRegression, fitRegressions, type RegressionCandidate } from './regress-candidates.js';
import type { FeatureSource } from './regress-features.js';

/** How a candidate did over all folds. */
export interface TriedRegression extends RegressionCandidate {
  /** The mean squared error as a share of that of the mean: 1 − R², of logarithms where these are what is fitted. */
  error: number;
}

/** Where and how it is computed. */
export interface ValidationRun {
  session?: SessionOptions | undefined;
  seed?: number | undefined;
  signal?: AbortSignal | undefined;
  /** Before each fold. */
  onFold?: (() => void) | undefined;
}

/** What {@link validateRegression} found. */
export interface RegressionValidation {
  /** What was said of each item by the candidate that was best on the other folds, and had not seen the item. */
  predictions: Float64Array;
  tried: TriedRegression[];
  /** The best of all folds. */
  best: RegressionCandidate;
  /** What `best` says of each item that it had not seen. */
  byBest: Float64Array;
  /** The candidate that was best on the other folds, for each fold. */
  chosen: RegressionCandidate[];
}

/**
 * Cross-validates candidates: each is fitted on all folds but one and says the rest. What is reported of a fold comes
 * from the candidate that was best on the *other* folds, so that trying many does not flatter.
 *
 * @param targets one for each item, as they are fitted
 * @param assignment the fold of each item
 */
export async function validateRegression(
  source: FeatureSource,
  targets: Float64Array,
  assignment: Int32Array,
  candidates: readonly RegressionCandidate[],
  run: ValidationRun = {},
): Promise<RegressionValidation> {
  const said = candidates.map(() => new Float64Array(targets.length));
  const folds = foldCount(assignment);
  const errors = candidates.map(() => new Float64Array(folds));
  for (let fold = 0; fold < folds; fold++) {
    run.onFold?.();
    await pause(); // so that a signal is heard
    run.signal?.throwIfAborted();
    const { train, test } = foldOf(assignment, fold);
    const fitted = await fitRegressions(source, targets, train, candidates, run);
    try {
      for (const [c, one] of fitted.entries()) {
        const predicted = await one.predict(source, test);
        for (const [t, item] of test.entries()) {
          said[c]![item] = predicted[t]!;
          errors[c]![fold]! += (predicted[t]! - targets[item]!) ** 2;
        }
      }
    } finally {
      await closeAll(fitted);
    }
  }
  const total = spread(targets);
  const sum = (own: Float64Array, without = -1) =>
    own.reduce((all, error, fold) => (fold === without ? all : all + error), 0);
  const best = least(errors.map((own) => sum(own)));
  const chosen = Array.from({ length: folds }, (_, fold) => least(errors.map((own) => sum(own, fold))));
  return {
    predictions: Float64Array.from(targets, (_, item) => said[chosen[assignment[item]!]!]![item]!),
    tried: candidates.map((candidate, c) => ({ ...candidate, error: sum(errors[c]!) / total })),
    best: candidates[best]!,
    byBest: said[best]!,
    chosen: chosen.map((c) => candidates[c]!),
  };
}

/**
 * The intervals (CV+) of items by models that had not seen them: for each fold, the others are folded as they are, and
 * their residuals make its intervals. What they hold of the targets is how often such intervals hold a new one.
 */
export async function validateIntervals(
  source: FeatureSource,
  targets: Float64Array,
  assignment: Int32Array,
  chosen: readonly RegressionCandidate[],
  level: number,
  run: ValidationRun = {},
): Promise<{ low: Float64Array; high: Float64Array }> {
  const folds = foldCount(assignment);
  const low = new Float64Array(targets.length);
  const high = new Float64Array(targets.length);
  for (let fold = 0; fold < folds; fold++) {
    run.onFold?.();
    const others = Array.from({ length: folds }, (_, f) => f).filter((f) => f !== fold);
    const test = rowsOfFold(assignment, (f) => f === fold);
    const residuals: Float64Array[] = [];
    const predictions: Float64Array[] = [];
    for (const other of others) {
      await pause();
      run.signal?.throwIfAborted();
      const train = rowsOfFold(assignment, (f) => f !== fold && f !== other);
      const held = rowsOfFold(assignment, (f) => f === other);
      const fitted = await fitRegressions(source, targets, train, [chosen[fold]!], run);
      try {
        const near = await fitted[0]!.predict(source, held);
        residuals.push(near.map((x, i) => Math.abs(x - targets[held[i]!]!)));
        predictions.push(await fitted[0]!.predict(source, test));
      } finally {
        await closeAll(fitted);
      }
    }
    const conformal = new CrossConformal(residuals, level);
    for (const [t, item] of test.entries()) {
      const interval = conformal.interval(predictions.map((own) => own[t]!));
      low[item] = interval.low;
      high[item] = interval.high;
    }
  }
  return { low, high };
}

/** R² of the same procedure when images are dealt to other items: what images that say nothing would reach. */
export async function permutedR2(
  source: FeatureSource,
  targets: Float64Array,
  assignment: Int32Array,
  candidates: readonly RegressionCandidate[],
  permutations: number,
  run: ValidationRun = {},
): Promise<number[]> {
  const images = source.images!;
  const { dimension } = images;
  const result: number[] = [];
  for (let i = 0; i < permutations; i++) {
    const order = Int32Array.from({ length: source.count }, (_, item) => item);
    new Random(run.seed ?? 0, 'permuted images', i).shuffle(order);
    const data = new Float32Array(images.data.length);
    for (const [to, from] of order.entries())
      data.set(images.data.subarray(from * dimension, (from + 1) * dimension), to * dimension);
    const permuted = { ...source, images: { data, dimension } };
    const { predictions } = await validateRegression(permuted, targets, assignment, candidates, run);
    result.push(r2(targets, predictions));
  }
  return result;
}

/** 1 − squared error / that of the mean of all targets. */
export function r2(targets: Float64Array, predictions: Float64Array): number {
  const squares = targets.reduce((sum, target, i) => sum + (target - predictions[i]!) ** 2, 0);
  return 1 - squares / spread(targets);
}

/** What the mean of the other folds says of each item. */
export function meanOfOthers(targets: Float64Array, assignment: Int32Array): Float64Array {
  const folds = foldCount(assignment);
  const means = Array.from({ length: folds }, (_, fold) => {
    const others = rowsOfFold(assignment, (f) => f !== fold);
    return others.reduce((sum, item) => sum + targets[item]! / others.length, 0);
  });
  return Float64Array.from(assignment, (fold) => means[fold]!);
}

export function rowsOfFold(assignment: Int32Array, counts: (fold: number) => boolean): Int32Array {
  const rows: number[] = [];
  assignment.forEach((fold, item) => {
    if (counts(fold)) rows.push(item);
  });
  return Int32Array.from(rows);
}

export function foldCount(assignment: Int32Array): number {
  return assignment.reduce((most, fold) => Math.max(most, fold + 1), 0);
}

export async function closeAll(fitted: readonly FittedRegression[]): Promise<void> {
  for (const one of fitted) await one.close();
}

function least(values: readonly number[]): number {
  return values.reduce((best, value, i) => (value < values[best]! ? i : best), 0);
}

/** The sum of squared differences from the mean. */
function spread(targets: Float64Array): number {
  const mean = targets.reduce((sum, target) => sum + target, 0) / targets.length;
  return targets.reduce((sum, target) => sum + (target - mean) ** 2, 0);
}
