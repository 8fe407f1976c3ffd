/**
 * @file Which files must go through the network: those whose bytes are not known under any name. Files are read once,
 * a few at a time, and looked up by the hash of their bytes.
 */
import { lstat } from 'node:fs/promises';
import { type Embedder, failureOf } from '../embedding/embedder.js';
import { type EmbeddingResult, isFailed } from '../embedding/results.js';
import type { ItemFailure } from '../errors.js';
import type { Collection } from './collection.js';
import type { Values } from './columns.js';
import { type FileContent, MAX_HELD_BYTES, readContent } from './facts.js';
import type { FileState, KnownFiles } from './index-known.js';
import { type IndexWriter, type Row, rowsOf } from './index-writer.js';
import type { ScannedFile } from './scan.js';
import type { SpaceTables } from './space-tables.js';
import type { VectorTable } from './store.js';

/** Files that are read and looked up together, and the bytes that they may have together. */
const TOGETHER = 32;
const BYTES_TOGETHER = 2 * MAX_HELD_BYTES;

/** A file to be dealt with. */
export interface Work {
  file: ScannedFile;
  state: Exclude<FileState, 'unchanged'>;
  /** There is a record of its failing. */
  failedBefore: boolean;
}

/** What happened to one file. */
export type Fate = 'embedded' | 'reused' | 'touched' | 'unchanged' | 'failed' | 'vanished';

/** A file whose content is known, with the columns that its row will have. */
interface Resolved {
  work: Work;
  hash: string;
  /** What its row will hold besides the size and the times of the file. */
  values: Values;
  input: FileContent['input'];
}

/** Bytes that are on their way through the network, or came out of it and are not on the disk yet. */
interface InHand {
  /** Further files of the same bytes. */
  waiting: Resolved[];
  row?: Row;
  failure?: ItemFailure;
}

/** What resolving needs. */
export interface ResolveContext {
  collection: Collection;
  tables: SpaceTables;
  /** All columns of the items, and those that are a user's own. */
  columns: readonly string[];
  userColumns: readonly string[];
  writer: IndexWriter;
  /** Another space over the same folder, whose facts of unchanged files hold here too. */
  source: { items: VectorTable; known: KnownFiles } | undefined;
  stop: AbortSignal | undefined;
  /** Told of every file when its fate is known. */
  onFate(fate: Fate, work: Work): void;
  onFailure(failure: ItemFailure): void;
  /** Told of hashes whose vectors were taken from other rows. */
  onReused(hash: string): void;
}

/** Gives every file its vector: known ones from the rows of the same bytes, the others through the network. */
export class Resolver {
  /** Files under way by id, and those of the same bytes that wait for them, or the row that came of them. */
  private readonly underWay = new Map<string, Resolved>();
  private readonly inHand = new Map<string, InHand>();
  /** The columns that the other space has, too. */
  private shared: readonly string[] | undefined;

  constructor(private readonly context: ResolveContext) {}

  /** What the writer has on the disk can be looked up there. */
  forget(written: readonly Row[]): void {
    for (const { id, values } of written) {
      const hash = String(values.hash);
      if (this.inHand.get(hash)?.row?.id === id) this.inHand.delete(hash);
    }
  }

  /**
   * Deals with all files. The embedder is opened when the first file needs it.
   * @throws RuntimeError when the network is gone, CollectionError when the store refuses.
   */
  async run(work: AsyncIterable<Work>, open: () => Promise<Embedder>): Promise<void> {
    const { stop } = this.context;
    const unknown = this.unknown(work);
    const first = await unknown.next();
    if (first.done || stop?.aborted) return;
    const embedder = await open();
    const items = async function* () {
      yield first.value;
      yield* unknown;
    };
    const source = async function* () {
      for await (const { work, input } of items()) yield { id: work.file.id, input };
    };
    for await (const result of embedder.streamImages(source())) {
      await this.finish(result);
      if (stop?.aborted) break;
    }
  }

  /** The files that are to be embedded; on the way, the others are dealt with. */
  private async *unknown(work: AsyncIterable<Work>): AsyncGenerator<Resolved> {
    let group: Work[] = [];
    let bytes = 0;
    for await (const one of work) {
      if (this.context.stop?.aborted) return;
      group.push(one);
      bytes += Math.min(one.file.bytes, MAX_HELD_BYTES);
      if (group.length < TOGETHER && bytes < BYTES_TOGETHER) continue;
      yield* this.resolve(group);
      group = [];
      bytes = 0;
    }
    if (!this.context.stop?.aborted) yield* this.resolve(group);
  }

