/**
 * @file The convolutional autoencoder: strided convolutions down to a latent vector and transposed ones back up.
 *
 * The reference takes 3 × 64 × 64 pixels in 0..1 through convolutions to 16 and 32 channels (3×3, stride 2, ReLU) to
 * a latent of 32 · 16 · 16 = 8192 numbers; the decoder mirrors it and ends in a sigmoid. Channels and input size are
 * free; batch normalisation may follow each convolution, and a linear bottleneck may narrow the latent. A variational
 * autoencoder (Kingma & Welling, 2014, arXiv:1312.6114) has two bottlenecks, for the mean and the log of the variance
 * of the latent's distribution; its embedding is the mean. A kernel of 4 covers every pixel of the decoder's doubled
 * maps equally often, which a kernel of 3 does not (Odena et al., 2016, "Deconvolution and Checkerboard Artifacts").
 *
 * Names are those of two PyTorch `Sequential`s: `encoder` of Conv2d, (BatchNorm2d,) ReLU, … and `decoder` of
 * ConvTranspose2d, (BatchNorm2d,) ReLU, …, ConvTranspose2d, Sigmoid. The bottleneck is `encode` (`mean` and
 * `log_variance` where variational) and `decode`.
 */
import { ModelError } from '../errors.js';
import { type BatchStatistics, Graph, ops, trainingCopy, type Value } from '../graph/index.js';
import type { Architecture, PublisherConfig, TensorShapes } from './architecture.js';
import { AUTOENCODER, type AutoencoderConfig, checkAutoencoder, mapOf } from './autoencoder-config.js';
import { batchNorm2d, checkTensors, conv2d, dense, imageGraph, shapeOf } from './layers.js';

export {
  AUTOENCODER,
  type AutoencoderConfig,
  autoencoderConfig,
  autoencoderJson,
  referenceAutoencoder,
} from './autoencoder-config.js';

/** Layers of a `Sequential` from one convolution to the next. */
const stride = (config: AutoencoderConfig) => (config.batchNorm ? 3 : 2);

/** Pixels → the latent vector and, where variational, the log of its variance. */
function encode(pixels: Value, config: AutoencoderConfig): { latent: Value; logVariance: Value | null } {
  const { kernel, batchNorm, latent } = config;
  let x = pixels;
  config.channels.forEach((out, i) => {
    const name = (layer: number) => `encoder.${stride(config) * i + layer}`;
    x = conv2d(x, name(0), out, { kernel, stride: 2, pad: 1, bias: !batchNorm });
    x = ops.relu(batchNorm ? batchNorm2d(x, name(1)) : x);
  });
  x = ops.flatten(x);
  if (latent === null) return { latent: x, logVariance: null };
  if (!config.variational) return { latent: dense(x, 'encode', latent), logVariance: null };
  return { latent: dense(x, 'mean', latent), logVariance: dense(x, 'log_variance', latent) };
}

/** A latent vector → pixels in 0..1. */
function decode(latent: Value, config: AutoencoderConfig): Value {
  const [channels, height, width] = mapOf(config);
  const wide = config.latent === null ? latent : ops.relu(dense(latent, 'decode', channels * height * width));
  let x = ops.reshape(wide, [latent.shape[0]!, channels, height, width]);
  const outs = [...config.channels.slice(0, -1).reverse(), 3];
  outs.forEach((out, i) => {
    const name = (layer: number) => `decoder.${stride(config) * i + layer}`;
    const last = i === outs.length - 1;
    const normed = config.batchNorm && !last;
    x = doubled(x, name(0), out, config.kernel, !normed);
    if (normed) x = batchNorm2d(x, name(1));
    x = last ? ops.sigmoid(x) : ops.relu(x);
  });
  return x;
}

/** A transposed convolution that doubles height and width. */
function doubled(x: Value, name: string, out: number, kernel: number, bias: boolean): Value {
  const weight = x.graph.parameter(`${name}.weight`, [Number(x.shape[1]), out, kernel, kernel]);
  const offset = bias ? x.graph.parameter(`${name}.bias`, [out]) : null;
  return ops.convTranspose(x, weight, offset, { stride: 2, pad: 1, outputPadding: kernel === 3 ? 1 : 0 });
}

function image(config: AutoencoderConfig): Graph {
  const graph = encoderGraph(config);
  graph.output('reconstruction', decode(graph.outputs.get('latent')!, config));
  return graph;
}

