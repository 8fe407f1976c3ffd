/** @file How sure a measured number is. */
import { Random } from '../../random.js';
import { unitsOf } from '../folds.js';

/** A number with its interval. */
export interface Estimate {
  value: number;
  /** Ends of the confidence interval. */
  low: number;
  high: number;
}

export interface BootstrapOptions {
  /** @default 1000; of more than 50,000 items 200, whose intervals differ by little */
  resamples?: number | undefined;
  /** The share of resamples within the interval. @default 0.95 */
  level?: number | undefined;
  /** A group of each item, which is drawn as a whole. @default each item alone */
  groups?: ArrayLike<number> | undefined;
  /** @default 0 */
  seed?: number | undefined;
}

/**
 * Statistics of `count` items, each with its percentile bootstrap interval (Efron & Tibshirani, 1993): the items are
 * drawn with replacement and measured anew. All statistics are taken of the same draws. Resamples for which one is NaN
 * (a class that was not drawn) are left out for it.
 *
 * @param measure the statistics of items by their positions, some of which occur several times
 */
export function bootstrap<K extends string>(
  count: number,
  measure: (items: Int32Array) => Record<K, number>,
  options: BootstrapOptions = {},
): Record<K, Estimate> {
  const { resamples = usual(count), level = 0.95, groups, seed = 0 } = options;
  const whole = measure(Int32Array.from({ length: count }, (_, i) => i));
  const units = groups && unitsOf(count, groups);
  const names = Object.keys(whole) as K[];
  const drawn = names.map(() => [] as number[]);
  const random = new Random(seed, 'bootstrap');
  for (let i = 0; i < resamples; i++) {
    const items = units
      ? Int32Array.from(units.flatMap(() => units[random.integer(units.length)]!))
      : new Int32Array(count).map(() => random.integer(count));
    const found = measure(items);
    names.forEach((name, n) => {
      if (!Number.isNaN(found[name])) drawn[n]!.push(found[name]);
    });
  }
  return Object.fromEntries(
    names.map((name, n) => {
      const values = Float64Array.from(drawn[n]!).sort();
      const [low, high] = [quantile(values, (1 - level) / 2), quantile(values, (1 + level) / 2)];
      return [name, { value: whole[name], low, high }];
    }),
  ) as Record<K, Estimate>;
}

/** Items above which fewer resamples are drawn. */
const MANY = 50_000;

function usual(count: number): number {
  return count > MANY ? 200 : 1000;
}

/**
 * The interval of the mean of numbers, each of one item. The same as {@link bootstrap} gives, and faster: of a group, its
 * sum and size are enough.
 */
export function bootstrapMean(values: ArrayLike<number>, options: BootstrapOptions = {}): Estimate {
  const { resamples = usual(values.length), level = 0.95, groups, seed = 0 } = options;
  const units = groups && unitsOf(values.length, groups);
  const sums = units
    ? Float64Array.from(units, (unit) => unit.reduce((sum, item) => sum + values[item]!, 0))
    : Float64Array.from(values);
  const sizes = units ? Int32Array.from(units, (unit) => unit.length) : new Int32Array(sums.length).fill(1);
  const random = new Random(seed, 'bootstrap');
  const means = Float64Array.from({ length: resamples }, () => {
    let [sum, size] = [0, 0];
    for (let draw = 0; draw < sums.length; draw++) {
      const unit = random.integer(sums.length);
      sum += sums[unit]!;
      size += sizes[unit]!;
    }
    return sum / size;
  })
    .filter((mean) => !Number.isNaN(mean))
    .sort();
  const value = sums.reduce((sum, x) => sum + x, 0) / values.length;
  return { value, low: quantile(means, (1 - level) / 2), high: quantile(means, (1 + level) / 2) };
}

/** The quantile of sorted numbers, interpolated as NumPy does by default; NaN of none. */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  if (sorted.length === 0) return Number.NaN;
  const at = share * (sorted.length - 1);
  const below = Math.floor(at);
  const [a, b] = [sorted[below]!, sorted[Math.min(below + 1, sorted.length - 1)]!];
  return a + (at - below) * (b - a);
}
