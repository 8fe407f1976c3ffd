/** @file A table of vectors within the embedded store. */
import type { Table } from '@lancedb/lancedb';
import type { RecordBatch } from 'apache-arrow';
import { UsageError } from '../../errors.js';
import type { Cell, Column } from '../columns.js';
import type { Filter } from '../filter.js';
import type {
  NearestOptions,
  RowBatch,
  ScanOptions,
  Selection,
  StoreHit,
  VectorIndex,
  VectorTable,
} from '../store.js';
import type { Engine } from './lance-engine.js';
import { attempt, persist } from './lance-errors.js';
import {
  columnsOf,
  fromArrow,
  joined,
  type Layout,
  physicalName,
  SQL_TYPES,
  toArrow,
} from './lance-schema.js';
import { idsIn, toSql } from './lance-sql.js';
import { distinctOffsets } from './offsets.js';

/** Ids in one condition. */
const IDS = 2000;
/** Up to so many rows that fit a filter, comparing each is as fast as the index, and finds all. */
const FEW = 20_000;
/** Rows that the index needs to be built. */
const LEAST = 256;
/** What an approximate search looks at for an effort of 1: partitions, and candidates for each hit. */
const PROBES = 20;
const REFINE = 10;
/** Versions that a reader may still be reading are kept so long, in milliseconds. */
const GRACE = 60_000;

/** Opened and made by `LanceStore`. */
export class LanceTable implements VectorTable {
  effort = 1;
  readonly dimension: number;
  private readonly distance: 'dot' | 'cosine';

  constructor(
    private readonly engine: Engine,
    private readonly table: Table,
    { dimension, normalized }: Layout,
    private readonly folder: string,
  ) {
    this.dimension = dimension;
    this.distance = normalized ? 'dot' : 'cosine';
  }

  get name(): string {
    return this.table.name;
  }

  columns(): Promise<readonly Column[]> {
    return attempt(this.folder, async () => columnsOf(await this.table.schema()));
  }

  async addColumns(columns: readonly Column[]): Promise<void> {
    await persist(this.folder, async () => {
      const there = new Map((await this.columns()).map(({ name, type }) => [name, type]));
      const added = columns.filter(({ name, type }) => {
        const known = name === 'id' || name === 'vector' ? name : there.get(name);
        if (known !== undefined && known !== type)
          throw new UsageError(`column "${name}": it is there with the type ${known}, not ${type}`);
        return known === undefined;
      });
      if (added.length === 0) return;
      await this.table.addColumns(
        added.map(({ name, type }) => ({
          name: physicalName(name),
          valueSql: `cast(null as ${SQL_TYPES[type]})`,
        })),
      );
    });
  }

  count(filter?: Filter): Promise<number> {
    return attempt(this.folder, async () => this.table.countRows(await this.sql(filter)));
  }

  async upsert(batch: RowBatch): Promise<void> {
    if (batch.ids.length === 0) return;
    const columns = await this.columns();
    mustBeThere(Object.keys(batch.values), columns);
    const rows = toArrow(this.engine, batch, columns, this.dimension);
    await persist(this.folder, () =>
      this.table.mergeInsert('id').whenMatchedUpdateAll().whenNotMatchedInsertAll().execute(rows),
    );
  }

  async update(ids: readonly string[], values: Record<string, readonly Cell[]>): Promise<void> {
    const names = Object.keys(values);
    if (ids.length === 0 || names.length === 0) return;
    const columns = mustBeThere(names, await this.columns());
    const batch = { ids: [...ids], vectors: new Float32Array(0), values: values as Record<string, Cell[]> };
    const rows = toArrow(this.engine, batch, columns, 0);
    await persist(this.folder, () => this.table.mergeInsert('id').whenMatchedUpdateAll().execute(rows));
  }

  async remove(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    await persist(this.folder, () => this.table.delete(idsIn(ids)));
  }

  async get(ids: readonly string[], selection: Selection = {}): Promise<RowBatch> {
    const { columns, names, dimension } = await this.selected(selection);
    const batches: RowBatch[] = [];
    await attempt(this.folder, async () => {
      for (let first = 0; first < ids.length; first += IDS) {
        const query = this.table
          .query()
          .where(idsIn(ids.slice(first, first + IDS)))
          .select(names);
        for await (const batch of query) batches.push(fromArrow(batch, columns, dimension));
      }
    });
    return joined(batches, columns);
  }

  async *scan({ filter, batchSize = 8192, ...selection }: ScanOptions = {}): AsyncIterable<RowBatch> {
    const { columns, names, dimension } = await this.selected(selection);
    const condition = await this.sql(filter);
    const query = this.table.query().select(names);
    if (condition !== undefined) query.where(condition);
    const batches: AsyncIterator<RecordBatch> = query[Symbol.asyncIterator]();
    // The engine's batches are small.
    let waiting: RowBatch[] = [];
    let rows = 0;
    try {
      for (;;) {
        const { value, done } = await attempt(this.folder, () => batches.next());
        if (done) break;
        for (let first = 0, end: number; first < value.numRows; first = end) {
          end = Math.min(value.numRows, first + batchSize - rows);
          waiting.push(fromArrow(value.slice(first, end), columns, dimension));
          rows += end - first;
          if (rows < batchSize) continue;
          yield joined(waiting, columns);
          waiting = [];
          rows = 0;
        }
      }
      if (rows > 0) yield joined(waiting, columns);
    } finally {
      await batches.return?.();
    }
  }

