/** @file `afterimage export`: a collection as a file for other programs. */
import { UsageError } from '../../errors.js';
import { count, duration, plural } from '../../units.js';
import { COLLECTION_OPTION, findCollection } from '../collection-options.js';
import { defineCommand } from '../command.js';
import { OUTPUT_OPTIONS } from '../embed-options.js';
import { onInterrupt } from '../interrupt.js';
import { ProgressLine } from '../progress.js';
import { dim, note, print } from '../terminal.js';

export const exportItems = defineCommand({
  name: 'export',
  usage: 'OUT [--collection DIR] [--where SQL] [--projection pca] [--neighbors K] [options]',
  summary: 'Writes a collection as a file for other programs.',
  details:
    'Parquet has typed columns and opens in pandas, DuckDB and embedding-atlas; with --projection and --neighbors the ' +
    'latter draws the map at once: embedding-atlas OUT --x projection_x --y projection_y --neighbors neighbors. ' +
    'JSONL and CSV show columns as fields of their own; npy comes with OUT.jsonl beside it; a folder (OUT/) is ' +
    'clip-retrieval’s layout. Vectors are written to the bit, "afterimage import" reads every format back.',
  options: {
    ...COLLECTION_OPTION,
    model: {
      type: 'string',
      value: 'NAME',
      group: 'collection',
      help: 'whose vectors; by default those that answer searches',
    },
    where: { type: 'string', value: 'SQL', group: 'what', help: 'only items for which this holds' },
    columns: {
      type: 'string',
      value: 'A,B',
      group: 'what',
      help: 'only these columns, besides the id; by default all that hold something',
    },
    'no-vectors': { type: 'boolean', group: 'what', help: 'leave the vectors out' },
    projection: {
      type: 'string',
      choices: ['pca'],
      value: 'NAME',
      group: 'what',
      help: 'add projection_x and projection_y; pca: the two principal components',
    },
    neighbors: {
      type: 'integer',
      value: 'K',
      group: 'what',
      help: 'add the K nearest rows of each, as positions in the file from 0 with cosine distances',
    },
    format: OUTPUT_OPTIONS.format,
    overwrite: OUTPUT_OPTIONS.overwrite,
    json: OUTPUT_OPTIONS.json,
    quiet: { type: 'boolean', short: 'q', group: 'output', help: 'no progress' },
  },
  arity: [1, 1],
  examples: [
    ['afterimage export photos.parquet', 'the collection here, every column typed'],
    [
      'afterimage export map.parquet --projection pca --neighbors 15',
      'with what embedding-atlas needs to draw a map',
    ],
    ['afterimage export dogs.csv --where "year = 2023" --no-vectors', 'a table of some items'],
  ],
  async run(values, [out]) {
    const columns = values.columns?.split(',').map((name) => name.trim());
    if (columns?.includes(''))
      throw new UsageError(`--columns: expected names with commas between but received "${values.columns}"`);
    const { openCollection } = await import('../../collection/collection.js');
    const { exportCollection } = await import('../../collection/export.js');
    await using collection = await openCollection(await findCollection(values.collection));
    using interrupt = onInterrupt(() => {
      if (!values.quiet) note('stopping; nothing is written');
    });
    const line = process.stderr.isTTY && !values.quiet ? new ProgressLine() : undefined;
    try {
      const done = await exportCollection(collection, out!, {
        ...values,
        columns,
        vectors: !values['no-vectors'],
        signal: interrupt.stop,
        onProgress: line && ((progress) => line.update(progress)),
      });
      line?.end();
      if (values.json) await print(JSON.stringify({ out, ...done }));
      else {
        const { model, dimension } = done.identity;
        const what = values['no-vectors'] ? '' : `, vectors of dimension ${count(dimension)} (${model})`;
        await print(`${out}: ${plural(done.count, 'item')}${what}`);
        if (done.columns.length > 0) await print(dim(`id, ${done.columns.join(', ')}`));
        if (done.shares) {
          const [x, y] = done.shares.map((share) => `${(100 * share).toFixed(1)} %`);
          await print(dim(`the projection shows ${x} and ${y} of the variance`));
        }
        await print(dim(duration(done.seconds)));
      }
      return 0;
    } catch (error) {
      if (interrupt.exitCode !== undefined && interrupt.stop.aborted) return interrupt.exitCode;
      throw error;
    } finally {
      line?.end();
    }
  },
});
