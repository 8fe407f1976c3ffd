/**
 * @file The thread behind {@link DecodePool}: answers each job with a tensor or with the reason why there is none.
 */

import { parentPort, workerData } from 'node:worker_threads';
import { ImageError } from '../errors.js';
import type { Answer, Job, WorkerSetup } from './decode-pool.js';
import { prepareImage } from './prepare.js';
import { readSource } from './source.js';

const port = parentPort!;
const setup = workerData as WorkerSetup;

port.on('message', (job: Job) => {
  void answer(job).then((message) => {
    port.postMessage(message, 'prepared' in message ? [message.prepared.tensor.buffer as ArrayBuffer] : []);
  });
});

async function answer({ id, input, source }: Job): Promise<Answer> {
  try {
    const content = typeof input === 'string' ? await readSource(input, setup.read) : input;
    return { id, prepared: await prepareImage(content, source, setup) };
  } catch (error) {
    if (error instanceof ImageError) {
      const { stage, reason, hint } = error;
      return { id, failure: { stage, source: error.source, reason, hint } };
    }
    const reason = error instanceof Error ? error.message : String(error);
    return { id, failure: { stage: 'decode', source, reason } };
  }
}
