/**
 * @file The data of a run: opened, checked, split, told to the caller before anything is computed, and loaded batch by
 * batch.
 */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type ItemFailure, UsageError } from '../errors.js';
import type { TransformSpec } from '../image/index.js';
import { outputSize } from '../image/index.js';
import { checkDataSet, type DataReport, formatDataReport } from './data/check.js';
import { openDataSet } from './data/dataset.js';
import { fingerprintDataSet, keepItems } from './data/dataset-assemble.js';
import { Loader } from './data/loader.js';
import { replaceByLabel } from './data/loader-replacement.js';
import { splitDataSet } from './data/split.js';
import type { DataSet, DataSplit } from './data/types.js';
import type { TrainOptions } from './options.js';
import type { TaskContext } from './run.js';

/** What a run learns from. */
export interface TrainingData {
  set: DataSet;
  split: DataSplit;
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
 * @throws UsageError for data that cannot be trained on.
 */
export async function openTrainingData(
  options: TrainOptions,
  context: TaskContext,
  transform: TransformSpec,
  requireFit: (set: DataSet, split: DataSplit) => void,
): Promise<TrainingData> {
  const { seed = 0, validation = 0.1, split: by, workers } = options;
  const opened = await openDataSet(options.data, options.dataSet);
  const how = { seed, validation, by };
  requireFit(opened, splitDataSet(opened, how)); // what is told at once need not wait for the check
  const file = path.join(context.folder, REPORT);
  const before = options.resume ? await readReport(file) : undefined;
  let set: DataSet;
  let split: DataSplit;
  let report: DataReport;
  if (before) {
    report = before;
    const bad = new Set(report.unreadable.map(({ id }) => id));
    set = keepItems(opened, ({ id }) => !bad.has(id));
    split = splitDataSet(set, how);
  } else {
    const found = await checkDataSet(opened, {
      split: how,
      inputSize: outputSize(transform),
      workers,
      onProgress: ({ done, total }) => context.onEvent({ type: 'checking', done, total }),
      signal: context.signal,
    });
    ({ set, split, report } = found);
    await writeFile(file, JSON.stringify(report, null, 2));
  }
  requireFit(set, split);
  context.onEvent({ type: 'data', report, text: formatDataReport(report) });
  return { set, split, report, identity: { items: set.items.length, sha256: fingerprintDataSet(set) } };
}

async function readReport(file: string): Promise<DataReport | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as DataReport;
  } catch {
    return undefined;
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
