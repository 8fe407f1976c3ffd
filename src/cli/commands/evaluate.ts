/** @file `afterimage evaluate`: how good vectors are for the classes or captions that the data have. */
import { plural } from '../../units.js';
import { defineCommand } from '../command.js';
import { plainScores, scoreTables } from '../score-table.js';
import { openSource, SOURCE_HELP, SOURCE_OPTIONS } from '../source-options.js';
import { note, print, showStatus } from '../terminal.js';

/** Where classes and captions are, the same for every command that measures by them. */
export const TRUTH_OPTIONS = {
  label: {
    type: 'string',
    value: 'COLUMN',
    group: 'truth',
    help: 'the classes (by default the folder that each image lies in)',
  },
  split: {
    type: 'string',
    value: 'COLUMN',
    group: 'truth',
    help: 'says train or test; "id" takes it from the path. By default each image is measured by the others',
  },
  group: {
    type: 'string',
    value: 'COLUMN',
    group: 'truth',
    help: 'items with equal cells do not judge one another, and are drawn together for the intervals',
  },
  captions: {
    type: 'string',
    value: 'FILE',
    group: 'truth',
    help: 'a CSV, JSON Lines or Parquet file with a line for each caption, several for an image if you like',
  },
  'caption-column': {
    type: 'string',
    value: 'NAME',
    group: 'truth',
    help: 'its column with the texts (by default caption, text, sentence, description or title)',
  },
  'caption-id-column': {
    type: 'string',
    value: 'NAME',
    group: 'truth',
    help: 'its column that names the images (by default id, path, file, filename or image)',
  },
  seed: { type: 'integer', min: 0, group: 'output', help: 'of folds, samples and intervals (0 by default)' },
} as const;

export const evaluate = defineCommand({
  name: 'evaluate',
  usage: '[SOURCE] [--label COLUMN] [--split COLUMN] [--captions FILE] [options]',
  summary: 'Says how good vectors are for search and for telling classes apart, with intervals.',
  details:
    `${SOURCE_HELP} With classes: a search among the vectors, votes of neighbours, a linear probe, clusters, and ` +
    'zero-shot where the model has text. With captions: how texts find images and images texts. Everything that the ' +
    'data allow is measured; an interval holds 95 % of 1000 bootstrap resamples (200 for clusters).',
  arity: [0, 1],
  options: {
    ...TRUTH_OPTIONS,
    map: {
      type: 'boolean',
      group: 'truth',
      help: 'measure a map, too: that of "afterimage map --save", else a UMAP; needs no classes',
    },
    json: { type: 'boolean', group: 'output', help: 'print all that was measured as one JSON document' },
    ...SOURCE_OPTIONS,
  },
  examples: [
    ['afterimage evaluate photos/', 'by the folders that they are sorted into'],
    ['afterimage evaluate vectors.parquet --split id', 'train/ and test/ are parts of the paths'],
    ['afterimage evaluate --label kind --where "year = 2024"', 'a part of the collection here, by a column'],
    ['afterimage evaluate photos/ --captions captions.csv', 'texts and images'],
  ],
  async run(values, [source]) {
    const { evaluateSet } = await import('../../analysis/index.js');
    const { label, split, group, captions, seed, json, quiet } = values;
    await using set = await openSource(source, values);
    const found = await evaluateSet(set, {
      label,
      split,
      group,
      captions,
      map: values.map,
      captionColumn: values['caption-column'],
      captionIdColumn: values['caption-id-column'],
      seed,
      onStep: quiet ? undefined : (what) => showStatus(`measuring: ${what}`),
    });
    showStatus('');
    for (const text of found.notes) note(`note: ${text}`);
    if (json) {
      await print(JSON.stringify({ ...found, scores: plainScores(found.scores) }));
      return 0;
    }
    const about = [`${plural(found.items, 'vector')} of ${found.dimension} numbers`];
    if (found.identity) about.push(found.identity.model);
    const { labels, captions: texts } = found;
    if (labels) about.push(`${plural(labels.names.length, 'class', 'classes')} (${labels.column})`);
    if (labels && split) about.push(`${labels.test} measured by ${labels.train}`);
    if (texts) about.push(`${plural(texts.texts, 'caption')} of ${plural(texts.images, 'image')}`);
    await print(`${found.source}: ${about.join(' · ')}\n\n${scoreTables(found.scores)}`);
    return 0;
  },
});
