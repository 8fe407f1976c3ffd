/** @file `afterimage train autoencoder`: learns to compress your images. */
import { UsageError } from '../../../errors.js';
import { defineCommand } from '../../command.js';
import {
  DATA_OPTIONS,
  dataOptions,
  IMAGE_OPTIONS,
  imageOptions,
  LOOP_OPTIONS,
  loopOptions,
} from '../../train-options.js';
import { showTraining } from '../../training-report.js';

export const autoencoder = defineCommand({
  name: 'train autoencoder',
  usage: 'DATA --out DIR [options]',
  summary: 'Trains an autoencoder on your images; the latent vector is their embedding.',
  details:
    'DATA is a folder, an archive, a list (@list.txt) or a CSV, Parquet or JSONL file of paths; labels are not ' +
    'needed. The defaults are the reference: 3×64×64 pixels, convolutions to 16 and 32 channels, a latent of ' +
    '8192 numbers; it learns faster with --lr 0.01. --latent narrows it. Progress is checkpointed; --resume goes on after a break. Exit codes: 0 ' +
    'done, 1 the run failed, 2 wrong usage, 130 interrupted.',
  options: {
    ...DATA_OPTIONS,
    size: { type: 'integer', group: 'model', help: 'height and width of the images (64 by default)' },
    channels: {
      type: 'string',
      value: 'LIST',
      group: 'model',
      help: 'channels after each halving: 16,32 by default; 32,64,128,256 for a deeper one',
    },
    latent: {
      type: 'integer',
      group: 'model',
      help: 'length of a linear bottleneck; by default the last feature map is the latent',
    },
    'batch-norm': { type: 'boolean', group: 'model', help: 'batch normalisation after each convolution' },
    kernel: {
      type: 'string',
      choices: ['3', '4'],
      group: 'model',
      help: 'side of the kernels: 3 (by default) or 4',
    },
    variational: {
      type: 'number',
      value: 'BETA',
      group: 'model',
      help: 'a variational autoencoder, its divergence weighed by BETA; needs --latent',
    },
    denoising: {
      type: 'number',
      value: 'SIGMA',
      group: 'model',
      help: 'deviation of the noise added to what the encoder sees (pixels are 0..1)',
    },
    loss: {
      type: 'string',
      choices: ['mse', 'l1', 'ssim'],
      group: 'training',
      help: 'mse (by default), l1 or ssim',
    },
    ...IMAGE_OPTIONS,
    ...LOOP_OPTIONS,
  },
  arity: [1, 1],
  examples: [
    ['afterimage train autoencoder photos/ --out my-autoencoder', 'the reference shape'],
    [
      'afterimage train autoencoder photos/ -o my-ae --channels 32,64 --latent 128',
      'a vector of 128 numbers',
    ],
    ['afterimage embed photos/ --model my-autoencoder -o vectors.npy', 'its vectors'],
  ],
  async run(values, [data], argv) {
    const { trainAutoencoder } = await import('../../../training/index.js');
    const options = {
      ...loopOptions(values),
      ...dataOptions(values),
      ...imageOptions(values),
      data: data!,
      size: values.size,
      channels: values.channels === undefined ? undefined : channelList(values.channels),
      latent: values.latent,
      batchNorm: values['batch-norm'],
      kernel: values.kernel === undefined ? undefined : (Number(values.kernel) as 3 | 4),
      variational: values.variational === undefined ? undefined : { beta: values.variational },
      denoising: values.denoising,
      loss: values.loss,
    };
    const next = (folder: string) => `reconstruct photos/ --model ${folder} --out sheet.png`;
    return showTraining({ command: 'train autoencoder', argv, values, next }, (hooks) =>
      trainAutoencoder(options, hooks),
    );
  },
});

function channelList(text: string): number[] {
  const list = text.split(',').map(Number);
  if (!list.every((n) => Number.isInteger(n) && n > 0))
    throw new UsageError(`--channels: expected whole numbers with commas, as 16,32, but received "${text}"`);
  return list;
}