/** What {@link trainingForm} computes. */
export interface AutoencoderStep {
  /** [B, 3, H, W] in 0..1 */
  reconstruction: Value;
  /** The latent vector [B, D], before noise. */
  mean: Value;
  /** [B, D] where variational, else null. */
  logVariance: Value | null;
  /** What the batch normalisations measured. */
  statistics: BatchStatistics[];
}

/**
 * The autoencoder as part of a training step: batch normalisation takes the statistics of the batch, and a variational
 * one decodes `mean + exp(log_variance / 2) · noise` (the reparameterisation of Kingma & Welling).
 * @param pixels [B, 3, H, W] in 0..1, of the step's graph
 * @param noise [B, latent], standard normal; only a variational autoencoder uses it
 * @throws ModelError when it is variational and there is no noise, GraphError when a shape does not fit.
 */
export function trainingForm(config: AutoencoderConfig, pixels: Value, noise?: Value): AutoencoderStep {
  const { graph } = pixels;
  const options = { batch: pixels.shape[0] as number };
  const encoder = trainingCopy(graph, encoderGraph(config), pixels, options);
  const mean = encoder.outputs.get('latent')!;
  const logVariance = encoder.outputs.get('log_variance') ?? null;
  let drawn = mean;
  if (logVariance) {
    if (!noise) throw new ModelError('autoencoder: expected noise for the training of a variational one');
    drawn = ops.add(mean, ops.mul(ops.exp(ops.mul(logVariance, 0.5)), noise));
  }
  const decoder = trainingCopy(graph, decoderGraph(config), drawn, options);
  return {
    reconstruction: decoder.outputs.get('reconstruction')!,
    mean,
    logVariance,
    statistics: [...encoder.statistics, ...decoder.statistics],
  };
}

function encoderGraph(config: AutoencoderConfig): Graph {
  checkAutoencoder(config);
  const { graph, pixels } = imageGraph('encoder', config);
  const { latent, logVariance } = encode(pixels, config);
  graph.output('latent', latent);
  if (logVariance) graph.output('log_variance', logVariance);
  return graph;
}

/** The decoder alone: input `latent` [N, D], output `reconstruction` [N, 3, H, W] in 0..1. */
export function decoderGraph(config: AutoencoderConfig): Graph {
  checkAutoencoder(config);
  const graph = new Graph('decoder');
  const [channels, height, width] = mapOf(config);
  const latent = graph.input('latent', ['N', config.latent ?? channels * height * width]);
  graph.output('reconstruction', decode(latent, config));
  return graph;
}

function configure(config: PublisherConfig, tensors: TensorShapes): AutoencoderConfig | undefined {
  const named = config?.model_type === AUTOENCODER;
  const shaped =
    tensors.get('encoder.0.weight')?.shape.length === 4 &&
    tensors.get('decoder.0.weight')?.shape.length === 4;
  if (!named && (!shaped || config?.model_type !== undefined)) return undefined;

  const batchNorm = tensors.has('encoder.1.running_mean');
  const step = batchNorm ? 3 : 2;
  const channels: number[] = [];
  while (tensors.has(`encoder.${step * channels.length}.weight`))
    channels.push(shapeOf(tensors, `encoder.${step * channels.length}.weight`, 'autoencoder')[0]!);
  const input = (config?.input ?? [3, 64, 64]) as number[];
  if (!Array.isArray(input) || input.length !== 3 || input[0] !== 3)
    throw new ModelError(
      `autoencoder: expected "input" to be [3, height, width] but received ${JSON.stringify(input)}`,
    );
  const result = {
    height: input[1]!,
    width: input[2]!,
    channels: config?.channels ?? channels,
    kernel: config?.kernel ?? tensors.get('encoder.0.weight')?.shape[2] ?? 3,
    batchNorm: config?.batch_norm ?? batchNorm,
    latent: config?.latent ?? (tensors.get('encode.weight') ?? tensors.get('mean.weight'))?.shape[0] ?? null,
    variational: config?.variational ?? tensors.has('log_variance.weight'),
    noise: config?.noise ?? 0,
  } as AutoencoderConfig;
  checkTensors('autoencoder', image(result), tensors);
  return result;
}

/**
 * The convolutional autoencoder. Outputs: `latent` (the mean where variational), `log_variance`, and `reconstruction`
 * [N, 3, H, W] in 0..1.
 */
export const autoencoder: Architecture<AutoencoderConfig> = {
  name: 'autoencoder',
  configure,
  image,
  defaultOutput: () => 'latent',
  inputSize: ({ height, width }) => ({ height, width }),
};
