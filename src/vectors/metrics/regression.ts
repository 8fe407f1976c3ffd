/** @file How near predicted numbers are to the true ones: the measures of scikit-learn and SciPy. */
import { UsageError } from '../../errors.js';
import { type BootstrapOptions, bootstrap, type Estimate } from './bootstrap.js';

/** Measures of predictions. */
export interface RegressionMetrics<T = number> {
  /** 1 − squared error / that of the mean of these very targets: 1 is perfect, 0 as good as that mean, −∞ the worst. */
  r2: T;
  /** The mean absolute error, in the targets' unit. */
  mae: T;
  /** The root of the mean squared error, in the targets' unit. */
  rmse: T;
  /** The mean of |error| / |target|, a share (0.1 is 10 %); of targets near zero it means little. */
  mape: T;
  /** The median of |error|, in the targets' unit. */
  medianError: T;
  /** The correlation, −1..1; NaN when one side is constant. */
  pearson: T;
  /** The correlation of the ranks, −1..1; NaN when one side is constant. */
  spearman: T;
}

/** Of MAPE: as in scikit-learn, so that a target of zero counts hugely and is not divided by. */
const EPSILON = Number.EPSILON;

/** @throws UsageError when the lengths differ or there are fewer than two. */
export function regressionMetrics(
  targets: ArrayLike<number>,
  predictions: ArrayLike<number>,
): RegressionMetrics {
  check(targets, predictions);
  return measure(targets, predictions);
}

/**
 * The same with intervals.
 * @param options `groups` are drawn as wholes
 */
export function regressionIntervals(
  targets: ArrayLike<number>,
  predictions: ArrayLike<number>,
  options: BootstrapOptions = {},
): RegressionMetrics<Estimate> {
  check(targets, predictions);
  return bootstrap(
    targets.length,
    (items) => ({ ...measure(pick(targets, items), pick(predictions, items)) }),
    options,
  );
}

/**
 * How much `after` is better or worse than `before` on the same items: the differences of their measures, after minus
 * before, with intervals of the differences (the same items are drawn for both).
 */
export function regressionDifference(
  targets: ArrayLike<number>,
  before: ArrayLike<number>,
  after: ArrayLike<number>,
  options: BootstrapOptions = {},
): RegressionMetrics<Estimate> {
  check(targets, before);
  check(targets, after);
  return bootstrap(
    targets.length,
    (items) => {
      const drawn = pick(targets, items);
      const [a, b] = [measure(drawn, pick(before, items)), measure(drawn, pick(after, items))];
      const names = Object.keys(a) as (keyof RegressionMetrics)[];
      return Object.fromEntries(names.map((name) => [name, b[name] - a[name]])) as {
        [K in keyof RegressionMetrics]: number;
      };
    },
    options,
  );
}

function check(targets: ArrayLike<number>, predictions: ArrayLike<number>): void {
  if (targets.length !== predictions.length)
    throw new UsageError(
      `predictions: expected ${targets.length}, one for each target, but received ${predictions.length}`,
    );
  if (targets.length < 2)
    throw new UsageError(`targets: expected at least two but received ${targets.length}`);
}

function pick(values: ArrayLike<number>, items: Int32Array): Float64Array {
  return Float64Array.from(items, (i) => values[i]!);
}

function measure(targets: ArrayLike<number>, predictions: ArrayLike<number>): RegressionMetrics {
  const n = targets.length;
  const errors = new Float64Array(n);
  let [squares, sum, relative, total] = [0, 0, 0, 0];
  for (let i = 0; i < n; i++) {
    const error = Math.abs(targets[i]! - predictions[i]!);
    errors[i] = error;
    squares += error * error;
    sum += error;
    relative += error / Math.max(Math.abs(targets[i]!), EPSILON);
    total += targets[i]!;
  }
  const mean = total / n;
  let spread = 0;
  for (let i = 0; i < n; i++) spread += (targets[i]! - mean) ** 2;
  errors.sort();
  return {
    r2: spread > 0 ? 1 - squares / spread : squares > 0 ? 0 : 1,
    mae: sum / n,
    rmse: Math.sqrt(squares / n),
    mape: relative / n,
    medianError: (errors[(n - 1) >> 1]! + errors[n >> 1]!) / 2,
    pearson: correlation(targets, predictions),
    spearman: correlation(ranks(targets), ranks(predictions)),
  };
}

/** Pearson's correlation; NaN when one side is constant. */
function correlation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const n = a.length;
  let [meanA, meanB] = [0, 0];
  for (let i = 0; i < n; i++) {
    meanA += a[i]! / n;
    meanB += b[i]! / n;
  }
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < n; i++) {
    const [x, y] = [a[i]! - meanA, b[i]! - meanB];
    ab += x * y;
    aa += x * x;
    bb += y * y;
  }
  if (isConstant(a) || isConstant(b)) return Number.NaN; // rounding aside
  return Math.max(-1, Math.min(1, ab / Math.sqrt(aa * bb)));
}

function isConstant(values: ArrayLike<number>): boolean {
  for (let i = 1; i < values.length; i++) if (values[i] !== values[0]) return false;
  return true;
}

/** The place of each number in their order, from 1; equals share the mean of their places. */
function ranks(values: ArrayLike<number>): Float64Array {
  const order = Uint32Array.from({ length: values.length }, (_, i) => i).sort(
    (i, j) => values[i]! - values[j]!,
  );
  const result = new Float64Array(values.length);
  for (let from = 0; from < order.length; ) {
    let end = from + 1;
    while (end < order.length && values[order[end]!] === values[order[from]!]) end++;
    for (let i = from; i < end; i++) result[order[i]!] = (from + 1 + end) / 2;
    from = end;
  }
  return result;
}