  private async *resolve(group: readonly Work[]): AsyncGenerator<Resolved> {
    const { tables, writer } = this.context;
    const own = await this.ownRows(group);
    const facts = await this.factsElsewhere(group);
    const read = await Promise.all(group.map((work) => this.read(work, facts.get(work.file.id))));
    const found: Resolved[] = [];
    for (const resolved of read) {
      if (resolved === undefined) continue;
      const { work, hash } = resolved;
      const before = own.get(work.file.id);
      if (before?.hash === hash) {
        this.context.onFate(work.state === 'racy' ? 'unchanged' : 'touched', work);
        await writer.touch(work.file);
      } else {
        const kept = before && Object.fromEntries(Object.entries(before).filter(([name]) => name !== 'hash'));
        found.push({ ...resolved, values: { ...resolved.values, ...kept } });
      }
    }
    // While rows are looked up, others are written and forgotten: what is in hand now is held on to.
    const inHand = new Map(found.map(({ hash }) => [hash, this.inHand.get(hash)]));
    const hashes = new Set([...inHand.keys()].filter((hash) => inHand.get(hash) === undefined));
    const there = await this.lookUp(tables.items, hashes);
    const gone = await this.lookUp(tables.removed, new Set([...hashes].filter((hash) => !there.has(hash))));
    for (const one of found) {
      const hand = this.inHand.get(one.hash) ?? inHand.get(one.hash);
      const row = hand?.row ?? there.get(one.hash) ?? gone.get(one.hash);
      if (row !== undefined) await this.reuse(one, row, gone.get(one.hash)?.id);
      else if (hand?.failure) await this.fail(one.work, { ...hand.failure, id: one.work.file.id });
      else if (hand !== undefined) hand.waiting.push(one);
      else {
        this.inHand.set(one.hash, { waiting: [] });
        this.underWay.set(one.work.file.id, one);
        yield one;
      }
    }
  }

  /** Of files that had a row: the hash, and what the user has said of them, which stays. */
  private async ownRows(group: readonly Work[]): Promise<Map<string, Values>> {
    const ids = group.filter(({ state }) => state !== 'new').map(({ file }) => file.id);
    if (ids.length === 0) return new Map();
    const columns = ['hash', 'text', ...this.context.userColumns];
    const rows = rowsOf(await this.context.tables.items.get(ids, { columns }));
    return new Map([...rows].map(({ id, values }) => [id, values]));
  }

  /** What another space knows of files that have not changed since. */
  private async factsElsewhere(group: readonly Work[]): Promise<Map<string, Values>> {
    const { source, columns } = this.context;
    const ids =
      source && group.map(({ file }) => file).filter((file) => source.known.meet(file) === 'unchanged');
    if (!ids || ids.length === 0) return new Map();
    const there = this.shared ? [] : await source.items.columns();
    this.shared ??= columns.filter((name) => there.some((column) => column.name === name));
    const batch = await source.items.get(
      ids.map(({ id }) => id),
      { columns: this.shared },
    );
    return new Map([...rowsOf(batch)].map(({ id, values }) => [id, values]));
  }

  private async read(work: Work, facts: Values | undefined): Promise<Resolved | undefined> {
    const { id, bytes } = work.file;
    const file = this.context.collection.fileOf(id);
    if (typeof facts?.hash === 'string') return { work, hash: facts.hash, values: facts, input: file };
    try {
      const content = await readContent(file, bytes);
      return { work, hash: content.hash, values: content.facts, input: content.input };
    } catch (error) {
      if ((await lstat(file).catch(() => undefined)) === undefined) this.context.onFate('vanished', work);
      else await this.fail(work, failureOf(id, error));
      return undefined;
    }
  }

  /** One row for each hash that a table has. */
  private async lookUp(table: VectorTable, hashes: ReadonlySet<string>): Promise<Map<string, Row>> {
    const found = new Map<string, Row>();
    if (hashes.size === 0) return found;
    const filter = { op: 'in', column: 'hash', values: [...hashes] } as const;
    for await (const batch of table.scan({ filter, columns: this.context.columns, vectors: true }))
      for (const row of rowsOf(batch)) found.set(String(row.values.hash), row);
    return found;
  }

  private async reuse({ work, hash, values }: Resolved, row: Row, from: string | undefined): Promise<void> {
    // What was known under the other name holds; what was said of this file itself holds more.
    const said = Object.fromEntries(Object.entries(values).filter(([, cell]) => cell !== null));
    this.context.onReused(hash);
    this.context.onFate('reused', work);
    await this.add(work, { ...row.values, ...said }, row.vector, hash, from);
  }

  private async finish(result: EmbeddingResult): Promise<void> {
    const one = this.underWay.get(result.id)!;
    this.underWay.delete(result.id);
    const hand = this.inHand.get(one.hash)!;
    if (isFailed(result)) {
      hand.failure = result.failure;
      this.inHand.delete(one.hash);
      for (const { work } of [one, ...hand.waiting])
        await this.fail(work, { ...result.failure, id: work.file.id });
      return;
    }
    const { vector, width = null, height = null, format = null } = result;
    const values = { ...one.values, width, height, format };
    hand.row = { id: result.id, vector, values };
    const waiting = hand.waiting.splice(0);
    this.context.onFate('embedded', one.work);
    await this.add(one.work, values, vector, one.hash);
    for (const other of waiting) await this.reuse(other, { id: result.id, vector, values }, undefined);
  }

  private async add(
    { file, failedBefore }: Work,
    values: Values,
    vector: Float32Array,
    hash: string,
    from?: string | undefined,
  ): Promise<void> {
    const times = { size: file.bytes, modified: new Date(file.modified), indexed: new Date(file.seen) };
    const row = { id: file.id, vector, values: { ...values, hash, ...times } };
    await this.context.writer.add(row, { from, failedBefore });
  }

  private async fail(work: Work, failure: ItemFailure): Promise<void> {
    this.context.onFailure(failure);
    this.context.onFate('failed', work);
    await this.context.writer.fail(work.file, failure, work.state !== 'new');
  }
}
