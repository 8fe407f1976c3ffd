/** @file What a collection holds, counted. */
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import type { EmbeddingIdentity } from '../embedding/identity.js';
import type { ItemFailure, Stage } from '../errors.js';
import type { Collection } from './collection.js';
import type { ColumnType } from './columns.js';
import type { IndexQuality, Space } from './manifest.js';
import type { VectorIndex, VectorTable } from './store.js';

/** A column and how much of it is known. */
export interface ColumnInfo {
  name: string;
  type: ColumnType;
  /** Items whose cell is not null. */
  filled: number;
}

/** The vectors of one embedder. */
export interface SpaceInfo {
  key: string;
  identity: EmbeddingIdentity;
  /** Whether it answers unless another is asked for. */
  current: boolean;
  state: Space['state'];
  /** ISO 8601. */
  created: string;
  items: number;
  /** Items whose file is gone; their vectors wait, should it come back. */
  removed: number;
  /** Files that could not be embedded, by the reason, the commonest first. */
  failures: { stage: Stage; reason: string; files: number }[];
  /** The approximate index of the vectors, where there is one, and how well it finds. */
  index?: VectorIndex & { quality?: IndexQuality };
}

/** What {@link collectionInfo} finds. */
export interface CollectionInfo {
  /** The collection's own folder. */
  folder: string;
  /** The folder of images; null for imported vectors alone. */
  root: string | null;
  /** Bytes of the collection's own folder. */
  bytes: number;
  /** Items of the space that answers. */
  items: number;
  spaces: SpaceInfo[];
  /** The columns of the space that answers. */
  columns: ColumnInfo[];
  /** When the first and the last picture were taken, by EXIF; null where no item says. */
  taken: { from: Date; to: Date } | null;
}

/** Counts what a collection holds. */
export async function collectionInfo(collection: Collection): Promise<CollectionInfo> {
  await collection.refresh();
  const { folder, root = null, current } = collection;
  const spaces: SpaceInfo[] = [];
  for (const space of collection.spaces) spaces.push(await spaceInfo(collection, space));
  const items = current && (await collection.tablesOf(current)).items;
  return {
    folder,
    root,
    bytes: await sizeOf(folder),
    items: spaces.find((space) => space.current)?.items ?? 0,
    spaces,
    columns: items ? await columnsOf(items) : [],
    taken: items ? await rangeOf(items, 'taken') : null,
  };
}

/** The files of a space that could not be embedded, in the order of their names. */
export async function failuresOf(collection: Collection, space: Space): Promise<ItemFailure[]> {
  const { failures } = await collection.tablesOf(space);
  const found: ItemFailure[] = [];
  for await (const { ids, values } of failures.scan({ columns: ['stage', 'reason'] }))
    for (const [i, id] of ids.entries())
      found.push({ id, stage: values.stage![i] as Stage, reason: String(values.reason![i]) });
  return found.sort((a, b) => (a.id < b.id ? -1 : 1));
}

async function spaceInfo(collection: Collection, space: Space): Promise<SpaceInfo> {
  const { items, removed } = await collection.tablesOf(space);
  const { key, identity, state, created, quality } = space;
  const reasons = new Map<string, SpaceInfo['failures'][number]>();
  for (const { stage, reason } of await failuresOf(collection, space)) {
    const counted = reasons.get(`${stage} ${reason}`) ?? { stage, reason, files: 0 };
    counted.files++;
    reasons.set(`${stage} ${reason}`, counted);
  }
  const index = await items.vectorIndex();
  return {
    key,
    identity,
    current: collection.current?.key === key,
    state,
    created,
    items: await items.count(),
    removed: await removed.count(),
    failures: [...reasons.values()].sort((a, b) => b.files - a.files),
    ...(index && { index: { ...index, ...(quality && { quality }) } }),
  };
}

async function columnsOf(items: VectorTable): Promise<ColumnInfo[]> {
  const columns: ColumnInfo[] = [];
  for (const { name, type } of await items.columns()) {
    const filled = await items.count({ op: 'not', filter: { op: 'null', column: name } });
    columns.push({ name, type, filled });
  }
  return columns;
}

/** The least and the greatest time of a column. */
async function rangeOf(items: VectorTable, column: string): Promise<CollectionInfo['taken']> {
  let from: Date | undefined;
  let to: Date | undefined;
  const filter = { op: 'not', filter: { op: 'null', column } } as const;
  for await (const { values } of items.scan({ columns: [column], filter }))
    for (const time of values[column] as Date[]) {
      if (from === undefined || time < from) from = time;
      if (to === undefined || time > to) to = time;
    }
  return from && to ? { from, to } : null;
}

async function sizeOf(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }))
    if (entry.isFile())
      bytes += await stat(path.join(entry.parentPath, entry.name)).then(
        ({ size }) => size,
        () => 0, // tidied away meanwhile
      );
  return bytes;
}
