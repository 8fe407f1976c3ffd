/** @file `afterimage uniqueness`: how much each item has of its own. */
import { defineCommand } from '../command.js';
import { onInterrupt } from '../interrupt.js';
import { RANKED_OPTIONS, showRanked } from '../ranked.js';
import { openSource, SOURCE_HELP, SOURCE_OPTIONS } from '../source-options.js';

export const uniqueness = defineCommand({
  name: 'uniqueness',
  usage: '[SOURCE] [--least] [options]',
  summary: 'Says how much each item adds to the collection.',
  details:
    `${SOURCE_HELP} Lines are path, uniqueness (the share of the items that are less unique, 0 to 1), the distance to its ` +
    'three nearest neighbours, and the nearest. The most unique come first.',
  arity: [0, 1],
  options: {
    least: { type: 'boolean', group: 'output', help: 'the least unique first: what could be left out' },
    ...RANKED_OPTIONS,
    ...SOURCE_OPTIONS,
  },
  examples: [
    ['afterimage uniqueness photos/ --save uniqueness', 'then search --where "uniqueness > 0.5"'],
    ['afterimage uniqueness photos/ --least --open', 'what has most likes'],
  ],
  async run(values, [source]) {
    using interrupt = onInterrupt(() => undefined);
    await using set = await openSource(source, values, { signal: interrupt.stop });
    const analysis = await import('../../analysis/index.js');
    const items = await analysis.uniqueness(set, { signal: interrupt.stop });
    const cells = new Array<number>(set.count).fill(0);
    for (const { row, uniqueness: share } of items) cells[row] = share;
    if (values.least) items.reverse();
    await showRanked(
      set,
      {
        title: values.least ? 'The least unique' : 'The most unique',
        items: items.map(({ row, uniqueness: share, distance, nearest }) => ({
          row,
          values: { uniqueness: share, distance, nearest },
          caption: share.toFixed(3),
        })),
        column: { type: 'number', cells },
      },
      values,
    );
    return 0;
  },
});
