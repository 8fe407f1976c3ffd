/** @file `afterimage duplicates`: pictures that are in a collection more than once, and what to do about them. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline/promises';
import type { DuplicateGroup, DuplicateProgress, Duplicates } from '../../analysis/duplicates.js';
import { UsageError } from '../../errors.js';
import type { Move } from '../../pages/moves-script.js';
import { bytes, plural } from '../../units.js';
import { defineCommand } from '../command.js';
import { onInterrupt } from '../interrupt.js';
import { openFile } from '../open-file.js';
import { ProgressLine } from '../progress.js';
import { quote } from '../quote.js';
import { openSource, SOURCE_HELP, SOURCE_OPTIONS } from '../source-options.js';
import { note, print } from '../terminal.js';

export const duplicates = defineCommand({
  name: 'duplicates',
  usage: '[SOURCE] [options] | [SOURCE] --not A B | --undo DIR',
  summary: 'Finds pictures that are there more than once, says which to keep, and moves the others if asked.',
  details:
    `${SOURCE_HELP} Lines on standard output have tabs between the number of the group, "keep" or how the file is like the ` +
    'one to keep (exact, same-picture, cropped, near), the cosine, how many of 256 bits of the perceptual hash differ, the path, and ' +
    'the split where there is one. From which nearness on pictures are called duplicates is measured on the pictures ' +
    'themselves, and said. Nothing is ever deleted or overwritten, and nothing moved without being asked for.',
  arity: [0, 2],
  options: {
    exact: { type: 'boolean', group: 'what', help: 'only files that are equal to the byte' },
    near: {
      type: 'boolean',
      group: 'what',
      help: 'only pictures that look alike; equal files are among them',
    },
    threshold: {
      type: 'number',
      value: 'X',
      group: 'what',
      help: 'instead of what is measured: duplicates from this cosine on',
    },
    precision: {
      type: 'number',
      value: 'P',
      group: 'what',
      help: 'the share of duplicates that should be right (0.95 by default)',
    },
    split: {
      type: 'string',
      value: 'COLUMN',
      group: 'what',
      help: 'name the split of each file: a column, or path:N for a part of its path',
    },
    leaks: {
      type: 'boolean',
      group: 'what',
      help: 'only what lies in more than one split (by default the first part of the path)',
    },
    seed: { type: 'integer', min: 0, group: 'what', help: 'of the sample that is measured (0 by default)' },
    sheet: { type: 'string', value: 'FILE', group: 'act', help: 'write a page to look through and choose' },
    open: { type: 'boolean', group: 'act', help: 'show the page' },
    script: {
      type: 'string',
      value: 'FILE',
      group: 'act',
      help: 'write a script that asks and moves duplicates into --move DIR (FILE.ps1: for PowerShell)',
    },
    move: {
      type: 'string',
      value: 'DIR',
      group: 'act',
      help: 'move duplicates there, after asking twice (with --script: what the script will do)',
    },
    yes: { type: 'boolean', group: 'act', help: 'move without asking' },
    undo: { type: 'string', value: 'DIR', group: 'act', help: 'move back what was moved there' },
    not: { type: 'string', value: 'A', group: 'act', help: 'remember that items A and B are no duplicates' },
    json: { type: 'boolean', group: 'output', help: 'one JSON document instead of lines' },
    ...SOURCE_OPTIONS,
  },
  examples: [
    ['afterimage duplicates', 'a list for the collection here'],
    ['afterimage duplicates photos --open', 'groups side by side, to choose on a page'],
    ['afterimage duplicates --leaks --split path', 'what is both in train/ and in test/'],
    ['afterimage duplicates --script moves.sh --move ../duplicates', 'a script to look through and run'],
    ['afterimage duplicates --not cat.jpg kitten.jpg', 'never say that of these two again'],
  ],
  async run(values, positionals) {
    if (values.undo !== undefined) return undo(values.undo, values.json);
    if (values.not !== undefined) return remember(values.not, positionals, values);
    const [source, extra] = positionals;
    if (extra !== undefined) throw new UsageError(`duplicates: "${extra}" is one argument too many`);
    if (values.exact && values.near)
      throw new UsageError('--exact and --near exclude each other; without both, all duplicates are found');
    if (values.yes && values.move === undefined) throw new UsageError('--yes: expected --move DIR beside it');
    if (values.move !== undefined && values.script === undefined && !values.yes && !process.stdin.isTTY)
      throw new UsageError('--move: there is no terminal to ask on', {
        hint: 'add --yes to move without asking',
      });
    const { findDuplicates, writeDuplicatesPage, planMoves, movesScript, rootOf } = await import(
      '../../analysis/index.js'
    );
    using interrupt = onInterrupt(() => {
      if (!values.quiet) note('stopping; what was measured is kept');
    });
    await using set = await openSource(source, values, { signal: interrupt.stop });
    const lines = {
      neighbours: new ProgressLine('comparing vectors: '),
      pictures: new ProgressLine('looking at pictures: '),
    };
    let found: Duplicates;
    try {
      found = await findDuplicates(set, {
        ...values,
        what: values.exact ? 'exact' : values.near ? 'near' : 'both',
        signal: interrupt.stop,
        onProgress: values.quiet
          ? undefined
          : ({ stage, done, total }: DuplicateProgress) => lines[stage].update({ done, total, failed: 0 }),
      });
    } finally {
      lines.pictures.end();
    }
    const folder = path.resolve(values.move ?? `${rootOf(set).replace(/[\\/]$/, '')}-duplicates`);
    const moves = planMoves(found.groups, rootOf(set), folder);
    if (!values.quiet) report(found);
    const page = values.sheet ?? (values.open ? 'duplicates.html' : undefined);
    if (page !== undefined) {
      const command = set.kind === 'collection' ? `afterimage duplicates ${quote(set.source)}` : undefined;
      await writeDuplicatesPage(page, set, found, { folder, command });
      note(`the page is ${page}`);
      if (values.open && !(await openFile(page))) note('there is no desktop to show it on');
    }
    if (values.script !== undefined) {
      const shell = /\.ps1$/i.test(values.script) ? 'powershell' : 'sh';
      const text = movesScript(moves, folder, shell);
      // PowerShell 5 reads a file without a mark as if it were in the machine's old code page.
      await writeFile(values.script, shell === 'sh' ? text : `\ufeff${text}`, {
        mode: 0o755,
        flag: 'wx',
      }).catch((cause: unknown) => {
        throw new UsageError(`${values.script}: it cannot be written (${(cause as Error).message})`, {
          cause,
        });
      });
      note(`${values.script} moves ${plural(moves.length, 'file')} into ${folder} when it is run`);
    }
    if (values.json) await print(JSON.stringify({ source: set.source, ...found }));
    else await printGroups(found.groups);
    if (values.move === undefined || values.script !== undefined) return 0;
    return moveAll(moves, folder, values.yes);
  },
});

async function printGroups(groups: readonly DuplicateGroup[]): Promise<void> {
  for (const [i, { members }] of groups.entries())
    for (const { kind, cosine, bits, file, split } of members)
      await print(
        [i + 1, kind ?? 'keep', cosine.toFixed(4), bits ?? '', file, ...(split === null ? [] : [split])].join(
          '\t',
        ),
      );
}

function report({ groups, explanation, failures }: Duplicates): void {
  for (const { id, reason, stage } of failures) note(`failed: ${id}: ${reason} (${stage})`);
  const others = groups.flatMap(({ members }) => members.slice(1));
  const size = others.reduce((sum, member) => sum + (member.bytes ?? 0), 0);
  const leaks = groups.filter(({ splits }) => splits.length > 1).length;
  note(
    others.length === 0
      ? 'no duplicates'
      : `${plural(others.length, 'duplicate')} in ${plural(groups.length, 'group')}, ${bytes(size)}` +
          (leaks > 0 ? `; ${plural(leaks, 'group')} in more than one split` : ''),
  );
  for (const sentence of explanation) note(sentence);
}

async function moveAll(moves: readonly Move[], folder: string, yes: boolean): Promise<number> {
  if (moves.length === 0) {
    note('nothing is to be moved');
    return 0;
  }
  const files = plural(moves.length, 'file');
  if (!yes) {
    const terminal = createInterface({ input: process.stdin, output: process.stderr });
    try {
      const first = await terminal.question(`Move ${files} into ${folder}? [y/N] `);
      const second = /^y(es)?$/i.test(first.trim())
        ? await terminal.question(`Their paths will change. To go on, type how many files that are: `)
        : '';
      if (second.trim().replace(',', '') !== String(moves.length)) {
        note('nothing was moved');
        return 1;
      }
    } finally {
      terminal.close();
    }
  }
  const { moveDuplicates } = await import('../../analysis/index.js');
  const { moved, left } = await moveDuplicates(moves, folder);
  for (const { file, reason } of left) note(`left: ${file}: ${reason}`);
  note(
    `${plural(moved, 'file')} moved into ${folder}; "afterimage duplicates --undo ${quote(folder)}" brings them back`,
  );
  return left.length > 0 ? 1 : 0;
}

async function undo(folder: string, json: boolean): Promise<number> {
  const { undoMoves } = await import('../../analysis/index.js');
  const done = await undoMoves(folder);
  if (json) await print(JSON.stringify(done));
  for (const { file, reason } of done.left) note(`left: ${file}: ${reason}`);
  note(`${plural(done.moved, 'file')} moved back`);
  return done.left.length > 0 ? 1 : 0;
}

async function remember(
  first: string,
  positionals: readonly string[],
  values: Parameters<typeof openSource>[1],
): Promise<number> {
  const second = positionals.at(-1);
  if (second === undefined)
    throw new UsageError('--not: expected two items but received one', { hint: '--not A B' });
  const { rememberNotDuplicates } = await import('../../analysis/index.js');
  await using set = await openSource(positionals.length > 1 ? positionals[0] : undefined, values);
  await rememberNotDuplicates(set, first, second);
  note(`${first} and ${second} will not be called duplicates again`);
  return 0;
}
