/**
 * @file What training an autoencoder is: reconstruct the images themselves, from a clean or a noisy view of them.
 */
import { type Bind, Graph, openSession, ops, type Tensor, trainingCopy } from '../graph/index.js';
import {
  autoencoder as architecture,
  autoencoderConfig,
  autoencoderJson,
  trainingGraph,
} from '../models/autoencoder.js';
import { transformTo } from '../models/preprocessing.js';
import { saveModel } from '../models/save.js';
import { cardTitle, namedTensors, trainingFacts } from './card.js';
import { ShuffleSampler } from './data/sampler.js';
import { initialise } from './initialise.js';
import { klDivergence, reconstructionLoss } from './losses/index.js';
import { psnr, ssim } from './metrics/index.js';
import type { AutoencoderTrainOptions } from './options.js';
import { Random } from './random.js';
import type { TaskContext } from './run.js';
import type { StepInput, Task } from './task.js';
import { microBatch, openTrainingData } from './training-data.js';

/** Images in a step where the options do not say. */
const BATCH = 32;

/** Builds the task: data opened and checked, first weights drawn. @throws UsageError, ModelError for what cannot be. */
export async function autoencoderTask(options: AutoencoderTrainOptions, context: TaskContext): Promise<Task> {
  const {
    size = 64,
    seed = 0,
    batchSize = BATCH,
    accumulate = 1,
    variational,
    denoising = 0,
    loss = 'mse',
  } = options;
  const [height, width] = typeof size === 'number' ? [size, size] : size;
  const config = autoencoderConfig({
    height,
    width,
    channels: options.channels && [...options.channels],
    kernel: options.kernel,
    batchNorm: options.batchNorm,
    latent: options.latent,
    variational: variational !== undefined,
    noise: denoising,
  });
  const micro = microBatch(batchSize, accumulate);
  const pixels = [micro, 3, height, width] as const;
  const transform = transformTo({ height, width });
  const inference = architecture.image(config);
  const start = initialise(inference.parameters.values(), seed);
  const data = await openTrainingData(options, context, { transform, batchSize });
  const { split } = data;
  const sampler = new ShuffleSampler({ indices: split.train, batch: batchSize, seed });

  return {
    data: data.identity,
    bind: (p) => ({ data: start.get(p.name)!.data, dtype: 'float32' }),
    groups: () => ({}),
    stepsPerEpoch: sampler.batchesPerEpoch,
    criterion: loss === 'ssim' ? { metric: 'ssim', larger: true } : { metric: 'psnr', larger: true },

    program() {
      const graph = new Graph('autoencoder');
      const target = graph.input('pixel_values', pixels);
      const inputs = new Map([['pixel_values', denoising > 0 ? graph.input('noisy', pixels) : target]]);
      if (variational) inputs.set('noise', graph.input('noise', [micro, config.latent!]));
      const { outputs, statistics } = trainingCopy(graph, trainingGraph(config), inputs, { batch: micro });
      let value = reconstructionLoss(loss, outputs.get('reconstruction')!, target);
      if (variational) {
        // Both parts per pixel value, so that beta does not depend on the size of the images.
        const divergence = klDivergence(outputs.get('mean')!, outputs.get('log_variance')!);
        value = ops.add(value, ops.mul(divergence, variational.beta / (3 * height * width)));
      }
      const averaged = new Set(statistics.flatMap((s) => [s.runningMean, s.runningVariance]));
      const trainable = [...graph.parameters.values()].filter((p) => !averaged.has(p.name));
      return { graph, loss: value, trainable, statistics };
    },

    async *steps(epoch, from): AsyncGenerator<StepInput> {
      let step = from;
      for await (const { images } of data.loader.batches(epoch, sampler.epoch(epoch), from)) {
        const random = new Random(seed, 'noise', epoch, step++);
        const feeds: StepInput['feeds'] = [];
        const length = micro * 3 * height * width;
        for (let at = 0; at < images.length; at += length) {
          const part = images.subarray(at, at + length);
          feeds.push({
            pixel_values: { data: part, dims: pixels },
            ...(denoising > 0
              ? { noisy: { data: part.map((x) => x + denoising * random.normal()), dims: pixels } }
              : {}),
            ...(variational ? { noise: normal(random, [micro, config.latent!]) } : {}),
          });
        }
        yield { feeds, items: batchSize };
      }
    },

    async validate(tensors) {
      if (split.validation.length === 0) return {};
      const bind: Bind = (p) => ({ data: tensors.get(p.name)!.slice(), dtype: 'float32' });
      const session = await openSession(inference, bind, {
        inline: true,
        outputs: ['reconstruction'],
        threads: options.threads,
      });
      try {
        const sums = { psnr: 0, ssim: 0 };
        for await (const { images } of data.heldOut(split.validation)) {
          const count = images.length / (3 * height * width);
          const original = images.slice();
          const { reconstruction } = await session.run({
            pixel_values: { data: images, dims: [count, 3, height, width] },
          });
          const shape = { count, channels: 3, height, width };
          const made = reconstruction!.data as Float32Array;
          for (const value of psnr(original, made, shape)) sums.psnr += value;
          for (const value of ssim(original, made, shape)) sums.ssim += value;
        }
        const n = split.validation.length;
        return { psnr: sums.psnr / n, ssim: sums.ssim / n };
      } finally {
        await session.release();
      }
    },

    async save(tensors, summary) {
      await saveModel(
        options.out,
        {
          config: autoencoderJson(config),
          tensors: namedTensors(inference, tensors),
          transform,
          card: {
            ...trainingFacts(options, data, summary),
            title: cardTitle(options.out),
            summary:
              'A convolutional autoencoder trained with Afterimage; its latent vector is the embedding of an image.',
            network: {
              architecture: 'autoencoder',
              input: `3 × ${height} × ${width}, pixels in 0..1`,
              channels: config.channels.join(', '),
              kernel: config.kernel,
              'batch normalisation': config.batchNorm,
              latent: config.latent ?? inference.outputs.get('latent')!.shape[1]!.toString(),
              ...(variational ? { 'variational, beta': variational.beta } : {}),
              ...(denoising ? { 'denoising, deviation of the noise': denoising } : {}),
            },
            limits:
              'Images unlike those it was trained on are reconstructed poorly, and their vectors say little.',
          },
        },
        { overwrite: true },
      );
    },

    close: () => data.loader.close(),
  };
}

/** Standard normal numbers. */
function normal(random: Random, dims: readonly number[]): Tensor {
  const data = new Float32Array(dims.reduce((n, d) => n * d, 1));
  for (let i = 0; i < data.length; i++) data[i] = random.normal();
  return { data, dims };
}
