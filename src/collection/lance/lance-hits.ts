/** @file What a search in the engine has found. */
import type { RecordBatch } from 'apache-arrow';
import type { Column } from '../columns.js';
import type { StoreHit } from '../store.js';
import { fromArrow } from './lance-schema.js';

/** What of each row is read. */
export interface Selected {
  columns: readonly Column[];
  /** The engine's names of all that is read. */
  names: readonly string[];
  /** Numbers per vector; 0 where none are read. */
  dimension: number;
}

/** The rows of a search that has selected `_distance`, too, nearest first. */
export async function hitsOf(
  search: AsyncIterable<RecordBatch>,
  { columns, dimension }: Selected,
): Promise<StoreHit[]> {
  const hits: StoreHit[] = [];
  for await (const batch of search) {
    const rows = fromArrow(batch, columns, dimension);
    const distances = batch.getChild('_distance')!;
    for (let row = 0; row < batch.numRows; row++)
      hits.push({
        id: rows.ids[row]!,
        score: Math.min(1, 1 - (distances.get(row) as number)), // rounding may leave a little more
        values: Object.fromEntries(columns.map(({ name }) => [name, rows.values[name]![row]!])),
        ...(dimension > 0 ? { vector: rows.vectors.slice(row * dimension, (row + 1) * dimension) } : {}),
      });
  }
  return hits;
}
