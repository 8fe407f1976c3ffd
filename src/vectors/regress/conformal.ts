/**
 * @file Intervals that hold a new target with a chosen probability, whatever the regressor: CV+.
 *
 * @see Barber, Candès, Ramdas & Tibshirani 2021, Predictive inference with the jackknife+
 */
import { UsageError } from '../../errors.js';

/** An interval of a number; infinite ends where there are too few examples for the level. */
export interface Interval {
  low: number;
  high: number;
}

/**
 * Intervals from models that each had not seen one fold.
 *
 * For exchangeable examples they hold the target with a probability of at least 2·level − 1 less a term that vanishes
 * with the number of examples, and in practice of about `level`.
 */
export class CrossConformal {
  private readonly sorted: Float64Array[];
  private readonly rank: number;

  /**
   * @param residuals for each fold, |target − what the model without the fold said| of its examples
   * @param level in 0..1
   * @throws UsageError for another level, or no residual
   */
  constructor(
    residuals: readonly ArrayLike<number>[],
    readonly level: number,
  ) {
    if (!(level > 0 && level < 1))
      throw new UsageError(`level: expected a number between 0 and 1 but received ${level}`);
    this.sorted = residuals.map((own) => Float64Array.from(own).sort());
    const count = this.sorted.reduce((sum, own) => sum + own.length, 0);
    if (count === 0) throw new UsageError('residuals: expected at least one but received none');
    this.rank = Math.ceil(level * (count + 1) - 1e-9);
  }

  /** @param predictions what each fold's model says of one new example */
  interval(predictions: ArrayLike<number>): Interval {
    const values = Array.from(predictions);
    return { low: -this.bound(values.map((value) => -value)), high: this.bound(values) };
  }

  /** The `rank`-th smallest of all predictions + residuals, by bisection. */
  private bound(predictions: readonly number[]): number {
    const { sorted, rank } = this;
    if (rank > sorted.reduce((sum, own) => sum + own.length, 0)) return Number.POSITIVE_INFINITY;
    let low = Number.POSITIVE_INFINITY;
    let high = Number.NEGATIVE_INFINITY;
    for (const [fold, own] of sorted.entries()) {
      if (own.length === 0) continue;
      low = Math.min(low, predictions[fold]! + own[0]!);
      high = Math.max(high, predictions[fold]! + own.at(-1)!);
    }
    const below = (x: number) =>
      sorted.reduce((sum, own, fold) => sum + notAbove(own, x - predictions[fold]!), 0);
    if (below(low) >= rank) return low;
    for (;;) {
      const middle = low + (high - low) / 2;
      if (middle <= low || middle >= high) return high;
      if (below(middle) >= rank) high = middle;
      else low = middle;
      if (high - low < 1e-13 * Math.max(Math.abs(low), Math.abs(high))) return high;
    }
  }
}

/** How many of sorted numbers are at most `x`. */
function notAbove(sorted: Float64Array, x: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! <= x) low = middle + 1;
    else high = middle;
  }
  return low;
}
