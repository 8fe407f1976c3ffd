/**
 * @file From a folder of pictures to a file of vectors in one call: what `afterimage embed` does.
 *
 * Items are listed, read, embedded and written in a stream, so that memory stays flat however many there are. Rows
 * are on the disk before the next batch is taken in hand; a run that was stopped or killed is resumed where it ended.
 */
import { readdir, stat } from 'node:fs/promises';
import { type ItemFailure, UsageError } from '../errors.js';
import { countItems, type ExpandOptions, expandInputs } from '../image/index.js';
import { type Embedder, type EmbedderOptions, loadEmbedder } from './embedder.js';
import { ErrorLog } from './error-log.js';
import { type EmbeddingRow, formatFromPath, type OutputFormat, openWriter } from './formats/index.js';
import type { EmbeddingIdentity } from './identity.js';
import { type EmbeddingResult, isFailed, type Progress } from './results.js';
import { countTexts, type TextItem, textLines } from './texts.js';
import { until } from './until.js';

/** What is to be embedded. */
export interface EmbedSources {
  /** Files, folders, globs, archives, URLs, `@list.txt` or `-`: see `expandInputs`. */
  inputs?: Iterable<string | URL>;
  /** A file with one text a line (`-` for standard input), or the texts. */
  texts?: string | Iterable<TextItem> | AsyncIterable<TextItem>;
}

/** Options of {@link embedTo}. */
export interface EmbedRunOptions {
  /** How inputs are expanded: globs to include and exclude, and the like. */
  expand?: Omit<ExpandOptions, 'skip'>;
  /** A file that receives a JSON line `{id, stage, reason}` for every item that fails. */
  errors?: string | undefined;
  /**
   * Once aborted, the run ends cleanly: the batch in hand is finished and written. The promise then resolves with
   * `interrupted: true`.
   */
  stop?: AbortSignal | undefined;
  /** Once aborted, the run ends at once; the promise rejects. What was written stands. */
  signal?: AbortSignal | undefined;
  /** Told after every batch. Items are counted in the background meanwhile; until then `total` is undefined. */
  onProgress?: ((progress: Progress) => void) | undefined;
  /** Told of every item that fails, in order. */
  onFailure?: ((failure: ItemFailure) => void) | undefined;
}

/** Options of {@link embedToFile}. */
export interface EmbedFileOptions extends EmbedRunOptions {
  /** A model's name, a folder, or an open embedder (which is left open). @default the bundled mini-clip */
  model?: string | Embedder | undefined;
  /** How the model is opened, unless it is open. */
  embedder?: EmbedderOptions;
  /** @default by the ending of the file: `.npy`, `.parquet`, `.jsonl`, `.csv`; a folder is clip-retrieval's layout */
  format?: OutputFormat | undefined;
  /** Go on with a file, or with what an interrupted run left, of the same identity. @default false */
  resume?: boolean | undefined;
  /** Replace what is there. @default false: it is refused */
  overwrite?: boolean | undefined;
}

/** What a run did. */
export interface EmbedSummary {
  /** Rows written by this run. */
  embedded: number;
  failed: number;
  /** Items that were there already. */
  skipped: number;
  /** `stop` ended the run before its end. */
  interrupted: boolean;
  seconds: number;
  identity: EmbeddingIdentity;
}

/** Where rows go. */
export interface RowSink {
  /** Whether there is a row for the item already; it is then passed over. */
  has?(id: string): boolean;
  /** Resolves when the rows are safe. */
  append(rows: EmbeddingRow[]): Promise<void>;
}

/**
 * Embeds images and texts into a file.
 *
 * @param out the file (or folder, for clip-retrieval)
 * @throws UsageError when `out` exists and is neither to be resumed nor overwritten, IdentityError when it holds
 *   vectors of another model or other options, FormatError when it cannot be written, and as {@link loadEmbedder}.
 *   An item that fails is no exception: it is counted, told to `onFailure` and written to the `errors` file.
 */
export async function embedToFile(
  sources: EmbedSources,
  out: string,
  options: EmbedFileOptions = {},
): Promise<EmbedSummary> {
  const { model, resume = false, overwrite = false } = options;
  const format = await checkPlace(out, options);
  const given = typeof model === 'object';
  const embedder = given ? model : await loadEmbedder(model, options.embedder);
  try {
    const { identity } = embedder;
    const { writer, done } = await openWriter(out, format, { identity, resume, overwrite });
    try {
      const sink: RowSink = { has: (id) => done.has(id), append: (rows) => writer.append(rows) };
      const summary = await embedTo(embedder, sources, sink, options);
      if (!summary.interrupted) await writer.close();
      return summary;
    } finally {
      await writer.suspend(); // without effect once it is closed
    }
  } finally {
    if (!given) await embedder.close();
  }
}

