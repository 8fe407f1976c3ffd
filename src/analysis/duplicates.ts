/**
 * @file Duplicates in a collection: equal files, the same picture in another size or encoding, and pictures that are
 * nearly the same; in groups, each with the one to keep. Items that lie in two splits of a data set are leaks.
 */
import { type ItemFailure, UsageError } from '../errors.js';
import { nearGroups } from '../vectors/near-pairs.js';
import { bitsBetween, type Calibration, type NearRule } from './duplicates-calibration.js';
import { compareKeepers, type FileFacts, factsOf, keeperReason } from './duplicates-keeper.js';
import { Likeness } from './duplicates-likeness.js';
import { readNotDuplicates } from './duplicates-memory.js';
import { explain, findNear } from './duplicates-near.js';
import { equalFiles, Pictures } from './duplicates-pictures.js';
import { splitsOf } from './duplicates-splits.js';
import type { VectorSet } from './vector-set.js';

/**
 * How two files are alike: `exact` to the byte; `same-picture` in another size, encoding or brightness; `cropped`: one is
 * a part of the other; `near` by the vectors alone: taken a moment later, or of the same thing.
 */
export type DuplicateKind = 'exact' | 'same-picture' | 'cropped' | 'near';

/** What is being done: comparing vectors, or reading pictures. */
export interface DuplicateProgress {
  stage: 'neighbours' | 'pictures';
  done: number;
  total: number;
}

/** A file of a group. */
export interface DuplicateMember extends FileFacts {
  /** The item's place in the set. */
  row: number;
  /** How it is like the keeper; null for the keeper itself. */
  kind: DuplicateKind | null;
  /** With the keeper. */
  cosine: number;
  /** Bits of 256 in which its perceptual hash differs from the keeper's; null where a picture cannot be read. */
  bits: number | null;
  /** The split that it lies in, where splits were named. */
  split: string | null;
}

/** Files that are duplicates of the first. */
export interface DuplicateGroup {
  /** The file to keep, then the others, the better ones first. All are near to the first. */
  members: DuplicateMember[];
  /** Why the first is kept, in words. */
  reason: string;
  /** The splits that it lies in, in order; more than one is a leak. */
  splits: string[];
}

export interface DuplicateOptions {
  /** Equal files alone, or near ones alone. @default 'both' */
  what?: 'exact' | 'near' | 'both' | undefined;
  /** The least cosine of duplicates, instead of a rule that is measured: then the vectors alone decide. */
  threshold?: number | undefined;
  /** The share of what is called a duplicate that should be one, as far as can be foreseen. @default 0.95 */
  precision?: number | undefined;
  /**
   * What tells the splits of a data set apart: a column, or `path:N` for the N-th part of the path below the folder
   * that holds everything (`path` is its first).
   */
  split?: string | undefined;
  /** Only groups that lie in more than one split. @default false */
  leaks?: boolean | undefined;
  /** Which items are measured. @default 0 */
  seed?: number | undefined;
  signal?: AbortSignal | undefined;
  /** Told of pictures that are read. */
  onProgress?: ((progress: DuplicateProgress) => void) | undefined;
}

export interface Duplicates {
  /** Items that were looked at. */
  count: number;
  groups: DuplicateGroup[];
  /** When near pictures were called duplicates; null where equal files alone were looked for. */
  rule: NearRule | null;
  /** What was measured for it; null for a threshold that was given. */
  calibration: Calibration | null;
  /** Two or three sentences that say what was called a duplicate and how far that can be trusted. */
  explanation: string[];
  /** Files that were to be looked at and could not be read. */
  failures: ItemFailure[];
}

/**
 * Finds duplicates. Vectors find what may be alike, the pictures themselves (or the vectors alone, where these leave no
 * doubt) decide; see {@link Duplicates.explanation}. In a collection what was measured is kept, so that the next search
 * is fast.
 * @throws UsageError when a threshold or a precision is out of range, or there is no such column to split by.
 */
export async function findDuplicates(set: VectorSet, options: DuplicateOptions = {}): Promise<Duplicates> {
  const { what = 'both', threshold, precision = 0.95, leaks = false, signal } = options;
  if (threshold !== undefined && !(threshold > 0 && threshold <= 1))
    throw new UsageError(`threshold: expected a cosine above 0, at most 1, but received ${threshold}`);
  if (!(precision > 0 && precision < 1))
    throw new UsageError(`precision: expected a share between 0 and 1 but received ${precision}`);
  const by = options.split ?? (leaks ? 'path' : undefined);
  const splits = by === undefined ? undefined : await splitsOf(set, by);
  const pictures = new Pictures(set, signal, (done, total) =>
    options.onProgress?.({ stage: 'pictures', done, total }),
  );
  const not = await readNotDuplicates(set);
  const equal = what === 'near' ? [] : await equalFiles(set, pictures);
  const likeness = new Likeness(set, pictures, not);
  const near = what === 'exact' ? null : await findNear(set, pictures, likeness, { ...options, precision });
  const pairs = near ? [...equal, ...near.pairs] : equal;
  await pictures.measure(pairs);
  const facts = await factsOf(set, pictures, pairs);
  const ranked = [...facts.keys()].sort((a, b) => compareKeepers(facts.get(a)!, facts.get(b)!));
  const rank = new Float64Array(set.count);
  for (const [i, row] of ranked.entries()) rank[row] = i;
  const kinds = (a: number, b: number): DuplicateKind | undefined => {
    const kind = likeness.kind(near?.rule ?? null, a, b);
    return kind === 'exact' && what === 'near' ? 'same-picture' : kind;
  };
  const groups = nearGroups({ pairs, rank, near: (a, b) => kinds(a, b) !== undefined })
    .map(([keeper, ...others]) => {
      const member = (row: number): DuplicateMember => ({
        row,
        ...facts.get(row)!,
        kind: row === keeper ? null : kinds(keeper!, row)!,
        cosine: likeness.cosine(keeper!, row),
        bits: bitsBetween(pictures, keeper!, row) ?? null,
        split: splits?.[row] ?? null,
      });
      const members = [keeper!, ...others].map(member);
      const inSplits = new Set(members.flatMap(({ split }) => split ?? []));
      const reason = keeperReason(members[0]!, members.slice(1));
      return { members, reason, splits: [...inSplits].sort() };
    })
    .filter((group) => !leaks || group.splits.length > 1);
  return {
    count: set.count,
    groups,
    rule: near?.rule ?? null,
    calibration: near?.calibration ?? null,
    explanation: explain(near, set.count, threshold),
    failures: pictures.failures,
  };
}
