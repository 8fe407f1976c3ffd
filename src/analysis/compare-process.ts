/**
 * @file Each model embeds in a process of its own: so its memory can be told from that of the others, and one that
 * takes too much takes nobody with it.
 */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Progress } from '../embedding/results.js';
import { type ItemFailure, ModelError } from '../errors.js';
import { type PackedError, packError, unpackError } from '../training/thread-error.js';
import { type KeepSpec, type KeptVectors, keepVectors } from './compare-vectors.js';

/** What the process says. */
type Message =
  | { progress: Progress }
  | { failure: ItemFailure }
  | { result: KeptVectors }
  | { error: PackedError };

const own = fileURLToPath(import.meta.url);

/**
 * {@link keepVectors} in another process.
 * @throws what it throws, ModelError when the process dies, the reason of `signal` once it is aborted.
 */
export async function keepVectorsApart(
  spec: KeepSpec,
  told: { onProgress(progress: Progress): void; onFailure(failure: ItemFailure): void },
  signal?: AbortSignal,
): Promise<KeptVectors> {
  signal?.throwIfAborted();
  const child = fork(own, [MARK], { execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const end = () => child.kill('SIGKILL'); // what was written is safe at any moment
  signal?.addEventListener('abort', end, { once: true });
  try {
    return await new Promise<KeptVectors>((resolve, reject) => {
      child.on('message', (message: Message) => {
        if ('progress' in message) told.onProgress(message.progress);
        else if ('failure' in message) told.onFailure(message.failure);
        else if ('result' in message) resolve(message.result);
        else reject(unpackError(message.error));
      });
      child.on('error', reject);
      child.on('exit', (code, killed) =>
        reject(
          signal?.aborted
            ? signal.reason
            : new ModelError(`${spec.model}: its process ended (${killed ?? `code ${code}`})`, {
                hint: killed === 'SIGKILL' ? 'there may not be enough memory for it' : undefined,
              }),
        ),
      );
      child.send(spec);
    });
  } finally {
    signal?.removeEventListener('abort', end);
    child.kill();
  }
}

/** Says that this file was started as a process. */
const MARK = 'afterimage-keep-vectors';

if (process.argv[2] === MARK && process.send) {
  const say = (message: Message) => void process.send!(message);
  process.once('message', (spec: KeepSpec) => {
    keepVectors(spec, {
      onProgress: (progress) => say({ progress }),
      onFailure: (failure) => say({ failure }),
    }).then(
      (result) => say({ result }),
      (error: unknown) => say({ error: packError(error) }),
    );
  });
  process.once('disconnect', () => process.exit()); // whoever asked has gone
}
