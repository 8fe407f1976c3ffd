/**
 * @file Every error that Afterimage throws on purpose.
 *
 * One base class with a stable `code`, a message that says what was wrong and where, and a `hint` that says what
 * to do about it. Failures of single images are not thrown by batches: they become {@link ItemFailure} records.
 */

/** The stage of the pipeline at which one item failed. */
export type Stage = 'read' | 'decode' | 'transform' | 'network';

/** Stable codes, one per kind of failure. */
export type ErrorCode =
  | 'USAGE'
  | 'IMAGE'
  | 'GRAPH'
  | 'RUNTIME'
  | 'MODEL'
  | 'WEIGHTS'
  | 'HUB'
  | 'FORMAT'
  | 'IDENTITY'
  | 'CACHE'
  | 'COLLECTION'
  | 'TRAINING';

/** Base of all errors thrown on purpose. */
export class AfterimageError extends Error {
  /** A stable, machine-readable code. */
  readonly code: ErrorCode;
  /** What the caller can do about it, when there is something. */
  readonly hint: string | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: { hint?: string | undefined; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.hint = options.hint;
  }
}

/** A wrong argument or option: the caller's mistake, found before any work is done. */
export class UsageError extends AfterimageError {
  constructor(message: string, options: { hint?: string | undefined; cause?: unknown } = {}) {
    super('USAGE', message, options);
  }
}

/** An image that cannot be read, decoded or transformed. */
export class ImageError extends AfterimageError {
  readonly stage: Stage;
  /** Where the image came from: a path, a URL, `archive.zip/member.jpg` or `<buffer>`. */
  readonly source: string;
  /** The reason alone, without the source. */
  readonly reason: string;

  constructor(
    stage: Stage,
    source: string,
    reason: string,
    options: { hint?: string | undefined; cause?: unknown } = {},
  ) {
    super('IMAGE', `${source}: ${reason}`, options);
    this.stage = stage;
    this.source = source;
    this.reason = reason;
  }
}

/** A graph that cannot be built: wrong shapes, types or attributes. */
export class GraphError extends AfterimageError {
  constructor(message: string, options: { hint?: string | undefined; cause?: unknown } = {}) {
    super('GRAPH', message, options);
  }
}

/** The numeric runtime refused: a provider that is missing, a session that failed to start or to run. */
export class RuntimeError extends AfterimageError {
  constructor(message: string, options: { hint?: string | undefined; cause?: unknown } = {}) {
    super('RUNTIME', message, options);
  }
}

/** A model that is unknown, unsupported or asked for something that it does not have. */
export class ModelError extends AfterimageError {
  constructor(message: string, options: { hint?: string | undefined; cause?: unknown } = {}) {
    super('MODEL', message, options);
  }
}

/** A weight file that is damaged, incomplete or does not fit the architecture. */
export class WeightsError extends AfterimageError {
  readonly file: string;
  constructor(file: string, message: string, options: { hint?: string | undefined; cause?: unknown } = {}) {
    super('WEIGHTS', `${file}: ${message}`, options);
    this.file = file;
  }
}

/** The hub did not give what was asked for. */
export class HubError extends AfterimageError {
  /** HTTP status where there was one. */
  readonly status: number | undefined;
  constructor(
    message: string,
    options: { status?: number | undefined; hint?: string | undefined; cause?: unknown } = {},
  ) {
    super('HUB', message, options);
    this.status = options.status;
  }
}

/** An embeddings file (npy, Parquet, JSONL, CSV) that cannot be read or written. */
export class FormatError extends AfterimageError {
  readonly file: string;
  constructor(file: string, message: string, options: { hint?: string | undefined; cause?: unknown } = {}) {
    super('FORMAT', `${file}: ${message}`, options);
    this.file = file;
  }
}

/** Vectors of two identities met where only one can be. */
export class IdentityError extends AfterimageError {
  constructor(message: string, options: { hint?: string | undefined; cause?: unknown } = {}) {
    super('IDENTITY', message, options);
  }
}

/** A training run that cannot go on: the loss is not a number or explodes, or no image is left to train on. */
export class TrainingError extends AfterimageError {
  constructor(message: string, options: { hint?: string | undefined; cause?: unknown } = {}) {
    super('TRAINING', message, options);
  }
}

/** A collection that cannot be opened, read or written: missing, damaged, of another version, in use, a full disk. */
export class CollectionError extends AfterimageError {
  /** The collection's folder. */
  readonly folder: string;
  constructor(folder: string, message: string, options: { hint?: string | undefined; cause?: unknown } = {}) {
    super('COLLECTION', `${folder}: ${message}`, options);
    this.folder = folder;
  }
}

/** One item of a batch that failed; the batch went on. */
export interface ItemFailure {
  /** The item's id: its path, URL or `archive/member`. */
  id: string;
  stage: Stage;
  reason: string;
}

/** The nearest of `names` to a mistyped `name` (Damerau–Levenshtein distance at most a third of its length), or undefined. */
export function nearestName(name: string, names: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(name.length / 3)) + 1;
  for (const candidate of names) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let d = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        d = Math.min(d, beforeLast[j - 2]! + 1);
      row.push(d);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}
