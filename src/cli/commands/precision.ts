/** @file `afterimage precision`: what fp16 and int8 cost on the user's own images. */
import { UsageError } from '../../errors.js';
import { duration, plural, rate } from '../../units.js';
import { defineCommand } from '../command.js';
import { GLOB_OPTIONS } from '../embed-options.js';
import { embedderOptions, MODEL_OPTIONS, noteDefaultModel } from '../model-options.js';
import { ProgressLine } from '../progress.js';
import { table } from '../table.js';
import { print } from '../terminal.js';

const { dtype: _, ...MODEL_ONLY } = MODEL_OPTIONS;

export const precision = defineCommand({
  name: 'precision',
  usage: 'INPUT… [--model NAME|FOLDER] [--limit N] [options]',
  summary: 'Embeds the same images in fp32, fp16 and int8, and compares the vectors.',
  details:
    "Cosine: between an image's vector and its fp32 vector, 1 for no change. Same neighbour: how " +
    "often an image's nearest other image stays the same. The rate includes reading and decoding the " +
    'images.',
  arity: [1, Number.POSITIVE_INFINITY],
  options: {
    ...GLOB_OPTIONS,
    ...MODEL_ONLY,
    limit: { type: 'integer', group: 'input', help: 'images to use at most (200 by default)' },
    json: { type: 'boolean', group: 'output', help: 'print JSON' },
  },
  examples: [
    [
      'afterimage precision photos/ --model clip-vit-b32',
      'what does int8 cost with CLIP on these photographs?',
    ],
  ],
  async run(values, inputs) {
    if (inputs.includes('-'))
      throw new UsageError('precision reads its images three times: name files or folders');
    const { comparePrecisions } = await import('../../embedding/index.js');
    if (values.model === undefined && !values.json) noteDefaultModel();
    const lines = new Map<string, ProgressLine>();
    const report = await comparePrecisions(inputs, {
      model: values.model,
      embedder: embedderOptions({ ...values, dtype: undefined }),
      expand: { include: values.include, exclude: values.exclude },
      limit: values.limit,
      onProgress: (dtype, progress) => {
        const line = lines.get(dtype) ?? new ProgressLine(`${dtype} `);
        lines.set(dtype, line);
        line.update(progress);
      },
    });
    for (const line of lines.values()) line.end();
    if (values.json) {
      await print(JSON.stringify(report));
      return 0;
    }
    await print(`${report.model}, ${report.output}, ${plural(report.images, 'image')}\n`);
    const rows = report.rows.map((r) => [
      r.dtype,
      r.meanCosine.toFixed(6),
      r.minCosine.toFixed(6),
      r.sameNeighbour === null ? '–' : `${(100 * r.sameNeighbour).toFixed(1)} %`,
      rate(r.imagesPerSecond),
      duration(r.startSeconds),
    ]);
    await print(
      table(['dtype', 'mean cosine >', 'least >', 'same neighbour >', 'images >', 'start >'], rows),
    );
    const worst = report.rows.at(-1)!;
    if (worst.minCosine < 1) await print(`\nint8 changes ${worst.worst} the most`);
    return 0;
  },
});
