/** @file Whether data can be trained on in the way that is asked for, told before anything is computed. */
import { UsageError } from '../../errors.js';
import { unitCount } from './dataset-assemble.js';
import { firstFew, plural } from './dataset-text.js';
import { assertEnough } from './sampler.js';
import { assertMPerClass } from './sampler-class.js';
import type { DataSet, DataSplit } from './types.js';

/** What a run needs of its data. */
export interface TrainingNeeds {
  /** Units (images; pairs; triplets) of one batch. */
  batch: number;
  /** Whether images of one class are to come close and those of two to part: there must be several of several. */
  classes?: boolean | undefined;
  /** Images of each class in a batch, for m-per-class sampling. */
  perClass?: number | undefined;
}

/**
 * Checks the training part of a split against what a run needs of it.
 * @throws UsageError for an empty training part; a batch larger than it; labels that are missing; one class; one image
 *   in every class; pairs that are all the same or all different; a batch that m-per-class sampling cannot fill.
 */
export function assertTrainable(set: DataSet, split: DataSplit, needs: TrainingNeeds): void {
  if (split.train.length === 0)
    throw new UsageError(`data: expected a training part but all of ${unitCount(set)} are held out`, {
      hint: 'lower the shares of validation and test',
    });
  if (needs.classes && set.kind === 'labelled') assertClasses(set, split);
  else if (needs.classes && set.kind === 'unlabelled')
    throw new UsageError('data: expected labelled images for this loss but received unlabelled ones', {
      hint: 'put them into one folder per class, give a label file with labels, or choose a loss for unlabelled images (ntxent)',
    });
  if (set.same) assertBothKinds(set.same, split);
  if (needs.perClass !== undefined && set.labels) {
    const { labels } = set;
    assertMPerClass(needs.perClass, needs.batch, new Set(Array.from(split.train, (i) => labels[i]!)).size);
  } else
    assertEnough(
      needs.batch,
      split.train.length,
      set.kind === 'pairs' || set.kind === 'triplets' ? set.kind : 'images',
    );
}

function assertClasses({ labels, classes }: DataSet, { train }: DataSplit): void {
  const counts = new Map<number, number>();
  for (const i of train) counts.set(labels![i]!, (counts.get(labels![i]!) ?? 0) + 1);
  const names = [...counts.keys()].map((c) => classes[c]!).sort();
  if (counts.size === 1)
    throw new UsageError(
      `data: expected images of at least two classes to train on but all ${plural(train.length, 'image')} are "${names[0]}"`,
      {
        hint: 'a metric is learned from what differs: add a second class, or choose a loss for unlabelled images (ntxent)',
      },
    );
  if ([...counts.values()].every((count) => count === 1))
    throw new UsageError(
      `data: expected two or more training images in some classes but each of ${plural(counts.size, 'class')} has one: ${firstFew(names)}`,
      { hint: 'add images, or choose a loss for unlabelled images (ntxent)' },
    );
}

function assertBothKinds(same: Uint8Array, { train }: DataSplit): void {
  const together = train.reduce((sum, row) => sum + same[row]!, 0);
  if (together > 0 && together < train.length) return;
  throw new UsageError(
    `data: expected pairs that belong together and pairs that do not but all ${train.length} ${together > 0 ? 'belong together' : 'are different'}`,
    { hint: 'name the column that tells them apart with sameColumn, or add pairs of the other kind' },
  );
}
