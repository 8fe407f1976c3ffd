/**
 * @file Writing embeddings so that nothing acknowledged is ever lost.
 *
 * Every format works the same way: rows go to a journal (`<output>.partial`) and are on the disk when `append`
 * resolves; `close` makes the file from the journal, beside its place, renames it into place and removes the journal.
 * After a kill, a crash or a full disk the journal is still there, and opening with `resume` goes on from it. Opening
 * a finished file with `resume` adds to it. The price is that the vectors are written twice and need twice the space
 * for a moment; memory stays flat at any size.
 */
import { access, mkdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { FormatError, IdentityError, UsageError } from '../../errors.js';
import { assertSameIdentity, type EmbeddingIdentity } from '../identity.js';
import { writeCsv } from './csv.js';
import { writeFailure } from './files.js';
import { Journal, journalPath } from './journal.js';
import { writeJsonl } from './jsonl.js';
import { lock } from './lock.js';
import { writeNpy } from './npy.js';
import { scanEmbeddings } from './read.js';
import type { EmbeddingRow, EmbeddingScan, OutputFormat, RowSource } from './row.js';

/** Where rows go. */
export interface EmbeddingWriter {
  /**
   * Adds rows, in this order. When it resolves they are on the disk and survive the death of the process.
   * @throws {FormatError} for rows that do not fit, or when the disk refuses; rows of earlier calls are safe
   */
  append(rows: EmbeddingRow[]): Promise<void>;
  /** Makes the output from all rows. On failure the journal stays, and a resumed run can try again. */
  close(): Promise<void>;
  /** Stops without making the output: the journal stays for a run with `resume`. */
  suspend(): Promise<void>;
}

/** How an output is opened. */
export interface WriterOptions {
  /** Where the vectors come from; its dimension is that of every row. */
  identity: EmbeddingIdentity;
  /** Go on where an earlier run stopped, finished or not. @default false */
  resume?: boolean;
  /** Throw away what an unfinished run has left behind. @default false */
  overwrite?: boolean;
  /** Rows per part of a clip-retrieval folder. @default 1000000 */
  rowsPerPart?: number;
}

/** Parquet's libraries are many small files: they are loaded where they are needed. */
const WRITERS: Record<OutputFormat, (file: string, source: RowSource) => Promise<void>> = {
  npy: writeNpy,
  parquet: async (file, source) => (await import('./parquet-write.js')).writeParquet(file, source),
  jsonl: writeJsonl,
  csv: writeCsv,
  'clip-retrieval': async (folder, source) =>
    (await import('./clip-retrieval.js')).writeClipRetrieval(folder, source),
};

/**
 * Opens an output for writing.
 * @returns the writer, and the ids of the rows that are in it already (none unless `resume`)
 * @throws {IdentityError} when resuming with vectors of another origin
 * @throws {UsageError} when an unfinished run lies there and neither `resume` nor `overwrite` is set, or another
 *   process is writing
 * @throws {FormatError} when the place cannot be written, or what is to be resumed cannot be read
 */
export async function openWriter(
  output: string,
  format: OutputFormat,
  options: WriterOptions,
): Promise<{ writer: EmbeddingWriter; done: Set<string> }> {
  if (!Object.hasOwn(WRITERS, format)) {
    throw new UsageError(
      `expected a format among ${Object.keys(WRITERS).join(', ')} but received ${String(format)}`,
    );
  }
  const { rowsPerPart = 1_000_000 } = options;
  if (!Number.isInteger(rowsPerPart) || rowsPerPart < 1) {
    throw new UsageError(`expected a positive whole number for rowsPerPart but received ${rowsPerPart}`);
  }
  await checkPlace(output, format);
  const partial = journalPath(output);
  const release = await lock(`${partial}.lock`);
  try {
    const { journal, finished, done } = await openJournal(output, partial, options);
    return {
      writer: new JournalWriter(output, format, options.identity, rowsPerPart, journal, finished, release),
      done,
    };
  } catch (error) {
    await release();
    throw error;
  }
}

/**
 * Makes an output in one go, from rows that lie somewhere already and can be read again. It appears whole, or not at
 * all; no journal is kept.
 * @throws {FormatError} when the place cannot be written
 */
export async function writeRows(output: string, format: OutputFormat, source: RowSource): Promise<void> {
  await checkPlace(output, format);
  const release = await lock(`${journalPath(output)}.lock`);
  try {
    await WRITERS[format](output, source);
  } finally {
    await release();
  }
}

/** A path that can never become the output is refused before anything is computed. */
async function checkPlace(output: string, format: OutputFormat): Promise<void> {
  const folder = format === 'clip-retrieval';
  try {
    await mkdir(path.dirname(journalPath(output)), { recursive: true });
    const there = await stat(output).catch(() => undefined);
    if (there && there.isDirectory() !== folder) {
      throw new FormatError(output, `cannot be written: a ${folder ? 'file' : 'folder'} of this name exists`);
    }
  } catch (error) {
    throw writeFailure(output, error);
  }
}

interface Opened {
  /** The journal, unless a finished file is there that nothing has been added to yet. */
  journal: Journal | undefined;
  finished: EmbeddingScan | undefined;
  done: Set<string>;
}

async function openJournal(output: string, partial: string, options: WriterOptions): Promise<Opened> {
  const { identity, resume = false, overwrite = false } = options;
  const done = new Set<string>();
  if (await exists(partial)) {
    if (resume) {
      const journal = await Journal.open(partial, 'append', (id) => done.add(id));
      try {
        if (journal.count > 0) {
          assertSameIdentity(journal.identity, identity, partial);
          return { journal, finished: undefined, done };
        }
      } catch (error) {
        await journal.close();
        throw error;
      }
      // Nothing had been done: a finished file, if there is one, is what is meant.
      await journal.close();
      await rm(partial);
    } else if (!overwrite) await refuseUnfinished(partial);
  }
  if (resume && (await exists(output))) {
    const finished = await scanEmbeddings(output);
    if (finished.identity === null) {
      throw new IdentityError(
        `${output} does not say where its vectors come from, so nothing can be added to it`,
        {
          hint: 'write to another place',
        },
      );
    }
    assertSameIdentity(finished.identity, identity, output);
    for await (const rows of finished.batches()) for (const { id } of rows) done.add(id);
    return { journal: undefined, finished, done };
  }
  return { journal: await Journal.create(partial, identity), finished: undefined, done };
}

/** An unfinished run is hours of somebody's work: it is neither ignored nor overwritten unasked. */
async function refuseUnfinished(partial: string): Promise<void> {
  const journal = await Journal.open(partial, 'read');
  await journal.close();
  if (journal.count === 0) return;
  throw new UsageError(`${partial} holds ${journal.count} rows of a run that did not finish`, {
    hint: 'resume it (--resume), or delete that file to start anew',
  });
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

class JournalWriter implements EmbeddingWriter {
  readonly #output: string;
  readonly #format: OutputFormat;
  readonly #identity: EmbeddingIdentity;
  readonly #rowsPerPart: number;
  readonly #finished: EmbeddingScan | undefined;
  readonly #release: () => Promise<void>;
  #journal: Journal | undefined;
  #opening: Promise<Journal> | undefined;
  #closed = false;

  constructor(
    output: string,
    format: OutputFormat,
    identity: EmbeddingIdentity,
    rowsPerPart: number,
    journal: Journal | undefined,
    finished: EmbeddingScan | undefined,
    release: () => Promise<void>,
  ) {
    this.#output = output;
    this.#format = format;
    this.#identity = identity;
    this.#rowsPerPart = rowsPerPart;
    this.#journal = journal;
    this.#finished = finished;
    this.#release = release;
  }

  async append(rows: EmbeddingRow[]): Promise<void> {
    this.#assertOpen();
    for (const row of rows) this.#check(row);
    if (rows.length === 0) return;
    if (this.#journal === undefined) {
      // The first addition to a finished file: its rows come first in the new journal.
      this.#opening ??= Journal.create(journalPath(this.#output), this.#identity, this.#finished);
      this.#journal = await this.#opening;
    }
    await this.#journal.append(rows);
  }

  async close(): Promise<void> {
    this.#assertOpen();
    this.#closed = true;
    const journal = this.#journal;
    try {
      if (journal === undefined) return;
      const { facts } = journal;
      const source = {
        identity: this.#identity,
        facts,
        rowsPerPart: this.#rowsPerPart,
        batches: () => journal.batches(),
      };
      await journal.append([]);
      await WRITERS[this.#format](this.#output, source);
      await journal.close();
      await rm(journal.path, { force: true });
    } catch (error) {
      await journal?.close().catch(() => {});
      throw writeFailure(this.#output, error);
    } finally {
      await this.#release();
    }
  }

  async suspend(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    try {
      await this.#journal?.close();
      if (this.#journal?.count === 0) await rm(this.#journal.path, { force: true });
    } finally {
      await this.#release();
    }
  }

  #assertOpen(): void {
    if (this.#closed) throw new UsageError(`${this.#output} is closed already`);
  }

  #check({ id, vector }: EmbeddingRow): void {
    const { dimension } = this.#identity;
    if (!(vector instanceof Float32Array) || vector.length !== dimension) {
      const got = vector instanceof Float32Array ? `${vector.length} numbers` : typeof vector;
      throw new FormatError(
        this.#output,
        `${id}: expected a Float32Array of ${dimension} numbers but received ${got}`,
      );
    }
    const bad = vector.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) throw new FormatError(this.#output, `${id}: the number at ${bad} is ${vector[bad]}`);
  }
}
