/** @file Items with a score, the most striking first: as lines, JSON, a CSV file, a page with thumbnails, a column. */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { FilledColumn, VectorSet } from '../analysis/index.js';
import { UsageError } from '../errors.js';
import { plural } from '../units.js';
import type { OptionSpecs, OptionValues } from './command.js';
import { note, print } from './terminal.js';

export const RANKED_OPTIONS = {
  top: {
    type: 'integer',
    short: 't',
    min: 0,
    group: 'output',
    help: 'lines at most (20 by default; 0 for all)',
  },
  json: { type: 'boolean', group: 'output', help: 'print a JSON object for each item' },
  out: { type: 'string', short: 'o', value: 'FILE', group: 'output', help: 'write all of them here as CSV' },
  save: {
    type: 'string',
    value: 'COLUMN',
    group: 'output',
    help: 'keep the score of every item in this column of the collection',
  },
  sheet: { type: 'string', value: 'FILE', group: 'output', help: 'write a page with thumbnails (.html)' },
  open: { type: 'boolean', group: 'output', help: 'show that page' },
} as const satisfies OptionSpecs;

/** One item: what is said of it, by name. */
export interface RankedItem {
  row: number;
  values: Readonly<Record<string, string | number | boolean | null>>;
  /** Under its thumbnail. */
  caption: string;
}

/** What is shown. */
export interface Ranking {
  /** Over the page. */
  title: string;
  items: readonly RankedItem[];
  /** What `--save` keeps; it is called what `--save` says. */
  column: Omit<FilledColumn, 'name'>;
}

/** @returns the exit code */
export async function showRanked(
  set: VectorSet,
  { title, items, column }: Ranking,
  values: OptionValues<typeof RANKED_OPTIONS> & { readonly quiet: boolean },
): Promise<void> {
  const { top = 20, json, out, save, sheet, open, quiet } = values;
  const shown = top === 0 ? items : items.slice(0, top);
  const names = Object.keys(items[0]?.values ?? {});
  const lines = shown.map(({ row, values: cells }) =>
    json
      ? JSON.stringify({ id: set.ids[row], path: set.file(row), ...cells })
      : [set.file(row), ...names.map((name) => text(cells[name]))].join('\t'),
  );
  if (lines.length > 0) await print(lines.join('\n'));
  if (shown.length < items.length && !quiet)
    note(`${shown.length} of ${plural(items.length, 'item')} shown; --top 0 shows all`);
  if (out !== undefined) {
    const { csvCell } = await import('../embedding/formats/csv.js');
    const rows = items.map(({ row, values: cells }) =>
      [set.ids[row]!, ...names.map((name) => String(cells[name] ?? ''))].map(csvCell).join(','),
    );
    await written(out, `${[['id', ...names].map(csvCell).join(','), ...rows].join('\n')}\n`);
    if (!quiet) note(`${out}: ${plural(items.length, 'item')}`);
  }
  if (save !== undefined) {
    await set.save([{ name: save, ...column }]);
    if (!quiet) note(`kept in the column ${save}`);
  }
  if (sheet === undefined && !open) return;
  const { writeResultSheet } = await import('../pages/result-sheet.js');
  const file = sheet ?? path.join(await mkdtemp(path.join(tmpdir(), 'afterimage-')), 'items.html');
  const tiles = shown.map(({ row, caption }) => ({ file: set.file(row), caption }));
  await writeResultSheet(file, set.source, title, tiles);
  note(`the page is ${file}`);
  if (open) await (await import('./open-file.js')).openFile(file);
}

function text(cell: string | number | boolean | null | undefined): string {
  if (typeof cell === 'number') return Number.isInteger(cell) ? String(cell) : cell.toPrecision(4);
  return cell === null || cell === undefined ? '' : String(cell);
}

async function written(file: string, content: string): Promise<void> {
  const { writeAtomically } = await import('../models/cache.js');
  await writeAtomically(file, content).catch((cause: Error) => {
    throw new UsageError(`${file}: it cannot be written (${cause.message})`, { cause });
  });
}
