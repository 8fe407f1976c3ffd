/** @file One process at a time brings a collection up to date or imports into it; any number search it meanwhile. */
import path from 'node:path';
import { lock } from '../embedding/formats/lock.js';
import { CollectionError, UsageError } from '../errors.js';

/**
 * Takes a collection's lock; the returned function gives it back. A lock that a killed process has left is taken over.
 * @throws CollectionError when another process holds it, see {@link isBusy}.
 */
export async function lockCollection(folder: string): Promise<() => Promise<void>> {
  try {
    return await lock(path.join(folder, 'lock'));
  } catch (cause) {
    if (!(cause instanceof UsageError)) throw cause;
    const holder = /process \d+/.exec(cause.message)?.[0] ?? 'another process';
    throw new CollectionError(folder, `${holder} is writing to this collection`, {
      hint: cause.hint,
      cause,
    });
  }
}

/** Whether an error says that another process holds the lock. */
export function isBusy(error: unknown): boolean {
  return error instanceof CollectionError && error.cause instanceof UsageError;
}
