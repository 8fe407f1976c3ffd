/**
 * @file What a collection needs of the place where its vectors lie: a narrow interface, so that an embedded store and
 * a distributed one are two implementations. `test/collection/store-conformance.ts` says what each must do.
 */
import type { Cell, Column, Values } from './columns.js';
import type { Filter } from './filter.js';

/** Rows, column by column. */
export interface RowBatch {
  /** One for each row; unique within a table. */
  ids: string[];
  /** `ids.length × dimension` numbers, row by row; of length 0 where vectors were not asked for, or the table has none. */
  vectors: Float32Array;
  /** Cells of the other columns, each as long as `ids`. */
  values: Record<string, Cell[]>;
}

/** One row that a search has found. */
export interface StoreHit {
  id: string;
  /** Cosine of the angle to the query, −1..1. */
  score: number;
  /** The columns that were asked for. */
  values: Values;
  /** Where it was asked for. */
  vector?: Float32Array;
}

/** What is read of each row. */
export interface Selection {
  /** Columns besides the id. @default none */
  columns?: readonly string[] | undefined;
  /** Read the vectors, too. @default false */
  vectors?: boolean | undefined;
}

export interface ScanOptions extends Selection {
  filter?: Filter | undefined;
  /** Rows per batch. @default 8192 */
  batchSize?: number | undefined;
}

export interface NearestOptions extends Selection {
  /** How many rows, at most. */
  k: number;
  filter?: Filter | undefined;
  /** Compare with every row, even where there is an approximate index. @default false */
  exact?: boolean | undefined;
}

/** The state of a table's approximate index. */
export interface VectorIndex {
  /** What kind of index, in the store's own words. */
  kind: string;
  /** Rows that it holds. */
  rows: number;
  /** Rows added since; they are compared one by one. */
  unindexed: number;
}

/** A table of vectors with typed columns. Safe to read while others write: every call sees one consistent version. */
export interface VectorTable {
  readonly name: string;
  /** Numbers per vector; 0 for a table without vectors. */
  readonly dimension: number;
  /** The columns besides the id and the vector. */
  columns(): Promise<readonly Column[]>;
  /** Adds columns whose cells are null. Those that are there with the same type are passed over. @throws UsageError for one of another type */
  addColumns(columns: readonly Column[]): Promise<void>;
  count(filter?: Filter): Promise<number>;
  /**
   * Inserts rows, or replaces those of the same id, all or none. They are on the disk when it resolves. Columns that
   * the batch lacks become null.
   */
  upsert(batch: RowBatch): Promise<void>;
  /** Sets the given columns of rows that are there; ids that are not there are passed over. */
  update(ids: readonly string[], values: Record<string, readonly Cell[]>): Promise<void>;
  /** Deletes rows, all or none; ids that are not there are passed over. */
  remove(ids: readonly string[]): Promise<void>;
  /** The rows of these ids that are there, in any order. */
  get(ids: readonly string[], selection?: Selection): Promise<RowBatch>;
  /** All rows, in no particular order, as they were when the scan began. */
  scan(options?: ScanOptions): AsyncIterable<RowBatch>;
  /** At most `count` rows drawn at random; the same ones for the same seed, as long as nothing is written. */
  sample(count: number, seed: number, selection?: Selection): Promise<RowBatch>;
  /** The rows nearest to a query by cosine, nearest first. */
  nearest(query: Float32Array, options: NearestOptions): Promise<StoreHit[]>;
  /**
   * Tidies up after many writes: joins small pieces, brings the indices up to date, gives back space. Readers go on
   * meanwhile.
   */
  optimize(): Promise<void>;
  /** Makes filters on these columns and look-ups by them fast. Those that are fast already are passed over. */
  indexColumns(names: readonly string[]): Promise<void>;
  /** Builds (or rebuilds) the approximate index of the vectors. */
  indexVectors(): Promise<void>;
  /** The approximate index, where there is one. */
  vectorIndex(): Promise<VectorIndex | undefined>;
  /** Sets how far an approximate search looks: larger finds more and takes longer. @default 1 */
  effort: number;
}

/** What a new table is. */
export interface TableSpec {
  /** Numbers per vector; 0 for none. */
  dimension: number;
  columns: readonly Column[];
  /** Whether all vectors have unit length. */
  normalized: boolean;
}

/** A place that holds tables. */
export interface Store {
  tables(): Promise<string[]>;
  /** @throws CollectionError when it exists */
  create(name: string, spec: TableSpec): Promise<VectorTable>;
  /** @throws CollectionError when it is missing or damaged */
  open(name: string): Promise<VectorTable>;
  /** Without effect when it is not there. */
  drop(name: string): Promise<void>;
  /**
   * Puts right what a killed process may have left behind. Only while no other process writes.
   */
  repair(): Promise<void>;
  close(): Promise<void>;
}
