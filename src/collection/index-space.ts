/** @file One space brought up to date with the folder: what is new is embedded, what is gone is put away. */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import type { Embedder } from '../embedding/embedder.js';
import { CollectionError } from '../errors.js';
import { textNullOf } from './chance.js';
import type { Collection } from './collection.js';
import { ITEM_COLUMNS } from './columns.js';
import type { IndexOptions, SpaceSummary } from './index-folder.js';
import { KnownFiles } from './index-known.js';
import { purgeRemoved, putAway } from './index-removed.js';
import { type Fate, Resolver, type Work } from './index-resolve.js';
import { IndexWriter } from './index-writer.js';
import type { Space } from './manifest.js';
import { maintain } from './quality.js';
import { FolderScan } from './scan.js';
import type { SpaceTables } from './space-tables.js';

/** How long a run may spend, in milliseconds, on what the first search would have to measure otherwise. */
const MEASURING = 5000;

/**
 * Brings one space up to date.
 * @param open opens the embedder of the space; called only when something must be embedded
 * @param facts another space over the same folder, whose facts of unchanged files are taken over
 */
export async function indexSpace(
  collection: Collection,
  space: Space,
  options: IndexOptions,
  open: () => Promise<Embedder>,
  facts: Space | undefined,
): Promise<SpaceSummary> {
  const start = performance.now();
  const { stop } = options;
  const root = collection.root!;
  const tables = await collection.tablesOf(space);
  const source = facts && (await collection.tablesOf(facts)).items;
  if (source) await tables.items.addColumns(await source.columns());
  const all = await tables.items.columns();
  const columns = all.map(({ name }) => name);
  const known = await KnownFiles.read(tables.items);
  const failed = await KnownFiles.read(tables.failures);
  if (known.size > 0 && !options.purge) await refuseEmpty(collection, root);
  if (!sameNames(columns, await tables.removed.columns())) await tables.removed.addColumns(all);

  const summary: SpaceSummary = {
    space: space.key,
    model: space.identity.model,
    embedded: 0,
    reused: 0,
    touched: 0,
    unchanged: 0,
    removed: 0,
    failed: 0,
    failedBefore: 0,
    items: 0,
    seconds: 0,
    interrupted: false,
  };
  const progress = { done: 0, failed: 0, total: undefined as number | undefined };
  const reused = new Set<string>();
  const scan = new FolderScan(root, collection.folder, options, (folder, reason) =>
    options.onNote?.(`${folder}: ${reason}; what lies below it is left as it is`),
  );
  const writer = new IndexWriter(tables, columns, (rows) => resolver.forget(rows));
  const resolver: Resolver = new Resolver({
    collection,
    tables,
    columns,
    userColumns: columns.filter((name) => !ITEM_COLUMNS.some((item) => item.name === name)),
    writer,
    source: source && { items: source, known: await KnownFiles.read(source) },
    stop,
    onReused: (hash) => reused.add(hash),
    onFailure: (failure) => options.onFailure?.(failure),
    onFate: (fate: Fate) => {
      if (fate !== 'vanished') summary[fate]++;
      progress.done++;
      progress.failed = summary.failed;
      options.onProgress?.({ ...progress });
    },
  });

  let embedder: Embedder | undefined;
  const queue = new Queue<Work>();
  const walking = walk(scan, known, failed, options, summary, queue).then((total) => {
    progress.total = total;
  });
  walking.catch((error: unknown) => queue.fail(error));
  try {
    await resolver.run(queue, async () => {
      embedder = await open();
      return embedder;
    });
  } finally {
    queue.close();
    await writer.flush();
    await walking.catch(() => undefined); // told through the queue
  }
  summary.interrupted = stop?.aborted ?? false;
  if (!summary.interrupted) {
    const gone = [...known.missing()].filter((id) => scan.isGone(id));
    summary.removed = await putAway(tables, gone, columns, reused);
    await forgetFailures(tables, failed, scan);
    await purgeRemoved(tables.removed, options);
    const changed = writer.wrote || gone.length > 0;
    if (changed || space.state === 'building') await tidy(collection, space, tables);
    if (changed && embedder) await measureChance(collection, space, embedder, stop);
  }
  summary.items = await tables.items.count();
  summary.seconds = (performance.now() - start) / 1000;
  return summary;
}

