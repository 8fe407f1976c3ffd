/** @file `afterimage mistakes`: labels that are probably wrong. */
import { count, plural } from '../../units.js';
import { defineCommand } from '../command.js';
import { onInterrupt } from '../interrupt.js';
import { RANKED_OPTIONS, showRanked } from '../ranked.js';
import { openSource, SOURCE_HELP, SOURCE_OPTIONS } from '../source-options.js';
import { note, showStatus } from '../terminal.js';

export const mistakes = defineCommand({
  name: 'mistakes',
  usage: '[SOURCE] [--label COLUMN] [options]',
  summary: 'Finds labels that are probably wrong.',
  details:
    `${SOURCE_HELP} A classifier that has not seen the item, and its neighbours, are asked. Lines are path, the label, the ` +
    'suggested one, the probability of each, and which share of the ten nearest neighbours has each; the most doubtful ' +
    'first. --save writes the suggested label (nothing for those that are not in doubt).',
  arity: [0, 1],
  options: {
    label: {
      type: 'string',
      value: 'COLUMN',
      group: 'labels',
      help: 'the column with the labels (by default the folder)',
    },
    group: {
      type: 'string',
      value: 'COLUMN',
      group: 'labels',
      help: 'items with equal cells are never used to judge one another',
    },
    neighbors: {
      type: 'integer',
      short: 'k',
      group: 'method',
      help: 'neighbours that are asked (10 by default)',
    },
    folds: { type: 'integer', min: 2, group: 'method', help: 'parts of the cross-validation (5 by default)' },
    seed: { type: 'integer', min: 0, group: 'method', help: 'of what is drawn at random (0 by default)' },
    ...RANKED_OPTIONS,
    ...SOURCE_OPTIONS,
  },
  examples: [
    ['afterimage mistakes products/ --open', 'what lies in the wrong folder, as a page'],
    ['afterimage mistakes photos/ --label kind --table kinds.csv -o doubtful.csv', 'labels from a table'],
  ],
  async run(values, [source]) {
    using interrupt = onInterrupt(() => undefined);
    await using set = await openSource(source, values, { signal: interrupt.stop });
    const { findMistakes } = await import('../../analysis/index.js');
    const { label, group, neighbors, folds, seed, quiet } = values;
    const report = await findMistakes(set, {
      label,
      group,
      k: neighbors,
      folds,
      seed,
      signal: interrupt.stop,
      onProgress: (done, total) => {
        if (!quiet) showStatus(`fitted ${done} of ${total}`);
      },
      onWarning: (message) => note(`warning: ${message}`),
    }).finally(() => showStatus(''));
    const cells = new Array<string | null>(set.count).fill(null);
    for (const { row, suggested } of report.items) cells[row] = suggested;
    await showRanked(
      set,
      {
        title: 'Labels in doubt',
        items: report.items.map(({ row, given, suggested, ...said }) => ({
          row,
          values: {
            given,
            suggested,
            confidence: said.confidence,
            suggestedConfidence: said.suggestedConfidence,
            agreeing: said.agreeing,
            suggesting: said.suggesting,
          },
          caption: `${given} → ${suggested}?`,
        })),
        column: { type: 'text', cells },
      },
      values,
    );
    const { value, low, high } = report.accuracy;
    if (!quiet)
      note(
        `${plural(report.items.length, 'label')} of ${count(report.count)} in doubt, by a classifier that is right for ` +
          `${(100 * value).toFixed(1)} % [${(100 * low).toFixed(1)}, ${(100 * high).toFixed(1)}] of them`,
      );
    return 0;
  },
});
