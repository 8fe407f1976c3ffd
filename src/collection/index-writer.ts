/** @file What an index run has found out, written a batch at a time: what was written is never computed again. */
import type { ItemFailure } from '../errors.js';
import type { Cell, Values } from './columns.js';
import type { ScannedFile } from './scan.js';
import type { SpaceTables } from './space-tables.js';
import type { RowBatch, VectorTable } from './store.js';

/** A batch is written when it has so many items, or is so many milliseconds old. */
const BATCH = 64;
const AGE = 2000;

/** Rows after which small pieces are joined. */
const TIDY_AFTER = 20_000;

/** One row. */
export interface Row {
  id: string;
  vector: Float32Array;
  values: Values;
}

/** The rows of a batch, one by one; vectors are views. */
export function* rowsOf({ ids, vectors, values }: RowBatch): Generator<Row> {
  const dimension = ids.length === 0 ? 0 : vectors.length / ids.length;
  for (const [i, id] of ids.entries()) {
    const row: Record<string, Cell> = {};
    for (const [name, cells] of Object.entries(values)) row[name] = cells[i]!;
    yield { id, vector: vectors.subarray(i * dimension, (i + 1) * dimension), values: row };
  }
}

/** Rows of the same columns as a batch. */
export function toBatch(rows: readonly Row[], dimension: number, columns: readonly string[]): RowBatch {
  const vectors = new Float32Array(rows.length * dimension);
  for (const [i, { vector }] of rows.entries()) vectors.set(vector, i * dimension);
  const values = Object.fromEntries(
    columns.map((name) => [name, rows.map((row) => row.values[name] ?? null)]),
  );
  return { ids: rows.map(({ id }) => id), vectors, values };
}

/** Moves rows from one table to another: there first, so that a killed process leaves them in both, not in neither. */
export async function moveRows(
  from: VectorTable,
  to: VectorTable,
  ids: readonly string[],
  columns: readonly string[],
  change: Values = {},
): Promise<void> {
  const found = [...rowsOf(await from.get(ids, { columns, vectors: true }))];
  const rows = found.map((row) => ({ ...row, values: { ...row.values, ...change } }));
  if (rows.length > 0) await to.upsert(toBatch(rows, to.dimension, columns));
  await from.remove(ids);
}

/** Gathers and writes, one batch after another. */
export class IndexWriter {
  private rows = new Map<string, Row>();
  private touched: ScannedFile[] = [];
  private failures = new Map<string, ItemFailure & { file: ScannedFile }>();
  private stale: string[] = [];
  private returned: string[] = [];
  private recovered: string[] = [];
  private since = 0;
  private untidied = 0;
  private last: Promise<void> = Promise.resolve();
  /** Whether anything was written. */
  wrote = false;

  /**
   * @param columns all columns of the items besides id and vector
   * @param onWritten told of the rows of each batch
   */
  constructor(
    private readonly tables: SpaceTables,
    private readonly columns: readonly string[],
    private readonly onWritten: (rows: readonly Row[]) => void,
  ) {}

  /** An item with its vector; `from` is the row of `removed` that it came from. */
  add(row: Row, options: { from?: string | undefined; failedBefore: boolean }): Promise<void> {
    this.rows.set(row.id, row);
    if (options.from !== undefined) this.returned.push(options.from);
    if (options.failedBefore) this.recovered.push(row.id);
    return this.written();
  }

  /** A file whose content is as it was. */
  touch(file: ScannedFile): Promise<void> {
    this.touched.push(file);
    return this.written();
  }

  /** A file that cannot be embedded. `known`: there is a row of what it was before. */
  fail(file: ScannedFile, failure: ItemFailure, known: boolean): Promise<void> {
    this.failures.set(file.id, { ...failure, file });
    if (known) this.stale.push(file.id);
    return this.written();
  }

  /** Resolves when everything is on the disk. */
  flush(): Promise<void> {
    this.last = this.last.then(() => this.write());
    this.last.catch(() => undefined); // whoever waits is told
    return this.last;
  }

  private written(): Promise<void> {
    const now = performance.now();
    const waiting = this.rows.size + this.touched.length + this.failures.size;
    if (waiting === 1) this.since = now;
    return waiting >= BATCH || now - this.since >= AGE ? this.flush() : Promise.resolve();
  }

  private async write(): Promise<void> {
    const { tables, columns } = this;
    const rows = [...this.rows.values()];
    const failures = [...this.failures.values()];
    const { touched, stale, returned, recovered } = this;
    this.rows = new Map();
    this.failures = new Map();
    this.touched = [];
    this.stale = [];
    this.returned = [];
    this.recovered = [];
    if (rows.length + failures.length + touched.length === 0) return;
    this.wrote = true;
    if (rows.length > 0) await tables.items.upsert(toBatch(rows, tables.items.dimension, columns));
    if (returned.length > 0) await tables.removed.remove(returned);
    if (touched.length > 0)
      await tables.items.update(
        touched.map(({ id }) => id),
        {
          size: touched.map(({ bytes }) => bytes),
          modified: touched.map(({ modified }) => new Date(modified)),
          indexed: touched.map(({ seen }) => new Date(seen)),
        },
      );
    if (stale.length > 0)
      await moveRows(tables.items, tables.removed, stale, columns, { indexed: new Date() });
    if (failures.length > 0) await tables.failures.upsert(failureBatch(failures));
    if (recovered.length > 0) await tables.failures.remove(recovered);
    this.untidied += rows.length;
    if (this.untidied >= TIDY_AFTER) {
      this.untidied = 0;
      await tables.items.optimize();
    }
    this.onWritten(rows);
  }
}

function failureBatch(failures: readonly (ItemFailure & { file: ScannedFile })[]): RowBatch {
  return {
    ids: failures.map(({ file }) => file.id),
    vectors: new Float32Array(0),
    values: {
      size: failures.map(({ file }) => file.bytes),
      modified: failures.map(({ file }) => new Date(file.modified)),
      stage: failures.map(({ stage }) => stage),
      reason: failures.map(({ reason }) => reason),
      indexed: failures.map(({ file }) => new Date(file.seen)),
    },
  };
}
