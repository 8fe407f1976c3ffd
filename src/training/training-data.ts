/**
 * @file The data of a run: opened, checked and split, and told to the caller before anything is computed.
 */
import { createHash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { TrainingError, UsageError } from '../errors.js';
import type { TransformSpec } from '../image/index.js';
import { type AugmentOptions, augmentOptions } from './data/augment.js';
import { checkDataSet } from './data/check.js';
import { openDataSet } from './data/dataset.js';
import { Loader } from './data/loader.js';
import { splitDataSet } from './data/split.js';
import type { DataSet, DataSplit } from './data/types.js';
import type { TrainOptions } from './options.js';
import type { TaskContext } from './run.js';

/** What a run learns from. */
export interface TrainingData {
  set: DataSet;
  split: DataSplit;
  /** What tells this data from other data, for resuming. */
  identity: Record<string, unknown>;
}

/**
 * Opens `options.data`, decodes every image once to find those that cannot be read, and holds a part out.
 * @throws UsageError for data that cannot be trained on.
 */
export async function openTrainingData(options: TrainOptions, context: TaskContext): Promise<TrainingData> {
  const { seed = 0, validation = 0.1 } = options;
  const opened = await openDataSet(options.data, options.dataSet);
  context.onEvent({ type: 'checking', done: 0, total: opened.items.length });
