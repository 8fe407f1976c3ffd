/**
 * @file The data of a run: opened, checked, split, told to the caller before anything is computed, and loaded batch by
 * batch.
 */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { writeFailure } from '../embedding/formats/files.js';
import { type ItemFailure, UsageError } from '../errors.js';
import type { TransformSpec } from '../image/index.js';
import { outputSize } from '../image/index.js';
import { resolveAugment } from './data/augment-resolve.js';
import { checkDataSet, type DataReport, formatDataReport } from './data/check.js';
import { openDataSet } from './data/dataset.js';
import { fingerprintDataSet, keepItems, unitCount } from './data/dataset-assemble.js';
import { Loader } from './data/loader.js';
import { replaceByLabel } from './data/loader-replacement.js';
import { type SplitOptions, splitDataSet } from './data/split.js';
import type { DataSet, DataSplit } from './data/types.js';
import type { HeldOut } from './held-out.js';
import type { TrainOptions } from './options.js';
import type { TaskContext } from './run.js';

/** What a run learns from. */
export interface TrainingData {
  set: DataSet;
  split: DataSplit;
  by: HeldOut['by'];
  report: DataReport;
  /** What tells this data from other data, for resuming. */
  identity: Readonly<Record<string, unknown>>;
}

/** File in the run's folder that remembers what the check of the data found. */
const REPORT = 'data.json';

/**
 * Opens `options.data`, decodes every image once to find those that cannot be read, and holds a part out. A resumed
 * run takes over what the check found.
 * @param requireFit throws when the run cannot be made of the data
 * @param heldOut says what is held out
 * @throws UsageError for an augmentation that is none, data that cannot be trained on, and data that is not what a
 *   resumed run was begun with.
 */
export async function openTrainingData(
  options: TrainOptions,
  context: TaskContext,
  transform: TransformSpec,
  requireFit: (set: DataSet, split: DataSplit) => void,
  heldOut: (set: DataSet, options: TrainOptions) => HeldOut,
): Promise<TrainingData> {
  const { seed = 0, workers } = options;
  resolveAugment(options.augment ?? 'none', outputSize(transform));
  const opened = await openDataSet(options.data, options.dataSet);
  const how = { seed, ...heldOut(opened, options) };
  const file = path.join(context.folder, REPORT);
  const before = options.resume ? await readReport(file) : undefined;
  let set: DataSet;
  let split: DataSplit;
  let report: DataReport;
  if (before) {
    report = before.report;
    const bad = new Set(report.unreadable.map(({ id }) => id));
    set = keepItems(opened, ({ id }) => !bad.has(id));
    requireSame(before.identity, identityOf(set));
    split = splitDataSet(set, how);
  } else {
    requireFit(opened, firstSplit(opened, how, requireFit)); // what is told at once need not wait for the check
    const found = await checkDataSet(opened, {
      split: how,
      inputSize: outputSize(transform),
      workers,
      onProgress: ({ done, total }) => context.onEvent({ type: 'checking', done, total }),
      signal: context.signal,
    });
    ({ set, split, report } = found);
  }
  const identity = identityOf(set);
  requireFit(set, split);
  if (!before) await writeReport(file, { identity, report });
  context.onEvent({ type: 'data', report, text: formatDataReport(report) });
  return { set, split, by: how.by, report, identity };
}

/** @throws as `requireFit` when not even all of the data would do, which says more than that it cannot be split. */
function firstSplit(
  set: DataSet,
  how: SplitOptions,
  requireFit: (set: DataSet, split: DataSplit) => void,
): DataSplit {
  try {
    return splitDataSet(set, how);
  } catch (error) {
    const none = new Int32Array(0);
    const all = Int32Array.from({ length: unitCount(set) }, (_, unit) => unit);
    requireFit(set, { train: all, validation: none, test: none });
    throw error;
  }
}

/** What tells a data set from others. */
type Identity = { items: number; sha256: string };

function identityOf(set: DataSet): Identity {
  return { items: set.items.length, sha256: fingerprintDataSet(set) };
}

function requireSame(before: Identity, now: Identity): void {
  if (before.sha256 === now.sha256) return;
  throw new UsageError(
    `data: expected the ${before.items} images, with their labels, that the run was begun with but found ${now.items}, or others`,
    { hint: 'restore the data as it was, or start a new run in another folder' },
  );
}

/** What is remembered of the data. */
interface Remembered {
  identity: Identity;
  report: DataReport;
}

async function writeReport(file: string, content: Remembered): Promise<void> {
  await writeFile(file, `${JSON.stringify(content, null, 2)}\n`).catch((error) => {
    throw writeFailure(file, error);
  });
}

async function readReport(file: string): Promise<Remembered | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Remembered;
  } catch {
    return undefined; // killed before it was written, or while
  }
}

/** The batches of a run's images. Close it when done. */
export function imageLoader(
  { set, split }: TrainingData,
  spec: TransformSpec,
  options: Pick<TrainOptions, 'seed' | 'workers' | 'cacheBytes' | 'augment'>,
  onFailure: (failure: ItemFailure) => void,
): Loader {
  const { seed = 0, augment, workers, cacheBytes } = options;
  const rows = set.kind === 'pairs' || set.kind === 'triplets';
  const replacement = rows ? undefined : replaceByLabel(set.labels, split.train, seed);
  return new Loader({ items: set.items, spec, augment, seed, workers, cacheBytes, replacement, onFailure });
}

/** A plan that goes through images in order, the last batch as long as what is left. */
export function inOrder(indices: Int32Array, batch: number): Int32Array[] {
  return Array.from({ length: Math.ceil(indices.length / batch) }, (_, k) =>
    indices.subarray(k * batch, (k + 1) * batch),
  );
}

/** Items of one micro-batch. @throws UsageError unless the batch divides into equal parts of whole `unit`s. */
export function microBatch(batchSize: number, accumulate: number, unit = 1): number {
  const micro = batchSize / accumulate;
  if (Number.isInteger(micro) && micro % unit === 0) return micro;
  throw new UsageError(
    `accumulate: expected parts of a batch of ${batchSize} that are multiples of ${unit} but ${accumulate} parts make ${micro}`,
  );
}
