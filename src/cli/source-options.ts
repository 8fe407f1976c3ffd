/** @file The vectors that an analysis works on, named the same way in every command. */
import type { OpenOptions, VectorSet } from '../analysis/index.js';
import { plural } from '../units.js';
import { findCollection } from './collection-options.js';
import type { OptionSpecs, OptionValues } from './command.js';
import { ProgressLine } from './progress.js';
import { note } from './terminal.js';

/** What a SOURCE is, for the details of a command's help. */
export const SOURCE_HELP =
  'SOURCE is a folder with a collection, a file of embeddings (.parquet, .npy, .jsonl, .csv), or a folder of images, ' +
  'which is embedded on the way; by default the collection here or in a folder above.';

export const SOURCE_OPTIONS = {
  model: {
    type: 'string',
    short: 'm',
    value: 'NAME',
    group: 'source',
    help: 'the model: of a collection, the vectors to take; of images, what embeds them',
  },
  where: { type: 'string', value: 'SQL', group: 'source', help: 'only the items of a collection that fit' },
  table: {
    type: 'string',
    value: 'FILE',
    group: 'source',
    help: 'a CSV, JSON Lines or Parquet file beside the items, whose columns can be named, too',
  },
  'id-column': {
    type: 'string',
    value: 'NAME',
    group: 'source',
    help: 'the table’s column that names the items (by default id, path, file, filename or image)',
  },
  quiet: { type: 'boolean', short: 'q', group: 'output', help: 'no progress, no line for each failure' },
} as const satisfies OptionSpecs;

/** Opens the vectors that a command line names. Images are embedded with a progress line; failures are noted. */
export async function openSource(
  source: string | undefined,
  values: OptionValues<typeof SOURCE_OPTIONS>,
  options: Pick<OpenOptions, 'signal' | 'model' | 'item'> = {},
): Promise<VectorSet> {
  const { openVectorSet } = await import('../analysis/index.js');
  const { model, where, table, quiet } = values;
  const line = process.stderr.isTTY && !quiet ? new ProgressLine() : undefined;
  let failed = 0;
  try {
    const set = await openVectorSet(source ?? (await findCollection(undefined)), {
      model,
      where,
      table,
      idColumn: values['id-column'],
      onProgress: line && ((progress) => line.update(progress)),
      onFailure: ({ id, reason, stage }) => {
        failed++;
        if (!quiet) note(`failed: ${id}: ${reason} (${stage})`);
      },
      onWarning: (message) => note(`warning: ${message}`),
      ...options,
    });
    if (failed > 0) note(`${plural(failed, 'image')} failed`);
    return set;
  } finally {
    line?.end();
  }
}
