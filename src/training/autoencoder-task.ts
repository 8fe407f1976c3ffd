/**
 * @file What training an autoencoder is: reconstruct the images themselves, from a clean or a noisy view of them.
 */
import { UsageError } from '../errors.js';
import { type Bind, Graph, openSession, ops, type Tensor } from '../graph/index.js';
import {
  autoencoder as architecture,
  autoencoderConfig,
  autoencoderJson,
  trainingForm,
} from '../models/autoencoder.js';
import { transformTo } from '../models/preprocessing.js';
import { saveModel } from '../models/save.js';
import { Random } from '../random.js';
import { cardTitle, namedTensors, trainingFacts } from './card.js';
import { assertTrainable } from './data/check-trainable.js';
import { ShuffleSampler } from './data/sampler.js';
import { heldOutImages } from './held-out.js';
import { psnr, ssim } from './image-metrics.js';
import { initialise } from './initialise.js';
import { klDivergence, lossWeights, reconstructionLoss, SSIM_WINDOW } from './losses/index.js';
import type { AutoencoderTrainOptions } from './options.js';
import type { TaskContext } from './run.js';
import type { Metrics, StepInput, Task } from './task.js';
import { imageLoader, inOrder, microBatch, openTrainingData } from './training-data.js';

/** Images in a step where the options do not say: fewer of little data, so that an epoch has some steps. */
const BATCH = { least: 8, most: 32, steps: 16 };
/** Images in one run of the network when it is measured. */
const MEASURED = 32;

/** Builds the task: data opened and checked, first weights drawn. @throws UsageError, ModelError for what cannot be. */
export async function autoencoderTask(options: AutoencoderTrainOptions, context: TaskContext): Promise<Task> {
  const { size = 64, seed = 0, accumulate = 1, variational, denoising = 0, loss = 'mse' } = options;
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
  const parts = lossWeights(loss);
  const lossName = parts.map(([name, weight]) => (weight === 1 ? name : `${weight} ${name}`)).join(' + ');
  const hasWindows = Math.min(height, width) >= SSIM_WINDOW;
  if (!hasWindows && parts.some(([name]) => name === 'ssim'))
    throw new UsageError(
      `loss: expected images of at least ${SSIM_WINDOW} × ${SSIM_WINDOW} for ssim but received ${height} × ${width}`,
      { hint: 'take larger images, or mse or l1' },
    );
  const transform = transformTo({ height, width });
  const inference = architecture.image(config);
  const start = initialise(inference.parameters.values(), seed);
  const data = await openTrainingData(
    options,
    context,
    transform,
    (set, split) => {
      const batch = options.batchSize ?? batchFor(split.train.length);
      assertTrainable(set, split, { batch });
      microBatch(batch, accumulate);
    },
    heldOutImages,
  );
  const { split } = data;
  const batchSize = options.batchSize ?? batchFor(split.train.length);
  const micro = microBatch(batchSize, accumulate);
  const pixels = [micro, 3, height, width] as const;
  const sampler = new ShuffleSampler({ indices: split.train, batch: batchSize, seed });
  const loader = imageLoader(data, transform, options, (failure) =>
    context.onEvent({ type: 'failure', failure }),
  );

  return {
    data: data.identity,
    bind: (p) => ({ data: start.get(p.name)!.data, dtype: 'float32' }),
    groups: () => ({}),
    stepsPerEpoch: sampler.batchesPerEpoch,
    criterion: loss === 'ssim' ? 'ssim' : 'psnr',

    program() {
      const graph = new Graph('autoencoder');
      const target = graph.input('pixel_values', pixels);
      const seen = denoising > 0 ? graph.input('noisy', pixels) : target;
      const noise = variational ? graph.input('noise', [micro, config.latent!]) : undefined;
      const { reconstruction, mean, logVariance, statistics } = trainingForm(config, seen, noise);
      let value = reconstructionLoss(loss, reconstruction, target);
      if (variational && logVariance) {
        // Both parts per pixel value, so that beta does not depend on the size of the images.
        const divergence = klDivergence(mean, logVariance);
        value = ops.add(value, ops.mul(divergence, variational.beta / (3 * height * width)));
      }
      const averaged = new Set(statistics.flatMap((s) => [s.runningMean, s.runningVariance]));
      const trainable = [...graph.parameters.values()].filter((p) => !averaged.has(p.name));
      return { graph, loss: value, trainable, statistics };
    },

    async *steps(epoch, from): AsyncGenerator<StepInput> {
      let step = from;
      for await (const { images } of loader.batches(epoch, sampler.epoch(epoch), from)) {
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
      const n = split.validation.length;
      if (n === 0) return {} as Metrics;
      const bind: Bind = (p) => ({ data: tensors.get(p.name)!.slice(), dtype: 'float32' });
      const session = await openSession(inference, bind, {
        inline: true,
        outputs: ['reconstruction'],
        threads: options.threads,
      });
      try {
        const length = 3 * height * width;
        const sums = { psnr: 0, ssim: 0 };
        for await (const { images } of loader.evaluate(inOrder(split.validation, MEASURED))) {
          const dims = [images.length / length, 3, height, width];
          const { reconstruction } = await session.run({ pixel_values: { data: images, dims } });
          const made = reconstruction!.data as Float32Array;
          const shape = { count: dims[0]!, channels: 3, height, width };
          for (const value of psnr(images, made, shape)) sums.psnr += value;
          if (hasWindows) for (const value of ssim(images, made, shape)) sums.ssim += value;
        }
        return { psnr: sums.psnr / n, ...(hasWindows ? { ssim: sums.ssim / n } : {}) };
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
            ...trainingFacts(options, data, summary, { loss: lossName, batchSize }),
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

    close: () => loader.close(),
  };
}

function batchFor(images: number): number {
  return Math.max(1, Math.min(BATCH.most, Math.max(BATCH.least, Math.floor(images / BATCH.steps)), images));
}

/** Standard normal numbers. */
function normal(random: Random, dims: readonly number[]): Tensor {
  const data = new Float32Array(dims.reduce((n, d) => n * d, 1));
  for (let i = 0; i < data.length; i++) data[i] = random.normal();
  return { data, dims };
}
