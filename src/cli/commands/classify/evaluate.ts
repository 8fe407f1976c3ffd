/** @file `afterimage classify evaluate`: how good a classifier is on images whose classes are known. */
import { plural } from '../../../units.js';
import { defineCommand } from '../../command.js';
import { openSource, SOURCE_HELP, SOURCE_OPTIONS } from '../../source-options.js';
import { note, print } from '../../terminal.js';
import { reportText } from './report.js';

export const evaluate = defineCommand({
  name: 'classify evaluate',
  usage: 'HEAD [SOURCE] [--label COLUMN] [options]',
  summary: 'Measures a classifier on images whose classes are known.',
  details:
    `HEAD is a file of "afterimage classify fit". ${SOURCE_HELP} Give it images that it has not learned from, such as ` +
    'those of a test folder. Images of classes that it does not know are left out and counted.',
  arity: [1, 2],
  options: {
    label: {
      type: 'string',
      value: 'COLUMN',
      group: 'classes',
      help: 'the classes (by default the column that it was fitted to)',
    },
    group: {
      type: 'string',
      value: 'COLUMN',
      group: 'classes',
      help: 'items with equal cells are drawn together for the intervals',
    },
    seed: { type: 'integer', min: 0, group: 'output', help: 'of the bootstrap (0 by default)' },
    json: { type: 'boolean', group: 'output', help: 'print all that was measured as one JSON document' },
    ...SOURCE_OPTIONS,
  },
  examples: [
    ['afterimage classify evaluate kinds.head test/', 'a folder for each class'],
    [
      'afterimage classify evaluate kinds.head photos/ --label kind --where "year = 2024"',
      'a part of a collection',
    ],
  ],
  async run(values, [file, source]) {
    const { evaluateHead, loadHead } = await import('../../../analysis/index.js');
    const { label, group, seed, json } = values;
    await using head = await loadHead(file!);
    const { model = head.identity?.model } = values;
    await using set = await openSource(source, { ...values, model });
    const { report, warnings } = await evaluateHead(head, set, { label, group, seed });
    for (const warning of warnings) note(`warning: ${warning}`);
    if (json)
      await print(JSON.stringify({ file, source: set.source, names: head.names, ...report, warnings }));
    else
      await print(
        `${file} on ${set.source}: ${plural(report.count, 'image')}\n\n${reportText(report, head.names)}`,
      );
    return 0;
  },
});
