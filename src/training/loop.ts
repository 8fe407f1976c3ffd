/**
 * @file The training loop: steps, learning rate, validation, early stopping, checkpoints, log.
 *
 * Everything that a run is at any moment lies in its `Progress`, the tensors and the optimiser's slots; a checkpoint
 * holds just these. Random numbers are keyed by seed, epoch and place, so a resumed run makes the same steps, and ends
 * in the same bits when the number of threads is the same.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { readCheckpoint, writeCheckpoint } from './checkpoint.js';
import { requireSameConfig } from './checkpoint-config.js';
import { writeCurves } from './curves.js';
import { takeLoss } from './divergence.js';
import { TrainingLog } from './log.js';
import { learningRate, type OptimizerOptions } from './optim/optimizer.js';
import { type ScheduleOptions, schedule } from './optim/schedule.js';
import { type LoopResult, noProgress, type Progress, type TrainingEvent } from './progress.js';
import { requireSpace } from './run-folder.js';
import { TrainStep } from './step.js';
import type { Metrics, StepInput, Task, TrainingSummary } from './task.js';

/** How to train, whatever is trained. */
export interface LoopOptions {
  /** Folder of checkpoint, log and curves. */
  folder: string;
  /** What identifies the run: a resumed one must have the same. Plain JSON. */
  config: Readonly<Record<string, unknown>>;
  epochs: number;
  optimizer: OptimizerOptions;
  schedule: ScheduleOptions;
  clipGradNorm?: number | undefined;
  accumulate: number;
  threads?: number | undefined;
  /** Stop after so many epochs in a row without a better one. @default never */
  patience?: number | undefined;
  /** Seconds between checkpoints within an epoch. */
  checkpointSeconds: number;
  resume: boolean;
}

/**
 * Trains until the epochs are done, nothing gets better any more, or `signal` aborts; then writes model and curves.
 * @throws TrainingError when the loss or a gradient is not a number or explodes; UsageError for a checkpoint of another
 *   configuration, or none where one should be resumed.
 */
export async function runLoop(
  task: Task,
  options: LoopOptions,
  { onEvent, signal }: { onEvent(event: TrainingEvent): void; signal: AbortSignal },
): Promise<LoopResult> {
  const step = await TrainStep.compile(task.program(), {
    bind: task.bind,
    groups: (name) => task.groups(name),
    optimizer: options.optimizer,
    accumulate: options.accumulate,
    ...(options.clipGradNorm === undefined ? {} : { clipGradNorm: options.clipGradNorm }),
    ...(options.threads === undefined ? {} : { threads: options.threads }),
  });
  try {
    return await new Loop(task, step, options, onEvent, signal).run();
  } finally {
    await step.release();
  }
}

class Loop {
  private progress = noProgress();
  private readonly rate: (step: number) => number;
  private readonly totalSteps: number;
  /** Where this process took the run up. */
  private resumedSeconds = 0;
  private resumedSteps = 0;
  private started = performance.now();
  private lastCheckpoint = performance.now();
  private items = 0;

  constructor(
    private readonly task: Task,
    private readonly step: TrainStep,
    private readonly options: LoopOptions,
    private readonly onEvent: (event: TrainingEvent) => void,
    private readonly signal: AbortSignal,
  ) {
    this.totalSteps = options.epochs * task.stepsPerEpoch;
    this.rate = schedule(options.schedule, this.totalSteps);
  }

  async run(): Promise<LoopResult> {
    const { options } = this;
    await this.requireSpace();
    if (options.resume) await this.resume();
    if (this.progress.step === 0) await this.measureBaseline();
    using log = TrainingLog.open(
      path.join(options.folder, 'log.jsonl'),
      this.progress.step,
      this.progress.epoch,
    );
    this.started = this.lastCheckpoint = performance.now();
    let ended: LoopResult['ended'] = 'finished';
    while (this.progress.epoch <= options.epochs) {
      if (options.patience !== undefined && this.progress.stale >= options.patience) {
        ended = 'early';
        break;
      }
      if (!(await this.epoch(log)))
        return { ...this.summary(), ended: 'interrupted', history: this.progress.history };
    }
    return this.finish(ended);
  }

