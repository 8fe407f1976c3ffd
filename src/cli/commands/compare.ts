/** @file `afterimage compare`: which model is best on the user's own images. */
import { writeFile } from 'node:fs/promises';
import { UsageError } from '../../errors.js';
import { plural } from '../../units.js';
import { defineCommand } from '../command.js';
import { onInterrupt } from '../interrupt.js';
import { openFile } from '../open-file.js';
import { ProgressLine } from '../progress.js';
import { plainScores } from '../score-table.js';
import { table } from '../table.js';
import { note, print, showStatus } from '../terminal.js';
import { TRUTH_OPTIONS } from './evaluate.js';

export const compare = defineCommand({
  name: 'compare',
  usage: 'MODEL… --images FOLDER [--label COLUMN] [--captions FILE] [options]',
  summary: 'Measures models on your own images: quality, speed, dimension, size, and which is best.',
  details:
    'A MODEL is a name of "afterimage models list", org/name on the hub, a folder or an .onnx file. Quality is measured by ' +
    'the folders that the images are sorted into, a column of a table, or captions; all models on the same images. ' +
    'Vectors are kept, so that a run that was ended goes on, and one more model costs no more than itself.',
  options: {
    images: { type: 'string', value: 'FOLDER', group: 'images', help: 'the images: a folder, an archive' },
    table: {
      type: 'string',
      value: 'FILE',
      group: 'images',
      help: 'a CSV, JSON Lines or Parquet file beside them, whose columns can be named',
    },
    'id-column': {
      type: 'string',
      value: 'NAME',
      group: 'images',
      help: 'the table’s column that names the images (by default id, path, file, filename or image)',
    },
    ...TRUTH_OPTIONS,
    keep: {
      type: 'string',
      value: 'DIR',
      group: 'output',
      help: 'where vectors are kept (by default in the cache folder)',
    },
    out: {
      type: 'string',
      short: 'o',
      value: 'FILE',
      group: 'output',
      help: 'write a page with plots (HTML)',
    },
    open: { type: 'boolean', group: 'output', help: 'show the page' },
    json: { type: 'boolean', group: 'output', help: 'print all that was measured as one JSON document' },
    quiet: { type: 'boolean', short: 'q', group: 'output', help: 'no progress, no line for each failure' },
    dtype: {
      type: 'string',
      choices: ['fp32', 'fp16', 'int8'],
      group: 'model',
      help: 'precision of all models (fp32 by default)',
    },
    threads: { type: 'integer', group: 'model', help: 'threads of the networks (all cores by default)' },
    offline: { type: 'boolean', group: 'model', help: 'use only models that are on this machine' },
  },
  examples: [
    ['afterimage compare mini-clip mini-vit --images photos/', 'by the folders that they are sorted into'],
    [
      'afterimage compare clip-vit-b32 siglip-b16 --images photos/ --captions captions.csv -o compare.html',
      '',
    ],
    ['afterimage compare mini-clip ./my-model --images photos/ --table kinds.csv --label kind', 'by a table'],
  ],
  async run(values, models) {
    const { images, label, split, group, captions, table: file, keep, out, json, quiet, seed } = values;
    if (models.length === 0)
      throw new UsageError('compare: no models', { hint: 'name two or more; see "afterimage models list"' });
    if (images === undefined)
      throw new UsageError('compare: no images', { hint: 'name a folder with --images' });
    if (values.open && out === undefined)
      throw new UsageError('--open shows a page, and none is written', { hint: 'name it with --out FILE' });
    const { compareModels, comparisonPage, comparisonRows } = await import('../../analysis/index.js');
    using interrupt = onInterrupt(() => note('stopping; what was embedded is kept'));
    const lines = new Map<string, ProgressLine>();
    const lineOf = (model: string) => {
      if (!lines.has(model)) lines.set(model, new ProgressLine(`${model}: `));
      return lines.get(model)!;
    };
    const { dtype, threads } = values;
    const found = await compareModels(models, images, {
      label,
      split,
      group,
      captions,
      captionColumn: values['caption-column'],
      captionIdColumn: values['caption-id-column'],
      table: file,
      idColumn: values['id-column'],
      keep,
      seed,
      signal: interrupt.stop,
      embedderOptions: { dtype, threads, ...(values.offline ? { offline: true } : {}) },
      onProgress: quiet ? undefined : (model, progress) => lineOf(model).update(progress),
      onStep: quiet ? undefined : (model, what) => showStatus(`${model}: measuring: ${what}`),
      onFailure: (model, { id, reason, stage }) => {
        if (!quiet) note(`failed: ${id}: ${reason} (${stage}, ${model})`);
      },
      onWarning: (message) => note(`warning: ${message}`),
    }).catch((error: unknown) => {
      if (interrupt.exitCode === undefined) throw error;
    });
    showStatus('');
    if (found === undefined) return interrupt.exitCode!;
    const code = found.refused.length > 0 ? 1 : 0;
    for (const { name, reason } of found.refused) note(`left out: ${name}: ${reason}`);
    for (const { name, failed } of found.models)
      if (failed > 0) note(`${name}: ${plural(failed, 'image')} failed`);
    for (const { name, notes } of found.models)
      for (const text of notes) note(`note: ${text.startsWith(name) ? text : `${name}: ${text}`}`);
    if (out !== undefined) {
      await writeFile(out, comparisonPage(found)).catch((cause: Error) => {
        throw new UsageError(`${out}: it cannot be written (${cause.message})`, { cause });
      });
      if (!quiet) note(`${out}: the plots`);
      if (values.open && !(await openFile(out))) note('there is no desktop to show the page on');
    }
    if (json) {
      const plain = found.models.map((model) => ({ ...model, scores: plainScores(model.scores) }));
      await print(JSON.stringify({ ...found, models: plain }));
      return code;
    }
    const { headings, rows, legend } = comparisonRows(found);
    const [first, ...rest] = headings;
    await print(`${found.images}: ${plural(found.items, 'image')}, the same for every model

${table([first!, ...rest.map((heading) => `${heading} >`)], rows)}
${legend}

${found.verdict}`);
    return code;
  },
});
