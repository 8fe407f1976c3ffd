/** @file From what a user names to a {@link VectorSet}: a collection, a file of embeddings, or images. */
import { stat } from 'node:fs/promises';
import { Collection, openCollection } from '../collection/collection.js';
import { type Cell, type Column, RESERVED_COLUMNS } from '../collection/columns.js';
import { ColumnTypes, toCell } from '../collection/import-columns.js';
import { itemFinder, joinColumn, withoutVectors } from '../collection/item-names.js';
import { collectionAt } from '../collection/locate.js';
import { tableRecords } from '../collection/table-records.js';
import { parseWhere } from '../collection/where.js';
import { embedTo } from '../embedding/embed-files.js';
import { Embedder, type EmbedderOptions, loadEmbedder } from '../embedding/embedder.js';
import { type RowInfo, readEmbeddings } from '../embedding/formats/index.js';
import { assertSameIdentity } from '../embedding/identity.js';
import type { Progress } from '../embedding/results.js';
import { type ItemFailure, UsageError } from '../errors.js';
import { isImageName } from '../image/expand-names.js';
import { type ItemOptions, itemNames } from './items.js';
import { type FilledColumn, sortRows, type VectorOrigin, VectorSet } from './vector-set.js';

/** Options of {@link openVectorSet}. */
export interface OpenOptions {
  /**
   * The model: of a collection, the space (@default the one that answers); for images, what embeds them
   * (@default the bundled mini-clip); of a file, who may embed texts for it (@default the model that the file names).
   */
  model?: string | Embedder | undefined;
  /** How embedders are opened. */
  embedderOptions?: EmbedderOptions | undefined;
  /** An SQL condition on a collection's columns: only these items. */
  where?: string | undefined;
  /** A table beside the items (CSV, JSON Lines, Parquet): its columns can be named like those of a collection. */
  table?: string | undefined;
  /** The column of the table that names the items. @default id, path, file, filename or image, or the first with image names */
  idColumn?: string | undefined;
  /** The rows of the table are about items of several images (see `ItemOptions`); each of these has its item's cells. */
  item?: ItemOptions['item'];
  /** While images are embedded. */
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: Progress) => void) | undefined;
  onFailure?: ((failure: ItemFailure) => void) | undefined;
  /** Told of what is surprising, such as rows of a table that are about no item. */
  onWarning?: ((message: string) => void) | undefined;
}

/**
 * Opens vectors for analysis. All of them are held in memory: a million of 512 numbers are 2 GB.
 *
 * @param source an open collection, or a path: a collection or a folder that has one, a file of embeddings (Parquet, npy, JSONL,
 *   CSV, clip-retrieval's folder), else a folder, an archive or a file of images, which is embedded
 * @throws UsageError when there is nothing of the kind, or no vector; CollectionError, FormatError as their readers.
 */
export async function openVectorSet(
  source: string | Collection,
  options: OpenOptions = {},
): Promise<VectorSet> {
  const set = await open(source, options);
  try {
    if (options.table !== undefined) await join(set, options.table, options);
    return set;
  } catch (error) {
    await set.close();
    throw error;
  }
}

