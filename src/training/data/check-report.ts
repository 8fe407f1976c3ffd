/** @file What a person should know about data before training on it, as plain JSON. */
import type { ItemFailure } from '../../errors.js';
import type { ImageFacts } from './check.js';
import { warningsFrom } from './check-warnings.js';
import { unitCount, unitItems } from './dataset-assemble.js';
import { type DataSet, type DataSetKind, type DataSplit, PARTS, type Part } from './types.js';

/** The state of a data set. Plain JSON. */
export interface DataReport {
  kind: DataSetKind;
  /** Images that can be read. */
  images: number;
  /** Units in each part: images; rows of pairs and triplets. */
  parts: Record<Part, number>;
  /** Units of every class in each part, the largest class first. Of pairs: `same` and `different`. */
  classes: ({ name: string; total: number } & Record<Part, number>)[];
  /** Size of the largest class over that of the smallest, in the training part; null without classes. */
  imbalance: number | null;
  /** Images left out, with the reason. */
  unreadable: ItemFailure[];
  /** Images whose files are the same byte by byte, where they lie and what they are called. */
  duplicates: { ids: string[]; parts: Part[]; labels: string[] }[];
  /** Images smaller than the network's input, in either direction; they will be enlarged. */
  small: string[];
  /** Smallest, median and largest width and height in pixels. */
  width: [smallest: number, median: number, largest: number];
  height: [smallest: number, median: number, largest: number];
  /** What may spoil the result, a sentence each. */
  warnings: string[];
  /** How long the check took. */
  seconds: number;
}

interface Found {
  unreadable: ItemFailure[];
  inputSize: { width: number; height: number } | undefined;
  seconds: number;
}

/** Looks at what was found. */
export function reportOn(
  set: DataSet,
  split: DataSplit,
  facts: ReadonlyMap<string, ImageFacts>,
  { unreadable, inputSize, seconds }: Found,
): DataReport {
  const partsOf = itemParts(set, split);
  const sizes = set.items.map(({ id }) => facts.get(id)!);
  const small = set.items
    .filter((_, i) => inputSize && (sizes[i]!.width < inputSize.width || sizes[i]!.height < inputSize.height))
    .map(({ id }) => id);
  const classes = classTable(set, split);
  const report: DataReport = {
    kind: set.kind,
    images: set.items.length,
    parts: { train: split.train.length, validation: split.validation.length, test: split.test.length },
    classes,
    imbalance: imbalanceOf(classes),
    unreadable,
    duplicates: duplicatesIn(set, facts, partsOf),
    small,
    width: spread(sizes.map(({ width }) => width)),
    height: spread(sizes.map(({ height }) => height)),
    warnings: [...set.warnings],
    seconds,
  };
  report.warnings.push(...warningsFrom(report, set, partsOf, inputSize));
  return report;
}

/** The parts in which each item occurs; an item of pairs may be in several. */
function itemParts(set: DataSet, split: DataSplit): Part[][] {
  const parts: Part[][] = set.items.map(() => []);
  for (const part of PARTS) {
    for (const unit of split[part]) {
      for (const i of unitItems(set, unit)) if (!parts[i]!.includes(part)) parts[i]!.push(part);
    }
  }
  return parts;
}

function classTable(set: DataSet, split: DataSplit): DataReport['classes'] {
  const classOf = set.labels ?? set.same;
  if (!classOf || unitCount(set) === 0) return [];
  const names = set.labels ? set.classes : ['different', 'same'];
  const table = names.map((name) => ({ name, total: 0, train: 0, validation: 0, test: 0 }));
  for (const part of PARTS) {
    for (const unit of split[part]) {
      table[classOf[unit]!]![part]++;
      table[classOf[unit]!]!.total++;
    }
  }
  return table.sort((a, b) => b.total - a.total);
}

/** Of the classes that are trained on. */
function imbalanceOf(classes: DataReport['classes']): number | null {
  let [least, most] = [Number.POSITIVE_INFINITY, 0];
  for (const { train } of classes) {
    if (train === 0) continue;
    least = Math.min(least, train);
    most = Math.max(most, train);
  }
  return most === 0 ? null : most / least;
}

function duplicatesIn(
  set: DataSet,
  facts: ReadonlyMap<string, ImageFacts>,
  partsOf: readonly Part[][],
): DataReport['duplicates'] {
  const byHash = new Map<string, number[]>();
  for (const [i, { id }] of set.items.entries()) {
    const { hash } = facts.get(id)!;
    const known = byHash.get(hash);
    if (known === undefined) byHash.set(hash, [i]);
    else known.push(i);
  }
  return [...byHash.values()]
    .filter(({ length }) => length > 1)
    .map((same) => ({
      ids: same.map((i) => set.items[i]!.id),
      parts: PARTS.filter((part) => same.some((i) => partsOf[i]!.includes(part))),
      labels: [...new Set(same.flatMap((i) => set.items[i]!.label ?? []))],
    }));
}

function spread(values: number[]): [number, number, number] {
  const sorted = Float64Array.from(values).sort();
  return [sorted[0]!, sorted[sorted.length >> 1]!, sorted.at(-1)!];
}
