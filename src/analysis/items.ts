/** @file Several images of one item (four photographs of a house, the views of a product) as one row of an analysis. */
import type { Cell } from '../collection/columns.js';
import { UsageError } from '../errors.js';
import { plural } from '../units.js';
import type { Vectors } from '../vectors/vectors.js';
import type { VectorSet } from './vector-set.js';

/** How images are gathered into items. */
export interface ItemOptions {
  /**
   * What says which item an image belongs to: a column, or a pattern that is looked for in its path (with `/`), whose
   * first group, or the one called `item`, is the item, and whose second, or the one called `role`, is the role.
   * @default each image is an item of its own
   */
  item?: string | RegExp | undefined;
  /** A column that says what an image shows of its item: `front`, `kitchen`. @default what the pattern says, if it does */
  role?: string | undefined;
}

/** Items, in the order of their names. */
export interface Items {
  /** The items' names: ids where each image is one. */
  ids: string[];
  /** The rows in the set of each item's images. */
  images: number[][];
  /** What images show, in code-unit order; empty where nothing is known of it. */
  roles: string[];
  /** The role of every image of the set, by row; −1 where there is none. */
  role: Int32Array;
  /** What was left out, in words. */
  warnings: string[];
}

/**
 * The items of a set.
 * @throws UsageError when there is no such column, the pattern has no group, or no image belongs to an item.
 */
export async function itemsOf(set: VectorSet, { item, role }: ItemOptions = {}): Promise<Items> {
  const names = await itemNames(set, item);
  const members = new Map<string, number[]>();
  for (const [row, { item: name }] of names.entries()) {
    if (name === null) continue;
    const rows = members.get(name);
    if (rows) rows.push(row);
    else members.set(name, [row]);
  }
  const roleCells = role === undefined ? names.map((n) => n.role) : (await set.column(role)).cells.map(text);
  const roles = [...new Set(roleCells.filter((cell) => cell !== null))].sort();
  const places = new Map(roles.map((name, i) => [name, i]));
  const lost = names.filter((n) => n.item === null).length;
  const ids = [...members.keys()].sort();
  return {
    ids,
    images: ids.map((id) => members.get(id)!),
    roles,
    role: Int32Array.from(roleCells, (cell) => (cell === null ? -1 : places.get(cell)!)),
    warnings: lost > 0 ? [`left out: ${plural(lost, 'image')} that belong to no item`] : [],
  };
}

/** The item and the role of every image, null where there is none. @throws as {@link itemsOf} */
export async function itemNames(
  set: VectorSet,
  item: ItemOptions['item'],
): Promise<{ item: string | null; role: string | null }[]> {
  if (item === undefined) return set.ids.map((id) => ({ item: id, role: null }));
  const names =
    typeof item === 'string'
      ? (await set.column(item)).cells.map((cell) => ({ item: text(cell), role: null }))
      : set.ids.map((id) => matched(item, id));
  if (names.every((name) => name.item === null))
    throw new UsageError(`${set.source}: no image belongs to an item by ${item}`, {
      hint:
        typeof item === 'string'
          ? 'the column is empty'
          : `the first group of the pattern is the item; paths are such as ${set.ids[0]}`,
    });
  return names;
}

function matched(pattern: RegExp, id: string): { item: string | null; role: string | null } {
  const found = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, '')).exec(id.replaceAll('\\', '/'));
  if (found !== null && found.length < 2)
    throw new UsageError(`item: expected a pattern with a group but received ${pattern}`, {
      hint: String.raw`such as (\d+)_(\w+) for 12_kitchen.jpg: the item 12, the role kitchen`,
    });
  return {
    item: found?.groups?.item ?? found?.[1] ?? null,
    role: found?.groups?.role ?? (found?.groups?.item === undefined ? found?.[2] : undefined) ?? null,
  };
}

/**
 * One vector for each item: the mean of its images' unit vectors, or these side by side by role, the mean of those that
 * have the same role. A role that an item lacks is NaN.
 * @throws UsageError when vectors are to be set side by side and no role is known.
 */
export function pooled(
  set: VectorSet,
  { ids, images, roles, role }: Pick<Items, 'ids' | 'images' | 'roles' | 'role'>,
  pool: 'mean' | 'concat',
): Vectors {
  const unit = set.unit();
  if (pool === 'concat' && roles.length === 0)
    throw new UsageError('pool: expected roles of the images to set their vectors side by side', {
      hint: 'the second group of --item, or --role COLUMN, says what an image shows; or pool by mean',
    });
  const parts = pool === 'concat' ? roles.length : 1;
  const dimension = parts * unit.dimension;
  const data = new Float32Array(ids.length * dimension);
  const seen = new Int32Array(parts);
  for (const [i, rows] of images.entries()) {
    seen.fill(0);
    for (const row of rows) {
      const part = pool === 'concat' ? role[row]! : 0;
      if (part < 0) continue;
      seen[part]!++;
      const at = i * dimension + part * unit.dimension;
      for (let d = 0; d < unit.dimension; d++) data[at + d]! += unit.data[row * unit.dimension + d]!;
    }
    for (let part = 0; part < parts; part++) {
      const at = i * dimension + part * unit.dimension;
      for (let d = 0; d < unit.dimension; d++)
        data[at + d] = seen[part] === 0 ? Number.NaN : data[at + d]! / seen[part]!;
    }
  }
  return { data, dimension };
}

/**
 * The cells of a column, one for each item: what its images have there.
 * @throws UsageError when there is no such column, or images of one item differ in it.
 */
export async function cellsOfItems(set: VectorSet, { ids, images }: Items, column: string): Promise<Cell[]> {
  const { cells } = await set.column(column);
  return images.map((rows, i) => {
    const own = rows.map((row) => cells[row]!).filter((cell) => cell !== null);
    const other = own.find((cell) => text(cell) !== text(own[0]!));
    if (other !== undefined)
      throw new UsageError(
        `${set.source}: the images of the item ${ids[i]} differ in ${column}: ${text(own[0]!)} and ${text(other)}`,
        { hint: 'what is said of an item has to be the same for all its images' },
      );
    return own[0] ?? null;
  });
}

function text(cell: Cell): string | null {
  return cell === null ? null : cell instanceof Date ? cell.toISOString() : String(cell);
}
