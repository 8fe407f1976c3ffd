/** @file Long loops that leave the event loop room for a line of progress and for Ctrl-C. */
import { setImmediate } from 'node:timers/promises';

/** To be awaited between pieces of work: lets others run when they have waited for 50 ms. @throws when it was aborted. */
export function breathe(signal?: AbortSignal): () => Promise<void> {
  let last = performance.now();
  return async () => {
    if (performance.now() - last < 50) return;
    await setImmediate();
    signal?.throwIfAborted();
    last = performance.now();
  };
}
