/** @file `afterimage train projection`: learns a linear map of embeddings that exist. */
import { defineCommand } from '../../command.js';
import { quote } from '../../quote.js';
import { METRIC_OPTIONS, metricOptions } from '../../train-metric-options.js';
import { LOOP_OPTIONS, loopOptions } from '../../train-options.js';
import { showTraining } from '../../training-report.js';

export const projection = defineCommand({
  name: 'train projection',
  usage: 'VECTORS --out DIR [options]',
  summary: 'Trains a linear projection of embeddings to fewer dimensions.',
  details:
    'VECTORS is what "afterimage embed --out" wrote. The folder in the id of a vector is its label, or --labels ' +
    'names a CSV, Parquet or JSONL file with ids and labels. No image is read: the cheap way for a big collection. ' +
    '"afterimage project" applies what was learned.',
  options: {
    labels: {
      type: 'string',
      value: 'FILE',
      group: 'data',
      help: 'a CSV, Parquet or JSONL file with the label of each id',
    },
    'path-column': { type: 'string', value: 'NAME', group: 'data', help: 'its column of ids' },
    'label-column': { type: 'string', value: 'NAME', group: 'data', help: 'its column of labels' },
    validation: {
      type: 'number',
      value: 'PART',
      group: 'data',
      help: 'part of the vectors held out to choose the best epoch (0.1 by default, up to 0.3 of small classes; 0 keeps the last)',
    },
    ...METRIC_OPTIONS,
    ...LOOP_OPTIONS,
  },
  arity: [1, 1],
  examples: [
    ['afterimage embed products/ -o products.parquet', 'the vectors, of a folder for each class'],
    ['afterimage train projection products.parquet -o map64 --dimension 64', 'the projection'],
    ['afterimage project products.parquet --with map64 -o small.parquet', 'the vectors of 64 numbers'],
  ],
  async run(values, [data], argv) {
    const { trainProjection } = await import('../../../training/index.js');
    const options = {
      ...loopOptions(values),
      ...metricOptions(values),
      data: data!,
      labels: values.labels,
      idColumn: values['path-column'],
      labelColumn: values['label-column'],
      validation: values.validation,
    };
    const next = (folder: string) => `project ${quote(data!)} --with ${folder} --out small.npy`;
    return showTraining({ command: 'train projection', argv, values, next }, (hooks) =>
      trainProjection(options, hooks),
    );
  },
});
