/**
 * @file Training as a library call: starts the thread in which a run happens, passes on what it tells, and stops it.
 */
import { Worker } from 'node:worker_threads';
import { RuntimeError } from '../errors.js';
import type { AutoencoderTrainOptions, ProjectionTrainOptions, SiameseTrainOptions } from './options.js';
import type { RunEvent, RunResult, RunSpec } from './run.js';
import { unpackError } from './thread-error.js';
import type { Message } from './train-worker.js';

/** What the caller of a run may watch and do. */
export interface TrainHooks {
  /** Told of the data found, of every step and of every epoch. What it throws ends the run. */
  onEvent?: ((event: RunEvent) => void) | undefined;
  /** When it aborts, a checkpoint is written and the run ends as `interrupted`; `resume` goes on from there. */
  signal?: AbortSignal | undefined;
}

/**
 * Trains an autoencoder on images; see {@link AutoencoderTrainOptions}. The model folder opens in `loadEmbedder`, its
 * embedding is the latent vector, and in `loadAutoencoder`, which gives images back.
 * @throws UsageError for options and data that cannot work, before anything is computed; TrainingError when the loss
 *   is not a number or explodes; what was reached by then is kept in `out`.
 */
export function trainAutoencoder(
  options: AutoencoderTrainOptions,
  hooks: TrainHooks = {},
): Promise<RunResult> {
  return inThread({ kind: 'autoencoder', options }, hooks);
}

/**
 * Trains a Siamese network: one network over both images, so that like ones lie close; see
 * {@link SiameseTrainOptions}. The model folder opens in `loadEmbedder`.
 * @throws as {@link trainAutoencoder}; ModelError for a backbone that is unknown.
 */
export function trainSiamese(options: SiameseTrainOptions, hooks: TrainHooks = {}): Promise<RunResult> {
  return inThread({ kind: 'siamese', options }, hooks);
}

/**
 * Trains a linear projection of embeddings that exist to fewer dimensions; see {@link ProjectionTrainOptions}. The
 * folder opens in `loadProjection`.
 * @throws as {@link trainAutoencoder}; FormatError for an embeddings file that cannot be read.
 */
export function trainProjection(options: ProjectionTrainOptions, hooks: TrainHooks = {}): Promise<RunResult> {
  return inThread({ kind: 'projection', options }, hooks);
}

async function inThread(spec: RunSpec, { onEvent, signal }: TrainHooks): Promise<RunResult> {
  signal?.throwIfAborted();
  const worker = new Worker(new URL('./train-worker.js', import.meta.url), {
    workerData: spec,
    execArgv: [], // the parent's flags (--input-type, --eval) are not for a worker
  });
  const abort = () => worker.postMessage('stop');
  signal?.addEventListener('abort', abort, { once: true });
  return new Promise<RunResult>((resolve, reject) => {
    let thrown: { error: unknown } | undefined;
    worker.on('message', (message: Message) => {
      if ('event' in message) {
        if (thrown) return;
        try {
          onEvent?.(message.event);
        } catch (error) {
          thrown = { error };
          worker.postMessage('stop'); // the run writes a checkpoint and ends
        }
      } else if (thrown) reject(thrown.error);
      else if ('result' in message) resolve(message.result);
      else reject(unpackError(message.error));
    });
    worker.on('error', (cause) =>
      reject(new RuntimeError(`the training thread crashed: ${cause.message}`, { cause })),
    );
    worker.on('exit', (code) => reject(new RuntimeError(`the training thread ended with code ${code}`)));
  }).finally(() => signal?.removeEventListener('abort', abort));
}
