/** @file The thread behind {@link LoaderPool}: makes the batches it is sent, one after the other, in their order. */
import { parentPort, workerData } from 'node:worker_threads';
import { type BatchJob, BatchMaker, type LoaderSetup, type MadeBatch } from './loader-batch.js';

/** A job with the number that its answer bears. */
export interface NumberedJob {
  id: number;
  job: BatchJob;
}

/** What a thread answers; `reason` where something else than an image went wrong. */
export type BatchAnswer = { id: number; made: MadeBatch } | { id: number; reason: string };

const port = parentPort!;
const maker = new BatchMaker(workerData as LoaderSetup);
let last = Promise.resolve();

port.on('message', (message: NumberedJob) => {
  last = last.then(() => answer(message));
});

async function answer({ id, job }: NumberedJob): Promise<void> {
  try {
    const made = await maker.make(job);
    port.postMessage({ id, made } satisfies BatchAnswer, [made.images.buffer as ArrayBuffer]);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    port.postMessage({ id, reason } satisfies BatchAnswer);
  }
}
