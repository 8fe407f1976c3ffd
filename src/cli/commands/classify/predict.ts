/** @file `afterimage classify predict`: the class of each image. */
import { open } from 'node:fs/promises';
import type { FilledColumn, Prediction } from '../../../analysis/index.js';
import { UsageError } from '../../../errors.js';
import { plural } from '../../../units.js';
import { defineCommand } from '../../command.js';
import { onInterrupt } from '../../interrupt.js';
import { openSource, SOURCE_HELP, SOURCE_OPTIONS } from '../../source-options.js';
import { note, print } from '../../terminal.js';

export const predict = defineCommand({
  name: 'classify predict',
  usage: 'HEAD [SOURCE] [--save COLUMN] [options]',
  summary: 'Says which class each image is of, and which it is unlike.',
  details:
    `HEAD is a file of "afterimage classify fit". ${SOURCE_HELP} Images are embedded by the model of the HEAD. Lines on ` +
    'standard output are path, class, probability and, for an image that is unlike all that was learned from, "unlike", ' +
    'with tabs between them; with --neighbors, cosine and id of each training image follow.',
  arity: [1, 2],
  options: {
    top: { type: 'integer', short: 't', group: 'output', help: 'classes for each image (1 by default)' },
    neighbors: {
      type: 'integer',
      short: 'n',
      group: 'output',
      help: 'the nearest training images of each (0 by default)',
    },
    save: {
      type: 'string',
      value: 'COLUMN',
      group: 'output',
      help: 'keep the class in this column of the collection, for --where, and COLUMN_probability and COLUMN_unlike',
    },
    out: { type: 'string', short: 'o', value: 'FILE', group: 'output', help: 'write CSV here instead' },
    json: { type: 'boolean', group: 'output', help: 'print a JSON object for each image' },
    ...SOURCE_OPTIONS,
  },
  examples: [
    ['afterimage classify predict kinds.head new-photos/', 'path, class, probability'],
    ['afterimage classify predict kinds.head photos/ --save kind', 'a column of the collection in photos/'],
    [
      'afterimage classify predict kinds.head photos/ --top 3 --neighbors 3 --json',
      'all that is known of each',
    ],
  ],
  async run(values, [file, source]) {
    const { loadHead, predict: predictions } = await import('../../../analysis/index.js');
    const { top, neighbors, save, out, json, quiet } = values;
    using interrupt = onInterrupt(() => undefined);
    await using head = await loadHead(file!);
    const { model = head.identity?.model } = values;
    await using set = await openSource(source, { ...values, model }, { signal: interrupt.stop });
    if (save !== undefined && set.kind !== 'collection')
      throw new UsageError(`${set.source}: --save keeps classes in a collection, and this is none`, {
        hint: '--out FILE writes a table instead',
      });
    await using output = await Output.open(out, json, neighbors ?? 0);
    const kept: Prediction[] = [];
    let unlike = 0;
    for await (const prediction of predictions(head, set, { top, neighbours: neighbors })) {
      if (interrupt.exitCode !== undefined) return interrupt.exitCode;
      await output.add(set.file(prediction.row), prediction);
      if (prediction.unlike) unlike++;
      if (save !== undefined) kept.push(prediction);
    }
    if (save !== undefined) await set.save(columnsOf(save, kept));
    if (!quiet && unlike > 0)
      note(`${plural(unlike, 'image')} of ${set.count} unlike anything seen in training`);
    if (!quiet && out !== undefined) note(`${out}: ${plural(set.count, 'image')}`);
    return 0;
  },
});

function columnsOf(name: string, predictions: readonly Prediction[]): FilledColumn[] {
  return [
    { name, type: 'text', cells: predictions.map((p) => p.label) },
    { name: `${name}_probability`, type: 'number', cells: predictions.map((p) => p.probability) },
    { name: `${name}_unlike`, type: 'boolean', cells: predictions.map((p) => p.unlike) },
  ];
}

/** Where predictions go, and how they are written. */
class Output implements AsyncDisposable {
  private constructor(
    private readonly write: (text: string) => Promise<void>,
    private readonly format: 'tsv' | 'csv' | 'json',
    private readonly close: () => Promise<void>,
  ) {}

  static async open(file: string | undefined, json: boolean, neighbours: number): Promise<Output> {
    if (file === undefined) return new Output(print, json ? 'json' : 'tsv', async () => undefined);
    const handle = await open(file, 'w').catch((cause: Error) => {
      throw new UsageError(`${file}: it cannot be written (${cause.message})`, { cause });
    });
    const write = async (text: string) => void (await handle.write(`${text}\n`));
    const near = Array.from(
      { length: neighbours },
      (_, i) => `,neighbour_${i + 1},neighbour_${i + 1}_cosine`,
    );
    if (!json) await write(`path,label,probability,unlike,distance${near.join('')}`);
    return new Output(write, json ? 'json' : 'csv', () => handle.close());
  }

  async add(path: string, { top, unlike, distance, neighbours }: Prediction): Promise<void> {
    if (this.format === 'json') {
      const known = Number.isNaN(distance) ? {} : { unlike, distance };
      return this.write(JSON.stringify({ path, labels: top, ...known, neighbours }));
    }
    const { csvCell } = await import('../../../embedding/formats/csv.js');
    for (const { label, probability } of top) {
      const share = probability.toFixed(4);
      if (this.format === 'csv') {
        const near = neighbours.flatMap(({ id, score }) => [id, score.toFixed(4)]);
        const far = Number.isNaN(distance) ? '' : distance.toFixed(4);
        await this.write([path, label, share, String(unlike), far, ...near].map(csvCell).join(','));
        continue;
      }
      const near = neighbours.flatMap(({ id, score }) => [score.toFixed(4), id]);
      await this.write([path, label, share, unlike ? 'unlike' : '', ...near].join('\t').trimEnd());
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
