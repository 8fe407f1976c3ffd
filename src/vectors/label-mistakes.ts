/** @file Which labels are probably wrong, from what a classifier says of items that it was not fitted to. */
import { UsageError } from '../errors.js';

/** A label that is in doubt. */
export interface Mistake {
  /** Position of the item. */
  item: number;
  given: number;
  /** The class that it is likelier to be. */
  suggested: number;
  /** The probability of the given label, 0..1: the lower, the likelier it is wrong. */
  confidence: number;
}

/**
 * Confident learning: a class's threshold is the mean probability that its own items are given of it; an item that
 * reaches the threshold of another class (of several: the likeliest) is taken for one of it, unless its own label is the
 * likeliest after all. The worst come first. Equal to cleanlab's `find_label_issues(filter_by='confident_learning',
 * return_indices_ranked_by='self_confidence')`.
 *
 * @param probabilities out of fold, `[n × classes]`
 * @param labels the given ones, 0 .. classes − 1
 * @see Northcutt, Jiang & Chuang 2021, Confident learning
 * @throws UsageError when the lengths do not fit.
 */
export function confidentMistakes(
  probabilities: Float32Array,
  labels: ArrayLike<number>,
  classes: number,
): Mistake[] {
  const count = labels.length;
  if (probabilities.length !== count * classes)
    throw new UsageError(
      `probabilities: expected ${count} × ${classes} numbers but received ${probabilities.length}`,
    );
  const of = (item: number, c: number) => probabilities[item * classes + c]!;
  const sums = new Float64Array(classes);
  const sizes = new Int32Array(classes);
  for (let item = 0; item < count; item++) {
    sums[labels[item]!]! += of(item, labels[item]!);
    sizes[labels[item]!]!++;
  }
  const thresholds = sums.map((sum, c) => (sizes[c]! > 0 ? sum / sizes[c]! : Number.POSITIVE_INFINITY));
  const mistakes: Mistake[] = [];
  for (let item = 0; item < count; item++) {
    const given = labels[item]!;
    let [confident, one, likeliest] = [0, -1, 0];
    for (let c = 0; c < classes; c++) {
      if (of(item, c) > of(item, likeliest)) likeliest = c;
      if (of(item, c) < thresholds[c]! - 1e-6) continue;
      confident++;
      one = c;
    }
    const suggested = confident > 1 ? likeliest : one;
    if (suggested >= 0 && suggested !== given && likeliest !== given)
      mistakes.push({ item, given, suggested, confidence: of(item, given) });
  }
  return mistakes.sort((a, b) => a.confidence - b.confidence || a.item - b.item);
}
