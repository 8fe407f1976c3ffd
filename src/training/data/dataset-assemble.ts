/** @file A data set put together from its parts, cut down to some of its items, and told from others. */
import { createHash } from 'node:crypto';
import type { ItemFailure } from '../../errors.js';
import type { DataItem, DataSet, DataSetKind, Part } from './types.js';

/** What there is besides items. */
export interface Extras {
  /** Ids of each pair or triplet. */
  rows?: readonly (readonly string[])[];
  same?: ArrayLike<number>;
  /** By item in the order given, or by row. */
  given: readonly Part[] | null;
  unreadable: ItemFailure[];
  warnings: string[];
}

/** Sorts items, numbers classes and rows. Items of labelled data must have labels. */
export function assembleDataSet(kind: DataSetKind, unsorted: readonly DataItem[], extras: Extras): DataSet {
  const { rows, same, given, unreadable, warnings } = extras;
  const order = unsorted.map((_, i) => i).sort((a, b) => compare(unsorted[a]!.id, unsorted[b]!.id));
  const items = order.map((i) => unsorted[i]!);
  const classes = kind === 'labelled' ? [...new Set(items.map(({ label }) => label!))].sort(compare) : [];
  const number = new Map(classes.map((name, i) => [name, i]));
  const place = new Map(items.map(({ id }, i) => [id, i]));
  const flat = rows && Int32Array.from(rows.flat(), (id) => place.get(id)!);
  return {
    kind,
    items,
    classes,
    labels: kind === 'labelled' ? Int32Array.from(items, ({ label }) => number.get(label!)!) : null,
    ...(kind === 'pairs' ? { pairs: flat!, same: Uint8Array.from(same!) } : {}),
    ...(kind === 'triplets' ? { triplets: flat! } : {}),
    given: given && (rows ? [...given] : order.map((i) => given[i]!)),
    unreadable,
    warnings,
  };
}

/** How many units (images; rows of pairs and triplets) a data set has. */
export function unitCount(set: DataSet): number {
  return rowsOf(set) === null ? set.items.length : rowsOf(set)!.length / rowWidth(set);
}

/** The items of one unit. */
export function unitItems(set: DataSet, unit: number): Int32Array {
  const width = rowWidth(set);
  return rowsOf(set)?.subarray(unit * width, (unit + 1) * width) ?? Int32Array.of(unit);
}

function rowsOf(set: DataSet): Int32Array | null {
  return set.pairs ?? set.triplets ?? null;
}

function rowWidth(set: DataSet): number {
  return set.kind === 'pairs' ? 2 : set.kind === 'triplets' ? 3 : 1;
}

/** The same data with the items for which `keep` is true, the rows that consist of them, and their classes. */
export function keepItems(set: DataSet, keep: (item: DataItem, index: number) => boolean): DataSet {
  const kept = set.items.map(keep);
  const units = Array.from({ length: unitCount(set) }, (_, u) => u).filter((u) =>
    unitItems(set, u).every((i) => kept[i]),
  );
  const given = set.given && units.map((u) => set.given![u]!);
  const { unreadable, warnings } = set;
  const extras: Extras = { given, unreadable, warnings };
  if (rowsOf(set) !== null) {
    extras.rows = units.map((u) => Array.from(unitItems(set, u), (i) => set.items[i]!.id));
    if (set.same) extras.same = units.map((u) => set.same![u]!);
  }
  return assembleDataSet(
    set.kind,
    set.items.filter((_, i) => kept[i]),
    extras,
  );
}

/**
 * A hash of ids, labels, groups, rows and given parts, in hexadecimal: by it a resumed run tells that its data is still
 * the same. The pixels are not part of it.
 */
export function fingerprintDataSet(set: DataSet): string {
  const hash = createHash('sha256');
  hash.update(
    JSON.stringify([set.kind, set.given, Array.from(set.same ?? []), Array.from(rowsOf(set) ?? [])]),
  );
  for (const { id, label, group } of set.items)
    hash.update(JSON.stringify([id, label ?? null, group ?? null]));
  return hash.digest('hex');
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
