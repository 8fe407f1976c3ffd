/** @file How items are divided for cross-validation: which fold each of them is tested in. */
import { UsageError } from '../errors.js';
import { Random } from '../random.js';

/** How {@link folds} divides. */
export interface FoldOptions {
  /** Parts, each of which is the test set once. @default 5 */
  folds?: number | undefined;
  /** A class of each item: every fold gets its share of each class (as scikit-learn's `StratifiedKFold`). */
  labels?: ArrayLike<number> | undefined;
  /**
   * A group of each item: items of one group are never on both sides (as scikit-learn's `GroupKFold`; with labels, as
   * `StratifiedGroupKFold`, near to its share).
   */
  groups?: ArrayLike<number> | undefined;
  /** @default 0 */
  seed?: number | undefined;
}

/**
 * The fold of each of `count` items, 0 .. folds − 1; the same for the same seed. Folds differ by at most one item, and
 * so do their shares of each class; with groups they are as near to that as whole groups allow, the largest dealt first.
 *
 * @throws UsageError when there are fewer items or groups than folds.
 */
export function folds(count: number, options: FoldOptions = {}): Int32Array {
  const { folds: parts = 5, labels, groups, seed = 0 } = options;
  const what = groups ? 'groups' : 'items';
  const units = unitsOf(count, groups);
  if (!Number.isInteger(parts) || parts < 2 || parts > units.length)
    throw new UsageError(`folds: expected a whole number from 2 to ${units.length} but received ${parts}`, {
      hint: `there are ${units.length} ${what}`,
    });
  const random = new Random(seed, 'folds');
  random.shuffle(units);
  let classes = 1;
  for (let item = 0; item < count && labels; item++) classes = Math.max(classes, labels[item]! + 1);
  const label = (item: number) => labels?.[item] ?? 0;
  if (groups)
    units.sort((a, b) => b.length - a.length); // stable: the order within a size stays random
  else units.sort((a, b) => label(a[0]!) - label(b[0]!));
  const result = new Int32Array(count);
  const sizes = new Float64Array(parts);
  const shares = Array.from({ length: parts }, () => new Float64Array(classes));
  const totals = new Float64Array(classes);
  for (const unit of units) for (const item of unit) totals[label(item)]!++;
  for (const unit of units) {
    let best = 0;
    let least = Number.POSITIVE_INFINITY;
    for (let fold = 0; fold < parts; fold++) {
      // The classes of this unit should be where they are fewest, and among equals where the fewest items are.
      let cost = 0;
      for (const item of unit) cost += shares[fold]![label(item)]! / totals[label(item)]!;
      cost += (sizes[fold]! / count) * 1e-3;
      if (cost < least - 1e-12) [least, best] = [cost, fold];
    }
    for (const item of unit) {
      result[item] = best;
      shares[best]![label(item)]!++;
      sizes[best]!++;
    }
  }
  return result;
}

/** The items of each group, in the order in which groups occur; each item alone without groups. */
export function unitsOf(count: number, groups: ArrayLike<number> | undefined): number[][] {
  if (groups === undefined) return Array.from({ length: count }, (_, i) => [i]);
  const units = new Map<number, number[]>();
  for (let item = 0; item < count; item++) {
    const unit = units.get(groups[item]!);
    if (unit) unit.push(item);
    else units.set(groups[item]!, [item]);
  }
  return [...units.values()];
}

/** The items within and without a fold, in order. */
export function foldOf(assignment: Int32Array, fold: number): { train: Int32Array; test: Int32Array } {
  const test: number[] = [];
  const train: number[] = [];
  assignment.forEach((f, item) => {
    (f === fold ? test : train).push(item);
  });
  return { train: Int32Array.from(train), test: Int32Array.from(test) };
}
