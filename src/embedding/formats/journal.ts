/**
 * @file The journal: what a run has computed so far, in `<output>.partial`. Rows are appended to it and flushed to the
 * disk before they are acknowledged; the file in its final format is made from it at the end. So one mechanism makes
 * every format survive a killed process, a full disk or a power cut, also those that cannot be appended to.
 *
 * Layout, little-endian: the 8 bytes `AFTRJNL1`, then records of a u32 length, a u32 CRC-32 and that many bytes.
 * The first record is JSON (`{identity}`); every other is a row: a u32 length, that much JSON (the row without its
 * vector) and `dimension` float32 numbers. A tail that is cut short or fails its checksum was never acknowledged and
 * is dropped.
 */
import { type FileHandle, open, rename } from 'node:fs/promises';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import { FormatError } from '../../errors.js';
import type { EmbeddingIdentity } from '../identity.js';
import {
  identityFromJson,
  readFailure,
  readFully,
  syncFolder,
  temporaryName,
  writeFailure,
  writeFully,
} from './files.js';
import { vectorBytes, vectorFromBytes } from './numbers.js';
import { addFacts, type EmbeddingRow, type EmbeddingScan, noFacts, type RowFacts, rowInfo } from './row.js';

/** The first bytes of a journal. */
export const JOURNAL_MAGIC = Buffer.from('AFTRJNL1');

const RECORD_HEAD = 8;
/** Bytes read at a time, and so about the most that one batch of rows holds. */
const READ_AHEAD = 4 << 20;

/** Where the journal of an output lies. */
export function journalPath(output: string): string {
  return `${output.replace(/[/\\]+$/, '')}.partial`;
}

/** An open journal. One process at a time; appends one after the other. */
export class Journal implements EmbeddingScan {
  readonly path: string;
  readonly identity: EmbeddingIdentity;
  readonly facts: RowFacts = noFacts();
  #file: FileHandle;
  /** Where the first row lies, and where the next will. */
  readonly #begin: number;
  #end: number;
  #queue: Promise<void> = Promise.resolve();

  private constructor(file: string, identity: EmbeddingIdentity, handle: FileHandle, end: number) {
    this.path = file;
    this.identity = identity;
    this.#file = handle;
    this.#begin = end;
    this.#end = end;
  }

  get dimension(): number {
    return this.identity.dimension;
  }

  get count(): number {
    return this.facts.count;
  }

  /** Starts a journal, with the rows of `seed` already in it. It appears only when all of them are on the disk. */
  static async create(file: string, identity: EmbeddingIdentity, seed?: EmbeddingScan): Promise<Journal> {
    let handle: FileHandle | undefined;
    try {
      handle = await open(temporaryName(file), 'w+');
      const head = Buffer.concat([JOURNAL_MAGIC, record(Buffer.from(JSON.stringify({ identity })))]);
      await writeFully(handle, head, 0);
      const journal = new Journal(file, identity, handle, head.length);
      if (seed) for await (const rows of seed.batches()) await journal.#write(rows);
      await handle.sync();
      await rename(temporaryName(file), file);
      await syncFolder(path.dirname(file));
      return journal;
    } catch (error) {
      await handle?.close().catch(() => {});
      throw writeFailure(file, error);
    }
  }

