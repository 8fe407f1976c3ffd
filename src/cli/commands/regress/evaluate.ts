/** @file `afterimage regress evaluate`: how good a regression is on items whose numbers are known. */
import { defineCommand } from '../../command.js';
import { openSource, SOURCE_HELP, SOURCE_OPTIONS } from '../../source-options.js';
import { note, print } from '../../terminal.js';
import { ITEM_OPTIONS, itemOf } from './options.js';
import { reportText } from './report.js';

export const evaluate = defineCommand({
  name: 'regress evaluate',
  usage: 'REGRESSION [SOURCE] [--target COLUMN] [options]',
  summary: 'Measures a regression on items whose numbers are known.',
  details:
    `REGRESSION is a file of "afterimage regress fit". ${SOURCE_HELP} Give it items that it has not learned from. They ` +
    'need the columns that were learned from.',
  arity: [1, 2],
  options: {
    target: {
      type: 'string',
      value: 'COLUMN',
      group: 'numbers',
      help: 'the numbers (by default the column that it was fitted to)',
    },
    group: {
      type: 'string',
      value: 'COLUMN',
      group: 'numbers',
      help: 'items with equal cells are drawn together for the intervals',
    },
    ...ITEM_OPTIONS,
    seed: { type: 'integer', min: 0, group: 'output', help: 'of the bootstrap (0 by default)' },
    json: { type: 'boolean', group: 'output', help: 'print all that was measured as one JSON document' },
    ...SOURCE_OPTIONS,
  },
  examples: [
    [
      'afterimage regress evaluate price.regression new/ --table new.csv --id-column house',
      'houses of this year',
    ],
  ],
  async run(values, [file, source]) {
    const { evaluateRegression, loadRegression } = await import('../../../analysis/index.js');
    const { target, group, role, seed, json } = values;
    await using regression = await loadRegression(file!);
    const { model = regression.identity?.model } = values;
    const item = itemOf(values.item) ?? regression.summary.input.item;
    await using set = await openSource(source, { ...values, model }, { item });
    const found = await evaluateRegression(regression, set, { target, group, item, role, seed });
    for (const warning of found.warnings) note(`warning: ${warning}`);
    if (json) await print(JSON.stringify({ file, source: set.source, ...found }));
    else await print(`${file} on ${set.source}\n\n${reportText(found.report, found.coverage)}`);
    return 0;
  },
});
