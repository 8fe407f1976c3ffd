/** @file The size of batches: as asked for, or one that fits the data. */
import { assertTrainable } from './data/check-trainable.js';
import { assertEnough } from './data/sampler.js';
import type { DataSet, DataSplit } from './data/types.js';

/** Items of a class that make a batch worth its while. */
const PER_CLASS = 4;

/** What is asked for; undefined leaves it to the data. */
interface Asked {
  batchSize?: number | undefined;
  samplesPerClass?: number | undefined;
}

/**
 * Images in a batch, and of each class in it. With labels a batch holds equally many of some classes: with few classes
 * there are more of each.
 * @param target about how many images there are, where nothing is asked for
 * @throws UsageError when the data cannot make such batches.
 */
export function batchesOf(
  set: DataSet,
  split: DataSplit,
  asked: Asked,
  target: number,
): { batchSize: number; samplesPerClass: number } {
  const { batch, perClass } = sizes(set, split, asked, target);
  assertTrainable(set, split, {
    batch: set.kind === 'labelled' ? batch : Math.floor(batch / together(set)),
    classes: set.kind === 'labelled',
    ...(set.kind === 'labelled' ? { perClass } : {}),
  });
  if (set.labels) assertEnough(batch, split.train.length, 'images');
  return { batchSize: batch, samplesPerClass: perClass };
}

function sizes(
  set: DataSet,
  { train }: DataSplit,
  { batchSize, samplesPerClass }: Asked,
  target: number,
): { batch: number; perClass: number } {
  const { labels } = set;
  if (!labels) {
    const unit = together(set);
    const fit = Math.min(target, train.length * unit);
    return { batch: batchSize ?? Math.max(unit, fit - (fit % unit)), perClass: 1 };
  }
  const classes = new Set(Array.from(train, (i) => labels[i]!)).size;
  if (batchSize !== undefined) {
    let perClass = samplesPerClass ?? PER_CLASS;
    if (samplesPerClass === undefined)
      while (perClass < batchSize && (batchSize % perClass !== 0 || batchSize / perClass > classes))
        perClass++;
    return { batch: batchSize, perClass };
  }
  const fit = Math.min(target, train.length);
  const perClass = samplesPerClass ?? Math.max(PER_CLASS, Math.ceil(fit / Math.max(classes, 1)));
  return { batch: perClass * Math.min(classes, Math.max(2, Math.floor(fit / perClass))), perClass };
}

/** Images of a batch that belong together: two views of one, a pair, a triplet. */
function together({ kind }: DataSet): number {
  return kind === 'triplets' ? 3 : 2;
}
