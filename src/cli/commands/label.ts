/** @file `afterimage label`: which of the given labels fits each image best. */
import { open } from 'node:fs/promises';
import { collectionAt } from '../../collection/locate.js';
import type { Choice } from '../../embedding/index.js';
import { UsageError } from '../../errors.js';
import { plural } from '../../units.js';
import { defineCommand } from '../command.js';
import { GLOB_OPTIONS } from '../embed-options.js';
import { onInterrupt } from '../interrupt.js';
import { embedderOptions, MODEL_OPTIONS, noteDefaultModel } from '../model-options.js';
import { ProgressLine } from '../progress.js';
import { note, print } from '../terminal.js';

export const label = defineCommand({
  name: 'label',
  usage: 'INPUT… --labels FILE [--none] [--top N] [--save COLUMN] [options]',
  summary: 'Says which of your labels fits each image best (zero-shot).',
  details:
    'An INPUT is anything that "afterimage embed" takes; a folder with a collection gives the vectors that it has, ' +
    'and no image is read. Lines on standard output are PATH, label and probability with tabs between them. A ' +
    'probability is the label’s share among the labels given: with --none, "none of these" competes with them (an ' +
    'empty label), and stands for what unrelated texts would score. Exit codes as those of embed.',
  arity: [1, Number.POSITIVE_INFINITY],
  options: {
    labels: {
      type: 'string',
      value: 'FILE',
      group: 'labels',
      help: 'one label a line (- for standard input)',
    },
    label: { type: 'string', multiple: true, group: 'labels', help: 'one more label' },
    template: {
      type: 'string',
      multiple: true,
      group: 'labels',
      help: 'a sentence with {} in the label’s place; of several the mean is taken ("a photo of a {}." and others by default)',
    },
    none: { type: 'boolean', group: 'labels', help: 'let "none of these" compete' },
    top: { type: 'integer', short: 't', group: 'output', help: 'labels for each image (1 by default)' },
    out: { type: 'string', short: 'o', value: 'FILE', group: 'output', help: 'write CSV here instead' },
    save: {
      type: 'string',
      value: 'COLUMN',
      group: 'output',
      help: 'keep the best label in this column of the collection, for --where',
    },
    json: { type: 'boolean', group: 'output', help: 'print a JSON object for each image' },
    quiet: { type: 'boolean', short: 'q', group: 'output', help: 'no progress, no line for each failure' },
    ...GLOB_OPTIONS,
    ...MODEL_OPTIONS,
  },
  examples: [
    ['afterimage label photos/ --label dog --label cat --none', 'dogs, cats, and neither'],
    ['afterimage label photos/ --labels kinds.txt -t 3 --out labels.csv', 'the three likeliest of a list'],
    ['afterimage label photos/ --labels kinds.txt --save kind', 'a column of the collection in photos/'],
  ],
  async run(values, inputs) {
    const { top = 1, json, quiet, save, model } = values;
    const labels = [...(await linesOf(values.labels, inputs)), ...values.label];
    if (labels.length === 0)
      throw new UsageError('label: no labels', {
        hint: 'name a file with --labels, or each one with --label',
      });
    const places = await Promise.all(inputs.map(collectionAt));
    if (save !== undefined && !places.every(Boolean))
      throw new UsageError('--save keeps labels in a collection, and not every input has one', {
        hint: '"afterimage index FOLDER" makes one',
      });
    if (places.some(Boolean) && values.include.length + values.exclude.length > 0)
      throw new UsageError(
        '--include and --exclude choose files, and all items of a collection are labelled',
        {
          hint: 'leave them out, or name the files instead of the folder',
        },
      );
    await using out = await Output.open(values.out, json);
    using interrupt = onInterrupt(() => undefined);
    const line = process.stderr.isTTY && !quiet ? new ProgressLine() : undefined;
    const options = {
      templates: values.template.length > 0 ? values.template : undefined,
      none: values.none,
      topK: top,
    };
    let failed = 0;
    try {
      for (const place of new Set(places)) {
        if (place === undefined || interrupt.stop.aborted) continue;
        const { openCollection } = await import('../../collection/collection.js');
        const { labelItems } = await import('../../collection/label-items.js');
        await using collection = await openCollection(place, { embedderOptions: embedderOptions(values) });
        if (!quiet) note(`labelling the vectors of ${place}; no image is read`);
        for await (const items of labelItems(collection, labels, { ...options, model, save })) {
          for (const item of items) await out.add(collection.fileOf(item.id), item.labels);
          if (interrupt.stop.aborted) break;
        }
      }
      const others = inputs.filter((_, i) => places[i] === undefined);
      if (others.length > 0 && !interrupt.stop.aborted) {
        const { classify, embedTo, labelBank, loadEmbedder } = await import('../../embedding/index.js');
        if (model === undefined && !quiet) noteDefaultModel();
        await using embedder = await loadEmbedder(model, {
          ...embedderOptions(values),
          signal: interrupt.stop,
        });
        const bank = await labelBank(embedder, labels, options);
        const append = async (rows: { id: string; vector: Float32Array }[]) => {
          const found = classify(
            rows.map(({ vector }) => vector),
            bank,
            options,
          );
          for (const [i, row] of rows.entries()) await out.add(row.id, found[i]!);
        };
        const summary = await embedTo(
          embedder,
          { inputs: others },
          { append },
          {
            expand: {
              include: values.include,
              exclude: values.exclude,
              onSkip: (where, reason) => note(`skipped: ${where}: ${reason}`),
            },
            stop: interrupt.stop,
            onProgress: line && ((progress) => line.update(progress)),
            onFailure: ({ id, reason, stage }) => {
              if (!quiet) note(`failed: ${id}: ${reason} (${stage})`);
            },
          },
        );
        failed = summary.failed;
      }
    } finally {
      line?.end();
    }
    if (failed > 0) note(`${plural(failed, 'image')} failed`);
    if (values.out !== undefined && !quiet) note(`${values.out}: ${plural(out.images, 'image')}`);
    return interrupt.exitCode ?? (out.images > 0 ? 0 : 1);
  },
});

