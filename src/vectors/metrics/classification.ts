/**
 * @file How good a classifier's probabilities are: right or wrong, per class, ranked, calibrated; every number with a
 * bootstrap interval, all from the same draws. Definitions are scikit-learn's; what has no division there is 0.
 */
import { UsageError } from '../../errors.js';
import { checkLabels } from '../vectors.js';
import { type BootstrapOptions, bootstrap, type Estimate } from './bootstrap.js';
import { classAucs, classOrders } from './classification-auc.js';
import { type ItemOutcomes, measureItems, outcomesOf } from './classification-items.js';

/** How {@link classificationReport} measures. */
export interface ClassificationOptions extends BootstrapOptions {
  /** The k of top-k accuracy; those of at least the number of classes are left out. @default [3, 5] */
  k?: readonly number[] | undefined;
  /** Equal bins of the reliability diagram. @default 15 */
  bins?: number | undefined;
}

/** One class against all others. */
export interface ClassReport {
  /** Of the items that were said to be of this class, the share that is; 0 when none was. */
  precision: Estimate;
  /** Of the items of this class, the share that was found; 0 when there is none. */
  recall: Estimate;
  /** Their harmonic mean. */
  f1: Estimate;
  /** The chance that an item of this class has a higher probability of it than one of another class. */
  auc: Estimate;
  /** Items of this class. */
  support: number;
}

/** Items whose greatest probability is in (from, to]; the first bin has 0, too. */
export interface ReliabilityBin {
  from: number;
  to: number;
  count: number;
  /** The mean of their greatest probabilities; NaN without items. */
  confidence: number;
  /** The share of them that is right; NaN without items. */
  accuracy: number;
}

/** What is known of a classifier on `count` items. Everything is in 0..1 where nothing else is said. */
export interface ClassificationReport {
  count: number;
  accuracy: Estimate;
  /** The mean recall of the classes that have items. */
  balancedAccuracy: Estimate;
  /** Unweighted means over the classes that have items or were predicted. */
  macro: { precision: Estimate; recall: Estimate; f1: Estimate };
  /** Means weighted with the items of each class. */
  weighted: { precision: Estimate; recall: Estimate; f1: Estimate };
  /** The share of items whose class is among the k likeliest, by k. */
  topK: Record<string, Estimate>;
  /** The mean over the classes of each one's ROC-AUC against all others (`multi_class='ovr'`). */
  auc: Estimate;
  /** Mean −ln of the right class's probability, which is held within 2⁻⁵² .. 1 − 2⁻⁵². 0 is perfect. */
  logLoss: Estimate;
  /** Mean squared distance of the probabilities from 0 and 1, summed over the classes: 0 .. 2 (Brier, 1950). */
  brier: Estimate;
  /** Expected calibration error of the greatest probability over {@link reliability} (Guo et al., 2017). */
  calibrationError: Estimate;
  classes: ClassReport[];
  /** `confusion[truth][predicted]`: numbers of items. */
  confusion: number[][];
  reliability: ReliabilityBin[];
}

/** Steps of AUC in all resamples together: about half a second. */
const AUC_STEPS = 3e8;
const LEAST_AUC_RESAMPLES = 200;

/**
 * Measures probabilities against the truth. The greatest probability is the prediction, the first of equals.
 *
 * Every resample costs a few passes over the items, without sorting: 1000 of 10,000 items of 10 classes take about a
 * second. ROC-AUC costs one pass for each class: with more than 3·10⁸ steps it takes the first resamples alone, at least
 * 200.
 *
 * @param labels the class of each item, 0 .. classes − 1
 * @param probabilities `[items × classes]`, rows sum to 1
 * @throws UsageError when there are no items, the numbers do not fit, or one of them is NaN or outside 0..1.
 */