  /**
   * Opens a journal and calls `onRow` for every row in it; a torn tail is cut off unless it is opened only to read.
   * @throws {FormatError} when the file is not a journal
   */
  static async open(file: string, mode: 'read' | 'append', onRow?: (id: string) => void): Promise<Journal> {
    let handle: FileHandle | undefined;
    try {
      handle = await open(file, mode === 'read' ? 'r' : 'r+');
      const start = await readFully(handle, JOURNAL_MAGIC.length + RECORD_HEAD, 0);
      if (
        !start.subarray(0, JOURNAL_MAGIC.length).equals(JOURNAL_MAGIC) ||
        start.length < JOURNAL_MAGIC.length + RECORD_HEAD
      ) {
        throw new FormatError(file, 'not a journal of embeddings', {
          hint: 'move it away: its name is needed',
        });
      }
      const length = start.readUInt32LE(JOURNAL_MAGIC.length);
      const head = await readFully(handle, Math.min(length, READ_AHEAD), start.length);
      if (head.length !== length || crc32(head) !== start.readUInt32LE(JOURNAL_MAGIC.length + 4)) {
        throw new FormatError(file, 'the head of this journal is damaged');
      }
      const { identity } = JSON.parse(head.toString()) as { identity: unknown };
      const journal = new Journal(
        file,
        identityFromJson(file, JSON.stringify(identity)),
        handle,
        start.length + length,
      );
      const begin = journal.#end;
      journal.#end = (await handle.stat()).size;
      let good = begin;
      for await (const { rows, end } of journal.#records(begin)) {
        for (const row of rows) {
          addFacts(journal.facts, row);
          onRow?.(row.id);
        }
        good = end;
      }
      if (good < journal.#end && mode === 'append') await handle.truncate(good);
      journal.#end = good;
      return journal;
    } catch (error) {
      await handle?.close().catch(() => {});
      throw readFailure(file, error);
    }
  }

  /** Appends rows; when it resolves they are on the disk. */
  append(rows: readonly EmbeddingRow[]): Promise<void> {
    const run = this.#queue.then(async () => {
      try {
        await this.#write(rows);
        await this.#file.datasync();
      } catch (error) {
        throw writeFailure(this.path, error);
      }
    });
    this.#queue = run.catch(() => {});
    return run;
  }

  /** The rows from the first to the last. */
  async *batches(): AsyncGenerator<EmbeddingRow[]> {
    for await (const { rows } of this.#records(this.#begin)) yield rows;
  }

  /** Closes the file once all appends are done; the journal stays. */
  async close(): Promise<void> {
    await this.#queue;
    await this.#file.close();
  }

  async #write(rows: readonly EmbeddingRow[]): Promise<void> {
    const parts: Buffer[] = [];
    for (const row of rows) {
      const info = Buffer.from(JSON.stringify(rowInfo(row)));
      const size = Buffer.alloc(4);
      size.writeUInt32LE(info.length);
      parts.push(record(Buffer.concat([size, info, vectorBytes(row.vector)])));
    }
    const bytes = Buffer.concat(parts);
    try {
      await writeFully(this.#file, bytes, this.#end);
    } catch (error) {
      // What was written of it would be dropped as a torn tail anyway; cutting it off gives the space back.
      await this.#file.truncate(this.#end).catch(() => {});
      throw error;
    }
    this.#end += bytes.length;
    for (const row of rows) addFacts(this.facts, row);
  }

  /** Rows by batches of whole records, each with the position where the batch ends, up to the first torn record. */
  async *#records(begin: number): AsyncGenerator<{ rows: EmbeddingRow[]; end: number }> {
    const limit = this.#end;
    let wanted = READ_AHEAD;
    for (let position = begin; position < limit; ) {
      const chunk = await readFully(this.#file, Math.min(wanted, limit - position), position);
      const rows: EmbeddingRow[] = [];
      let used = 0;
      let torn = false;
      wanted = READ_AHEAD;
      while (used + RECORD_HEAD <= chunk.length) {
        const length = chunk.readUInt32LE(used);
        const next = used + RECORD_HEAD + length;
        if (next > chunk.length) {
          torn = position + next > limit;
          wanted = Math.max(READ_AHEAD, RECORD_HEAD + length);
          break;
        }
        const row = parseRow(
          chunk.subarray(used + RECORD_HEAD, next),
          chunk.readUInt32LE(used + 4),
          this.dimension,
        );
        torn = row === undefined;
        if (row === undefined) break;
        rows.push(row);
        used = next;
      }
      position += used;
      if (rows.length > 0) yield { rows, end: position };
      if (torn || (used === 0 && position + chunk.length >= limit)) return;
    }
  }
}

function record(payload: Buffer): Buffer {
  const head = Buffer.alloc(RECORD_HEAD);
  head.writeUInt32LE(payload.length, 0);
  head.writeUInt32LE(crc32(payload), 4);
  return Buffer.concat([head, payload]);
}

function parseRow(payload: Buffer, checksum: number, dimension: number): EmbeddingRow | undefined {
  if (payload.length < 4 || crc32(payload) !== checksum) return undefined;
  const vectorAt = 4 + payload.readUInt32LE(0);
  if (vectorAt + dimension * 4 !== payload.length) return undefined;
  const info = JSON.parse(payload.toString('utf8', 4, vectorAt)) as Omit<EmbeddingRow, 'vector'>;
  return { ...info, vector: vectorFromBytes(payload, vectorAt, dimension) };
}
