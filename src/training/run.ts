/**
 * @file A whole run from its options: data, task, loop. What happens in the training thread.
 */
import path from 'node:path';
import { lock } from '../embedding/formats/lock.js';
import type { ItemFailure } from '../errors.js';
import { autoencoderTask } from './autoencoder-task.js';
import { checkTrainOptions } from './check-options.js';
import type { DataReport } from './data/check.js';
import { runLoop } from './loop.js';
import type {
  AutoencoderTrainOptions,
  ProjectionTrainOptions,
  SiameseTrainOptions,
  TrainOptions,
} from './options.js';
import type { LoopResult, TrainingEvent } from './progress.js';
import { projectionTask } from './projection-task.js';
import { dropReplaced, prepareRunFolder, removeRunFolder } from './run-folder.js';
import { siameseTask } from './siamese-task.js';
import type { Task } from './task.js';

/** A run, as plain JSON. */
export type RunSpec =
  | { kind: 'autoencoder'; options: AutoencoderTrainOptions }
  | { kind: 'siamese'; options: SiameseTrainOptions }
  | { kind: 'projection'; options: ProjectionTrainOptions };

/** What a run tells. */
export type RunEvent =
  | { type: 'checking'; done: number; total: number }
  | { type: 'failure'; failure: ItemFailure }
  | { type: 'features'; done: number; total: number }
  | { type: 'data'; report: DataReport; text: string }
  | TrainingEvent;

/** How a run ended. */
export interface RunResult extends LoopResult {
  /** The model folder; complete unless the run was interrupted. */
  folder: string;
}

/** What a task is built with. */
export interface TaskContext {
  /** Folder for what the run keeps to itself. */
  folder: string;
  onEvent(event: RunEvent): void;
  /** Aborted when the run should come to an end. */
  signal: AbortSignal;
}

/** Epochs where none are named: 20; more of little data, as far as 100 go, until there are so many steps. */
const EPOCHS = { least: 20, most: 100 };
const STEPS = { autoencoder: 2000, siamese: 500, projection: 500 };

/** Runs from options to model folder. @throws see `trainAutoencoder`. */
export async function runTraining(
  spec: RunSpec,
  { onEvent, signal }: { onEvent(event: RunEvent): void; signal: AbortSignal },
): Promise<RunResult> {
  const { options } = spec;
  checkTrainOptions(options);
  const config = { kind: spec.kind, ...identity(options) };
  const folder = await prepareRunFolder(options, config);
  const unlock = await lock(path.join(folder, 'lock'));
  try {
    return await run(spec, config, { folder, onEvent, signal });
  } finally {
    await unlock();
  }
}

/** The run in its folder. */
async function run(spec: RunSpec, config: Record<string, unknown>, context: TaskContext): Promise<RunResult> {
  const { options } = spec;
  const { folder, onEvent, signal } = context;
  const out = path.resolve(options.out);
  let task: Task;
  try {
    task = await taskOf(spec, context);
  } catch (error) {
    if (!signal.aborted) {
      if (!options.resume) await removeRunFolder(folder); // nothing was begun that could be gone on with
      throw error;
    }
    return {
      folder: out,
      ended: 'interrupted',
      epochs: 0,
      steps: 0,
      bestEpoch: 0,
      metrics: {},
      seconds: 0,
      history: [],
    };
  }
  try {
    await dropReplaced(folder);
    const result = await runLoop(
      task,
      {
        folder,
        config: { ...config, data: task.data },
        epochs: options.epochs ?? epochsFor(spec.kind, task.stepsPerEpoch),
        optimizer: options.optimizer ?? { name: 'adam' },
        schedule: options.schedule ?? { name: 'cosine' },
        clipGradNorm: options.clipGradNorm,
        accumulate: options.accumulate ?? 1,
        threads: options.threads,
        patience: options.patience,
        checkpointSeconds: options.checkpointSeconds ?? 60,
        resume: options.resume ?? false,
      },
      { onEvent, signal },
    );
    return { ...result, folder: out };
  } finally {
    await task.close();
  }
}

function taskOf(spec: RunSpec, context: TaskContext): Promise<Task> {
  if (spec.kind === 'autoencoder') return autoencoderTask(spec.options, context);
  if (spec.kind === 'siamese') return siameseTask(spec.options, context);
  return projectionTask(spec.options);
}

function epochsFor(kind: RunSpec['kind'], stepsPerEpoch: number): number {
  return Math.min(EPOCHS.most, Math.max(EPOCHS.least, Math.ceil(STEPS[kind] / stepsPerEpoch)));
}

/** The options that make a run what it is; the rest says where it happens, how fast and how safely. */
function identity(options: TrainOptions | ProjectionTrainOptions): Record<string, unknown> {
  const { data, out, overwrite, resume, checkpointSeconds, ...rest } = options;
  const { workers, cacheBytes, offline, ...chosen } = rest as SiameseTrainOptions;
  return JSON.parse(JSON.stringify(chosen)) as Record<string, unknown>;
}
