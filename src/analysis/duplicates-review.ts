/** @file The page on which duplicates are looked through, made of what was found. */
import path from 'node:path';
import { UsageError } from '../errors.js';
import { writeAtomically } from '../models/cache.js';
import { duplicatesPage, type ReviewedGroup, type ReviewedPicture } from '../pages/duplicates-page.js';
import { bytes, count, plural } from '../units.js';
import type { DuplicateGroup, DuplicateMember, Duplicates } from './duplicates.js';
import { planMoves } from './duplicates-moves.js';
import { rootOf } from './duplicates-splits.js';
import type { VectorSet } from './vector-set.js';

export interface ReviewOptions {
  /** The folder that the page's script moves files into. */
  folder: string;
  /** Groups to show, those with the most files first. @default 500 */
  most?: number | undefined;
  /** The words of a command line that `--not A B` can follow. @default none: the page offers no such command */
  command?: string | undefined;
}

/** Writes the page: one file, pictures inside. @throws UsageError when it cannot be written. */
export async function writeDuplicatesPage(
  file: string,
  set: VectorSet,
  found: Duplicates,
  { folder, most = 500, command }: ReviewOptions,
): Promise<void> {
  const root = rootOf(set);
  const groups = [...found.groups].sort((a, b) => b.members.length - a.members.length).slice(0, most);
  const extra = found.groups.reduce((sum, { members }) => sum + members.length - 1, 0);
  const shown = groups.length < found.groups.length ? `, of which the ${count(most)} largest are shown` : '';
  const html = await duplicatesPage({
    title:
      found.groups.length === 0
        ? 'No duplicates'
        : `${plural(extra, 'duplicate')} in ${plural(found.groups.length, 'group')}`,
    subtitle: `${set.source}: ${plural(found.count, 'item')}${shown}`,
    explanation: found.explanation,
    groups: groups.map((group) => reviewed(group, root, folder)),
    folder,
    notCommand: command ?? null,
  });
  try {
    await writeAtomically(file, html);
  } catch (cause) {
    throw new UsageError(`${file}: it cannot be written (${(cause as Error).message})`, { cause });
  }
}

function reviewed(group: DuplicateGroup, root: string, folder: string): ReviewedGroup {
  const targets = new Map(planMoves([group], root, folder, true).map(({ from, to }) => [from, to]));
  return {
    pictures: group.members.map((member): ReviewedPicture => {
      const to = targets.get(path.resolve(member.file)) ?? null;
      return {
        id: member.id,
        file: to === null ? member.file : path.resolve(member.file),
        to,
        facts: factsIn(member),
        likeness: likenessIn(member),
        split: member.split,
      };
    }),
    reason: `kept: ${group.reason}`,
    mark: group.splits.length > 1 ? `in ${group.splits.join(' and ')}` : null,
  };
}

function factsIn({ width, height, format, bytes: size, sharpness, modified }: DuplicateMember): string[] {
  return [
    width === null ? 'cannot be read' : `${width} × ${height} · ${format}`,
    size === null
      ? 'there is no such file'
      : `${bytes(size)}${modified ? ` · ${modified.toISOString().slice(0, 10)}` : ''}`,
    ...(sharpness === null ? [] : [`sharpness ${count(Math.round(sharpness))}`]),
  ];
}

function likenessIn({ kind, cosine, bits }: DuplicateMember): string {
  if (kind === null) return '';
  if (kind === 'exact') return 'equal to the byte';
  const measured = `cosine ${cosine.toFixed(3)}${bits === null ? '' : `, ${bits} of 256 bits differ`}`;
  const likeness = { near: 'nearly the same', 'same-picture': 'the same picture', cropped: 'a part of it' };
  return `${likeness[kind]}: ${measured}`;
}
