/** @file `afterimage representative`: a few items that show what there is. */
import { UsageError } from '../../errors.js';
import { count } from '../../units.js';
import { defineCommand } from '../command.js';
import { onInterrupt } from '../interrupt.js';
import { RANKED_OPTIONS, showRanked } from '../ranked.js';
import { openSource, SOURCE_HELP, SOURCE_OPTIONS } from '../source-options.js';

export const representative = defineCommand({
  name: 'representative',
  usage: 'N [SOURCE] [--method medoids|core-set] [options]',
  summary: 'Chooses N items that stand for all.',
  details:
    `${SOURCE_HELP} Lines are path, the number of items that it stands for, and the distance to the farthest of them. ` +
    'medoids are in the middle of N clusters and show what is frequent; the core-set leaves nothing far away and shows ' +
    'the rare, too: good for choosing what to label. --save writes the path of the one that stands for it beside every item.',
  arity: [1, 2],
  options: {
    method: {
      type: 'string',
      choices: ['medoids', 'core-set'],
      value: 'NAME',
      group: 'method',
      help: 'medoids (by default) or core-set',
    },
    seed: { type: 'integer', min: 0, group: 'method', help: 'of what is drawn at random (0 by default)' },
    ...RANKED_OPTIONS,
    ...SOURCE_OPTIONS,
  },
  examples: [
    ['afterimage representative 24 photos/ --open', 'what these photographs show'],
    ['afterimage representative 200 vectors.parquet --method core-set --top 0', 'what to label first'],
  ],
  async run(values, [wanted, source]) {
    if (!/^\d+$/.test(wanted!))
      throw new UsageError(`representative: expected a number of items but received "${wanted}"`, {
        hint: 'afterimage representative 24 photos/',
      });
    using interrupt = onInterrupt(() => undefined);
    await using set = await openSource(source, values, { signal: interrupt.stop });
    const { representatives } = await import('../../analysis/index.js');
    const { items, owners } = await representatives(set, Number(wanted), {
      ...values,
      signal: interrupt.stop,
    });
    await showRanked(
      set,
      {
        title: `${count(items.length)} of ${count(set.count)} that stand for all`,
        items: items.map(({ row, standsFor, radius }) => ({
          row,
          values: { standsFor, radius },
          caption: `${count(standsFor)} like it`,
        })),
        column: { type: 'text', cells: Array.from(owners, (owner) => items[owner]!.id) },
      },
      { ...values, top: values.top ?? 0 },
    );
    return 0;
  },
});
