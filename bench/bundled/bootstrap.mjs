// Percentile bootstrap intervals over the queries, and how figures are printed.
import { Random } from '../../dist/random.js';

const ROUNDS = 10_000;

/**
 * A statistic of the means of columns that belong together row by row, with its 95 % interval: rows are drawn with
 * replacement, for all columns the same. The seed is fixed, so two calls of as many rows draw the same ones.
 */
export function bootstrap(columns, statistic = (mean) => mean) {
  const n = columns[0].length;
  const meansOf = (row) => {
    const sums = new Float64Array(columns.length);
    for (let i = 0; i < n; i++) {
      const at = row(i);
      for (let c = 0; c < sums.length; c++) sums[c] += columns[c][at];
    }
    return statistic(...sums.map((sum) => sum / n));
  };
  const random = new Random(0, 'bootstrap');
  const rounds = Float64Array.from({ length: ROUNDS }, () => meansOf(() => random.integer(n))).sort();
  return { value: meansOf((i) => i), low: quantile(rounds, 0.025), high: quantile(rounds, 0.975) };
}

/** A quantile of sorted numbers, linear between neighbours. */
function quantile(sorted, q) {
  const place = q * (sorted.length - 1);
  const below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
}

/** `0.812 [0.771, 0.851]` */
export function shown({ value, low, high }, digits = 3) {
  const text = (x) => x.toFixed(digits);
  return `${text(value)} [${text(low)}, ${text(high)}]`;
}
