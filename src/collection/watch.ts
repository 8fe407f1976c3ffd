/**
 * @file Follows what happens in a collection's folder. The system's notices only say when to look: what has changed
 * is found by an ordinary run, so that a notice that is lost costs time and nothing else.
 */
import { watch } from 'node:fs';
import path from 'node:path';
import type { Collection } from './collection.js';
import { isBusy } from './collection-lock.js';
import { type IndexOptions, type IndexSummary, indexFolder } from './index-folder.js';

/** Options of {@link watchFolder}. */
export interface WatchOptions extends IndexOptions {
  /** Seconds after which the folder is looked at even without a notice. @default 60 */
  every?: number | undefined;
  /** Milliseconds of quiet after a notice before the folder is looked at. @default 500 */
  quiet?: number | undefined;
  /** Told of every run that changed something. */
  onRun?: ((summary: IndexSummary) => void | Promise<void>) | undefined;
}

/** Seconds after which it is tried again when another process was writing. */
const AGAIN = 2;

/**
 * Brings a collection up to date whenever something happens in its folder, until `stop` is aborted. While another process
 * writes to the collection, a search that looks for changes first, say, it waits.
 * @throws as `indexFolder`.
 */
export async function watchFolder(collection: Collection, options: WatchOptions): Promise<void> {
  const { every = 60, quiet = 500, stop, onRun, ...rest } = options;
  // What was asked for once is not done again with every run.
  const run: IndexOptions = { ...rest, stop, retry: false, purge: false, replace: false };
  using notices = new Notices(collection.root!, collection.folder, quiet);
  let seconds = every;
  while (!stop?.aborted) {
    await notices.next(seconds * 1000, stop);
    if (stop?.aborted) return;
    try {
      const summary = await indexFolder(collection, run);
      seconds = every;
      if (hasChanged(summary)) await onRun?.(summary);
    } catch (error) {
      if (!isBusy(error)) throw error;
      seconds = Math.min(every, AGAIN);
    }
  }
}

function hasChanged({ spaces, metadata }: IndexSummary): boolean {
  return (
    (metadata?.changed ?? 0) > 0 ||
    spaces.some(
      ({ embedded, reused, touched, removed, failed }) => embedded + reused + touched + removed + failed,
    )
  );
}

/** The system's notices of changes below a folder, where it gives any. */
class Notices implements Disposable {
  private readonly watcher: ReturnType<typeof watch> | undefined;
  private due = true; // something may have happened before the system was asked
  private timer: NodeJS.Timeout | undefined;
  private wake: () => void = () => undefined;

  constructor(root: string, own: string, quiet: number) {
    const prefix = path.relative(root, own);
    try {
      this.watcher = watch(root, { recursive: true, persistent: false }, (_, file) => {
        if (file === prefix || file?.startsWith(prefix + path.sep)) return; // what a run itself writes
        clearTimeout(this.timer);
        this.timer = setTimeout(() => {
          this.due = true;
          this.wake();
        }, quiet);
      });
      this.watcher.on('error', () => undefined); // too many folders, say: the periodic look remains
    } catch {
      this.watcher = undefined; // not on every system
    }
  }

  /** Resolves when there was a notice, the time is over, or `stop` is aborted. */
  async next(milliseconds: number, stop: AbortSignal | undefined): Promise<void> {
    if (!this.due && !stop?.aborted)
      await new Promise<void>((resolve) => {
        const end = () => {
          clearTimeout(timer);
          stop?.removeEventListener('abort', end);
          resolve();
        };
        const timer = setTimeout(end, milliseconds);
        this.wake = end;
        stop?.addEventListener('abort', end);
      });
    this.due = false;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.timer);
    this.watcher?.close();
  }
}
