/** @file What is held out to measure on, where the options leave it open. */
import type { SplitOptions } from './data/split.js';
import type { DataSet } from './data/types.js';
import type { TrainOptions } from './options.js';

/** How a part is held out. */
export interface HeldOut {
  validation: number;
  by: NonNullable<SplitOptions['by']>;
}

/** Where nothing is known of the data: a tenth. */
const VALIDATION = 0.1;
/** Classes of fewer images, if there are so many classes, are held out whole. */
const SMALL_CLASSES = { images: 4, classes: 20 };

type Asked = Pick<TrainOptions, 'validation' | 'split'>;

/** Single images, whatever their class; whole groups where groups are named. */
export function heldOutImages(set: DataSet, { validation = VALIDATION, split }: Asked): HeldOut {
  return { validation, by: split ?? (hasGroups(set) ? 'group' : 'random') };
}

/**
 * What is compared within and across classes: of each class a tenth, or as much more, up to three tenths, as gives half
 * of the classes two images. Of many classes with a few images each, whole classes, at least two.
 */
export function heldOutOfClasses(set: DataSet, { validation, split }: Asked): HeldOut {
  const { labels, classes } = set;
  if (!labels || labels.length === 0) {
    const otherwise = set.kind === 'pairs' ? 'stratified' : 'random';
    return { validation: validation ?? VALIDATION, by: split ?? (hasGroups(set) ? 'group' : otherwise) };
  }
  const counts = new Array<number>(classes.length).fill(0);
  for (const label of labels) counts[label]!++;
  const median = counts.sort((a, b) => a - b)[counts.length >> 1]!;
  const areSmall = median < SMALL_CLASSES.images && classes.length >= SMALL_CLASSES.classes;
  const by = split ?? (hasGroups(set) ? 'group' : areSmall ? 'classes' : 'stratified');
  const two = 2 / (by === 'classes' ? classes.length : median);
  return { validation: validation ?? Math.min(0.3, Math.max(VALIDATION, two)), by };
}

function hasGroups({ items }: DataSet): boolean {
  return items.some(({ group }) => group !== undefined);
}