async function open(source: string | Collection, options: OpenOptions): Promise<VectorSet> {
  if (source instanceof Collection) return fromCollection(source, options, async () => undefined);
  const info = await stat(source).catch(() => undefined);
  if (info === undefined && !/^[a-z][a-z\d+.-]+:\/\//i.test(source))
    throw new UsageError(`no file or folder "${source}"`, {
      hint: 'name a folder with a collection, a file of embeddings, or images',
    });
  if (info?.isDirectory()) {
    const place = await collectionAt(source);
    if (place !== undefined) {
      const { model, embedderOptions } = options;
      const embedder = model instanceof Embedder ? model : undefined;
      const collection = await openCollection(place, { embedderOptions, embedder });
      try {
        return await fromCollection(collection, options, () => collection.close());
      } catch (error) {
        await collection.close();
        throw error;
      }
    }
  }
  if (options.where !== undefined)
    throw new UsageError(`${source}: conditions choose among the items of a collection, and this is none`, {
      hint: '"afterimage import FILE" or "afterimage index FOLDER" makes one',
    });
  const images = info?.isDirectory() ? !(await isClipRetrieval(source)) : isImages(source);
  return images ? fromImages(source, options) : fromFile(source, options);
}

async function isClipRetrieval(folder: string): Promise<boolean> {
  const found = await Promise.all(
    ['img_emb', 'text_emb', 'metadata'].map((name) => stat(`${folder}/${name}`).catch(() => undefined)),
  );
  return found.some((info) => info?.isDirectory());
}

function isImages(file: string): boolean {
  return isImageName(file) || /\.(zip|tar|tgz|tar\.gz|txt)$/i.test(file) || /^https?:/i.test(file);
}

async function fromCollection(
  collection: Collection,
  { model, where }: OpenOptions,
  close: () => Promise<void>,
): Promise<VectorSet> {
  await collection.refresh();
  const named = model instanceof Embedder ? model.identity.model : model;
  const space = collection.space(named);
  const { items } = await collection.tablesOf(space);
  const columns = await items.columns();
  const filter = where === undefined ? undefined : parseWhere(where, columns);
  const { dimension } = items;
  let data = new Float32Array((await items.count(filter)) * dimension);
  const ids: string[] = [];
  for await (const batch of items.scan({ vectors: true, filter })) {
    const end = (ids.length + batch.ids.length) * dimension;
    if (end > data.length) data = grown(data, end); // others write meanwhile
    data.set(batch.vectors, ids.length * dimension);
    for (const id of batch.ids) ids.push(id);
  }
  data = data.subarray(0, ids.length * dimension) as Float32Array<ArrayBuffer>;
  const origin: VectorOrigin = {
    source: collection.folder,
    kind: 'collection',
    identity: space.identity,
    columns,
    async read(names, order) {
      const places = new Map(order.map((id, i) => [id, i]));
      const cells = Object.fromEntries(names.map((name) => [name, new Array<Cell>(order.length).fill(null)]));
      for await (const batch of items.scan({ columns: names, filter }))
        for (const [i, id] of batch.ids.entries()) {
          const place = places.get(id);
          if (place !== undefined) for (const name of names) cells[name]![place] = batch.values[name]![i]!;
        }
      return cells;
    },
    fileOf: (id) => collection.fileOf(id),
    embedder: () => collection.embedderOf(space),
    async save(order, filled) {
      for (const { name } of filled) checkName(name);
      await items.addColumns(filled.map(({ name, type }) => ({ name, type })));
      for (let from = 0; from < order.length; from += TOGETHER) {
        const part = Object.fromEntries(
          filled.map(({ name, cells }) => [name, cells.slice(from, from + TOGETHER)]),
        );
        await items.update(order.slice(from, from + TOGETHER), part);
      }
      await items.optimize(); // every row has been written anew
    },
    close,
  };
  return new VectorSet(origin, sortRows(origin.source, ids, data, dimension), data, dimension);
}

/** Rows that are written at a time. */
const TOGETHER = 50_000;

function checkName(name: string): void {
  if (!RESERVED_COLUMNS.has(name) && /^[\p{L}_][\p{L}\p{N}_]*$/u.test(name)) return;
  throw new UsageError(`expected the name of a column of your own but received "${name}"`, {
    hint: 'letters, digits and _, and none of the names that every collection has',
  });
}

async function fromFile(file: string, { model, embedderOptions }: OpenOptions): Promise<VectorSet> {
  const { identity, ids, vectors, dimension, rows } = await readEmbeddings(file);
  let embedder: Promise<Embedder> | undefined;
  const load = async () => {
    const name = model ?? identity?.model;
    if (name === undefined)
      throw new UsageError(`${file} does not say which model its vectors come from`, {
        hint: 'name it with --model',
      });
    const loaded =
      name instanceof Embedder
        ? name
        : await loadEmbedder(name, { ...embedderOptions, output: identity?.output, dtype: identity?.dtype });
    if (identity) assertSameIdentity(identity, loaded.identity, file);
    return loaded;
  };
  const origin: VectorOrigin = {
    source: file,
    kind: 'file',
    identity,
    ...cellsOf(rows),
    fileOf: (id) => id,
    embedder: () => (embedder ??= load()),
    save: () => refuseToSave(file),
    async close() {
      if (!(model instanceof Embedder)) await (await embedder?.catch(() => undefined))?.close();
    },
  };
  return new VectorSet(origin, sortRows(file, ids, vectors, dimension), vectors, dimension);
}

async function fromImages(source: string, options: OpenOptions): Promise<VectorSet> {
  const { model, embedderOptions, signal, onProgress, onFailure } = options;
  const embedder = model instanceof Embedder ? model : await loadEmbedder(model, embedderOptions);
  const close = async () => {
    if (!(model instanceof Embedder)) await embedder.close();
  };
  try {
    const { dimension } = embedder.identity;
    const rows: RowInfo[] = [];
    let data = new Float32Array(1024 * dimension);
    await embedTo(
      embedder,
      { inputs: [source] },
      {
        async append(batch) {
          for (const { vector, cells: _, ...info } of batch) {
            const end = (rows.length + 1) * dimension;
            if (end > data.length) data = grown(data, 2 * end);
            data.set(vector, end - dimension);
            rows.push(info);
          }
        },
      },
      { signal, onProgress, onFailure },
    );
    signal?.throwIfAborted();
    data = data.subarray(0, rows.length * dimension) as Float32Array<ArrayBuffer>;
    const ids = rows.map(({ id }) => id);
    const origin: VectorOrigin = {
      source,
      kind: 'images',
      identity: embedder.identity,
      ...cellsOf(rows),
      fileOf: (id) => id,
      embedder: async () => embedder,
      save: () => refuseToSave(source),
      close,
    };
    return new VectorSet(origin, sortRows(source, ids, data, dimension), data, dimension);
  } catch (error) {
    await close();
    throw error;
  }
}

function grown(data: Float32Array, length: number): Float32Array<ArrayBuffer> {
  const larger = new Float32Array(length);
  larger.set(data);
  return larger;
}

function refuseToSave(source: string): Promise<never> {
  throw new UsageError(`${source}: columns are kept in collections, and this is none`, {
    hint: '--out FILE writes a table instead; "afterimage import" and "afterimage index" make collections',
  });
}

/** The columns of rows in memory. */
function cellsOf(rows: readonly RowInfo[]): Pick<VectorOrigin, 'columns' | 'read'> {
  const types = new ColumnTypes(false);
  const records = new Map<string, Record<string, unknown>>();
  for (const { id, metadata, ...known } of rows) {
    const record = { ...metadata, ...known };
    records.set(id, record);
    types.add(id, record);
  }
  const columns = types.columns();
  return {
    columns,
    read: async (names, ids) => cellsFor(columns, names, ids, (id) => records.get(id), false),
  };
}

function cellsFor(
  columns: readonly Column[],
  names: readonly string[],
  ids: readonly string[],
  record: (id: string) => Record<string, unknown> | undefined,
  untyped: boolean,
): Record<string, Cell[]> {
  return Object.fromEntries(
    names.map((name) => {
      const { type } = columns.find((column) => column.name === name)!;
      const cell = (value: unknown): Cell =>
        value === null || value === undefined ? null : (toCell(type, value, untyped) ?? null);
      return [name, ids.map((id) => cell(record(id)?.[name]))];
    }),
  );
}

/** Adds the columns of a table to a set. @throws UsageError when no row is about an item */
async function join(set: VectorSet, file: string, options: OpenOptions): Promise<void> {
  const { idColumn, item, onWarning } = options;
  const names = (await itemNames(set, item)).map((name) => name.item);
  const find = itemFinder(new Set(names.filter((name) => name !== null)), undefined);
  const untyped = /\.csv$/i.test(file);
  const types = new ColumnTypes(untyped);
  const records = new Map<string, Record<string, unknown>>();
  let by = idColumn;
  let [rows, first]: [number, string | undefined] = [0, undefined];
  for await (const record of tableRecords(file)) {
    by ??= joinColumn(file, record);
    if (!(by in record))
      throw new UsageError(`${file}: there is no column "${by}"`, {
        hint: `there are ${Object.keys(record).join(', ')}`,
      });
    rows++;
    const { [by]: key, ...rest } = record;
    const id = find(String(key));
    if (id === undefined) first ??= String(key);
    else {
      const values = withoutVectors(rest);
      records.set(id, values);
      types.add(id, values);
    }
  }
  if (records.size === 0)
    throw new UsageError(`${file}: none of its ${rows} rows is about an item of ${set.source}`, {
      hint: `its column "${by}" should hold ids such as ${set.ids[0]}${first === undefined ? '' : `, and holds ${first}`}`,
    });
  if (first !== undefined)
    onWarning?.(`${file}: ${rows - records.size} of ${rows} rows are about no item, such as "${first}"`);
  const columns = types.columns();
  const cells = cellsFor(
    columns,
    columns.map(({ name }) => name),
    names.map((name) => name ?? ''),
    (name) => records.get(name),
    untyped,
  );
  set.add(columns.map((column): FilledColumn => ({ ...column, cells: cells[column.name]! })));
}
