/** @file `afterimage classify fit`: learns classes from vectors. */
import { UsageError } from '../../../errors.js';
import { plural } from '../../../units.js';
import { defineCommand } from '../../command.js';
import { onInterrupt } from '../../interrupt.js';
import { quote } from '../../quote.js';
import { openSource, SOURCE_HELP, SOURCE_OPTIONS } from '../../source-options.js';
import { note, print, showStatus } from '../../terminal.js';
import { candidateText, summaryText } from './report.js';

const SCORES = { accuracy: 'accuracy', balanced: 'balancedAccuracy', 'log-loss': 'logLoss' } as const;

export const fit = defineCommand({
  name: 'classify fit',
  usage: '[SOURCE] --out FILE.head [--label COLUMN] [options]',
  summary:
    'Learns classes from labelled vectors, measures how well by cross-validation, and keeps the classifier.',
  details:
    `${SOURCE_HELP} The classes are the cells of a column, by default the folders that the images lie in. The ` +
    'classifier belongs to the model of these vectors. What is reported of a fold comes from what was best on the ' +
    'other folds, so that trying much does not flatter. A class of one image is left out.',
  arity: [0, 1],
  options: {
    label: { type: 'string', value: 'COLUMN', group: 'classes', help: 'the classes (folder by default)' },
    group: {
      type: 'string',
      value: 'COLUMN',
      group: 'classes',
      help: 'items with equal cells are never both learned from and tested on: one product, one person, one scene',
    },
    split: {
      type: 'string',
      value: 'COLUMN',
      group: 'classes',
      help: 'says train or test of each item; id takes it from the folders train, validation, test. Tested on the latter alone',
    },
    method: {
      type: 'string',
      choices: ['logistic', 'svm', 'rbf-svm', 'knn', 'mlp', 'auto'],
      group: 'classifier',
      help: 'what learns (logistic by default); auto compares all but mlp',
    },
    regularization: {
      type: 'number',
      value: 'C',
      min: 0,
      multiple: true,
      group: 'classifier',
      help: 'a value of C to try; may be given several times (1, 10, 100 and 1000, of SVMs 0.1 to 100 by default)',
    },
    k: {
      type: 'integer',
      multiple: true,
      group: 'classifier',
      help: 'a number of neighbours to try, of knn; may be given several times (1, 3, 5, 10 and 20 by default)',
    },
    'class-weights': {
      type: 'string',
      value: 'WEIGHTS',
      group: 'classifier',
      help: '"balanced" counts every class the same; or weights such as "shoes=2,hat=1"',
    },
    calibration: {
      type: 'string',
      choices: ['platt', 'temperature', 'none'],
      group: 'classifier',
      help: 'what makes scores into probabilities (platt for SVMs, none for the others by default)',
    },
    folds: {
      type: 'integer',
      min: 2,
      group: 'validation',
      help: 'parts, each of which is tested once (5 by default)',
    },
    repeats: {
      type: 'integer',
      group: 'validation',
      help: 'do all that so often, with other folds (1 by default)',
    },
    score: {
      type: 'string',
      choices: ['accuracy', 'balanced', 'log-loss'],
      group: 'validation',
      help: 'what decides (accuracy by default; balanced with balanced weights)',
    },
    seed: {
      type: 'integer',
      min: 0,
      group: 'validation',
      help: 'of the folds and the bootstrap (0 by default)',
    },
    out: { type: 'string', short: 'o', value: 'FILE', group: 'output', help: 'the classifier' },
    keep: {
      type: 'integer',
      min: 0,
      group: 'output',
      help: 'training images to keep within it, for neighbours and to know what is unlike them (20000 by default)',
    },
    json: { type: 'boolean', group: 'output', help: 'print all that was measured as one JSON document' },
    ...SOURCE_OPTIONS,
  },
  examples: [
    ['afterimage classify fit clothes/ --out kinds.head', 'a class for each folder of images'],
    [
      'afterimage classify fit photos/ --label kind --group owner --method auto -o kinds.head',
      'the best of four methods',
    ],
    [
      'afterimage classify fit clothes.parquet --split id -o kinds.head',
      'folders train and test as they are',
    ],
  ],
  async run(values, [source]) {
    if (values.out === undefined)
      throw new UsageError('classify fit: where should the classifier be written?', {
        hint: 'name a file with --out',
      });
    const { fitHead } = await import('../../../analysis/index.js');
    using interrupt = onInterrupt(() => undefined);
    await using set = await openSource(source, values, { signal: interrupt.stop });
    const { json, quiet, label, group, split, method, folds, repeats, calibration, seed, keep } = values;
    try {
      await using head = await fitHead(set, {
        label,
        group,
        split,
        method,
        folds,
        repeats,
        calibration,
        seed,
        keep,
        regularization: values.regularization.length > 0 ? values.regularization : undefined,
        neighbours: values.k.length > 0 ? values.k : undefined,
        classWeights: classWeights(values['class-weights']),
        score: values.score && SCORES[values.score],
        signal: interrupt.stop,
        onWarning: (message) => note(`warning: ${message}`),
        onProgress: (done, total, candidate) => {
          if (!quiet)
            showStatus(done === total ? '' : `fit ${done} of ${total}: ${candidateText(candidate)}`);
        },
      });
      await head.save(values.out);
      const { summary } = head;
      if (json) await print(JSON.stringify({ file: values.out, ...summary }));
      else {
        await print(
          `${summary.source}: ${plural(summary.items, 'image')} of ${plural(summary.names.length, 'class', 'classes')} (${summary.label})\n\n${summaryText(summary)}`,
        );
        if (!quiet)
          note(
            `${values.out}: ${candidateText(summary.chosen)}; "afterimage classify predict ${quote(values.out)} SOURCE" applies it`,
          );
      }
      return 0;
    } finally {
      showStatus('');
    }
  },
});

/** `balanced`, or `NAME=WEIGHT,…`. */
function classWeights(text: string | undefined): 'balanced' | Record<string, number> | undefined {
  if (text === undefined || text === 'balanced') return text;
  const weights = text.split(',').map((part): [string, number] => {
    const [, name, weight] = /^(.+)=([^=]+)$/.exec(part.trim()) ?? [];
    if (name === undefined || !(Number(weight) > 0))
      throw new UsageError(`--class-weights: expected "balanced" or NAME=WEIGHT,… but received "${text}"`);
    return [name, Number(weight)];
  });
  return Object.fromEntries(weights);
}
