/** @file `afterimage import`: vectors that were computed elsewhere into a collection. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { ImportOptions, ImportSummary } from '../../collection/import.js';
import { COLLECTION_FOLDER, collectionAt } from '../../collection/locate.js';
import { UsageError } from '../../errors.js';
import { count, duration, plural, rate } from '../../units.js';
import { COLLECTION_OPTION, findCollection } from '../collection-options.js';
import { defineCommand } from '../command.js';
import { onInterrupt } from '../interrupt.js';
import { ProgressLine } from '../progress.js';
import { dim, note, print } from '../terminal.js';

export const importItems = defineCommand({
  name: 'import',
  usage: 'FILE [--model NAME] [--metadata TABLE] [--id COLUMN] [--texts] [--root DIR] [--collection DIR]',
  summary: 'Puts vectors that were computed elsewhere into a collection.',
  details:
    'FILE is an .npy matrix, Parquet, JSONL, CSV, or a folder in clip-retrieval’s layout. Where it does not say which ' +
    'model made its vectors, --model does, at your word: nothing is downloaded, and a search opens that model. ' +
    'Everything else in the file becomes typed columns. Rows that repeat an item with the same vector count once, the ' +
    'first; one id with two vectors is refused. All rows are checked before anything is written; an import that was ' +
    'broken off is completed by running it again. Where an item’s file lies below the folder of images, the vector ' +
    'counts as that of the file as it is now.',
  options: {
    ...COLLECTION_OPTION,
    root: {
      type: 'string',
      value: 'DIR',
      group: 'collection',
      help: 'the folder of images of a new collection, which then lies in DIR/.afterimage by default',
    },
    model: { type: 'string', value: 'NAME', group: 'input', help: 'the model that made the vectors' },
    identity: {
      type: 'string',
      value: 'JSON|FILE',
      group: 'input',
      help: 'the same in full: {"model": …} and what else is known of revision, weights, dtype, transform, output',
    },
    metadata: {
      type: 'string',
      value: 'TABLE',
      group: 'input',
      help: 'a .csv, .jsonl or .parquet that says row by row what the vectors of FILE belong to',
    },
    id: {
      type: 'string',
      value: 'COLUMN',
      group: 'input',
      help: 'the column that names an item; "row" numbers them. By default id, path, image_path, filename or url',
    },
    texts: {
      type: 'boolean',
      group: 'input',
      help: 'the rows that are texts instead of the images; named by themselves unless --id is given',
    },
    json: { type: 'boolean', group: 'output', help: 'print the summary as JSON' },
    quiet: { type: 'boolean', short: 'q', group: 'output', help: 'no progress' },
  },
  arity: [1, 1],
  examples: [
    ['afterimage import vectors.parquet', 'what "afterimage embed" or "export" wrote'],
    [
      'afterimage import img_emb.npy --metadata m.csv --model clip-vit-b32 --root .',
      'a NumPy matrix and its table; text searches open CLIP',
    ],
    ['afterimage import laion/ --model ViT-B-32::openai', 'a folder that clip-retrieval wrote'],
  ],
  async run(values, [file]) {
    const identity = values.identity === undefined ? undefined : await readIdentity(values.identity);
    const { openCollection } = await import('../../collection/collection.js');
    const { importVectors } = await import('../../collection/import.js');
    const folder = await place(values);
    await using collection = await openCollection(folder, { create: true, root: values.root });
    using interrupt = onInterrupt(() => {
      if (!values.quiet) note('stopping after the batch in hand; run the same again to complete it');
    });
    const lines = { check: new ProgressLine('checking: '), write: new ProgressLine() };
    const show = process.stderr.isTTY && !values.quiet;
    const { model, metadata, id, texts } = values;
    const options = { model, metadata, id, texts, identity, signal: interrupt.stop };
    try {
      const done = await importVectors(collection, file!, {
        ...options,
        onProgress: show ? ({ stage, ...progress }) => lines[stage].update(progress) : undefined,
      });
      lines.write.end();
      if (values.json) await print(JSON.stringify({ collection: folder, ...done }));
      else await report(folder, done);
      return 0;
    } catch (error) {
      if (interrupt.exitCode !== undefined && interrupt.stop.aborted) return interrupt.exitCode;
      throw error;
    } finally {
      lines.write.end();
    }
  },
});

/** Where the collection is or will be. */
async function place(values: { collection: string | undefined; root: string | undefined }): Promise<string> {
  const { collection, root } = values;
  if (collection !== undefined) return (await collectionAt(collection)) ?? path.resolve(collection);
  if (root !== undefined) return path.resolve(root, COLLECTION_FOLDER);
  return findCollection(undefined).catch((error: unknown) => {
    if (error instanceof UsageError) return path.resolve(COLLECTION_FOLDER);
    throw error;
  });
}

async function readIdentity(given: string): Promise<NonNullable<ImportOptions['identity']>> {
  const inline = given.trimStart().startsWith('{');
  let value: unknown;
  try {
    value = JSON.parse(inline ? given : await readFile(given, 'utf8'));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(`--identity: expected JSON or a file of it: ${reason}`, { cause });
  }
  const model = (value as { model?: unknown } | null)?.model;
  if (typeof model !== 'string') throw new UsageError('--identity: expected an object with "model"');
  return { ...(value as object), model };
}

async function report(folder: string, done: ImportSummary): Promise<void> {
  const { rows, items, repeated, space, declared, columns, renamed, found, seconds, indexSeconds } = done;
  const { model, dimension } = space.identity;
  await print(
    `${folder}: ${plural(items, 'item')}, vectors of dimension ${count(dimension)} (${model}${declared ? ', at your word' : ''})`,
  );
  if (repeated > 0) await print(`${count(repeated)} of ${plural(rows, 'row')} repeated an item`);
  if (found > 0) await print(`${plural(found, 'file')} found in the folder of images`);
  if (columns.length > 0) await print(dim(columns.map(({ name, type }) => `${name} (${type})`).join(', ')));
  for (const [from, to] of renamed)
    note(`column "${from}" is called "${to}": its name means something else here`);
  if (space.embedder === null)
    note(`${model} cannot be opened here: search by items and vectors, not by texts and new images`);
  const indexing = indexSeconds < 1 ? '' : `, and ${duration(indexSeconds)} for the index`;
  await print(dim(`${duration(seconds)}, ${rate(rows / Math.max(seconds, 1e-3))}${indexing}`));
}
