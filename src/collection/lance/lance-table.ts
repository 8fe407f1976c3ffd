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
import { hitsOf, type Selected } from './lance-hits.js';
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
/** Up to so many rows that fit a filter, comparing each takes little longer than the index, and finds all. */
const FEW = 1000;
/** From this share of fitting rows, it is faster to look for more and to leave out what does not fit. */
const MANY = 0.25;
/** Filters whose rows are counted once, as long as nothing is written. */
const COUNTED = 64;
/** Rows that the index needs to be built. */
const LEAST = 256;
/** What an approximate search looks at for an effort of 1: partitions, and candidates for each hit. */
const PROBES = 20;
/** Queries with a filter that are answered exactly, too, before the index is trusted with it. */
const TRIALS = 3;
const REFINE = 10;
/** Versions that a reader may still be reading are kept so long, in milliseconds. */
const GRACE = 60_000;

/** A condition on one version of a table. */
interface Fitting {
  version: number;
  /** Rows that fit, and all rows. */
  rows: number;
  total: number;
  /** Counts up from 1 with each query for which the index has found what exact search finds; 0 once it has not. */
  trust: number;
}

/** Opened and made by `LanceStore`. */
export class LanceTable implements VectorTable {
  effort = 1;
  readonly dimension: number;
  private readonly distance: 'dot' | 'cosine';
  private readonly counted = new Map<string, Fitting>();

  constructor(
    private readonly engine: Engine,
    private readonly table: Table,
    { dimension, normalized }: Layout,
    private readonly folder: string,
  ) {
    this.dimension = dimension;
    this.distance = normalized ? 'dot' : 'cosine';
  }

  /** Whether anything was written through this object. */
  written = false;

  get name(): string {
    return this.table.name;
  }

  columns(): Promise<readonly Column[]> {
    return attempt(this.folder, async () => columnsOf(await this.table.schema()));
  }

