/** @file The options that choose and open a model, the same for every command that embeds. */
import type { EmbedderOptions } from '../embedding/index.js';
import { defaultModel, recommended } from '../models/catalogue.js';
import { bytes } from '../units.js';
import type { OptionSpecs, OptionValues } from './command.js';
import { downloadProgress } from './download.js';
import { note } from './terminal.js';

export const MODEL_OPTIONS = {
  model: {
    type: 'string',
    short: 'm',
    value: 'NAME',
    group: 'model',
    help: 'a name of "afterimage models list", org/name on the hub, or a folder; by default the bundled mini-clip',
  },
  output: {
    type: 'string',
    value: 'NAME',
    group: 'model',
    help: 'which output of the network is the vector: cls, mean, pooled, logits, projection, …; by default the model’s own',
  },
  dtype: {
    type: 'string',
    choices: ['fp32', 'fp16', 'int8'],
    group: 'model',
    help: 'precision (fp32 by default); "afterimage precision" measures the cost',
  },
  device: {
    type: 'string',
    choices: ['cpu', 'cuda', 'coreml', 'dml', 'webgpu'],
    value: 'NAME',
    group: 'model',
    help: 'cpu (by default), cuda, coreml, dml or webgpu, where the engine has it',
  },
  threads: { type: 'integer', group: 'model', help: 'threads of the network (all cores by default)' },
  'batch-size': { type: 'integer', group: 'model', help: 'images per run of the network' },
  'no-normalize': { type: 'boolean', group: 'model', help: 'leave vectors at the length they come out with' },
  revision: { type: 'string', value: 'REV', group: 'model', help: 'a branch, tag or commit on the hub' },
  offline: { type: 'boolean', group: 'model', help: 'use only what is on this machine' },
  workers: {
    type: 'integer',
    min: 0,
    group: 'images',
    help: 'threads that decode images ahead of the network',
  },
  decode: {
    type: 'string',
    choices: ['exact', 'fast'],
    group: 'images',
    help: 'exact (by default: the same pixels as Pillow’s) or fast (large JPEGs are shrunk while they are decoded)',
  },
  'no-orient': {
    type: 'boolean',
    group: 'images',
    help: 'do not turn pictures as their EXIF orientation says',
  },
  'max-pixels': { type: 'integer', group: 'images', help: 'refuse larger pictures (179 million by default)' },
  'allow-private-addresses': {
    type: 'boolean',
    group: 'images',
    help: 'fetch URLs that lead into this machine or a private network, too',
  },
} as const satisfies OptionSpecs;

/** The embedder's options as the command line gives them. */
export function embedderOptions(values: OptionValues<typeof MODEL_OPTIONS>): EmbedderOptions {
  const maxPixels = values['max-pixels'];
  return {
    output: values.output,
    dtype: values.dtype,
    device: values.device,
    threads: values.threads,
    workers: values.workers,
    batchSize: values['batch-size'],
    normalize: !values['no-normalize'],
    revision: values.revision,
    ...(values.offline ? { offline: true } : {}),
    decode: {
      ...(values['no-orient'] ? { orient: false } : {}),
      ...(values.decode ? { mode: values.decode } : {}),
      ...(maxPixels === undefined ? {} : { maxPixels }),
    },
    read: { allowPrivateAddresses: values['allow-private-addresses'] },
    onWarning: (message) => note(`warning: ${message}`),
    onDownload: downloadProgress(),
  };
}

/** Says which model is used where none was named, and how to get the published one. */
export function noteDefaultModel(): void {
  const { name, megabytes } = recommended;
  note(
    `using the bundled ${defaultModel}, a small model; for the published CLIP: "afterimage models pull ${name}" ` +
      `(${bytes(megabytes * 1e6)}), then --model ${name}`,
  );
}
