/** @file Which items of a set a number can be learned from, and what is known of them. */
import { UsageError } from '../errors.js';
import { plural } from '../units.js';
import { cellsOfItems, type ItemOptions, type Items, itemsOf, pooled } from './items.js';
import type { FeatureColumn, FeatureSource } from './regress-features.js';
import type { VectorSet } from './vector-set.js';

/** What is looked at to predict a number. */
export interface RegressionInput {
  item?: ItemOptions['item'];
  role?: string | undefined;
  pool: 'mean' | 'concat';
  /** The parts of the images' features, side by side; empty where they are pooled by mean. */
  roles: readonly string[];
  /** Columns beside the images. */
  columns: readonly { name: string; kind: 'number' | 'category' }[];
}

/** Items with all that is known of them. */
export interface RegressionItems {
  items: Items;
  source: FeatureSource;
  warnings: string[];
}

/**
 * How the columns of a set are taken: texts as names; numbers, truth values and times as numbers, unless they are said to
 * be names, such as a postal code.
 * @throws UsageError when there is no such column.
 */
export async function inputColumns(
  set: VectorSet,
  columns: readonly string[],
  categories: readonly string[],
): Promise<RegressionInput['columns']> {
  const kinds: { name: string; kind: 'number' | 'category' }[] = [];
  for (const name of new Set([...columns, ...categories])) {
    const { type } = await set.column(name);
    kinds.push({ name, kind: type === 'text' || categories.includes(name) ? 'category' : 'number' });
  }
  return kinds;
}

/** What is known of the items of a set. @throws as `itemsOf`, `cellsOfItems` and `pooled` */
export async function regressionItems(set: VectorSet, input: RegressionInput): Promise<RegressionItems> {
  const found = await itemsOf(set, input);
  const warnings = [...found.warnings];
  let items = found;
  if (input.pool === 'concat') {
    items = withRoles(found, input.roles);
    const none = items.ids.filter((_, i) => !items.images[i]!.some((row) => items.role[row]! >= 0));
    if (none.length === items.ids.length)
      throw new UsageError(`${set.source}: no image shows ${input.roles.join(', ')}`, {
        hint: 'their names should say so as those did that were learned from; or name the column with --role',
      });
    const lacking = items.ids.filter((_, i) => {
      const own = new Set(items.images[i]!.map((row) => items.role[row]!));
      return input.roles.some((_, part) => !own.has(part));
    });
    if (lacking.length > 0)
      warnings.push(
        `${plural(lacking.length, 'item')} without an image of every role, such as ${lacking[0]}`,
      );
  }
  const columns: FeatureColumn[] = [];
  for (const { name, kind } of input.columns) {
    const cells = await cellsOfItems(set, items, name);
    const empty = cells.filter((cell) => cell === null).length;
    if (empty === cells.length) throw new UsageError(`${set.source}: the column ${name} is empty`);
    if (empty > 0) warnings.push(`${plural(empty, 'item')} with nothing in ${name}: taken as the mean`);
    if (kind === 'category')
      columns.push({
        name,
        cells: cells.map((cell) =>
          cell === null ? null : cell instanceof Date ? cell.toISOString() : String(cell),
        ),
      });
    else {
      const text = cells.find((cell) => typeof cell === 'string');
      if (text !== undefined)
        throw new UsageError(`${set.source}: expected numbers in ${name} but received "${text}"`);
      columns.push({
        name,
        cells: Float64Array.from(cells, (cell) => (cell === null ? Number.NaN : Number(cell))),
      });
    }
  }
  const images = pooled(set, items, input.pool);
  return { items, source: { count: items.ids.length, images, columns }, warnings };
}

/** The items with their roles in the order that was learned; images of other roles have none. */
function withRoles(items: Items, roles: readonly string[]): Items {
  const places = items.roles.map((name) => roles.indexOf(name));
  return { ...items, roles: [...roles], role: items.role.map((own) => (own < 0 ? -1 : places[own]!)) };
}

/** Some of the items. */
export function someItems({ items, source }: RegressionItems, rows: ArrayLike<number>): RegressionItems {
  const picked = <T>(values: ArrayLike<T>) => Array.from(rows, (row) => values[row]!);
  const { images } = source;
  const data = images && new Float32Array(rows.length * images.dimension);
  if (images && data)
    for (let i = 0; i < rows.length; i++)
      data.set(
        images.data.subarray(rows[i]! * images.dimension, (rows[i]! + 1) * images.dimension),
        i * images.dimension,
      );
  return {
    items: { ...items, ids: picked(items.ids), images: picked(items.images) },
    source: {
      count: rows.length,
      images: images && data && { data, dimension: images.dimension },
      columns: source.columns.map(({ name, cells }) => ({
        name,
        cells: cells instanceof Float64Array ? Float64Array.from(picked(cells)) : picked(cells),
      })),
    },
    warnings: [],
  };
}
