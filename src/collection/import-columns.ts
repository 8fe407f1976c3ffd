/** @file Typed columns for the metadata of an import: what its values are, and under which name they are kept. */
import { FormatError } from '../errors.js';
import {
  type Cell,
  type Column,
  type ColumnType,
  ITEM_COLUMNS,
  RESERVED_COLUMNS,
  type Values,
} from './columns.js';

/** What the values of one column have in common. */
interface Kind {
  /** Types that every value so far has. */
  fits: Set<ColumnType>;
  /** Every value says where the item's file lies, and nothing more. */
  place: boolean;
}

/** Columns of a file, and how a row's values become cells. */
export interface ImportLayout {
  /** The user's columns. */
  columns: Column[];
  renamed: [string, string][];
  cells(values: Record<string, unknown>): Values;
}

const TYPES: readonly ColumnType[] = ['boolean', 'integer', 'number', 'time', 'text'];
const INTEGER = /^-?(0|[1-9]\d{0,15})$/;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)$/;
const DATE = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?)?$/;
/** Positions of other rows mean nothing in a collection. */
const DROPPED = new Set(['neighbors']);

/** Learns what values are. */
export class ColumnTypes {
  private readonly kinds = new Map<string, Kind>();

  /** @param untyped all values are text, and numbers and times among them are recognised by how they look */
  constructor(private readonly untyped: boolean) {}

  /** Takes the values of an item into account. */
  add(id: string, values: Record<string, unknown>): void {
    for (const [name, value] of Object.entries(values)) {
      if (value === null || value === undefined || name === '' || DROPPED.has(name)) continue;
      let kind = this.kinds.get(name);
      if (kind === undefined) {
        kind = { fits: new Set(TYPES), place: /path|file/i.test(name) };
        this.kinds.set(name, kind);
      }
      for (const type of kind.fits)
        if (toCell(type, value, this.untyped) === undefined) kind.fits.delete(type);
      kind.place &&=
        typeof value === 'string' && (value === id || value.replaceAll('\\', '/').endsWith(`/${id}`));
    }
  }

  /** The columns as they are in the file, each of the narrowest type that all its values have. */
  columns(): Column[] {
    return [...this.kinds].map(([name, { fits }]) => ({
      name,
      type: TYPES.find((candidate) => fits.has(candidate)) ?? 'text',
    }));
  }

  /**
   * Where the values go. A column of the collection takes them where their type allows; where it does not, or their name
   * is taken, they go to `metadata_NAME`.
   * @param there the table's columns
   */
  layout(there: readonly Column[]): ImportLayout {
    const columns: Column[] = [];
    const renamed: [string, string][] = [];
    const places = new Map<string, Column>();
    for (const [name, kind] of this.kinds) {
      if (kind.place) continue;
      const type = TYPES.find((candidate) => kind.fits.has(candidate)) ?? 'text';
      let own = there.find((column) => column.name === name);
      let called = name;
      const fits = own ? kind.fits.has(own.type) || own.type === 'text' : !RESERVED_COLUMNS.has(name);
      if (!fits || (name === 'hash' && own && !kind.fits.has('text'))) {
        called = `metadata_${name}`;
        renamed.push([name, called]);
        own = there.find((column) => column.name === called);
      }
      const column = { name: called, type: own?.type ?? type };
      places.set(name, column);
      if (!ITEM_COLUMNS.some((item) => item.name === called)) columns.push(column);
    }
    return { columns, renamed, cells: (values) => this.cells(values, places) };
  }

  private cells(values: Record<string, unknown>, places: ReadonlyMap<string, Column>): Values {
    const cells: Record<string, Cell> = {};
    for (const [from, { name, type }] of places) {
      const value = values[from];
      if (value === null || value === undefined) continue;
      const cell = toCell(type, value, this.untyped);
      if (cell === undefined)
        throw new FormatError(name, `expected ${type} but found ${JSON.stringify(value)}`);
      cells[name] = cell;
    }
    return cells;
  }
}

/** A value as a cell of a type; undefined where it is not one. Everything is a text. */
export function toCell(type: ColumnType, value: unknown, untyped: boolean): Cell | undefined {
  switch (type) {
    case 'text':
      if (typeof value === 'string') return value;
      return value instanceof Date ? value.toISOString() : JSON.stringify(value, plain);
    case 'boolean':
      if (typeof value === 'boolean') return value;
      return untyped && (value === 'true' || value === 'false') ? value === 'true' : undefined;
    case 'integer':
    case 'number': {
      const isNumber = typeof value === 'number' || typeof value === 'bigint';
      const pattern = type === 'integer' ? INTEGER : NUMBER;
      if (!isNumber && !(untyped && typeof value === 'string' && pattern.test(value))) return undefined;
      const number = Number(value);
      return (type === 'integer' ? Number.isSafeInteger(number) : Number.isFinite(number))
        ? number
        : undefined;
    }
    case 'time': {
      if (value instanceof Date) return value;
      if (typeof value !== 'string' || !(INSTANT.test(value) || (untyped && DATE.test(value))))
        return undefined;
      // A clock without a zone is read as UTC.
      const text = INSTANT.test(value) ? value : `${value.replace(' ', 'T')}${value.length > 10 ? 'Z' : ''}`;
      const time = new Date(text);
      return Number.isNaN(time.getTime()) ? undefined : time;
    }
    default:
      return type satisfies never;
  }
}

function plain(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  return ArrayBuffer.isView(value) ? Array.from(value as Float64Array) : value;
}
