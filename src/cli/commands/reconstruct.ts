/** @file `afterimage reconstruct`: images through an autoencoder and back. */
import path from 'node:path';
import { UsageError } from '../../errors.js';
import { defaultAutoencoder } from '../../models/catalogue.js';
import type { ReconstructOptions } from '../../training/index.js';
import { count, plural } from '../../units.js';
import { defineCommand } from '../command.js';
import { GLOB_OPTIONS } from '../embed-options.js';
import { onInterrupt } from '../interrupt.js';
import { ProgressLine } from '../progress.js';
import { note, print } from '../terminal.js';

export const reconstruct = defineCommand({
  name: 'reconstruct',
  usage: 'INPUT… [--model NAME] [--out SHEET.png|FOLDER] [options]',
  summary: 'Sends images through an autoencoder and back, and shows what comes out.',
  details:
    'The sheet has originals beside reconstructions. The scores have the error of every image, the worst first: ' +
    'what comes back badly is unlike what the network learned from. With a FOLDER for --out, all goes there: ' +
    'sheet.png, scores.csv, and what came back in images/. An image that fails is told on standard error and the ' +
    'run goes on.',
  options: {
    model: {
      type: 'string',
      short: 'm',
      value: 'NAME',
      group: 'input',
      help: 'the autoencoder: a folder or a name of "afterimage models list"; by default the bundled mini-autoencoder',
    },
    ...GLOB_OPTIONS,
    out: {
      type: 'string',
      short: 'o',
      value: 'PATH',
      group: 'output',
      help: 'the contact sheet (.png, .webp or .jpg), or a folder for sheet, scores and images',
    },
    count: { type: 'integer', group: 'output', help: 'images on the sheet (24 by default)' },
    worst: {
      type: 'boolean',
      group: 'output',
      help: 'show the images that come back worst, not the first ones',
    },
    scores: {
      type: 'string',
      value: 'FILE',
      group: 'output',
      help: 'write the error of every image here, the worst first: .csv or .jsonl',
    },
    overwrite: { type: 'boolean', group: 'output', help: 'replace files that are there' },
    json: { type: 'boolean', group: 'output', help: 'print the summary as JSON' },
    quiet: { type: 'boolean', short: 'q', group: 'output', help: 'no progress, no line for each failure' },
    threads: { type: 'integer', help: 'threads of the network (all cores by default)' },
    workers: { type: 'integer', min: 0, help: 'threads that decode images ahead of the network' },
  },
  examples: [
    ['afterimage reconstruct photos/ --out sheet.png', 'the first 24, with the bundled autoencoder'],
    ['afterimage reconstruct photos/ -m ./my-autoencoder --worst --out odd.png', 'what it has not learned'],
    ['afterimage reconstruct photos/ -m ./my-autoencoder --out back', 'all of it, in a folder'],
  ],
  async run(values, inputs) {
    const { model, out, quiet } = values;
    if (inputs.length === 0) throw new UsageError('reconstruct: expected images, folders or archives');
    if (model === undefined && !quiet && !values.json) note(`using the bundled ${defaultAutoencoder}`);
    const { reconstructFiles } = await import('../../training/reconstruct-files.js');
    using interrupt = onInterrupt(() => undefined);
    const line = process.stderr.isTTY && !quiet ? new ProgressLine() : undefined;
    try {
      const summary = await reconstructFiles(inputs, model, {
        ...outputs(out, values.scores),
        count: values.count,
        worst: values.worst,
        overwrite: values.overwrite,
        expand: {
          include: values.include,
          exclude: values.exclude,
          onSkip: (where, reason) => note(`skipped: ${where}: ${reason}`),
        },
        autoencoder: { threads: values.threads, workers: values.workers },
        signal: interrupt.stop,
        onProgress: line && ((progress) => line.update(progress)),
        onFailure: ({ id, reason, stage }) => {
          if (!quiet) note(`failed: ${id}: ${reason} (${stage})`);
        },
      });
      line?.end();
      await print(values.json ? JSON.stringify(summary) : told(summary, out));
      return summary.images > 0 ? 0 : 1;
    } catch (error) {
      if (interrupt.exitCode === undefined) throw error;
      note('interrupted');
      return interrupt.exitCode;
    } finally {
      line?.end();
    }
  },
});

/** What is written where. */
function outputs(out: string | undefined, scores: string | undefined): ReconstructOptions {
  if (out === undefined || path.extname(out) !== '') return { sheet: out, scores };
  return {
    sheet: path.join(out, 'sheet.png'),
    scores: scores ?? path.join(out, 'scores.csv'),
    images: path.join(out, 'images'),
  };
}

function told(
  { images, failed, psnr }: { images: number; failed: number; psnr: number },
  out?: string,
): string {
  if (images === 0) return `no image could be read (${count(failed)} failed)`;
  const lost = failed > 0 ? `, ${count(failed)} failed` : '';
  return `${plural(images, 'image')}, mean PSNR ${psnr.toFixed(2)} dB${lost}${out === undefined ? '' : `: ${out}`}`;
}
