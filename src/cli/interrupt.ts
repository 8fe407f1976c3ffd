/**
 * @file Ctrl-C in two steps: the first asks the work to come to a clean end, the second ends the program at once.
 */
import { constants } from 'node:os';

/** Why work that a signal asked to stop came to its end: the program ends with the exit code, and nothing is said. */
export class Interrupted extends Error {
  override name = 'AbortError'; // as that of every abort
  constructor(readonly exitCode: number) {
    super('stopped by a signal');
  }
}

/** A request to stop that a signal makes. */
export interface Interrupt extends Disposable {
  /** Aborted by the first SIGINT or SIGTERM, with {@link Interrupted} for its reason. */
  readonly stop: AbortSignal;
  /** The exit code that says which signal it was: 128 + its number; undefined when there was none. */
  readonly exitCode: number | undefined;
}

/**
 * Listens for SIGINT and SIGTERM once; `onFirst` is told. After the first, the system's own behaviour is back, so
 * that a second one ends the program even while native code runs.
 */
export function onInterrupt(onFirst: () => void): Interrupt {
  const controller = new AbortController();
  let exitCode: number | undefined;
  const listen = (signal: 'SIGINT' | 'SIGTERM'): void => {
    leave();
    exitCode = 128 + constants.signals[signal];
    onFirst();
    controller.abort(new Interrupted(exitCode));
  };
  const leave = (): void => {
    process.off('SIGINT', listen);
    process.off('SIGTERM', listen);
  };
  process.on('SIGINT', listen);
  process.on('SIGTERM', listen);
  return {
    stop: controller.signal,
    get exitCode() {
      return exitCode;
    },
    [Symbol.dispose]: leave,
  };
}