/** The lines of a file of labels. */
async function linesOf(file: string | undefined, inputs: readonly string[]): Promise<string[]> {
  if (file === undefined) return [];
  if (file === '-' && inputs.includes('-'))
    throw new UsageError('standard input can hold the list of images or the labels, not both');
  const { textLines } = await import('../../embedding/index.js');
  const labels: string[] = [];
  for await (const { text } of textLines(file)) labels.push(text);
  return labels;
}

/** Where results go, and how they are written. */
class Output implements AsyncDisposable {
  images = 0;

  private constructor(
    private readonly write: (text: string) => Promise<void>,
    private readonly format: 'tsv' | 'csv' | 'json',
    private readonly close: () => Promise<void>,
  ) {}

  static async open(file: string | undefined, json: boolean): Promise<Output> {
    if (file === undefined) return new Output(print, json ? 'json' : 'tsv', async () => undefined);
    const handle = await open(file, 'w').catch((cause: Error) => {
      throw new UsageError(`${file}: it cannot be written (${cause.message})`, { cause });
    });
    const output = new Output(
      async (text) => void (await handle.write(`${text}\n`)),
      json ? 'json' : 'csv',
      () => handle.close(),
    );
    if (!json) await output.write('path,label,probability,score');
    return output;
  }

  async add(path: string, choices: readonly Choice[]): Promise<void> {
    this.images++;
    if (this.format === 'json') {
      const labels = choices.map(({ text, probability, score }) => ({ label: text, probability, score }));
      return this.write(JSON.stringify({ path, labels }));
    }
    const { csvCell } = await import('../../embedding/formats/csv.js');
    for (const { text, probability, score } of choices) {
      const [label, share] = [text ?? '', probability.toFixed(4)];
      if (this.format === 'tsv') await this.write([path, label, share].join('\t'));
      else await this.write([path, label, share, score.toFixed(4)].map(csvCell).join(','));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
