/** @file `afterimage outliers`: the items that are unlike the others. */
import { count, plural } from '../../units.js';
import { defineCommand } from '../command.js';
import { onInterrupt } from '../interrupt.js';
import { RANKED_OPTIONS, showRanked } from '../ranked.js';
import { openSource, SOURCE_HELP, SOURCE_OPTIONS } from '../source-options.js';
import { note, showStatus } from '../terminal.js';

export const outliers = defineCommand({
  name: 'outliers',
  usage: '[SOURCE] [--method distance|density|reconstruction] [options]',
  summary: 'Finds the items that are unlike the others.',
  details:
    `${SOURCE_HELP} Lines are path, score, whether that is out of the ordinary (3.5 robust standard deviations), and the ` +
    'nearest other item. distance finds what is far from everything, density what lies apart from a crowd of its own ' +
    'kind, reconstruction what an autoencoder cannot draw (train one on your own images: "afterimage train autoencoder").',
  arity: [0, 1],
  options: {
    method: {
      type: 'string',
      choices: ['distance', 'density', 'reconstruction'],
      value: 'NAME',
      group: 'method',
      help: 'distance (by default), density (local outlier factor) or reconstruction',
    },
    neighbors: {
      type: 'integer',
      short: 'k',
      group: 'method',
      help: 'neighbours that are looked at (10 by default)',
    },
    autoencoder: {
      type: 'string',
      value: 'MODEL',
      group: 'method',
      help: 'for reconstruction; by default the bundled mini-autoencoder',
    },
    ...RANKED_OPTIONS,
    ...SOURCE_OPTIONS,
  },
  examples: [
    ['afterimage outliers photos/ --open', 'the twenty strangest, as a page'],
    ['afterimage outliers vectors.parquet --method density --top 100', 'from a file of embeddings'],
  ],
  async run(values, [source]) {
    using interrupt = onInterrupt(() => undefined);
    await using set = await openSource(source, values, { signal: interrupt.stop });
    const { findOutliers } = await import('../../analysis/index.js');
    const { quiet, method, neighbors, autoencoder } = values;
    const { items, bound } = await findOutliers(set, {
      method,
      k: neighbors,
      autoencoder,
      signal: interrupt.stop,
      onProgress: (done, total) => {
        if (!quiet) showStatus(`${count(done)} of ${count(total)}`);
      },
      onFailure: ({ id, reason }) => note(`failed: ${id}: ${reason}`),
    }).finally(() => showStatus(''));
    const cells = new Array<number | null>(set.count).fill(null);
    for (const { row, score } of items) cells[row] = score;
    await showRanked(
      set,
      {
        title: 'Unlike the others',
        items: items.map(({ row, score, outlier, nearest }) => ({
          row,
          values: { score, outlier, nearest: nearest?.id ?? null },
          caption: `${score.toPrecision(3)}${outlier ? '' : ' (ordinary)'}`,
        })),
        column: { type: 'number', cells },
      },
      values,
    );
    const strange = items.filter(({ outlier }) => outlier).length;
    if (!quiet)
      note(
        `${plural(strange, 'item')} of ${count(set.count)} out of the ordinary (above ${bound.toPrecision(3)})`,
      );
    return 0;
  },
});
