/** @file `afterimage regress predict`: the number of each item. */
import { open } from 'node:fs/promises';
import type { FilledColumn, NumberPrediction, Regression, VectorSet } from '../../../analysis/index.js';
import { csvCell } from '../../../embedding/formats/csv.js';
import { UsageError } from '../../../errors.js';
import { plural } from '../../../units.js';
import { defineCommand } from '../../command.js';
import { onInterrupt } from '../../interrupt.js';
import { openSource, SOURCE_HELP, SOURCE_OPTIONS } from '../../source-options.js';
import { note, print } from '../../terminal.js';
import { ITEM_OPTIONS, itemOf } from './options.js';

export const predict = defineCommand({
  name: 'regress predict',
  usage: 'REGRESSION [SOURCE] [--save COLUMN] [options]',
  summary: 'Says the number of each item, with an interval and what it is most like.',
  details:
    `REGRESSION is a file of "afterimage regress fit". ${SOURCE_HELP} Images are embedded by its model. Lines on standard ` +
    'output are item, number, and the ends of its interval, with tabs between them; with --neighbors, cosine, number and ' +
    'name of each item that was learned from follow. Columns that were learned from have to be there.',
  arity: [1, 2],
  options: {
    ...ITEM_OPTIONS,
    neighbors: {
      type: 'integer',
      short: 'n',
      group: 'output',
      help: 'the nearest of what was learned from (0 by default)',
    },
    save: {
      type: 'string',
      value: 'COLUMN',
      group: 'output',
      help: 'keep the number in this column of the collection, for --where, and COLUMN_low and COLUMN_high',
    },
    out: { type: 'string', short: 'o', value: 'FILE', group: 'output', help: 'write CSV here instead' },
    json: { type: 'boolean', group: 'output', help: 'print a JSON object for each item' },
    ...SOURCE_OPTIONS,
  },
  examples: [
    ['afterimage regress predict sold.regression photos/', 'image, number, interval'],
    [
      'afterimage regress predict price.regression new/ --table new.csv --id-column house --neighbors 3 --json',
      'houses with what they are like',
    ],
  ],
  async run(values, [file, source]) {
    const { loadRegression, predictNumbers } = await import('../../../analysis/index.js');
    const { save, out, json, quiet, role, neighbors: neighbours } = values;
    using interrupt = onInterrupt(() => undefined);
    await using regression = await loadRegression(file!);
    const { model = regression.identity?.model } = values;
    const item = itemOf(values.item) ?? regression.summary.input.item;
    await using set = await openSource(source, { ...values, model }, { signal: interrupt.stop, item });
    if (save !== undefined && set.kind !== 'collection')
      throw new UsageError(`${set.source}: --save keeps numbers in a collection, and this is none`, {
        hint: '--out FILE writes a table instead',
      });
    const written = out === undefined ? undefined : await openTable(out);
    try {
      await written?.write(`${heading(regression, neighbours ?? 0)}\n`);
      const all: NumberPrediction[] = [];
      let count = 0;
      for await (const prediction of predictNumbers(regression, set, { item, role, neighbours })) {
        if (interrupt.exitCode !== undefined) return interrupt.exitCode;
        count++;
        if (save !== undefined) all.push(prediction);
        const line = json ? jsonLine(set, prediction) : cells(set, prediction).join('\t');
        if (written) await written.write(`${json ? line : cells(set, prediction).map(csvCell).join(',')}\n`);
        else await print(line);
      }
      if (save !== undefined) await set.save(columnsOf(save, set.count, all));
      if (!quiet && out !== undefined) note(`${out}: ${plural(count, 'item')}`);
      return 0;
    } finally {
      await written?.close();
    }
  },
});

async function openTable(file: string) {
  return open(file, 'w').catch((cause: Error) => {
    throw new UsageError(`${file}: it cannot be written (${cause.message})`, { cause });
  });
}

function heading({ summary }: Regression, neighbours: number): string {
  const near = Array.from({ length: neighbours }, (_, i) =>
    ['cosine', summary.target, 'id'].map((what) => `neighbour_${i + 1}_${what}`),
  );
  return ['item', summary.target, 'low', 'high', ...near.flat()].map(csvCell).join(',');
}

/** An image's own path where the item is the image alone. */
function nameOf(set: VectorSet, { id, images }: NumberPrediction): string {
  return images.length === 1 && set.ids[images[0]!] === id ? set.file(images[0]!) : id;
}

function cells(set: VectorSet, prediction: NumberPrediction): string[] {
  const { value, low, high, neighbours } = prediction;
  return [
    nameOf(set, prediction),
    ...[value, low, high].map(digits),
    ...neighbours.flatMap(({ id, target, score }) => [score.toFixed(4), digits(target), id]),
  ];
}

function jsonLine(set: VectorSet, prediction: NumberPrediction): string {
  const { value, low, high, neighbours, images } = prediction;
  const files = images.map((row) => set.file(row));
  return JSON.stringify({ item: nameOf(set, prediction), value, low, high, images: files, neighbours });
}

/** Six digits that count, no exponent where it can be helped. */
function digits(value: number): string {
  return String(Number(value.toPrecision(6)));
}

function columnsOf(name: string, count: number, predictions: readonly NumberPrediction[]): FilledColumn[] {
  const ends = { [name]: 'value', [`${name}_low`]: 'low', [`${name}_high`]: 'high' } as const;
  return Object.entries(ends).map(([column, end]) => {
    const own = new Array<number | null>(count).fill(null);
    for (const prediction of predictions)
      for (const row of prediction.images) own[row] = prediction[end as 'value' | 'low' | 'high'];
    return { name: column, type: 'number', cells: own };
  });
}
