/** @file `afterimage index`: a folder of images made searchable, and kept up to date. */
import { realpath } from 'node:fs/promises';
import path from 'node:path';
import type { IndexSummary } from '../../collection/index-folder.js';
import { COLLECTION_FOLDER, collectionAt } from '../../collection/locate.js';
import { type ItemFailure, UsageError } from '../../errors.js';
import { COLLECTION_OPTION } from '../collection-options.js';
import { defineCommand } from '../command.js';
import { GLOB_OPTIONS } from '../embed-options.js';
import { reportIndex } from '../index-report.js';
import { onInterrupt } from '../interrupt.js';
import { embedderOptions, MODEL_OPTIONS, noteDefaultModel } from '../model-options.js';
import { ProgressLine } from '../progress.js';
import { note } from '../terminal.js';

export const index = defineCommand({
  name: 'index',
  usage: '[DIR] [--model NAME|FOLDER] [--watch] [options]',
  summary: 'Makes a folder of images searchable, and keeps it so.',
  details:
    'Finds the images below DIR (the current folder by default), embeds those that are new or have changed, and ' +
    'keeps their vectors in DIR/.afterimage, or where --collection says. Files that were moved, renamed or copied are ' +
    'known by their content. Files that failed are tried again when they have changed. Archives are not entered, and ' +
    '.git, node_modules, @eaDir, ._* and hidden files are passed over. A run that was stopped or killed goes on where ' +
    'it ended. Exit codes: 0 done, 1 nothing could be embedded or an error, 2 wrong usage, 130 interrupted.',
  options: {
    ...COLLECTION_OPTION,
    metadata: {
      type: 'string',
      value: 'FILE',
      group: 'collection',
      help: 'columns of your own for --where: CSV, JSONL or Parquet with a column that names the images',
    },
    watch: { type: 'boolean', group: 'collection', help: 'go on, and follow what happens in the folder' },
    replace: {
      type: 'boolean',
      group: 'collection',
      help: 'with --model: delete the other models’ vectors once these are complete',
    },
    purge: {
      type: 'boolean',
      group: 'collection',
      help: 'forget the vectors of deleted files now, not after 30 days',
    },
    retry: { type: 'boolean', group: 'collection', help: 'try files again that failed before' },
    ...GLOB_OPTIONS,
    ...MODEL_OPTIONS,
    errors: {
      type: 'string',
      value: 'FILE',
      group: 'output',
      help: 'keep a JSON line {id, stage, reason} for every failure',
    },
    json: { type: 'boolean', group: 'output', help: 'print the summary as JSON' },
    quiet: { type: 'boolean', short: 'q', group: 'output', help: 'no progress, no line for each failure' },
  },
  arity: [0, 1],
  examples: [
    ['afterimage index photos', 'embeds what is new; then: cd photos; afterimage search "a red car"'],
    [
      'afterimage index photos --model clip-vit-b32 --replace',
      'another model; the old one answers meanwhile',
    ],
    ['afterimage index photos --metadata captions.csv', 'columns of your own to filter by'],
    ['afterimage index photos --watch', 'until Ctrl-C'],
  ],
  async run(values, [dir]) {
    using interrupt = onInterrupt(() => {
      if (!values.quiet) note('stopping after the batch in hand; press Ctrl-C again to quit at once');
    });
    const { openCollection } = await import('../../collection/collection.js');
    const { indexFolder } = await import('../../collection/index-folder.js');
    const { folder, root } = await place(dir, values.collection, COLLECTION_FOLDER);
    const embedder = { ...embedderOptions(values), signal: interrupt.stop };
    await using collection = await openCollection(folder, { create: true, root, embedderOptions: embedder });
    await checkRoot(collection.root, dir, folder);
    if (values.model === undefined && collection.spaces.length === 0 && !values.quiet && !values.json)
      noteDefaultModel();

    const { ErrorLog } = await import('../../embedding/error-log.js');
    const log = values.errors === undefined ? undefined : await ErrorLog.create(values.errors);
    const line = process.stderr.isTTY && !values.quiet ? new ProgressLine() : undefined;
    const failures: ItemFailure[] = [];
    const options = {
      model: values.model,
      embedderOptions: embedder,
      metadata: values.metadata,
      include: values.include,
      exclude: values.exclude,
      replace: values.replace,
      purge: values.purge,
      retry: values.retry,
      stop: interrupt.stop,
      onProgress: line && ((progress) => line.update(progress)),
      onFailure: (failure) => {
        failures.push(failure);
        if (!values.quiet) note(`failed: ${failure.id}: ${failure.reason} (${failure.stage})`);
      },
      onNote: (message) => note(message),
    } satisfies Parameters<typeof indexFolder>[1];
    const show = async (summary: IndexSummary, again = false) => {
      line?.end();
      await log?.append(failures.splice(0));
      await reportIndex(summary, collection, values, again);
    };
    let summary: IndexSummary;
    try {
      summary = await indexFolder(collection, options);
      await show(summary);
      if (values.watch && !summary.interrupted) {
        const { watchFolder } = await import('../../collection/watch.js');
        if (!values.quiet) note(`watching ${collection.root}; Ctrl-C ends it`);
        await watchFolder(collection, { ...options, onRun: (run) => show(run, true) });
      }
    } catch (error) {
      if (!(error instanceof Error && error.name === 'AbortError')) throw error;
      note('interrupted; what was embedded is kept');
      return interrupt.exitCode ?? 1;
    } finally {
      line?.end();
      await log?.append(failures);
      await log?.close();
    }
    if (interrupt.exitCode !== undefined) return interrupt.exitCode;
    return summary.spaces.every(({ items, failed }) => items === 0 && failed > 0) ? 1 : 0;
  },
});

/** Where the collection lies, and the folder of images if it is a new one. */
async function place(
  dir: string | undefined,
  option: string | undefined,
  name: string,
): Promise<{ folder: string; root: string }> {
  if (option !== undefined) {
    const found = await collectionAt(path.resolve(option));
    return { folder: found ?? path.resolve(option), root: dir ?? '.' };
  }
  if (dir !== undefined) return { folder: path.join(path.resolve(dir), name), root: dir };
  // Without any name: the collection that one is in, else a new one here.
  for (let folder = process.cwd(); ; folder = path.dirname(folder)) {
    const found = await collectionAt(folder);
    if (found !== undefined) return { folder: found, root: '.' };
    if (folder === path.dirname(folder)) return { folder: path.resolve(name), root: '.' };
  }
}

/** A collection belongs to one folder. */
async function checkRoot(root: string | undefined, dir: string | undefined, folder: string): Promise<void> {
  if (dir === undefined || root === undefined) return;
  const [there, given] = await Promise.all([root, dir].map((one) => realpath(one).catch(() => one)));
  if (there !== given)
    throw new UsageError(`${folder} is the collection of ${root}, not of ${dir}`, {
      hint: 'leave DIR out to bring it up to date, or name another place with --collection',
    });
}
