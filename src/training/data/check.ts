/**
 * @file Every image of a data set read and decoded before training starts, so that damaged files, images on two sides of
 * the split and lopsided classes are known before any work is lost.
 */
import { createHash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { ImageError, type ItemFailure, UsageError } from '../../errors.js';
import { DecodePool, readSource, type TransformSpec } from '../../image/index.js';
import { type DataReport, reportOn } from './check-report.js';
import { keepItems } from './dataset-assemble.js';
import { type SplitOptions, splitDataSet } from './split.js';
import type { DataItem, DataSet, DataSplit } from './types.js';

export type { DataReport } from './check-report.js';
export { formatDataReport } from './check-text.js';

/** How data is checked. */
export interface CheckOptions {
  /** How the readable images are then split. */
  split?: SplitOptions | undefined;
  /** The size that the network takes, in pixels; smaller images are reported. */
  inputSize?: { width: number; height: number } | undefined;
  /** Threads that decode. @default the cores, at most 8 */
  workers?: number | undefined;
  /** Told after every image. */
  onProgress?: ((progress: { done: number; total: number }) => void) | undefined;
  /** Stops the check; it then rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** What reading one image told. */
export interface ImageFacts {
  /** SHA-256 of the encoded file, in hexadecimal. */
  hash: string;
  width: number;
  height: number;
}

/** One pixel is kept: decoding is what is wanted here. */
const ONE_PIXEL: TransformSpec = {
  reference: 'torchvision',
  resize: null,
  crop: { height: 1, width: 1, rounding: 'even', fill: [0, 0, 0] },
  rescale: 'divide',
  mean: [0, 0, 0],
  std: [1, 1, 1],
};

/**
 * Decodes every image in worker threads, and looks at what is left.
 *
 * Each file is decoded whole, since nothing less finds one that is cut short. Nothing is kept of it but its size and a
 * hash of its bytes.
 *
 * @returns the data without the images that cannot be read (and without the pairs and triplets that need them), its
 *   split, and a report.
 * @throws UsageError when no image can be read, and as {@link splitDataSet}.
 */
export async function checkDataSet(
  set: DataSet,
  options: CheckOptions = {},
): Promise<{ set: DataSet; split: DataSplit; report: DataReport }> {
  const started = performance.now();
  const { facts, failures } = await readAll(set.items, options);
  const unreadable = [...set.unreadable, ...failures];
  if (facts.size === 0)
    throw new UsageError(
      `data: expected images that can be read but none of ${set.items.length} can: ${failures[0]?.id}: ${failures[0]?.reason}`,
    );
  const readable = failures.length === 0 ? set : { ...keepItems(set, ({ id }) => facts.has(id)), unreadable };
  const split = splitDataSet(readable, options.split);
  const report = reportOn(readable, split, facts, {
    unreadable,
    inputSize: options.inputSize,
    seconds: (performance.now() - started) / 1000,
  });
  return { set: readable, split, report };
}

interface Facts {
  facts: Map<string, ImageFacts>;
  failures: ItemFailure[];
}

/** Reads here, where bytes are hashed, and decodes in the threads; a few images are under way at a time. */
async function readAll(items: readonly DataItem[], options: CheckOptions): Promise<Facts> {
  const { workers = Math.min(availableParallelism(), 8), onProgress, signal } = options;
  const pool = new DecodePool({ spec: ONE_PIXEL, workers, ...(signal ? { signal } : {}) });
  const found: (ImageFacts | ItemFailure)[] = new Array(items.length);
  let next = 0;
  let done = 0;
  const work = async (): Promise<void> => {
    for (let i = next++; i < items.length; i = next++) {
      found[i] = await look(items[i]!, pool, signal);
      onProgress?.({ done: ++done, total: items.length });
    }
  };
  try {
    await Promise.all(Array.from({ length: 2 * Math.max(workers, 1) }, work));
  } finally {
    await pool.close();
  }
  const facts = new Map<string, ImageFacts>();
  const failures: ItemFailure[] = [];
  for (const [i, fact] of found.entries()) {
    if ('hash' in fact) facts.set(items[i]!.id, fact);
    else failures.push(fact);
  }
  return { facts, failures };
}

async function look(
  { id, input }: DataItem,
  pool: DecodePool,
  signal?: AbortSignal,
): Promise<ImageFacts | ItemFailure> {
  try {
    const bytes = await readSource(input, signal ? { signal } : {});
    if (!(bytes instanceof Uint8Array)) throw new ImageError('read', id, 'expected an encoded image');
    const hash = createHash('sha256').update(bytes).digest('hex');
    const { width, height } = await pool.process(bytes, signal);
    return { hash, width, height };
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    return { id, stage: error.stage, reason: error.reason };
  }
}
