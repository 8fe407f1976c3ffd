/** @file Which image stands in for one that cannot be read. */
import { Random } from '../../random.js';

/**
 * For `replacement` of a loader: another item of the same class, drawn by the seed, the item and the attempt.
 * @param labels the class of each item; null where there are none, when any item may stand in for any other.
 * @param among the items to choose from: those of the part that is trained on.
 */
export function replaceByLabel(
  labels: Int32Array | null,
  among: Int32Array,
  seed: number,
): (item: number, attempt: number) => number | undefined {
  const classes = new Map<number, number[]>();
  for (const item of among) {
    const label = labels?.[item] ?? -1;
    const members = classes.get(label);
    if (members === undefined) classes.set(label, [item]);
    else members.push(item);
  }
  return (item, attempt) => {
    const others = classes.get(labels?.[item] ?? -1)?.filter((other) => other !== item) ?? [];
    return others[new Random(seed, 'replacement', item, attempt).integer(others.length)];
  };
}
