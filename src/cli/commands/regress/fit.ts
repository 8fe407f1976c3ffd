/** @file `afterimage regress fit`: learns to predict a number from images and other columns. */
import { plural } from '../../../units.js';
import { defineCommand } from '../../command.js';
import { onInterrupt } from '../../interrupt.js';
import { quote } from '../../quote.js';
import { openSource, SOURCE_HELP, SOURCE_OPTIONS } from '../../source-options.js';
import { note, print, showStatus } from '../../terminal.js';
import { ITEM_OPTIONS, itemOf } from './options.js';
import { candidateText, summaryText } from './report.js';

export const fit = defineCommand({
  name: 'regress fit',
  usage: '[SOURCE] --target COLUMN [--with COLUMN …] [--out FILE.regression] [options]',
  summary: 'Learns to predict a number from images, and measures how well and what the images add.',
  details:
    `${SOURCE_HELP} The number is a cell of a column, of the collection or of a --table. Measured by cross-validation, beside ` +
    'what the other columns reach alone, the mean, and images of other items; every prediction has an interval whose ' +
    'coverage is measured, too. Where items have several images, --item says which belong together, and the rows of ' +
    'a --table are about items.',
  arity: [0, 1],
  options: {
    target: { type: 'string', value: 'COLUMN', group: 'numbers', help: 'what is to be predicted' },
    log: {
      type: 'boolean',
      group: 'numbers',
      help: 'fit its logarithm: for prices, counts and whatever differs by factors',
    },
    with: {
      type: 'string',
      value: 'COLUMN',
      multiple: true,
      group: 'numbers',
      help: 'a column to predict from, too; may be given several times, or with commas. Texts are taken as names',
    },
    category: {
      type: 'string',
      value: 'COLUMN',
      multiple: true,
      group: 'numbers',
      help: 'such a column whose numbers are names, as postal codes are',
    },
    ...ITEM_OPTIONS,
    pool: {
      type: 'string',
      choices: ['concat', 'mean'],
      group: 'items',
      help: 'several images as one: side by side by their role (the default where roles are known), or their mean',
    },
    group: {
      type: 'string',
      value: 'COLUMN',
      group: 'items',
      help: 'items with equal cells are never both learned from and tested on: one owner, one street',
    },
    method: {
      type: 'string',
      choices: ['ridge', 'kernel-ridge', 'svr', 'knn', 'trees', 'auto'],
      group: 'regressor',
      help: 'what learns (ridge by default); auto compares all but svr',
    },
    alpha: {
      type: 'number',
      min: 0,
      value: 'A',
      multiple: true,
      group: 'regressor',
      help: 'a penalty to try, of ridge and kernel-ridge; may be given several times',
    },
    k: {
      type: 'integer',
      multiple: true,
      group: 'regressor',
      help: 'a number of neighbours to try, of knn; may be given several times',
    },
    folds: { type: 'integer', min: 2, group: 'regressor', help: 'of the cross-validation (5 by default)' },
    permutations: {
      type: 'integer',
      min: 0,
      group: 'regressor',
      help: 'how often images are dealt to other items, to see what chance reaches (20 by default)',
    },
    level: {
      type: 'number',
      min: 0,
      value: 'SHARE',
      group: 'regressor',
      help: 'how often intervals are to hold the number (0.9 by default)',
    },
    seed: {
      type: 'integer',
      min: 0,
      group: 'regressor',
      help: 'of folds, permutations and trees (0 by default)',
    },
    out: { type: 'string', short: 'o', value: 'FILE', group: 'output', help: 'keep what was learned here' },
    keep: {
      type: 'integer',
      min: 0,
      group: 'output',
      help: 'items to keep within it, to show the nearest beside predictions (20000 by default)',
    },
    json: { type: 'boolean', group: 'output', help: 'print all that was measured as one JSON document' },
    ...SOURCE_OPTIONS,
  },
  examples: [
    ['afterimage regress fit photos/ --table sales.csv --target sold --log', 'what pictures say of sales'],
    [
      String.raw`afterimage regress fit houses/ --item "(\d+)_(\w+)" --table houses.csv --id-column house --target price --with area,rooms --category zip --log -o price.regression`,
      'four photographs of each house, beside its area and rooms',
    ],
  ],
  async run(values, [source]) {
    const { UsageError } = await import('../../../errors.js');
    const { target, json, quiet, group, method, folds, permutations, level, seed, keep, pool, role } = values;
    if (target === undefined)
      throw new UsageError('regress fit: what is to be predicted?', { hint: 'name a column with --target' });
    const { fitRegression } = await import('../../../analysis/index.js');
    const item = itemOf(values.item);
    using interrupt = onInterrupt(() => undefined);
    await using set = await openSource(source, values, { signal: interrupt.stop, item });
    try {
      await using regression = await fitRegression(set, {
        target,
        transform: values.log ? 'log' : 'none',
        columns: named(values.with),
        categories: named(values.category),
        item,
        role,
        pool,
        group,
        method,
        alpha: values.alpha.length > 0 ? values.alpha : undefined,
        neighbours: values.k.length > 0 ? values.k : undefined,
        folds,
        permutations,
        level,
        seed,
        keep,
        signal: interrupt.stop,
        onWarning: (message) => note(`warning: ${message}`),
        onProgress: (done, total, what) => {
          if (!quiet) showStatus(done === total ? '' : `fold ${done + 1} of ${total}: ${what}`);
        },
      });
      if (values.out !== undefined) await regression.save(values.out);
      const { summary } = regression;
      showStatus('');
      if (json) await print(JSON.stringify({ file: values.out, ...summary }));
      else {
        const images = summary.images > summary.items ? ` with ${plural(summary.images, 'image')}` : '';
        await print(
          `${summary.source}: ${target} of ${plural(summary.items, 'item')}${images}\n\n${summaryText(summary)}`,
        );
        if (!quiet)
          note(
            values.out === undefined
              ? 'nothing was kept; --out FILE keeps what was learned, to predict with'
              : `${values.out}: ${candidateText(summary.chosen)}; "afterimage regress predict ${quote(values.out)} SOURCE" applies it`,
          );
      }
      return 0;
    } finally {
      showStatus('');
    }
  },
});

/** Names that were given one by one or with commas. */
function named(given: readonly string[]): string[] {
  return given
    .flatMap((text) => text.split(','))
    .map((name) => name.trim())
    .filter((name) => name !== '');
}
