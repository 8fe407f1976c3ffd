/** @file How many units of each class a stratified split holds out. */
import type { Random } from '../../random.js';

/**
 * Shares `count` out among classes in proportion to their sizes: the method of largest remainders, ties drawn, as
 * scikit-learn's `StratifiedShuffleSplit`. Then, which scikit-learn leaves to chance, a class of two or more units
 * gives at least one and keeps at least one, and a class of one unit keeps it.
 *
 * @param sizes units of each class
 * @param count units held out: at least the classes of two and more, and leaving at least one for every class
 * @returns units held out of each class; they add up to `count`.
 */
export function stratifiedCounts(sizes: readonly number[], count: number, random: Random): number[] {
  const total = sizes.reduce((a, b) => a + b, 0);
  const exact = sizes.map((size) => (size * count) / total);
  const counts = exact.map(Math.floor);
  const order = random.shuffle(sizes.map((_, c) => c));
  const remainder = (c: number): number => exact[c]! - Math.floor(exact[c]!);
  let left = count - counts.reduce((a, b) => a + b, 0);
  for (const c of [...order].sort((a, b) => remainder(b) - remainder(a)).slice(0, left)) counts[c]!++;
  for (const [c, size] of sizes.entries()) {
    counts[c] = size === 1 ? 0 : Math.min(Math.max(counts[c]!, 1), size - 1);
  }
  left = count - counts.reduce((a, b) => a + b, 0);
  for (; left !== 0; left -= Math.sign(left)) {
    const step = Math.sign(left);
    const free = order.filter((c) => counts[c]! + step >= 1 && counts[c]! + step <= sizes[c]! - 1);
    // The class whose count lies furthest on the wrong side of its share gives or takes one.
    const worst = free.reduce((a, b) =>
      step * (exact[b]! - counts[b]!) > step * (exact[a]! - counts[a]!) ? b : a,
    );
    counts[worst]! += step;
  }
  return counts;
}