  /** A disk that fills up would end the run hours later. Files are replaced whole, so there are two of each for a while. */
  private async requireSpace(): Promise<void> {
    const bytes = (arrays: ReadonlyMap<string, Float32Array>) =>
      [...arrays.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
    const { tensors, slots } = this.step.state();
    const copies = existsSync(this.file('checkpoint')) ? 1 : 2;
    const [model, checkpoint] = [bytes(tensors), bytes(tensors) + bytes(slots)];
    await requireSpace(this.options.folder, copies * (checkpoint + model) + model);
  }

  private async measureBaseline(): Promise<void> {
    const metrics = (await this.task.baseline?.()) ?? {};
    if (Object.keys(metrics).length === 0) return;
    this.progress.baseline = metrics;
    this.onEvent({ type: 'baseline', metrics });
  }

  /** One epoch's steps and its validation; false when it was stopped before its end. */
  private async epoch(log: TrainingLog): Promise<boolean> {
    const { task, progress } = this;
    for await (const input of task.steps(progress.epoch, progress.batch)) {
      if (this.signal.aborted) {
        await this.checkpoint();
        return false;
      }
      await this.train(input, log);
      if (performance.now() - this.lastCheckpoint > 1000 * this.options.checkpointSeconds)
        await this.checkpoint();
    }
    const loss = progress.lossSum / progress.batch;
    const metrics = await task.validate(this.step.tensors());
    const record = { epoch: progress.epoch, loss, metrics };
    progress.history.push(record);
    const best = this.isBest(metrics);
    if (best) {
      progress.bestEpoch = progress.epoch;
      progress.stale = 0;
      await writeCheckpoint(this.file('best'), {
        config: this.options.config,
        progress: record,
        tensors: this.step.tensors(),
      });
    } else progress.stale++;
    progress.seconds = this.seconds();
    log.write({ type: 'epoch', ...record, step: progress.step, seconds: progress.seconds, best });
    this.onEvent({ type: 'epoch', ...record, epochs: this.options.epochs, best, seconds: progress.seconds });
    progress.epoch++;
    progress.batch = 0;
    progress.lossSum = 0;
    await this.checkpoint();
    return true;
  }

  private async train(input: StepInput, log: TrainingLog): Promise<void> {
    const { progress, options } = this;
    const lr = learningRate(options.optimizer) * this.rate(progress.step);
    const result = await this.step.run(input.feeds, lr);
    this.refuseDivergence(result, lr);
    const { loss, gradNorm } = result;
    progress.step++;
    progress.batch++;
    progress.lossSum += loss;
    this.items += input.items;
    const seconds = this.seconds();
    log.write({ type: 'step', step: progress.step, epoch: progress.epoch, loss, lr, gradNorm, seconds });
    const stepsHere = progress.step - this.resumedSteps;
    const perStep = (seconds - this.resumedSeconds) / stepsHere;
    this.onEvent({
      type: 'step',
      epoch: progress.epoch,
      epochs: options.epochs,
      step: progress.step,
      steps: this.totalSteps,
      loss: progress.lossSum / progress.batch,
      lr,
      itemsPerSecond: this.items / (seconds - this.resumedSeconds),
      secondsLeft: perStep * (this.totalSteps - progress.step),
    });
  }

  private refuseDivergence(result: { loss: number; gradNorm: number }, lr: number): void {
    const { progress } = this;
    const { folder } = this.options;
    const kept =
      progress.bestEpoch > 0
        ? `the last good checkpoint and the best epoch (${progress.bestEpoch}) are in ${folder}`
        : `the last good checkpoint, if one was written, is in ${folder}`;
    takeLoss(
      progress,
      result,
      `step ${progress.step + 1} (epoch ${progress.epoch})`,
      `${kept}; start again with a lower learning rate than ${lr.toPrecision(3)}, or clip the gradients`,
    );
  }

  private isBest(metrics: Metrics): boolean {
    const { criterion } = this.task;
    const value = metrics[criterion];
    if (isUnknown(value)) return true; // nothing held out, or too little: the last is kept
    const { history, bestEpoch } = this.progress;
    const best = history.find((r) => r.epoch === bestEpoch)?.metrics[criterion];
    return isUnknown(best) || value > best;
  }

  private async finish(ended: LoopResult['ended']): Promise<LoopResult> {
    const { tensors } = await readCheckpoint(this.file('best'));
    const summary = this.summary();
    await this.task.save(tensors, summary);
    await writeCurves(path.join(this.options.folder, 'curves'), path.join(this.options.folder, 'log.jsonl'));
    return { ...summary, ended, history: this.progress.history };
  }

  private summary(): TrainingSummary {
    const { epoch, step, bestEpoch, history, seconds, baseline } = this.progress;
    const metrics = history.find((r) => r.epoch === bestEpoch)?.metrics ?? {};
    return { epochs: epoch - 1, steps: step, bestEpoch, metrics, ...(baseline ? { baseline } : {}), seconds };
  }

  private seconds(): number {
    return this.resumedSeconds + (performance.now() - this.started) / 1000;
  }

  private file(name: 'checkpoint' | 'best'): string {
    return path.join(this.options.folder, `${name}.safetensors`);
  }

  private async checkpoint(): Promise<void> {
    this.progress.seconds = this.seconds();
    await writeCheckpoint(this.file('checkpoint'), {
      config: this.options.config,
      progress: this.progress,
      ...this.step.state(),
    });
    this.lastCheckpoint = performance.now();
  }

  /** Takes up the last checkpoint, if the run came so far. */
  private async resume(): Promise<void> {
    const file = this.file('checkpoint');
    if (!existsSync(file)) return;
    const { config, progress, ...state } = await readCheckpoint(file);
    requireSameConfig(config, this.options.config, file);
    this.step.restore(state);
    this.progress = progress as Progress;
    const { seconds, step, epoch } = this.progress;
    this.resumedSeconds = seconds;
    this.resumedSteps = step;
    this.onEvent({ type: 'resumed', epoch, epochs: this.options.epochs, step });
  }
}

/** Whether a metric could not be measured. */
function isUnknown(value: number | undefined): value is undefined {
  return value === undefined || Number.isNaN(value);
}
