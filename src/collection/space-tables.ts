/** @file The tables in which the store keeps a space. */
import { ITEM_COLUMNS } from './columns.js';
import type { Space } from './manifest.js';
import type { Store, VectorTable } from './store.js';

/** The tables of a space. */
export interface SpaceTables {
  /** The items that are there. */
  items: VectorTable;
  /** Items whose file is gone, with their vectors, should it come back. */
  removed: VectorTable;
  /** Files that could not be embedded: no vectors. */
  failures: VectorTable;
}

/** What is kept of a file that could not be embedded; the id is the file's. */
const FAILURE_COLUMNS = [
  { name: 'size', type: 'integer' },
  { name: 'modified', type: 'time' },
  { name: 'stage', type: 'text' },
  { name: 'reason', type: 'text' },
  { name: 'indexed', type: 'time' },
] as const;

/** Opens the tables of a space, and makes those that are missing. */
export async function openTables(store: Store, space: Space): Promise<SpaceTables> {
  const { key, identity } = space;
  const { dimension, normalized } = identity;
  const there = new Set(await store.tables());
  const make = (name: string, size: number) => {
    const columns = size === 0 ? FAILURE_COLUMNS : ITEM_COLUMNS;
    return store.create(name, { dimension: size, normalized, columns }).catch(async (error) => {
      // Another process was faster.
      if ((await store.tables()).includes(name)) return store.open(name);
      throw error;
    });
  };
  const open = (name: string, size: number) => (there.has(name) ? store.open(name) : make(name, size));
  const tables = {
    items: await open(`items_${key}`, dimension),
    removed: await open(`removed_${key}`, dimension),
    failures: await open(`failures_${key}`, 0),
  };
  tune(tables.items, space);
  return tables;
}

/** Searches look as far as it takes to find what was measured. */
export function tune(items: VectorTable, { quality }: Space): void {
  items.effort = quality?.effort ?? 1;
}
