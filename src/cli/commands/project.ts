/** @file `afterimage project`: applies a learned projection to a file of vectors. */
import { UsageError } from '../../errors.js';
import { count, plural } from '../../units.js';
import { defineCommand } from '../command.js';
import { OUTPUT_OPTIONS } from '../embed-options.js';
import { print, showStatus } from '../terminal.js';

export const project = defineCommand({
  name: 'project',
  usage: 'VECTORS --with DIR --out FILE',
  summary: 'Applies a learned projection to vectors.',
  details:
    'VECTORS is what "afterimage embed --out" wrote; DIR is what "afterimage train projection" made. Vectors of ' +
    'another model than it was trained on are refused.',
  options: {
    with: { type: 'string', value: 'DIR', group: 'input', help: 'the projection' },
    out: OUTPUT_OPTIONS.out,
    format: OUTPUT_OPTIONS.format,
    overwrite: OUTPUT_OPTIONS.overwrite,
  },
  arity: [1, 1],
  examples: [
    ['afterimage project products.parquet --with map64 -o small.parquet', 'vectors of fewer numbers'],
  ],
  async run(values, [input]) {
    const { with: projection, out, format, overwrite } = values;
    if (projection === undefined) throw new UsageError('project: expected --with DIR, the projection');
    if (out === undefined) throw new UsageError('project: expected --out FILE');
    const { projectFile } = await import('../../embedding/index.js');
    const done = await projectFile(input!, projection, out, {
      format,
      overwrite,
      onProgress: (n) => showStatus(`${count(n)} done`),
    });
    showStatus('');
    await print(`${out}: ${plural(done.count, 'vector')} of dimension ${count(done.dimension)}`);
    return 0;
  },
});