  async addColumns(columns: readonly Column[]): Promise<void> {
    await this.write(async () => {
      const there = new Map((await this.columns()).map(({ name, type }) => [name, type]));
      const added = columns.filter(({ name, type }) => {
        if (name === '') throw new UsageError('columns: expected a name but received none');
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
    await this.write(() =>
      this.table.mergeInsert('id').whenMatchedUpdateAll().whenNotMatchedInsertAll().execute(rows),
    );
  }

  async update(ids: readonly string[], values: Record<string, readonly Cell[]>): Promise<void> {
    const names = Object.keys(values);
    if (ids.length === 0 || names.length === 0) return;
    const columns = mustBeThere(names, await this.columns());
    const batch = { ids: [...ids], vectors: new Float32Array(0), values: values as Record<string, Cell[]> };
    const rows = toArrow(this.engine, batch, columns, 0);
    await this.write(() => this.table.mergeInsert('id').whenMatchedUpdateAll().execute(rows));
  }

  async remove(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    await this.write(() => this.table.delete(idsIn(ids)));
  }

  async get(ids: readonly string[], selection: Selection = {}): Promise<RowBatch> {
    const { columns, names, dimension } = await this.selected(selection);
    const batches: RowBatch[] = [];
    await attempt(this.folder, async () => {
      for (let first = 0; first < ids.length; first += IDS) {
        const query = this.table
          .query()
          .where(idsIn(ids.slice(first, first + IDS)))
          .select([...names]);
        for await (const batch of query) batches.push(fromArrow(batch, columns, dimension));
      }
    });
    return joined(batches, columns);
  }

  async *scan({ filter, batchSize = 8192, ...selection }: ScanOptions = {}): AsyncIterable<RowBatch> {
    const { columns, names, dimension } = await this.selected(selection);
    const condition = await this.sql(filter);
    const query = this.table.query().select([...names]);
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
        for await (const batch of this.table.takeOffsets(offsets).select([...names]))
          batches.push(fromArrow(batch, columns, dimension));
      return joined(batches, columns);
    });
  }

  async nearest(vector: Float32Array, options: NearestOptions): Promise<StoreHit[]> {
    const { k, filter, exact = false } = options;
    if (this.dimension === 0) throw new UsageError(`table "${this.name}" has no vectors`);
    if (vector.length !== this.dimension)
      throw new UsageError(`query: expected ${this.dimension} numbers but received ${vector.length}`);
    if (!Number.isInteger(k) || k < 1)
      throw new UsageError(`k: expected a whole number from 1 but received ${k}`);
    const selection = await this.selected(options);
    const condition = await this.sql(filter);
    return attempt(this.folder, async () => {
      const search = (limit = k) => {
        const query = this.table
          .query()
          .nearestTo(vector)
          .distanceType(this.distance)
          .select([...selection.names, '_distance'])
          .limit(limit);
        return condition === undefined ? query : query.where(condition);
      };
      const every = () => hitsOf(search().bypassVectorIndex(), selection);
      if (exact) return every();
      // More hits need more partitions, but of each further candidates fewer.
      const breadth = this.effort * Math.sqrt(Math.max(1, k / 10));
      const candidates = Math.max(2 * k, (k * REFINE * this.effort ** 2) / breadth);
      const near = (limit: number, probes: number) =>
        search(limit)
          .nprobes(Math.ceil(probes))
          .refineFactor(Math.max(1, Math.ceil(candidates / limit)));
      const probes = PROBES * breadth;
      if (condition === undefined) {
        const hits = await hitsOf(near(k, probes), selection);
        return hits.length >= k ? hits : every();
      }
      const known = await this.fitting(condition);
      if (known.rows <= FEW) return every();
      const share = known.rows / known.total;
      const most = Math.min(k, known.rows);
      if (share >= MANY) {
        const hits = await hitsOf(near(Math.ceil((2 * k) / share), probes).postfilter(), selection);
        if (hits.length >= most) return hits.slice(0, k);
      }
      if (known.trust === 0) return every();
      // Fitting rows are as far as the k / share nearest of all.
      const hits = await hitsOf(near(k, probes * Math.max(1, 0.1 / Math.sqrt(share))), selection);
      if (known.trust > TRIALS) return hits.length >= most ? hits : every();
      // Where what fits lies apart from the rest, the index misses much of it: the first queries tell.
      const all = await every();
      const found = new Set(hits.map(({ id }) => id));
      const agree = all.filter(({ id }) => found.has(id)).length >= 0.9 * all.length;
      known.trust = agree ? known.trust + 1 : 0;
      return all;
    });
  }

  async optimize(): Promise<void> {
    await this.write(() => this.table.optimize({ cleanupOlderThan: new Date(Date.now() - GRACE) }));
  }

  async indexColumns(names: readonly string[]): Promise<void> {
    const columns = await this.columns();
    mustBeThere(
      names.filter((name) => name !== 'id'),
      columns,
    );
    await this.write(async () => {
      const there = new Set((await this.table.listIndices()).flatMap((index) => index.columns.map(unquoted)));
      for (const name of names.map(physicalName))
        if (!there.has(name))
          await this.table.createIndex(name, { config: this.engine.lancedb.Index.btree(), replace: false });
    });
  }

  async indexVectors(): Promise<void> {
    if (this.dimension === 0) throw new UsageError(`table "${this.name}" has no vectors`);
    await this.write(async () => {
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

  private write<T>(work: () => Promise<T>): Promise<T> {
    this.written = true;
    return persist(this.folder, work);
  }

  private async sql(filter: Filter | undefined): Promise<string | undefined> {
    return filter && toSql(filter, await this.columns());
  }

  /** What is known of a condition. Counting takes as long as the search itself where half of a million rows fit. */
  private async fitting(condition: string): Promise<Fitting> {
    const version = await this.table.version();
    const known = this.counted.get(condition);
    if (known?.version === version) return known;
    const [rows, total] = await Promise.all([this.table.countRows(condition), this.table.countRows()]);
    if (this.counted.size >= COUNTED) this.counted.clear();
    const counted = { version, rows, total, trust: 1 };
    this.counted.set(condition, counted);
    return counted;
  }

  /** What of each row is read. */
  private async selected({ columns: wanted = [], vectors = false }: Selection): Promise<Selected> {
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
