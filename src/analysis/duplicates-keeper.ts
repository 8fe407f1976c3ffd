/** @file Of pictures that are duplicates, which one to keep, and why. */
import { stat } from 'node:fs/promises';
import { inParallel } from '../pages/thumbnail.js';
import { bytes as bytesText } from '../units.js';
import type { Pictures } from './duplicates-pictures.js';
import type { VectorSet } from './vector-set.js';

/** What is known of a file when a keeper is chosen; null where it cannot be read. */
export interface FileFacts {
  id: string;
  /** Where it lies, or its address. */
  file: string;
  /** Pixels, upright. */
  width: number | null;
  height: number | null;
  format: string | null;
  bytes: number | null;
  /** When it was last changed. */
  modified: Date | null;
  /** How sharp it is where its longer side has 512 pixels; more is sharper. */
  sharpness: number | null;
}

/** Sharpness that differs by less is called equal. */
const SHARPER = 1.1;

/** Reads what is known of items, whose pictures have been measured. */
export async function factsOf(
  set: VectorSet,
  pictures: Pictures | undefined,
  rows: Iterable<number>,
): Promise<Map<number, FileFacts>> {
  const facts = await inParallel([...new Set(rows)], async (row): Promise<[number, FileFacts]> => {
    const file = set.file(row);
    const info = await stat(file).catch(() => undefined);
    const picture = pictures?.get(row);
    return [
      row,
      {
        id: set.ids[row]!,
        file,
        width: picture?.width ?? null,
        height: picture?.height ?? null,
        format: picture?.format ?? null,
        bytes: info?.isFile() ? info.size : null,
        modified: info?.mtime ?? null,
        sharpness: picture?.sharpness ?? null,
      },
    ];
  });
  return new Map(facts);
}

/** Each test gives a negative number when the first file is to be kept, 0 to go on to the next test. */
const TESTS: readonly {
  test(a: FileFacts, b: FileFacts): number;
  reason(a: FileFacts, b: FileFacts): string;
}[] = [
  {
    test: (a, b) => Number(a.bytes === null) - Number(b.bytes === null),
    reason: () => 'the other file is gone',
  },
  {
    test: (a, b) => pixels(b) - pixels(a),
    reason: (a) => `the largest picture, ${a.width} × ${a.height}`,
  },
  {
    test: (a, b) => (comparable(a, b) ? (b.bytes ?? 0) - (a.bytes ?? 0) : 0),
    reason: (a, b) => `as large, and the largest file: ${bytesText(a.bytes!)} beside ${bytesText(b.bytes!)}`,
  },
  {
    test: (a, b) => (ratio(a, b) > SHARPER ? -1 : ratio(b, a) > SHARPER ? 1 : 0),
    reason: () => 'as large, and sharper',
  },
  {
    test: (a, b) => seconds(a) - seconds(b),
    reason: () => 'alike in all, and the oldest',
  },
  {
    test: (a, b) => a.id.length - b.id.length || (a.id < b.id ? -1 : 1),
    reason: () => 'alike in all, and the shortest name',
  },
];

/** For sorting: the file that is rather kept first. */
export function compareKeepers(a: FileFacts, b: FileFacts): number {
  for (const { test } of TESTS) {
    const order = test(a, b);
    if (order !== 0) return order;
  }
  return 0;
}

/** Why the first of a group is kept, in words. */
export function keeperReason(keeper: FileFacts, others: readonly FileFacts[]): string {
  const next = [...others].sort(compareKeepers)[0]!;
  const reason = TESTS.find(({ test }) => test(keeper, next) !== 0)?.reason(keeper, next) ?? 'the first';
  const sharper = others.some((other) => ratio(other, keeper) > 2);
  return sharper ? `${reason}; but a smaller one is sharper: this may be an enlargement` : reason;
}

function pixels({ width, height }: FileFacts): number {
  return (width ?? 0) * (height ?? 0);
}

/** Bytes say nothing of two encodings that both leave out much: 60 kB of WebP are more than 80 kB of JPEG. */
function comparable(a: FileFacts, b: FileFacts): boolean {
  return a.format === b.format || !LOSSY.has(a.format ?? '') || !LOSSY.has(b.format ?? '');
}

const LOSSY = new Set(['jpeg', 'webp', 'avif', 'heic', 'heif']);

function ratio(a: FileFacts, b: FileFacts): number {
  return a.sharpness !== null && b.sharpness ? a.sharpness / b.sharpness : 1;
}

/** Copies that were made together differ by less than a second. */
function seconds({ modified }: FileFacts): number {
  return modified === null ? Number.MAX_SAFE_INTEGER : Math.floor(modified.getTime() / 1000);
}
