/** @file What a collection knows of its items besides their vectors: typed columns and their cells. */

/** The types of columns. Integers are whole numbers within ±2^53; times are instants, to the millisecond. */
export type ColumnType = 'text' | 'integer' | 'number' | 'boolean' | 'time';

/** A column: its name and what its cells hold. Every cell may be null, except the id. */
export interface Column {
  name: string;
  type: ColumnType;
}

/** One cell: text, number, truth value, time (`Date`), or null where nothing is known. */
export type Cell = string | number | boolean | Date | null;

/** Cells by the name of their column; a column that is absent is null. */
export type Values = Readonly<Record<string, Cell>>;

/**
 * The columns that every collection has, besides `id` and the vector. The id of a file is its path below the
 * collection's root, with `/` between its parts.
 */
export const ITEM_COLUMNS = [
  /** SHA-256 of the file's bytes, lower-case hex: equal for copies, and after renaming. */
  { name: 'hash', type: 'text' },
  /** Bytes. */
  { name: 'size', type: 'integer' },
  /** When the file was last changed. */
  { name: 'modified', type: 'time' },
  /** Pixels, upright. */
  { name: 'width', type: 'integer' },
  { name: 'height', type: 'integer' },
  /** `jpeg`, `png`, … */
  { name: 'format', type: 'text' },
  /** EXIF orientation, 1 to 8. */
  { name: 'orientation', type: 'integer' },
  /** When the picture was taken, by EXIF; where EXIF names no time zone, its clock is read as UTC. */
  { name: 'taken', type: 'time' },
  /** The year of `taken`. */
  { name: 'year', type: 'integer' },
  /** Maker and model, by EXIF. */
  { name: 'camera', type: 'text' },
  /** Degrees, north and east positive, by EXIF. */
  { name: 'latitude', type: 'number' },
  { name: 'longitude', type: 'number' },
  /** A caption, or the text itself where the item is a text. */
  { name: 'text', type: 'text' },
  /** When the item was embedded or found unchanged after its file's time had changed. */
  { name: 'indexed', type: 'time' },
] as const satisfies readonly Column[];

/** Columns that a user's metadata cannot be called. */
export const RESERVED_COLUMNS: ReadonlySet<string> = new Set([
  'id',
  'vector',
  'score',
  ...ITEM_COLUMNS.map(({ name }) => name),
]);