/** Finds what the name of the file alone makes impossible, before a model is opened. Returns the format. */
async function checkPlace(out: string, options: EmbedFileOptions): Promise<OutputFormat> {
  const { resume, overwrite } = options;
  if (resume && overwrite) throw new UsageError('resume and overwrite exclude each other');
  const format = options.format ?? formatFromPath(out);
  if (format === undefined)
    throw new UsageError(`${out}: its name does not say the format`, {
      hint: 'end it in .parquet, .npy, .jsonl or .csv, in / for a clip-retrieval folder, or name the format (--format)',
    });
  const there = await stat(out).catch(() => undefined);
  const empty = there?.isDirectory() && (await readdir(out)).length === 0;
  if (there && !empty && !resume && !overwrite)
    throw new UsageError(`${out} exists`, {
      hint: 'to add what is missing, resume it (--resume); to replace it, say so (--overwrite)',
    });
  return format;
}

/**
 * Embeds images and texts and hands the rows, a batch at a time, to `sink`.
 * @throws what the sink throws, ModelError for texts with a model that has no text tower.
 */
export async function embedTo(
  embedder: Embedder,
  sources: EmbedSources,
  sink: RowSink,
  options: EmbedRunOptions = {},
): Promise<EmbedSummary> {
  const { inputs = [], texts } = sources;
  const { stop } = options;
  const start = performance.now();
  if (texts !== undefined) await embedder.embedTexts([]); // refused before the images, not after them
  const log = options.errors === undefined ? undefined : await ErrorLog.create(options.errors);
  const run = new Run(embedder, sink, log, options);
  try {
    const expand: ExpandOptions = { ...options.expand, skip: run.skip };
    if (options.onProgress) void run.countInBackground(inputs, texts, expand);
    const images = until(expandInputs(inputs, expand), stop);
    await run.consume(embedder.streamImages(images, { signal: options.signal }), (r) => ({ ...r }));
    if (texts !== undefined) {
      const pending: TextItem[] = []; // what is on its way through the network, in order
      const given = async function* () {
        for await (const item of typeof texts === 'string' ? textLines(texts) : texts) {
          if (run.skip(item.id)) continue;
          pending.push(item);
          yield item.text;
        }
      };
      const vectors = embedder.streamTexts(until(given(), stop), { signal: options.signal });
      await run.consume(vectors, (r) => ({ ...r, id: pending.shift()!.id, kind: 'text' }));
    }
  } finally {
    run.ended = true;
    await log?.close();
  }
  const { done, failed } = run.progress;
  return {
    embedded: done - failed,
    failed,
    skipped: run.skipped,
    interrupted: stop?.aborted ?? false,
    seconds: (performance.now() - start) / 1000,
    identity: embedder.identity,
  };
}

/** One run under way. */
class Run {
  readonly progress: Progress = { done: 0, failed: 0, total: undefined };
  skipped = 0;
  ended = false;

  constructor(
    private readonly embedder: Embedder,
    private readonly sink: RowSink,
    private readonly log: ErrorLog | undefined,
    private readonly options: EmbedRunOptions,
  ) {}

  readonly skip = (id: string): boolean => {
    const there = this.sink.has?.(id) ?? false;
    if (there) this.skipped++;
    return there;
  };

  /** Writes results a batch at a time; after `stop`, no more than the batch in hand. */
  async consume(
    results: AsyncGenerator<EmbeddingResult>,
    name: (result: EmbeddingResult) => EmbeddingResult & { kind?: 'text' },
  ): Promise<void> {
    if (this.options.stop?.aborted) return;
    let batch: (EmbeddingResult & { kind?: 'text' })[] = [];
    for await (const result of results) {
      batch.push(name(result));
      if (batch.length < this.embedder.batchSize) continue;
      await this.write(batch);
      batch = [];
      if (this.options.stop?.aborted) return;
    }
    await this.write(batch);
  }

  private async write(batch: (EmbeddingResult & { kind?: 'text' })[]): Promise<void> {
    const { progress, options } = this;
    const failures = batch.filter(isFailed).map(({ id, failure }) => ({ ...failure, id }));
    const rows: EmbeddingRow[] = [];
    for (const result of batch) if (!isFailed(result)) rows.push(rowOf(result));
    if (rows.length > 0) await this.sink.append(rows);
    await this.log?.append(failures);
    progress.done += batch.length;
    progress.failed += failures.length;
    for (const failure of failures) options.onFailure?.(failure);
    options.onProgress?.({ ...progress });
  }

  /** Finds the number of items from names alone, while they are being embedded. */
  async countInBackground(
    inputs: Iterable<string | URL>,
    texts: EmbedSources['texts'],
    expand: ExpandOptions,
  ): Promise<void> {
    const over = new Error('the run is over');
    const skip = (id: string): boolean => {
      if (this.ended) throw over;
      return this.sink.has?.(id) ?? false;
    };
    try {
      const images = await countItems(inputs, { ...expand, skip });
      const lines = texts === undefined ? 0 : typeof texts === 'string' ? await countTexts(texts) : undefined;
      if (images !== undefined && lines !== undefined) this.progress.total = images + lines;
    } catch (error) {
      if (error !== over) this.progress.total = undefined; // what is wrong shows when the items are read
    }
  }
}

function rowOf(result: Exclude<EmbeddingResult, { failure: ItemFailure }> & { kind?: 'text' }): EmbeddingRow {
  const { index: _, ...row } = result;
  return row;
}
