/**
 * @file Threads that make batches. Every job is handed to a thread at once, so that threads find their next one
 * without their parent, whose event loop a training step holds up; a thread that dies is replaced and its jobs are
 * done again.
 */
import { Worker } from 'node:worker_threads';
import { TrainingError } from '../../errors.js';
import { type BatchJob, BatchMaker, type LoaderSetup, type MadeBatch } from './loader-batch.js';
import type { BatchAnswer, NumberedJob } from './loader-worker.js';

interface Task extends NumberedJob {
  /** How many threads died over it. */
  deaths: number;
  resolve(made: MadeBatch): void;
  reject(error: unknown): void;
}

interface Slot {
  worker: Worker;
  /** In the order in which they are done. */
  tasks: Map<number, Task>;
}

/** Makes batches on threads, or on the caller's own where there are none. */
export class LoaderPool {
  private readonly slots = new Set<Slot>();
  private readonly inline: BatchMaker | undefined;
  private nextId = 0;
  private closed = false;

  /** @param size number of threads; they are started when they are needed. */
  constructor(
    private readonly setup: LoaderSetup,
    private readonly size: number,
  ) {
    if (size === 0) this.inline = new BatchMaker(setup);
  }

  /** @throws TrainingError if the pool is closed, or two threads died over the batch. */
  make(job: BatchJob): Promise<MadeBatch> {
    if (this.closed) return Promise.reject(new TrainingError('The loader of images is closed'));
    if (this.inline !== undefined) return this.inline.make(job);
    return new Promise((resolve, reject) => {
      this.assign({ id: this.nextId++, job, deaths: 0, resolve, reject });
    });
  }

  /** Stops the threads; what is not finished is rejected. */
  async close(): Promise<void> {
    this.closed = true;
    const slots = [...this.slots];
    this.slots.clear();
    for (const { tasks } of slots) {
      for (const task of tasks.values()) task.reject(new TrainingError('The loader of images was closed'));
    }
    await Promise.all(slots.map(({ worker }) => worker.terminate()));
  }

  /** To the thread with the least to do; a new one while there may be more and none is idle. */
  private assign(task: Task): void {
    let slot: Slot | undefined;
    for (const other of this.slots)
      if (slot === undefined || other.tasks.size < slot.tasks.size) slot = other;
    if (slot === undefined || (slot.tasks.size > 0 && this.slots.size < this.size)) slot = this.start();
    slot.tasks.set(task.id, task);
    slot.worker.ref();
    slot.worker.postMessage({ id: task.id, job: task.job } satisfies NumberedJob);
  }

  private start(): Slot {
    const worker = new Worker(new URL('./loader-worker.js', import.meta.url), {
      workerData: this.setup,
      execArgv: [], // the parent's flags (--input-type, --eval) are not for a worker
      // Frequent small collections free the pixels of pictures that are through.
      resourceLimits: { maxYoungGenerationSizeMb: 1 },
    });
    const slot: Slot = { worker, tasks: new Map() };
    this.slots.add(slot);
    worker.on('message', (answer: BatchAnswer) => {
      const task = slot.tasks.get(answer.id);
      if (task === undefined) return;
      slot.tasks.delete(answer.id);
      if (slot.tasks.size === 0) worker.unref(); // an idle pool does not keep the process alive
      if ('made' in answer) task.resolve(answer.made);
      else task.reject(failure(task, answer.reason));
    });
    worker.on('error', (error) => this.replace(slot, error.message));
    worker.on('exit', (code) => this.replace(slot, `it ended with code ${code}`));
    return slot;
  }

  /** Gives the jobs of a thread that is gone to others. The first of them is the one that it died over. */
  private replace(slot: Slot, reason: string): void {
    if (!this.slots.delete(slot)) return;
    const tasks = [...slot.tasks.values()];
    slot.tasks.clear();
    tasks.forEach((task, i) => {
      if (i === 0) task.deaths++;
      if (task.deaths > 1) task.reject(failure(task, `its thread died twice (${reason})`));
      else this.assign(task);
    });
  }
}

function failure({ job }: Task, reason: string): TrainingError {
  return new TrainingError(`Batch ${job.batch} of epoch ${job.epoch} could not be loaded: ${reason}`);
}