  async sample(count: number, seed: number, selection: Selection = {}): Promise<RowBatch> {
    const { columns, names, dimension } = await this.selected(selection);
    return attempt(this.folder, async () => {
      const offsets = distinctOffsets(count, await this.table.countRows(), seed);
      const batches: RowBatch[] = [];
      if (offsets.length > 0)
        for await (const batch of this.table.takeOffsets(offsets).select(names))
          batches.push(fromArrow(batch, columns, dimension));
      return joined(batches, columns);
    });
  }

  async nearest(query: Float32Array, options: NearestOptions): Promise<StoreHit[]> {
    const { k, filter, exact = false } = options;
    if (this.dimension === 0) throw new UsageError(`table "${this.name}" has no vectors`);
    if (query.length !== this.dimension)
      throw new UsageError(`query: expected ${this.dimension} numbers but received ${query.length}`);
    if (!Number.isInteger(k) || k < 1)
      throw new UsageError(`k: expected a whole number from 1 but received ${k}`);
    const { columns, names, dimension } = await this.selected(options);
    const condition = await this.sql(filter);
    return attempt(this.folder, async () => {
      const search = this.table
        .query()
        .nearestTo(query)
        .distanceType(this.distance)
        .select([...names, '_distance'])
        .limit(k);
      if (condition !== undefined) search.where(condition);
      if (exact || (condition !== undefined && (await this.table.countRows(condition)) <= FEW))
        search.bypassVectorIndex();
      else {
        // More hits need more partitions, but of each further candidates fewer.
        const breadth = Math.sqrt(Math.max(1, k / 10));
        // Without a most: on until there are k.
        search.maximumNprobes(0).minimumNprobes(Math.ceil(PROBES * this.effort * breadth));
        search.refineFactor(Math.max(2, Math.ceil((REFINE * this.effort) / breadth)));
      }
      const hits: StoreHit[] = [];
      for await (const batch of search) {
        const rows = fromArrow(batch, columns, dimension);
        const distances = batch.getChild('_distance')!;
        for (let row = 0; row < batch.numRows; row++)
          hits.push({
            id: rows.ids[row]!,
            score: 1 - (distances.get(row) as number),
            values: Object.fromEntries(columns.map(({ name }) => [name, rows.values[name]![row]!])),
            ...(dimension > 0 ? { vector: rows.vectors.slice(row * dimension, (row + 1) * dimension) } : {}),
          });
      }
      return hits;
    });
  }

  async optimize(): Promise<void> {
    await persist(this.folder, () => this.table.optimize({ cleanupOlderThan: new Date(Date.now() - GRACE) }));
  }

  async indexColumns(names: readonly string[]): Promise<void> {
    const columns = await this.columns();
    mustBeThere(
      names.filter((name) => name !== 'id'),
      columns,
    );
    await persist(this.folder, async () => {
      const there = new Set((await this.table.listIndices()).flatMap((index) => index.columns.map(unquoted)));
      for (const name of names.map(physicalName))
        if (!there.has(name))
          await this.table.createIndex(name, { config: this.engine.lancedb.Index.btree(), replace: false });
    });
  }

  async indexVectors(): Promise<void> {
    if (this.dimension === 0) throw new UsageError(`table "${this.name}" has no vectors`);
    await persist(this.folder, async () => {
      if ((await this.table.countRows()) < LEAST) return;
      const config = this.engine.lancedb.Index.ivfRq({ distanceType: this.distance });
      await this.table.createIndex('vector', { config, replace: true });
    });
  }

  vectorIndex(): Promise<VectorIndex | undefined> {
    return attempt(this.folder, async () => {
      const index = (await this.table.listIndices()).find(({ columns }) => columns.includes('vector'));
      const stats = index && (await this.table.indexStats(index.name));
      return (
        stats && { kind: stats.indexType, rows: stats.numIndexedRows, unindexed: stats.numUnindexedRows }
      );
    });
  }

  /** Lets go of it. */
  close(): void {
    this.table.close();
  }

  private async sql(filter: Filter | undefined): Promise<string | undefined> {
    return filter && toSql(filter, await this.columns());
  }

  /** What of a table is read: columns with their types, the engine's names of all, and numbers per vector. */
  private async selected({ columns: wanted = [], vectors = false }: Selection) {
    const columns = wanted.length > 0 ? mustBeThere(wanted, await this.columns()) : [];
    const dimension = vectors ? this.dimension : 0;
    const names = [
      'id',
      ...(dimension > 0 ? ['vector'] : []),
      ...columns.map(({ name }) => physicalName(name)),
    ];
    return { columns, names, dimension };
  }
}

/** The engine quotes the names of columns that are not plain words. */
function unquoted(name: string): string {
  return name.replace(/^`(.*)`$/, '$1');
}

/** The named columns with their types. @throws UsageError for one that is not there. */
function mustBeThere(names: readonly string[], columns: readonly Column[]): Column[] {
  return names.map((name) => {
    const column = columns.find((c) => c.name === name);
    if (column === undefined)
      throw new UsageError(`there is no column "${name}"`, {
        hint: `there are ${columns.map((c) => c.name).join(', ')}`,
      });
    return column;
  });
}
