/** @file Conditions in the engine's SQL. */
import { UsageError } from '../../errors.js';
import type { Cell, Column, ColumnType } from '../columns.js';
import type { Filter, Operand } from '../filter.js';
import { physicalName } from './lance-schema.js';

type Value = Exclude<Cell, null>;

/**
 * A condition in SQL.
 * @param columns those of the table; `id` is always there
 * @throws UsageError for a column that is not there.
 */
export function toSql(filter: Filter, columns: readonly Column[]): string {
  const types = new Map<string, ColumnType>([
    ['id', 'text'],
    ...columns.map((c) => [c.name, c.type] as const),
  ]);
  return condition(filter, types);
}

/** `id IN (…)`. */
export function idsIn(ids: readonly string[]): string {
  return `id IN (${ids.map(text).join(',')})`;
}

function condition(filter: Filter, types: ReadonlyMap<string, ColumnType>): string {
  switch (filter.op) {
    case 'and':
    case 'or':
      if (filter.filters.length === 0) return filter.op === 'and' ? 'true' : 'false';
      return `(${filter.filters.map((f) => condition(f, types)).join(` ${filter.op.toUpperCase()} `)})`;
    case 'not':
      return `(NOT ${condition(filter.filter, types)})`;
    case 'in': {
      const type = typeOf(filter.column, types);
      // A whole number never equals a broken one.
      const fit = type === 'integer' ? filter.values.filter(Number.isSafeInteger) : filter.values;
      const side = column(filter.column, types);
      // Unknown for null, else false.
      if (fit.length === 0) return `(${side} < ${side})`;
      return `(${side} IN (${fit.map(literal).join(',')}))`;
    }
    case 'like': {
      // The engine takes a backslash as an escape, which it is not here.
      const pattern = text(filter.pattern.replaceAll('\\', '\\\\'));
      const side = column(filter.column, types);
      return filter.ignoreCase ? `(lower(${side}) LIKE lower(${pattern}))` : `(${side} LIKE ${pattern})`;
    }
    case 'null':
      return `(${column(filter.column, types)} IS NULL)`;
    default: {
      const real = [filter.left, filter.right].some((side) => isReal(side, types));
      return `(${operand(filter.left, types, real)} ${filter.op} ${operand(filter.right, types, real)})`;
    }
  }
}

/** Whether an operand may be a broken number, so that the other side has to be one, too. */
function isReal(side: Operand, types: ReadonlyMap<string, ColumnType>): boolean {
  if ('op' in side) return true;
  if ('column' in side) return typeOf(side.column, types) === 'number';
  return typeof side.value === 'number' && !Number.isSafeInteger(side.value);
}

/** @param real whole numbers shall be broken ones: then nothing overflows, and 3 / 2 is 1.5. */
function operand(side: Operand, types: ReadonlyMap<string, ColumnType>, real: boolean): string {
  if ('op' in side) {
    const result = `(${operand(side.left, types, true)} ${side.op} ${operand(side.right, types, true)})`;
    // The engine puts -0 below 0; this makes one of the other.
    return side.op === '*' || side.op === '/' ? `(${result} + cast(0 as double))` : result;
  }
  if ('column' in side) {
    const name = column(side.column, types);
    return real && typeOf(side.column, types) === 'integer' ? `cast(${name} as double)` : name;
  }
  return real && typeof side.value === 'number' ? double(side.value) : literal(side.value);
}

function typeOf(name: string, types: ReadonlyMap<string, ColumnType>): ColumnType {
  const type = types.get(name);
  if (type === undefined)
    throw new UsageError(`there is no column "${name}"`, {
      hint: `there are ${[...types.keys()].join(', ')}`,
    });
  return type;
}

function column(name: string, types: ReadonlyMap<string, ColumnType>): string {
  typeOf(name, types);
  return `\`${physicalName(name)}\``;
}

function literal(value: Value): string {
  if (typeof value === 'string') return text(value);
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (value instanceof Date) return instant(value);
  return Number.isSafeInteger(value) ? String(value) : double(value);
}

function text(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}

function double(value: number): string {
  return Number.isFinite(value) && !Object.is(value, -0)
    ? `cast(${value} as double)`
    : `cast('${Object.is(value, -0) ? '-0' : String(value)}' as double)`;
}

function instant(value: Date): string {
  const iso = value.toISOString();
  return `timestamp '${iso.slice(0, -1).replace('T', ' ')}'`;
}