export function classificationReport(
  labels: ArrayLike<number>,
  probabilities: Float32Array | Float64Array,
  classes: number,
  options: ClassificationOptions = {},
): ClassificationReport {
  const { bins = 15, resamples = 1000 } = options;
  const count = checked(labels, probabilities, classes);
  const k = (options.k ?? [3, 5]).filter((n) => n < classes);
  const items = outcomesOf(labels, probabilities, classes, bins);
  const orders = classOrders(labels, probabilities, classes);
  const ranked = Math.max(LEAST_AUC_RESAMPLES, Math.floor(AUC_STEPS / (count * classes)));
  const weights = new Float64Array(count);
  let draws = -1; // the first measure is of the items themselves
  const found = bootstrap(
    count,
    (drawn) => {
      weights.fill(0);
      for (let i = 0; i < drawn.length; i++) weights[drawn[i]!]!++;
      draws++;
      const aucs = draws <= ranked ? classAucs(orders, weights) : undefined;
      return measureItems(items, weights, drawn.length, classes, k, aucs);
    },
    { ...options, resamples },
  );
  const one = (name: string): Estimate => found[name]!;
  const three = (name: string) => ({
    precision: one(`${name}.precision`),
    recall: one(`${name}.recall`),
    f1: one(`${name}.f1`),
  });
  const confusion = confusionMatrix(labels, items.predicted, classes);
  return {
    count,
    accuracy: one('accuracy'),
    balancedAccuracy: one('balancedAccuracy'),
    macro: three('macro'),
    weighted: three('weighted'),
    topK: Object.fromEntries(k.map((n) => [n, one(`top${n}`)])),
    auc: one('auc'),
    logLoss: one('logLoss'),
    brier: one('brier'),
    calibrationError: one('calibrationError'),
    classes: confusion.map((row, c) => ({
      ...three(`${c}`),
      auc: one(`${c}.auc`),
      support: row.reduce((sum, n) => sum + n, 0),
    })),
    confusion,
    reliability: reliabilityOf(items, bins),
  };
}

/** Counts `[truth][predicted]`. @throws UsageError when there is not one prediction for each label. */
export function confusionMatrix(
  labels: ArrayLike<number>,
  predicted: ArrayLike<number>,
  classes: number,
): number[][] {
  checkLabels(predicted, labels.length, 'predictions');
  const matrix = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (let i = 0; i < labels.length; i++) matrix[labels[i]!]![predicted[i]!]!++;
  return matrix;
}

function checked(labels: ArrayLike<number>, probabilities: ArrayLike<number>, classes: number): number {
  const count = labels.length;
  if (count === 0) throw new UsageError('classification: expected at least one item but received none');
  if (probabilities.length !== count * classes)
    throw new UsageError(
      `classification: expected ${count} × ${classes} probabilities but received ${probabilities.length} numbers`,
    );
  for (let i = 0; i < count; i++)
    if (!(labels[i]! >= 0 && labels[i]! < classes))
      throw new UsageError(
        `classification: expected labels of 0 to ${classes - 1} but received ${labels[i]}`,
      );
  for (let i = 0; i < probabilities.length; i++)
    if (!(probabilities[i]! >= 0 && probabilities[i]! <= 1 + 1e-5))
      throw new UsageError(`classification: expected probabilities but received ${probabilities[i]}`);
  return count;
}

function reliabilityOf({ rank, bin, confidence, bins }: ItemOutcomes, total: number): ReliabilityBin[] {
  const counts = new Float64Array(bins);
  const confident = new Float64Array(bins);
  const right = new Float64Array(bins);
  for (let i = 0; i < bin.length; i++) {
    counts[bin[i]!]!++;
    confident[bin[i]!]! += confidence[i]!;
    if (rank[i] === 0) right[bin[i]!]!++;
  }
  return Array.from(counts, (count, b) => ({
    from: b / total,
    to: (b + 1) / total,
    count,
    confidence: confident[b]! / count,
    accuracy: right[b]! / count,
  }));
}
