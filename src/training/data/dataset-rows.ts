/** @file From the rows of a label file to a data set: labelled or unlabelled images, pairs, triplets. */
import path from 'node:path';
import { FormatError } from '../../errors.js';
import { assembleDataSet } from './dataset-assemble.js';
import { type Columns, findColumns } from './dataset-columns.js';
import { partNamed } from './dataset-folder.js';
import { toSlashes } from './dataset-images.js';
import { locate, missingImages } from './dataset-locate.js';
import type { Table, TableRow } from './dataset-table.js';
import { firstFew, plural } from './dataset-text.js';
import type { DataItem, DataSet, DataSetOptions, Part } from './types.js';

/** A row with its images named. */
interface Row {
  names: string[];
  row: TableRow;
}

/**
 * Reads a label file's rows; images are looked for below `root`.
 * @throws FormatError for missing columns and images, empty cells, an image with two labels, words that are no part of
 *   a split.
 */
export async function dataSetFromTable(
  table: Table,
  root: string,
  options: DataSetOptions,
): Promise<DataSet> {
  const columns = findColumns(table, options);
  const all = table.rows.map((row): Row => ({ row, names: columns.paths.map((c) => nameOf(row.cell(c))) }));
  refuseEmpty(table, all, columns);
  const { inputs, unreadable } = await locate(new Set(all.flatMap(({ names }) => names)), root);
  const failed = new Set(unreadable.map(({ id }) => id));
  const warnings: string[] = [];
  const missing = new Map<string, { name: string; where: string }>();
  for (const { names, row } of all) {
    for (const name of names) {
      if (!inputs.has(name) && !failed.has(name) && !missing.has(name))
        missing.set(name, { name, where: row.where });
    }
  }
  const absent = [...missing.values()];
  if (absent.length > 0) {
    const total = new Set(all.flatMap(({ names }) => names)).size;
    if (options.onMissing !== 'skip' || inputs.size === 0)
      throw missingImages(table.file, absent, total, root);
    warnings.push(
      `${plural(absent.length, 'image')} of ${path.basename(table.file)} missing and left out: ` +
        firstFew(absent.map(({ name }) => name)),
    );
  }
  const rows = all.filter(({ names }) => names.every((name) => inputs.has(name)));
  const items = new Map<string, DataItem>();
  for (const { names, row } of rows) {
    const group = columns.group === undefined ? '' : row.cell(columns.group);
    for (const id of names) {
      if (!items.has(id)) items.set(id, { id, input: inputs.get(id)!, ...(group === '' ? {} : { group }) });
    }
  }
  const used = columns.paths.length > 1 ? rows : labelOnce(table, rows, columns, items, warnings);
  const parts =
    columns.split === undefined ? null : used.map(({ row }) => partOf(table, row, columns.split!));
  return assembleDataSet(columns.kind, [...items.values()], {
    ...(columns.kind === 'pairs' ? { same: used.map(({ row }) => sameOf(table, row, columns.same)) } : {}),
    ...(columns.paths.length > 1 ? { rows: used.map(({ names }) => names) } : {}),
    given: parts,
    unreadable,
    warnings,
  });
}

/** A path as an id: `/` between its parts, no `./` and `..` in it where it is relative. */
function nameOf(cell: string): string {
  if (cell === '' || /^([a-z][a-z0-9+.-]+:|\/)/i.test(cell)) return cell;
  return path.posix.normalize(toSlashes(cell));
}

function refuseEmpty(table: Table, rows: readonly Row[], { paths, label }: Columns): void {
  for (const column of label === undefined ? paths : [...paths, label]) {
    const empty = rows.filter(({ row }) => row.cell(column) === '').map(({ row }) => row.where);
    if (empty.length === 0) continue;
    throw new FormatError(
      table.file,
      `expected a value in column "${column}" but ${plural(empty.length, 'cell')} ${empty.length === 1 ? 'is' : 'are'} ` +
        `empty: ${firstFew(empty)}`,
      { hint: 'fill them in or remove the rows' },
    );
  }
}

/** The first row of every image, with its label put on the item; further ones must say the same. */
function labelOnce(
  table: Table,
  rows: readonly Row[],
  { label }: Columns,
  items: Map<string, DataItem>,
  warnings: string[],
): Row[] {
  const first = new Map<string, Row>();
  for (const row of rows) {
    const id = row.names[0]!;
    const before = first.get(id);
    if (before === undefined) first.set(id, row);
    if (label === undefined) continue;
    const name = row.row.cell(label);
    const earlier = before?.row.cell(label);
    if (earlier !== undefined && earlier !== name) {
      throw new FormatError(
        table.file,
        `expected one label for ${id} but it is "${earlier}" (${before!.row.where}) and "${name}" (${row.row.where})`,
        { hint: 'an image belongs to one class; remove one of the rows' },
      );
    }
    items.get(id)!.label = name;
  }
  const repeated = rows.length - first.size;
  if (repeated > 0 && label !== undefined)
    warnings.push(
      `${plural(repeated, 'row')} of ${path.basename(table.file)} ${repeated === 1 ? 'repeats' : 'repeat'} an image that was named before`,
    );
  return [...first.values()];
}

function partOf(table: Table, row: TableRow, column: string): Part {
  const part = partNamed(row.cell(column));
  if (part !== undefined) return part;
  throw new FormatError(
    table.file,
    `${row.where}: expected train, validation or test in column "${column}" but found "${row.cell(column)}"`,
    { hint: 'correct it, or take no notice of the column with givenSplit: false' },
  );
}

const SAME: Record<string, 0 | 1> = {
  '1': 1,
  '1.0': 1,
  true: 1,
  yes: 1,
  same: 1,
  '0': 0,
  '0.0': 0,
  false: 0,
  no: 0,
  different: 0,
};

/** Whether a pair belongs together; without a column all do. */
function sameOf(table: Table, row: TableRow, column: string | undefined): 0 | 1 {
  if (column === undefined) return 1;
  const word = row.cell(column).toLowerCase();
  if (Object.hasOwn(SAME, word)) return SAME[word]!;
  throw new FormatError(
    table.file,
    `${row.where}: expected 1 (same) or 0 (different) in column "${column}" but found "${row.cell(column)}"`,
    { hint: 'true and false, yes and no, same and different are also understood' },
  );
}
