/** @file `afterimage caption`: the best captions of a list for each image. */
import { UsageError } from '../../errors.js';
import { defineCommand } from '../command.js';
import { GLOB_OPTIONS } from '../embed-options.js';
import { embedderOptions, MODEL_OPTIONS, noteDefaultModel } from '../model-options.js';
import { note, print } from '../terminal.js';

export const caption = defineCommand({
  name: 'caption',
  usage: 'IMAGE… --from FILE [--top N] [options]',
  summary: 'Finds the captions of a list that fit each image best.',
  details:
    'An IMAGE is anything that "afterimage embed" takes. Lines on standard output are PATH, caption and cosine with ' +
    'tabs between them, the best first. A list always has a best caption; whether it fits, the cosine tells.',
  arity: [1, Number.POSITIVE_INFINITY],
  options: {
    from: { type: 'string', value: 'FILE', help: 'one caption a line (- for standard input)' },
    top: { type: 'integer', short: 't', help: 'captions for each image (1 by default)' },
    json: { type: 'boolean', help: 'print a JSON object for each image' },
    quiet: { type: 'boolean', short: 'q', help: 'no line for each failure' },
    ...GLOB_OPTIONS,
    ...MODEL_OPTIONS,
  },
  examples: [['afterimage caption photo.jpg --from captions.txt -t 3', 'the three best']],
  async run(values, inputs) {
    const { from, top = 1, json, quiet } = values;
    if (from === undefined)
      throw new UsageError('caption: expected --from FILE, a list of captions, but received nothing');
    if (from === '-' && inputs.includes('-'))
      throw new UsageError('standard input can hold the list of images or the captions, not both');
    const { captionBank, classify, embedTo, loadEmbedder, textLines } = await import(
      '../../embedding/index.js'
    );
    const captions: string[] = [];
    for await (const { text } of textLines(from)) captions.push(text);
    if (captions.length === 0) throw new UsageError(`${from} holds no captions`);
    if (values.model === undefined && !quiet) noteDefaultModel();
    await using embedder = await loadEmbedder(values.model, embedderOptions(values));
    const bank = await captionBank(embedder, captions);
    const append = async (rows: { id: string; vector: Float32Array }[]) => {
      for (const { id: path, vector } of rows) {
        const found = classify([vector], bank, { topK: top })[0]!;
        const best = found.map(({ text, ...numbers }) => ({ caption: text, ...numbers }));
        if (json) await print(JSON.stringify({ path, captions: best }));
        else for (const { caption, score } of best) await print(`${path}\t${caption}\t${score.toFixed(4)}`);
      }
    };
    const { embedded } = await embedTo(
      embedder,
      { inputs },
      { append },
      {
        expand: {
          include: values.include,
          exclude: values.exclude,
          onSkip: (where, reason) => note(`skipped: ${where}: ${reason}`),
        },
        onFailure: ({ id, reason, stage }) => {
          if (!quiet) note(`failed: ${id}: ${reason} (${stage})`);
        },
      },
    );
    return embedded > 0 ? 0 : 1;
  },
});
