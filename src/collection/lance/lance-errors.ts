/** @file What the engine's failures mean, in one place. */
import { AfterimageError, CollectionError } from '../../errors.js';

/** The first that fits names the failure. */
const MEANINGS: readonly { pattern: RegExp; what: string; hint: string }[] = [
  {
    pattern: /No space left on device|StorageFull|ENOSPC|os error 28\b|Disk quota exceeded|os error 122\b/i,
    what: 'the disk is full',
    hint: 'make room and run the command again; what had been stored before is unharmed',
  },
  {
    pattern: /Read-only file system|os error 30\b|Permission denied|PermissionDenied|os error (13|1)\b/i,
    what: 'the folder cannot be written or read',
    hint: 'check its permissions; it can be searched where it is only readable',
  },
  {
    pattern: /Too many open files|os error 24\b/i,
    what: 'too many files are open',
    hint: 'raise the limit (ulimit -n)',
  },
  {
    pattern:
      /newer version|unsupported (?:feature|version)|feature flag|upgrade (?:lance|your)|Unknown (?:reader|writer)/i,
    what: 'it was written by a later version',
    hint: 'update Afterimage',
  },
  {
    pattern: /commit conflict|Too many concurrent writers|CommitConflict/i,
    what: 'other processes kept writing at the same time',
    hint: 'run the command again',
  },
  {
    pattern:
      /failed to fill whole buffer|not found|No such file|os error 2\b|corrupt|Invalid (?:range|magic|footer)|protobuf|DecodeError|unexpected (?:end|eof)|end of file|magic number|file size is (?:too small|smaller)|out of (?:range|bounds)|panick?ed|checksum|Failed to decode|Encountered internal error/i,
    what: 'a file of it is damaged or missing',
    hint: 'restore the folder from a copy; or delete it and index again',
  },
];

/** How the engine says that another writer was faster. */
const CONFLICT = /Retryable commit conflict|concurrent commit|CommitConflict/i;
const ATTEMPTS = 8;

/** Does something with the engine, whose failures become errors that say what to do. */
export async function attempt<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw translated(folder, error);
  }
}

/** The same, again and again where another writer was faster. */
export async function persist<T>(folder: string, work: () => Promise<T>): Promise<T> {
  for (let round = 1; ; round++) {
    try {
      return await work();
    } catch (error) {
      if (round === ATTEMPTS || !CONFLICT.test(textOf(error))) throw translated(folder, error);
      await new Promise((resolve) => setTimeout(resolve, 2 ** round * 10 * (1 + Math.random())));
    }
  }
}

/** An error of this project for one of the engine. */
export function translated(folder: string, error: unknown): Error {
  if (error instanceof AfterimageError) return error;
  const text = textOf(error);
  const meaning = MEANINGS.find(({ pattern }) => pattern.test(text));
  if (!meaning) return new CollectionError(folder, `the store failed: ${brief(text)}`, { cause: error });
  return new CollectionError(folder, `${meaning.what} (${brief(text)})`, {
    hint: meaning.hint,
    cause: error,
  });
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Without the places in the engine's own source, and not without end. */
function brief(text: string): string {
  const line = text
    .split(/\s*Caused by:/)[0]!
    .replace(/^.*\b(?:LanceError\(\w+\)|Wrapped error|External error): /, '')
    .replace(/,? *\/[^\s,]*\.rs:\d+:\d+/g, '')
    .replace(/\s+/g, ' ')
    .trim();
  return line.length > 200 ? `${line.slice(0, 200)}…` : line;
}
