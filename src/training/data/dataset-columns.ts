/** @file Which columns of a label file hold what. */
import { FormatError, nearestName } from '../../errors.js';
import type { Table } from './dataset-table.js';
import type { DataSetKind, DataSetOptions } from './types.js';

/** The columns that are read, by what they hold. */
export interface Columns {
  kind: DataSetKind;
  /** One column for labelled and unlabelled images, two for pairs, three for triplets. */
  paths: string[];
  label: string | undefined;
  same: string | undefined;
  group: string | undefined;
  split: string | undefined;
}

const PATHS = [
  'path',
  'image',
  'file',
  'filename',
  'file_name',
  'image_path',
  'filepath',
  'file_path',
  'image_file',
  'img',
  'id',
];
const LABELS = ['label', 'class', 'category', 'target', 'label_name', 'class_name'];
const SAME = ['same', 'label', 'match', 'similar', 'target', 'is_same'];
const PAIRS = [
  ['a', 'b'],
  ['image_a', 'image_b'],
  ['path_a', 'path_b'],
  ['image1', 'image2'],
  ['image_1', 'image_2'],
  ['path1', 'path2'],
  ['path_1', 'path_2'],
  ['left', 'right'],
];
const TRIPLET = ['anchor', 'positive', 'negative'];

/**
 * Finds the columns that the options name, and the usual ones for the rest; upper and lower case are the same.
 * @throws FormatError for a column that is not there, with the columns that are.
 */
export function findColumns(table: Table, options: DataSetOptions): Columns {
  const usual = (names: readonly string[]): string | undefined => {
    for (const name of names) {
      const found = table.columns.find((column) => column.toLowerCase() === name);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  const allOf = (names: readonly string[]): string[] | undefined => {
    const found = names.map((name) => usual([name]));
    return found.every((name) => name !== undefined) ? (found as string[]) : undefined;
  };
  const triplet = options.tripletColumns ?? allOf(TRIPLET);
  const pair = options.pairColumns ?? PAIRS.map(allOf).find((found) => found !== undefined);
  const label = options.labelColumn ?? usual(LABELS);
  const kind = options.kind ?? kindOf(options, triplet, pair, label);
  const path = options.pathColumn ?? usual(PATHS);
  const columns: Columns = {
    kind,
    paths:
      (kind === 'triplets' ? triplet : kind === 'pairs' ? pair : path === undefined ? undefined : [path]) ??
      [],
    label: kind === 'labelled' ? label : undefined,
    same: kind === 'pairs' ? (options.sameColumn ?? usual(SAME)) : undefined,
    group: options.groupColumn ?? usual(['group']),
    split: (options.givenSplit ?? true) ? (options.splitColumn ?? usual(['split'])) : undefined,
  };
  refuseMissing(table, columns);
  return columns;
}

function kindOf(
  options: DataSetOptions,
  triplet: readonly string[] | undefined,
  pair: readonly string[] | undefined,
  label: string | undefined,
): DataSetKind {
  if (options.pathColumn === undefined) {
    if (triplet !== undefined) return 'triplets';
    if (pair !== undefined) return 'pairs';
  }
  return label === undefined ? 'unlabelled' : 'labelled';
}

/** What a kind of data needs, which option names it, and what is looked for without it. */
const NEEDED: Record<DataSetKind, { what: string; option: string; names: string }> = {
  labelled: { what: 'the paths of images', option: 'pathColumn', names: PATHS.join(', ') },
  unlabelled: { what: 'the paths of images', option: 'pathColumn', names: PATHS.join(', ') },
  pairs: {
    what: 'pairs of paths',
    option: 'pairColumns',
    names: PAIRS.map((p) => p.join(' and ')).join(', '),
  },
  triplets: { what: 'triplets of paths', option: 'tripletColumns', names: TRIPLET.join(', ') },
};

function refuseMissing(table: Table, { kind, paths, label, same, group, split }: Columns): void {
  const there = `columns: ${table.columns.join(', ')}`;
  for (const name of [...paths, label, same, group, split]) {
    if (name === undefined || table.columns.includes(name)) continue;
    const near = nearestName(name, table.columns);
    throw new FormatError(table.file, `expected a column "${name}" but there is none (${there})`, {
      hint: near === undefined ? 'choose one of the columns that are there' : `did you mean "${near}"?`,
    });
  }
  if (paths.length === 0) {
    const { what, option, names } = NEEDED[kind];
    throw new FormatError(table.file, `expected a column for ${what} but found none (${there})`, {
      hint: `name it with ${option}; looked for: ${names}`,
    });
  }
  if (kind === 'labelled' && label === undefined) {
    throw new FormatError(table.file, `expected a column of labels but found none (${there})`, {
      hint: `name it with labelColumn; looked for: ${LABELS.join(', ')}`,
    });
  }
}
