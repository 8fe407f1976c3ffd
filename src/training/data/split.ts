/**
 * @file Data split into training, validation and test parts. The draw depends on ids and seed alone, not on the order in
 * which a file system lists its files.
 */
import { UsageError } from '../../errors.js';
import { Random } from '../../random.js';
import { unitCount, unitItems } from './dataset-assemble.js';
import { plural } from './dataset-text.js';
import { gather, splitByGroup } from './split-group.js';
import { stratifiedCounts } from './split-stratified.js';
import type { DataSet, DataSplit, Part } from './types.js';

/** How data is split. */
export interface SplitOptions {
  /**
   * Share of the units held out for validation, rounded up to a whole number.
   * @default 0.1
   */
  validation?: number | undefined;
  /** Share of the units held out for a test, rounded up. @default 0 */
  test?: number | undefined;
  /** @default 0 */
  seed?: number | undefined;
  /**
   * What is held out.
   *
   * - `random`: single units (scikit-learn's `ShuffleSplit`).
   * - `stratified`: single units, in every class the same share (`StratifiedShuffleSplit`); a class of two or more units
   *   is on both sides. Of pairs, those that belong together and the others are the classes.
   * - `group`: whole groups, so that no group is on two sides (`GroupShuffleSplit`); sizes and classes come as close to
   *   the shares as the groups allow. Rows of pairs and triplets that share an image are one group.
   * - `classes`: whole classes, at least two a side: for a metric that is to hold for classes never seen.
   *
   * @default 'stratified' for labelled images and pairs, and otherwise 'random'
   */
  by?: 'random' | 'stratified' | 'group' | 'classes' | undefined;
}

/**
 * Splits a data set. Parts that the data gives itself ({@link DataSet.given}) stand; a validation or test part that is
 * asked for and not given is drawn from the given training part.
 *
 * @returns units (items; rows of pairs and triplets), each part ascending, none in two parts.
 * @throws UsageError for shares that leave nothing to train on, fewer units than classes in a stratified part, too few
 *   groups or classes.
 */
export function splitDataSet(set: DataSet, options: SplitOptions = {}): DataSplit {
  const { validation = 0.1, test = 0, seed = 0 } = options;
  checkShares(validation, test);
  const by = options.by ?? (set.labels !== null || set.kind === 'pairs' ? 'stratified' : 'random');
  const all = Array.from({ length: unitCount(set) }, (_, u) => u);
  const given = (part: Part): number[] => all.filter((u) => set.given?.[u] === part);
  const parts: Record<Part, number[]> = {
    train: set.given ? given('train') : all,
    validation: given('validation'),
    test: given('test'),
  };
  const draws: [Part, number][] = [
    ['test', test],
    ['validation', validation],
  ];
  const wanted = draws.filter(([part, share]) => share > 0 && parts[part].length === 0);
  const total = parts.train.length;
  if (total === 0)
    throw new UsageError('train: expected a training part but the data gives none', {
      hint: 'it names parts itself (folders or a column): call one of them train, or set givenSplit to false',
    });
  for (const [i, [part, share]] of wanted.entries()) {
    const from = byId(set, parts.train);
    const count = Math.ceil(share * total);
    if (count >= from.length)
      throw new UsageError(
        `${part}: expected a share that leaves units to train on but ${share} of ${total} is ${count} of ${from.length} left`,
        { hint: 'lower the share or add data' },
      );
    const random = new Random(seed, 'split', part);
    const later = wanted.length - 1 - i;
    parts[part] = draw(set, by, from, { part, count, random, later });
    const held = new Set(parts[part]);
    parts.train = from.filter((u) => !held.has(u));
  }
  return {
    train: Int32Array.from(parts.train).sort(),
    validation: Int32Array.from(parts.validation).sort(),
    test: Int32Array.from(parts.test).sort(),
  };
}

/** What is drawn: how many units, for which part, and how many parts are drawn after it. */
export interface Draw {
  part: Part;
  count: number;
  random: Random;
  later: number;
}

function draw(set: DataSet, by: NonNullable<SplitOptions['by']>, from: number[], what: Draw): number[] {
  switch (by) {
    case 'random':
      return what.random.shuffle(from.slice()).slice(0, what.count);
    case 'stratified':
      return drawStratified(set, from, what);
    case 'group':
    case 'classes':
      return splitByGroup(set, by, from, what);
    default:
      throw new UsageError(
        `split: expected random, stratified, group or classes but received ${by satisfies never}`,
      );
  }
}

function drawStratified(set: DataSet, from: number[], { part, count, random }: Draw): number[] {
  const classOf = set.labels ?? set.same;
  if (classOf === undefined || classOf === null)
    throw new UsageError(`split: expected labels to stratify by but the data is ${set.kind}`, {
      hint: "split it by 'random' or by 'group'",
    });
  const classes = gather(from, (u) => classOf[u]!).sort((a, b) => classOf[a[0]!]! - classOf[b[0]!]!);
  const least = classes.filter(({ length }) => length > 1).length;
  if (count < least || from.length - count < classes.length)
    throw new UsageError(
      `${part}: expected room for each of ${plural(classes.length, 'class')} on both sides of a stratified split but ` +
        `${count} of ${plural(from.length, 'unit')} are held out`,
      { hint: `change the share of ${part}, hold out whole classes (by: 'classes'), or split by 'random'` },
    );
  const counts = stratifiedCounts(
    classes.map(({ length }) => length),
    count,
    random,
  );
  return classes.flatMap((units, c) => random.shuffle(units).slice(0, counts[c]));
}

/** Units in the order of their images' ids. */
function byId(set: DataSet, units: readonly number[]): number[] {
  const key = (u: number): string => Array.from(unitItems(set, u), (i) => set.items[i]!.id).join('\0');
  return units
    .map((unit) => ({ unit, key: key(unit) }))
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : a.unit - b.unit))
    .map(({ unit }) => unit);
}

function checkShares(validation: number, test: number): void {
  for (const [name, share] of Object.entries({ validation, test })) {
    if (!(share >= 0 && share < 1))
      throw new UsageError(`${name}: expected a share from 0 to below 1 but received ${share}`);
  }
  if (validation + test >= 1)
    throw new UsageError(
      `validation and test: expected shares that leave something to train on but received ${validation} and ${test}`,
    );
}
