/** @file Pairs that a person has said are no duplicates, kept beside the collection by the content of the files. */
import { appendFile, mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { nearestName, UsageError } from '../errors.js';
import { fileHash } from './duplicates-moves.js';
import type { VectorSet } from './vector-set.js';

/** Where what is known about duplicates lies; undefined for vectors that are no collection. */
export function duplicatesFolder(set: VectorSet): string | undefined {
  return set.kind === 'collection' ? path.join(set.source, 'duplicates') : undefined;
}

/** Pairs of content hashes, as {@link pairKey} makes them. */
export async function readNotDuplicates(set: VectorSet): Promise<ReadonlySet<string>> {
  const folder = duplicatesFolder(set);
  const text = folder && (await readFile(path.join(folder, 'not.tsv'), 'utf8').catch(() => undefined));
  return new Set((text ?? '').split('\n').filter(Boolean));
}

/** Two content hashes in one order. */
export function pairKey(a: string, b: string): string {
  return a < b ? `${a}\t${b}` : `${b}\t${a}`;
}

/**
 * Remembers that two items of a collection are no duplicates, also after they have been renamed or moved.
 * @param a an id, or the path of its file
 * @throws UsageError when there is no such item, both hold the same bytes, or the vectors are no collection's.
 */
export async function rememberNotDuplicates(set: VectorSet, a: string, b: string): Promise<void> {
  const folder = duplicatesFolder(set);
  if (folder === undefined)
    throw new UsageError(
      `${set.source}: what is no duplicate is remembered in collections, and this is none`,
      {
        hint: '"afterimage index FOLDER" makes one',
      },
    );
  const [first, second] = [rowOf(set, a), rowOf(set, b)];
  const { cells } = await set.column('hash');
  const hashOf = async (row: number) => String(cells[row] ?? (await fileHash(set.file(row))));
  const [hashA, hashB] = [await hashOf(first), await hashOf(second)];
  if (hashA === hashB)
    throw new UsageError(`${set.ids[first]} and ${set.ids[second]} hold the same bytes: they are duplicates`);
  const key = pairKey(hashA, hashB);
  if ((await readNotDuplicates(set)).has(key)) return;
  await mkdir(folder, { recursive: true });
  await appendFile(path.join(folder, 'not.tsv'), `${key}\n`);
}

function rowOf(set: VectorSet, name: string): number {
  const row = set.ids.indexOf(name);
  if (row >= 0) return row;
  const file = path.resolve(name);
  const byFile = set.ids.findIndex((_, i) => set.file(i) === file);
  if (byFile >= 0) return byFile;
  const near = nearestName(name, set.ids.slice(0, 100_000));
  throw new UsageError(`${set.source}: there is no item "${name}"`, {
    hint: near ? `did you mean "${near}"?` : `an id is such as ${set.ids[0]}`,
  });
}
