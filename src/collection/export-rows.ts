/** @file What an export reads of a table: which rows and columns there are, and the same rows again as often as needed. */
import { createHash, type Hash } from 'node:crypto';
import type { RowColumn } from '../embedding/formats/row.js';
import { CollectionError, nearestName, UsageError } from '../errors.js';
import type { Column } from './columns.js';
import type { Filter } from './filter.js';
import type { RowBatch, Selection, VectorTable } from './store.js';

/** One look at a table. Later scans give the same rows in the same order, or fail. */
export class Survey {
  private constructor(
    private readonly table: VectorTable,
    private readonly filter: Filter | undefined,
    private readonly signal: AbortSignal | undefined,
    /** Rows. */
    readonly count: number,
    /** Columns that hold something. */
    readonly used: ReadonlySet<string>,
    private readonly digest: string,
  ) {}

  static async make(table: VectorTable, filter?: Filter, signal?: AbortSignal): Promise<Survey> {
    const columns = (await table.columns()).map(({ name }) => name);
    const used = new Set<string>();
    const hash = createHash('sha256');
    let count = 0;
    for await (const { ids, values } of table.scan({ filter, columns })) {
      signal?.throwIfAborted();
      count += ids.length;
      addIds(hash, ids);
      for (const name of columns)
        if (!used.has(name) && values[name]!.some((cell) => cell !== null)) used.add(name);
    }
    return new Survey(table, filter, signal, count, used, hash.digest('hex'));
  }

  /** @throws CollectionError at the end, when the rows have changed meanwhile. */
  async *scan(selection: Selection): AsyncGenerator<RowBatch> {
    const hash = createHash('sha256');
    for await (const batch of this.table.scan({ filter: this.filter, ...selection })) {
      this.signal?.throwIfAborted();
      addIds(hash, batch.ids);
      yield batch;
    }
    if (hash.digest('hex') !== this.digest)
      throw new CollectionError(this.table.name, 'the collection was changed while it was read', {
        hint: 'export again when nothing writes to it',
      });
  }
}

function addIds(hash: Hash, ids: readonly string[]): void {
  if (ids.length > 0) hash.update(`${ids.join('\0')}\0`);
}

/**
 * The columns of an export, in the table's order: `path` first.
 * @throws UsageError for a name that is not there.
 */
export function chooseColumns(
  all: readonly Column[],
  { used }: Survey,
  wanted: readonly string[] | undefined,
  hasFiles: boolean,
): RowColumn[] {
  const known: readonly RowColumn[] = hasFiles ? [{ name: 'path', type: 'text' }, ...all] : all;
  if (wanted === undefined)
    return known.filter(({ name }) => used.has(name) || (hasFiles && name === 'path'));
  return [...new Set(wanted)]
    .filter((name) => name !== 'id')
    .map((name) => {
      const column = known.find((other) => other.name === name);
      if (column) return column;
      const names = known.map((other) => other.name);
      const near = nearestName(name, names);
      throw new UsageError(`no column "${name}"`, {
        hint: near ? `did you mean ${near}?` : `the columns are ${names.join(', ')}`,
      });
    });
}
