/**
 * @file The thread in which a run trains. Its sessions compute on it directly; the caller's event loop stays free.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { type RunEvent, type RunResult, type RunSpec, runTraining } from './run.js';
import { type PackedError, packError } from './thread-error.js';

/** What the thread says. */
export type Message = { event: RunEvent } | { result: RunResult } | { error: PackedError };

const port = parentPort!;
const spec = workerData as RunSpec;
const stop = new AbortController();
port.on('message', () => stop.abort()); // kept on: the open port keeps the thread alive

const say = (message: Message): void => port.postMessage(message);

try {
  const result = await runTraining(spec, {
    onEvent: (event) => say({ event }),
    signal: stop.signal,
  });
  say({ result });
} catch (error) {
  say({ error: packError(error) });
}
port.close();
