/** @file Which items of a set a classifier can learn from, and which of them are kept for a test. */
import { UsageError } from '../errors.js';
import { plural } from '../units.js';
import type { Vectors } from '../vectors/vectors.js';
import { groupsOf, type Labels, rowsOf } from './targets.js';
import type { VectorSet } from './vector-set.js';

/** Labelled items, ready to learn from. */
export interface ClassItems {
  /** Their rows in the set. */
  rows: Int32Array;
  /** Their classes, 0 .. names.length − 1. */
  labels: Int32Array;
  names: string[];
  /** A group of each; undefined where each is its own. */
  groups: Int32Array | undefined;
  /** Unit vectors, one for each row. */
  vectors: Vectors;
  /** What was left out, in words. */
  warnings: string[];
}

/**
 * The items that have a class. A class that lies in one item or one group alone is left out, and said so: whenever it
 * is tested, nothing of it has been learned from. A class with fewer items than folds stays; it is in some of the
 * folds.
 *
 * @param group a column: items with equal cells stay on one side of every fold
 * @param among the rows to choose from. @default all
 * @throws UsageError when fewer than two classes are left.
 */
export async function classItems(
  set: VectorSet,
  { labels, names, column }: Labels,
  group?: string,
  among?: ArrayLike<number>,
): Promise<ClassItems> {
  const groupOf = group === undefined ? undefined : await groupsOf(set, group);
  const candidates = among ? Array.from(among) : Array.from(set.ids, (_, row) => row);
  const units = names.map(() => new Set<number>());
  for (const row of candidates) units[labels[row]!]?.add(groupOf?.[row] ?? row);
  const small = names.filter((_, c) => units[c]!.size === 1);
  const kept = names.filter((_, c) => units[c]!.size > 1);
  if (kept.length < 2)
    throw new UsageError(
      `${set.source}: expected two classes with at least two ${groupOf ? 'groups' : 'items'} each in the column ${column} but found ${kept.length}`,
      { hint: small.length > 0 ? `there is one alone of ${listed(small)}` : 'name another column' },
    );
  const places = Int32Array.from(names, (name) => kept.indexOf(name));
  const rows = Int32Array.from(candidates.filter((row) => labels[row]! >= 0 && places[labels[row]!]! >= 0));
  const unit = set.unit();
  const data = rows.length === set.count ? unit.data : rowsOf(unit, rows);
  const warnings: string[] = [];
  if (small.length > 0)
    warnings.push(
      `left out: ${plural(small.length, 'class', 'classes')} with one ${groupOf ? 'group' : 'item'} alone (${listed(small)})`,
    );
  const unlabelled = candidates.filter((row) => labels[row]! < 0).length;
  if (unlabelled > 0) warnings.push(`left out: ${plural(unlabelled, 'item')} without a ${column}`);
  return {
    rows,
    labels: Int32Array.from(rows, (row) => places[labels[row]!]!),
    names: kept,
    groups: groupOf && Int32Array.from(rows, (row) => groupOf[row]!),
    vectors: { data, dimension: set.dimension },
    warnings,
  };
}

const TRAIN = new Set(['train', 'training', 'val', 'valid', 'validation', 'dev']);
const TEST = new Set(['test', 'testing', 'eval', 'evaluation', 'holdout']);

/**
 * Rows to learn from and rows to test on, as a column says: its cells, or a part of the path where a cell is one (so
 * that `id` does for `photos/test/dress/1.jpg`), is train, training, val, valid, validation or dev, or test, testing,
 * eval, evaluation or holdout.
 *
 * @throws UsageError when there is no such column, a cell says neither, or no row is on one of the sides.
 */
export async function splitOf(
  set: VectorSet,
  column: string,
): Promise<{ train: Int32Array; test: Int32Array }> {
  const { cells } = await set.column(column);
  const train: number[] = [];
  const test: number[] = [];
  for (const [row, cell] of cells.entries()) {
    const parts = String(cell ?? '')
      .toLowerCase()
      .split(/[\\/]/);
    if (parts.some((part) => TEST.has(part))) test.push(row);
    else if (parts.some((part) => TRAIN.has(part))) train.push(row);
    else
      throw new UsageError(`${set.ids[row]}: expected train or test in ${column} but received "${cell}"`, {
        hint: `known are ${[...TRAIN, ...TEST].join(', ')}, as a cell or as a part of a path`,
      });
  }
  if (train.length === 0 || test.length === 0)
    throw new UsageError(
      `${set.source}: the column ${column} puts every item on one side, ${train.length === 0 ? 'test' : 'train'}`,
    );
  return { train: Int32Array.from(train), test: Int32Array.from(test) };
}

/** The first names of a list. */
function listed(names: readonly string[]): string {
  return names.length > 5 ? `${names.slice(0, 5).join(', ')}, …` : names.join(', ');
}
