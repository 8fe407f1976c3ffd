/** @file Moving duplicates out of the way, and back. Nothing is deleted or overwritten. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { appendFile, copyFile, link, mkdir, readFile, stat, unlink, utimes } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { UsageError } from '../errors.js';
import type { Move } from '../pages/moves-script.js';
import type { DuplicateGroup } from './duplicates.js';

/** The record of moves within the folder that files were moved into: one JSON line for each. */
const LOG = 'afterimage-moves.jsonl';

/** What came of moving. */
export interface MovesDone {
  moved: number;
  /** Files that were left where they are, with the reason. */
  left: { file: string; reason: string }[];
}

/**
 * What is to be moved so that of each group the keeper alone stays: the others, below `folder` under the paths that
 * they have below `root`. What is no file (an address, a member of an archive) is left out.
 * @param all plan for the keepers, too, which a person may choose to move after all. @default false
 */
export function planMoves(
  groups: readonly DuplicateGroup[],
  root: string,
  folder: string,
  all = false,
): Move[] {
  const into = path.resolve(folder);
  return groups.flatMap(({ members: [keeper, ...others] }) =>
    (all ? [keeper!, ...others] : others)
      .filter(({ bytes }) => bytes !== null)
      .map((member) => {
        const from = path.resolve(member.file);
        const below = path.relative(root, from);
        const outside = below.startsWith('..') || path.isAbsolute(below);
        const name = outside ? path.basename(from) : below;
        return { from, to: path.join(into, name), keeper: path.resolve(keeper!.file) };
      }),
  );
}

/**
 * Moves files and writes down each move, so that {@link undoMoves} can take it back. A file stays where it is when
 * what is kept instead of it is gone, or when there is a file in the place where it should go.
 * @param folder where the record of moves goes
 */
export async function moveDuplicates(moves: readonly Move[], folder: string): Promise<MovesDone> {
  await mkdir(folder, { recursive: true });
  const done: MovesDone = { moved: 0, left: [] };
  for (const move of moves) {
    const keeper = await stat(move.keeper).catch(() => undefined);
    const reason = keeper?.isFile()
      ? await moveFile(move.from, move.to)
      : `what would be kept is gone: ${move.keeper}`;
    if (reason !== undefined) done.left.push({ file: move.from, reason });
    else {
      done.moved++;
      const { from, to } = move;
      await appendFile(
        path.join(folder, LOG),
        `${JSON.stringify({ from, to, at: new Date().toISOString() })}\n`,
      );
    }
  }
  return done;
}

/**
 * Moves back what was moved into a folder, the last first. What is not there any more, or whose place is taken, is left.
 * @throws UsageError when nothing was ever moved there.
 */
export async function undoMoves(folder: string): Promise<MovesDone> {
  const text = await readFile(path.join(folder, LOG), 'utf8').catch(() => undefined);
  if (text === undefined)
    throw new UsageError(`${folder}: there is no record of moves (${LOG})`, {
      hint: 'name the folder that duplicates were moved into',
    });
  const moved = new Map<string, string>();
  for (const line of text.split('\n').filter(Boolean)) {
    const { from, to, back } = JSON.parse(line) as { from: string; to: string; back?: boolean };
    if (back) moved.delete(to);
    else moved.set(to, from);
  }
  const done: MovesDone = { moved: 0, left: [] };
  for (const [to, from] of [...moved].reverse()) {
    const reason = await moveFile(to, from);
    if (reason !== undefined) done.left.push({ file: to, reason });
    else {
      done.moved++;
      await appendFile(path.join(folder, LOG), `${JSON.stringify({ from, to, back: true })}\n`);
    }
  }
  return done;
}

/** Moves one file, never onto another. @returns the reason why it was left, if it was */
async function moveFile(from: string, to: string): Promise<string | undefined> {
  try {
    await mkdir(path.dirname(to), { recursive: true });
    try {
      await link(from, to); // refuses a place that is taken, which renaming does not
    } catch (error) {
      if (!['EXDEV', 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK', 'ENOSYS'].includes(codeOf(error)))
        throw error;
      await copyWhole(from, to);
    }
    await unlink(from);
    return undefined;
  } catch (error) {
    const code = codeOf(error);
    if (code === 'EEXIST') return `there is a file already: ${to}`;
    return code === 'ENOENT' ? 'it is not there' : (error as Error).message;
  }
}

/** Copies to another disk, and checks what has arrived. */
async function copyWhole(from: string, to: string): Promise<void> {
  const { atime, mtime } = await stat(from);
  await copyFile(from, to, 1 /* COPYFILE_EXCL */);
  await utimes(to, atime, mtime);
  if ((await fileHash(from)) !== (await fileHash(to))) throw new Error(`the copy differs: ${to}`);
}

/** SHA-256 of a file's bytes, lower-case hex. */
export async function fileHash(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

function codeOf(error: unknown): string {
  return String((error as NodeJS.ErrnoException).code);
}
