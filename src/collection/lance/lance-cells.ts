/** @file Cells as Arrow's buffers, and back. */
import type { Data, DataType, Int, Vector } from 'apache-arrow';
import { UsageError } from '../../errors.js';
import type { Cell, Column, ColumnType } from '../columns.js';
import type { Engine } from './lance-engine.js';

/**
 * The Arrow type of a column. Truth values are kept as 1 and 0: the Arrow library writes a batch of truth values that
 * are all null in a way that the engine refuses.
 */
export function arrowType({ arrow }: Engine, type: ColumnType): DataType {
  switch (type) {
    case 'text':
      return new arrow.Utf8();
    case 'integer':
      return new arrow.Int64();
    case 'number':
      return new arrow.Float64();
    case 'boolean':
      return new arrow.Int8();
    case 'time':
      return new arrow.TimestampMillisecond();
  }
}

/** The inverse of {@link arrowType}, by Arrow's own numbers. */
export function columnType(type: DataType): ColumnType {
  const { typeId } = type;
  if (typeId === 2) return (type as Int).bitWidth === 8 ? 'boolean' : 'integer';
  if (typeId === 3) return 'number';
  if (typeId === 10) return 'time';
  return 'text';
}

/**
 * The cells of a column.
 * @param cells undefined: all null
 * @throws UsageError for a cell that the column cannot hold, or when there are not `length` of them.
 */
export function toData(
  engine: Engine,
  column: Column,
  cells: readonly Cell[] | undefined,
  length: number,
): Data {
  const { name, type } = column;
  if (cells && cells.length !== length)
    throw new UsageError(`column "${name}": expected ${length} cells but received ${cells.length}`);
  const nullBitmap = new Uint8Array((length + 7) >> 3);
  let nullCount = length;
  const each = (store: (row: number, cell: Exclude<Cell, null>) => void) => {
    for (let row = 0; cells && row < length; row++) {
      const cell = cells[row]!;
      // Not a number: nothing is known.
      if (cell === null || cell === undefined || Number.isNaN(cell)) continue;
      if (!fits(type, cell))
        throw new UsageError(
          `column "${name}": expected ${type === 'text' ? 'text' : `a value of type ${type}`} or null but received ${JSON.stringify(cell)}`,
        );
      store(row, cell);
      nullBitmap[row >> 3]! |= 1 << (row & 7);
      nullCount--;
    }
  };
  const valid = () => ({ length, nullCount, nullBitmap });
  switch (type) {
    case 'text': {
      const parts = new Array<string>(length).fill('');
      each((row, cell) => {
        parts[row] = cell as string;
      });
      return texts(engine, parts, valid());
    }
    case 'boolean': {
      const data = new Int8Array(length);
      each((row, cell) => {
        data[row] = cell ? 1 : 0;
      });
      return engine.arrow.makeData({ type: new engine.arrow.Int8(), data, ...valid() });
    }
    case 'number': {
      const data = new Float64Array(length);
      each((row, cell) => {
        data[row] = cell as number;
      });
      return engine.arrow.makeData({ type: new engine.arrow.Float64(), data, ...valid() });
    }
    default: {
      const data = new BigInt64Array(length);
      each((row, cell) => {
        data[row] = BigInt(+cell);
      });
      const { makeData, Int64, TimestampMillisecond } = engine.arrow;
      return type === 'time'
        ? makeData({ type: new TimestampMillisecond(), data, ...valid() })
        : makeData({ type: new Int64(), data, ...valid() });
    }
  }
}

/** Texts one after another, and where each begins. */
function texts(
  { arrow }: Engine,
  parts: readonly string[],
  valid: { length: number; nullCount: number; nullBitmap: Uint8Array },
): Data {
  const data = Buffer.from(parts.join(''));
  const valueOffsets = new Int32Array(parts.length + 1);
  for (let i = 0; i < parts.length; i++)
    valueOffsets[i + 1] = valueOffsets[i]! + Buffer.byteLength(parts[i]!);
  return arrow.makeData({ type: new arrow.Utf8(), data, valueOffsets, ...valid });
}

function fits(type: ColumnType, cell: Exclude<Cell, null>): boolean {
  if (type === 'text') return typeof cell === 'string';
  if (type === 'boolean') return typeof cell === 'boolean';
  if (type === 'number') return typeof cell === 'number';
  if (type === 'integer') return Number.isSafeInteger(cell);
  return cell instanceof Date;
}

/** The cells of a column that the engine has read. */
export function fromVector(vector: Vector, type: ColumnType): Cell[] {
  const cells = new Array<Cell>(vector.length);
  for (let row = 0; row < cells.length; row++) {
    const raw = vector.get(row) as string | number | bigint | null;
    if (raw === null) cells[row] = null;
    else if (type === 'integer') cells[row] = Number(raw);
    else if (type === 'time') cells[row] = new Date(Number(raw));
    else if (type === 'boolean') cells[row] = raw === 1;
    else cells[row] = raw as string | number;
  }
  return cells;
}
