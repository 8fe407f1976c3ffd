/** @file Columns and cells as the engine has them, and back: an Arrow table of one type for each of ours. */
import type { Data, Field, RecordBatch, Schema, Table } from 'apache-arrow';
import { UsageError } from '../../errors.js';
import type { Cell, Column, ColumnType } from '../columns.js';
import type { RowBatch, TableSpec } from '../store.js';
import { arrowType, columnType, fromVector, toData } from './lance-cells.js';
import type { Engine } from './lance-engine.js';

/** Where a table says what it is, besides its columns. */
const METADATA = 'afterimage';
/** Says that ids are unique; else processes that insert the same new ones at once would insert each. */
const PRIMARY_KEY = ['lance-schema:unenforced-primary-key:position', '1'] as const;
/** The version of this layout. */
const VERSION = 1;

/** What a table says of itself. */
export interface Layout {
  version: number;
  dimension: number;
  normalized: boolean;
}

/**
 * A column's name in the engine, which allows no dots and keeps names with a leading underscore to itself: such
 * characters become `%` and two hexadecimal digits.
 */
export function physicalName(name: string): string {
  return name.replace(/[%.`"\\]|^_/g, (c) => `%${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

/** The inverse of {@link physicalName}. */
export function logicalName(name: string): string {
  return name.replace(/%([0-9a-f]{2})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
}

/** SQL's name of a type. */
export const SQL_TYPES: Readonly<Record<ColumnType, string>> = {
  text: 'string',
  integer: 'bigint',
  number: 'double',
  boolean: 'tinyint',
  time: 'timestamp(3)',
};

/** The schema of a new table. */
export function schemaFor(engine: Engine, { dimension, columns, normalized }: TableSpec): Schema {
  const { Field, Schema, Utf8, FixedSizeList, Float32 } = engine.arrow;
  const layout: Layout = { version: VERSION, dimension, normalized };
  return new Schema(
    [
      new Field('id', new Utf8(), false, new Map([PRIMARY_KEY])),
      ...(dimension > 0
        ? [new Field('vector', new FixedSizeList(dimension, new Field('item', new Float32(), true)), true)]
        : []),
      ...columns.map(({ name, type }) => new Field(physicalName(name), arrowType(engine, type), true)),
    ],
    new Map([[METADATA, JSON.stringify(layout)]]),
  );
}

/** What a table's schema says; undefined when it is none of ours, or `later` when a later version made it. */
export function layoutOf(schema: Schema): Layout | 'later' | undefined {
  try {
    const layout = JSON.parse(schema.metadata.get(METADATA) ?? '') as Layout;
    return layout.version > VERSION ? 'later' : layout;
  } catch {
    return undefined;
  }
}

/** The columns besides id and vector. */
export function columnsOf(schema: Schema): Column[] {
  return schema.fields
    .filter(({ name }) => name !== 'id' && name !== 'vector')
    .map(({ name, type }) => ({ name: logicalName(name), type: columnType(type) }));
}

/**
 * Rows as an Arrow table; vectors are not copied.
 * @param columns those that the table shall have; cells that are absent become null
 * @throws UsageError for a cell that its column cannot hold, arrays of the wrong length, and ids that occur twice.
 */
export function toArrow(
  engine: Engine,
  { ids, vectors, values }: RowBatch,
  columns: readonly Column[],
  dimension: number,
): Table {
  const { arrow } = engine;
  const length = ids.length;
  const seen = new Set(ids);
  if (seen.size < length)
    throw new UsageError(`ids: expected each once but received ${length - seen.size} more than once`);
  const fields: Field[] = [new arrow.Field('id', new arrow.Utf8(), false)];
  const children: Data[] = [toData(engine, { name: 'id', type: 'text' }, ids, length)];
  if (dimension > 0) {
    if (vectors.length !== length * dimension)
      throw new UsageError(
        `vectors: expected ${length} × ${dimension} numbers but received ${vectors.length}`,
      );
    const type = new arrow.FixedSizeList(dimension, new arrow.Field('item', new arrow.Float32(), true));
    const child = arrow.makeData({ type: new arrow.Float32(), data: vectors, nullCount: 0 });
    fields.push(new arrow.Field('vector', type, true));
    children.push(arrow.makeData({ type, length, nullCount: 0, child }));
  }
  for (const column of columns) {
    const data = toData(engine, column, values[column.name], length);
    fields.push(new arrow.Field(physicalName(column.name), data.type, true));
    children.push(data);
  }
  const schema = new arrow.Schema(fields);
  const struct = arrow.makeData({ type: new arrow.Struct(fields), length, nullCount: 0, children });
  return new arrow.Table(schema, new arrow.RecordBatch(schema, struct));
}

/** The rows of a batch that the engine has read. */
export function fromArrow(batch: RecordBatch, columns: readonly Column[], dimension: number): RowBatch {
  const values: Record<string, Cell[]> = {};
  for (const { name, type } of columns) values[name] = fromVector(batch.getChild(physicalName(name))!, type);
  return {
    ids: fromVector(batch.getChild('id')!, 'text') as string[],
    vectors: vectorsOf(batch, dimension),
    values,
  };
}

/** The numbers of the vectors, a view of the batch's own memory; none for dimension 0. */
function vectorsOf(batch: RecordBatch, dimension: number): Float32Array {
  if (dimension === 0) return new Float32Array(0);
  const numbers = batch.getChild('vector')!.data[0]!.children[0]!.values as Float32Array;
  return numbers.subarray(0, batch.numRows * dimension);
}

/** Several batches as one. */
export function joined(batches: readonly RowBatch[], columns: readonly Column[]): RowBatch {
  if (batches.length === 1) return batches[0]!;
  const vectors = new Float32Array(batches.reduce((sum, batch) => sum + batch.vectors.length, 0));
  let at = 0;
  for (const batch of batches) {
    vectors.set(batch.vectors, at);
    at += batch.vectors.length;
  }
  const values = columns.map(({ name }) => [name, batches.flatMap((batch) => batch.values[name]!)] as const);
  return { ids: batches.flatMap(({ ids }) => ids), vectors, values: Object.fromEntries(values) };
}
