/**
 * @file The thread in which a run trains. Its sessions compute on it directly; the caller's event loop stays free.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { AfterimageError, type ErrorCode } from '../errors.js';
import { type RunEvent, type RunResult, type RunSpec, runTraining } from './run.js';

/** What the thread says. */
export type Message =
  | { event: RunEvent }
  | { result: RunResult }
  | {
      error: {
        code: ErrorCode | null;
        message: string;
        hint?: string | undefined;
        stack?: string | undefined;
      };
    };

const port = parentPort!;
const spec = workerData as RunSpec;
const stop = new AbortController();
port.once('message', () => stop.abort());

const say = (message: Message): void => port.postMessage(message);

try {
  const result = await runTraining(spec, {
    onEvent: (event) => say({ event }),
    signal: stop.signal,
  });
  say({ result });
} catch (error) {
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  const known = error instanceof AfterimageError ? { code: error.code, hint: error.hint } : { code: null };
  say({ error: { ...known, message, stack } });
}
port.close();
