/**
 * @file Numbers among the options, checked before a run touches anything: what is found out only when training begins
 * would have cost the check of every image and the features of a frozen network.
 */
import { UsageError } from '../errors.js';
import { completeOptions } from './optim/options.js';
import { schedule } from './optim/schedule.js';
import type {
  AutoencoderTrainOptions,
  ProjectionTrainOptions,
  SiameseTrainOptions,
  TrainOptions,
} from './options.js';

/** Whole numbers from 1. */
const COUNTS = [
  'epochs',
  'batchSize',
  'samplesPerClass',
  'accumulate',
  'patience',
  'threads',
  'dimension',
  'hidden',
] as const;

/** @throws UsageError for a number out of its range. */
export function checkTrainOptions(options: TrainOptions | ProjectionTrainOptions): void {
  for (const key of COUNTS) {
    const value = (options as Partial<Record<typeof key, number | null>>)[key];
    if (value !== undefined && value !== null && (!Number.isInteger(value) || value < 1))
      throw new UsageError(`${key}: expected a whole number of at least 1 but received ${value}`);
  }
  const { validation, seed, optimizer, clipGradNorm, checkpointSeconds } = options;
  if (validation !== undefined && !(validation >= 0 && validation < 1))
    throw new UsageError(`validation: expected a part of the data in 0..1 but received ${validation}`);
  if (seed !== undefined && !(Number.isSafeInteger(seed) && seed >= 0))
    throw new UsageError(`seed: expected a whole number of at least 0 but received ${seed}`);
  if (clipGradNorm !== undefined && !(clipGradNorm > 0))
    throw new UsageError(`clipGradNorm: expected a number above 0 but received ${clipGradNorm}`);
  if (checkpointSeconds !== undefined && !(checkpointSeconds >= 0))
    throw new UsageError(
      `checkpointSeconds: expected a number of at least 0 but received ${checkpointSeconds}`,
    );
  if (optimizer?.lr !== undefined && !(optimizer.lr > 0 && Number.isFinite(optimizer.lr)))
    throw new UsageError(`lr: expected a number above 0 but received ${optimizer.lr}`);
  if (optimizer) completeOptions(optimizer);
  if (options.schedule) schedule(options.schedule, Number.MAX_SAFE_INTEGER); // the steps are not known yet
  const { size, backboneRate, variational } = options as Omit<SiameseTrainOptions, 'size' | 'loss'> &
    AutoencoderTrainOptions;
  for (const side of [size ?? 1].flat())
    if (!Number.isInteger(side) || side < 1)
      throw new UsageError(`size: expected whole numbers of at least 1 but received ${size}`);
  for (const [name, value] of Object.entries({ backboneRate, beta: variational?.beta }))
    if (value !== undefined && !(value >= 0 && Number.isFinite(value)))
      throw new UsageError(`${name}: expected a number of at least 0 but received ${value}`);
}