/** Compares the folder with what is known; resolves to the number of files that are to be dealt with. */
async function walk(
  scan: FolderScan,
  known: KnownFiles,
  failed: KnownFiles,
  options: IndexOptions,
  summary: SpaceSummary,
  queue: Queue<Work>,
): Promise<number> {
  let total = 0;
  for await (const files of scan.files()) {
    for (const file of files) {
      const state = known.meet(file);
      const failure = failed.meet(file);
      if (state === 'unchanged') summary.unchanged++;
      else if (state === 'new' && failure === 'unchanged' && !options.retry) summary.failedBefore++;
      else {
        queue.push({ file, state, failedBefore: failure !== 'new' });
        total++;
      }
    }
    if (queue.closed || options.stop?.aborted) break;
  }
  queue.end();
  return total;
}

/** A folder that has become empty is more likely a disk that is not there than a thousand deletions. */
async function refuseEmpty(collection: Collection, root: string): Promise<void> {
  const own = path.relative(root, collection.folder).split(path.sep)[0];
  const entries = await readdir(root);
  if (entries.some((name) => name !== own)) return;
  throw new CollectionError(collection.folder, `its folder of images, ${root}, is empty`, {
    hint: 'if it lies on a disk that is not connected, connect it: nothing was changed. If the images were deleted, say --purge',
  });
}

/** Failures of files that are gone are history. */
async function forgetFailures(tables: SpaceTables, failed: KnownFiles, scan: FolderScan): Promise<void> {
  const gone = [...failed.missing()].filter((id) => scan.isGone(id));
  if (gone.length > 0) await tables.failures.remove(gone);
}

async function tidy(collection: Collection, space: Space, tables: SpaceTables): Promise<void> {
  if ((await tables.removed.count()) > 0) await tables.removed.indexColumns(['id', 'hash']);
  const quality = await maintain(tables.items, space.quality);
  await collection.change((manifest) => ({
    ...manifest,
    spaces: manifest.spaces.map((one) => {
      const { quality: _, ...rest } = one;
      return one.key === space.key ? { ...rest, ...(quality ? { quality } : {}) } : one;
    }),
  }));
}

/** Makes the first search as fast as the later ones. That measures itself what this does not come to. */
async function measureChance(
  collection: Collection,
  space: Space,
  embedder: Embedder,
  stop: AbortSignal | undefined,
): Promise<void> {
  if (!embedder.hasText) return;
  const signal = AbortSignal.any([AbortSignal.timeout(MEASURING), ...(stop ? [stop] : [])]);
  await textNullOf(collection, space, { embedder, signal }).catch(() => undefined);
}

function sameNames(names: readonly string[], columns: readonly { name: string }[]): boolean {
  const there = new Set(columns.map(({ name }) => name));
  return names.every((name) => there.has(name));
}

/** What one side finds while the other works. */
class Queue<T> {
  private items: T[] = [];
  private ended = false;
  private error: { reason: unknown } | undefined;
  private wake: () => void = () => undefined;
  /** Nobody takes any more. */
  closed = false;

  push(item: T): void {
    this.items.push(item);
    this.wake();
  }

  end(): void {
    this.ended = true;
    this.wake();
  }

  fail(reason: unknown): void {
    this.error = { reason };
    this.wake();
  }

  close(): void {
    this.closed = true;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      const items = this.items;
      this.items = [];
      yield* items;
      if (this.error) throw this.error.reason;
      if (this.items.length > 0) continue;
      if (this.ended) return;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }
}
