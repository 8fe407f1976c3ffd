/** @file What is to be learned or compared with: a column as classes, or as numbers. */
import { UsageError } from '../errors.js';
import type { VectorSet } from './vector-set.js';

/** A column as classes. */
export interface Labels {
  /** The column. */
  column: string;
  /** The classes' names in code-unit order. */
  names: string[];
  /** The class of each item; −1 where the cell is empty. */
  labels: Int32Array;
  /** Items of each class. */
  counts: number[];
}

/**
 * A column as classes: texts as they are, numbers, truth values and times by what they print.
 *
 * @param column @default 'folder': the folder that each item lies in
 * @throws UsageError when there is no such column, or fewer than two classes in it.
 */
export async function labelsOf(set: VectorSet, column = 'folder'): Promise<Labels> {
  const { cells } = await set.column(column);
  const texts = cells.map((cell) =>
    cell === null ? null : cell instanceof Date ? cell.toISOString() : String(cell),
  );
  const names = [...new Set(texts.filter((text) => text !== null))].sort();
  if (names.length < 2)
    throw new UsageError(
      names.length === 0
        ? `${set.source}: no item has a ${column}`
        : `${set.source}: the column ${column} has one class alone, "${names[0]}"`,
      { hint: 'at least two classes are needed; name another column with --label' },
    );
  const places = new Map(names.map((name, i) => [name, i]));
  const labels = Int32Array.from(texts, (text) => (text === null ? -1 : places.get(text)!));
  const counts = names.map(() => 0);
  for (const label of labels) if (label >= 0) counts[label]!++;
  return { column, names, labels, counts };
}

/**
 * A column as numbers, NaN where the cell is empty. Truth values are 0 and 1, times milliseconds since 1970.
 * @throws UsageError when there is no such column, or it holds texts.
 */
export async function numbersOf(set: VectorSet, column: string): Promise<Float64Array> {
  const { cells, type } = await set.column(column);
  if (type === 'text')
    throw new UsageError(`${set.source}: the column ${column} holds texts, not numbers`, {
      hint: `such as ${JSON.stringify(cells.find((cell) => cell !== null) ?? '')}`,
    });
  return Float64Array.from(cells, (cell) => (cell === null ? Number.NaN : Number(cell)));
}

/** A column as groups, for folds and bootstrap: items with equal cells are one group, and one without a cell is its own. */
export async function groupsOf(set: VectorSet, column: string): Promise<Int32Array> {
  const { cells } = await set.column(column);
  const places = new Map<string, number>();
  return Int32Array.from(cells, (cell, i) => {
    const key = cell === null ? `\u0000${i}` : cell instanceof Date ? cell.toISOString() : String(cell);
    if (!places.has(key)) places.set(key, places.size);
    return places.get(key)!;
  });
}

/** The rows of a set, as vectors of their own. */
export function rowsOf(
  { data, dimension }: { data: Float32Array; dimension: number },
  rows: ArrayLike<number>,
): Float32Array {
  const result = new Float32Array(rows.length * dimension);
  for (let i = 0; i < rows.length; i++)
    result.set(data.subarray(rows[i]! * dimension, (rows[i]! + 1) * dimension), i * dimension);
  return result;
}
