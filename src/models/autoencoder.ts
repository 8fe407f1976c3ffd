/**
 * @file The convolutional autoencoder: strided convolutions down to a latent vector and transposed ones back up.
 *
 * The reference takes 3 × 64 × 64 pixels in 0..1 through convolutions to 16 and 32 channels (3×3, stride 2, ReLU) to
 * a latent of 32 · 16 · 16 = 8192 numbers; the decoder mirrors it and ends in a sigmoid. Channels and input size are
 * free, and a linear bottleneck may narrow the latent. Names are those of two PyTorch `Sequential`s with activations
 * in between: `encoder.0`, `encoder.2`, …, `decoder.0`, `decoder.2`, …; the bottleneck is `encode` and `decode`.
 */
import { ModelError } from '../errors.js';
import { ops, type Value } from '../graph/index.js';
import type { Architecture, PublisherConfig, TensorShapes } from './architecture.js';
import { checkTensors, conv2d, dense, type ImageSize, imageGraph, shapeOf } from './layers.js';

/** `model_type` in the `config.json` of such a model. */
export const AUTOENCODER = 'afterimage-autoencoder';

export interface AutoencoderConfig extends ImageSize {
  /** Channels after each convolution of the encoder. */
  channels: number[];
  /** Length of a linear bottleneck, or null: the latent is the flattened last feature map. */
  latent: number | null;
}

/** The reference: 3 × 64 × 64 → 8192. */
export const referenceAutoencoder: Readonly<AutoencoderConfig> = {
  height: 64,
  width: 64,
  channels: [16, 32],
  latent: null,
};

function image(config: AutoencoderConfig) {
  const { channels, latent } = config;
  const step = 2 ** channels.length;
  if (channels.length === 0 || config.height % step !== 0 || config.width % step !== 0)
    throw new ModelError(
      `autoencoder: expected sides divisible by ${step} (${channels.length} halvings) but received ${config.height} × ${config.width}`,
      { hint: 'otherwise the reconstruction would not have the size of the input' },
    );
  const { graph, pixels } = imageGraph('autoencoder', config);
  let x = pixels;
  channels.forEach((out, i) => {
    x = ops.relu(conv2d(x, `encoder.${2 * i}`, out, { kernel: 3, stride: 2, pad: 1, bias: true }));
  });
  const map = x.shape;
  x = ops.flatten(x);
  const flat = Number(x.shape[1]);
  if (latent !== null) x = dense(x, 'encode', latent);
  graph.output('latent', x);

  if (latent !== null) x = ops.relu(dense(x, 'decode', flat));
  x = ops.reshape(x, map);
  const outs = [...channels.slice(0, -1).reverse(), 3];
  outs.forEach((out, i) => {
    x = transposed(x, `decoder.${2 * i}`, out);
    x = i < outs.length - 1 ? ops.relu(x) : ops.sigmoid(x);
  });
  graph.output('reconstruction', x);
  return graph;
}

/** Doubles height and width. */
function transposed(x: Value, name: string, out: number): Value {
  const weight = x.graph.parameter(`${name}.weight`, [Number(x.shape[1]), out, 3, 3]);
  const bias = x.graph.parameter(`${name}.bias`, [out]);
  return ops.convTranspose(x, weight, bias, { stride: 2, pad: 1, outputPadding: 1 });
}

function configure(config: PublisherConfig, tensors: TensorShapes): AutoencoderConfig | undefined {
  const named = config?.model_type === AUTOENCODER;
  const shaped =
    tensors.get('encoder.0.weight')?.shape.length === 4 &&
    tensors.get('decoder.0.weight')?.shape.length === 4;
  if (!named && (!shaped || config?.model_type !== undefined)) return undefined;

  const found: number[] = [];
  while (tensors.has(`encoder.${2 * found.length}.weight`))
    found.push(shapeOf(tensors, `encoder.${2 * found.length}.weight`, 'autoencoder')[0]!);
  const channels = config?.channels ?? found;
  const input = config?.input ?? [3, 64, 64];
  const latent = config?.latent ?? tensors.get('encode.weight')?.shape[0] ?? null;
  if (!isSizes(channels)) throw expected('channels', 'a list of channel counts', channels);
  if (!isSizes(input) || input.length !== 3 || input[0] !== 3)
    throw expected('input', '[3, height, width]', input);
  if (latent !== null && !isSizes([latent])) throw expected('latent', 'a length or null', latent);
  const result: AutoencoderConfig = {
    height: input[1]!,
    width: input[2]!,
    channels,
    latent: latent as number | null,
  };
  checkTensors('autoencoder', image(result), tensors);
  return result;
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.length > 0 && value.every((n) => Number.isInteger(n) && n > 0);
}

function expected(key: string, what: string, received: unknown): ModelError {
  return new ModelError(
    `autoencoder: expected "${key}" to be ${what} but received ${JSON.stringify(received)}`,
  );
}

/** The convolutional autoencoder. Outputs: `latent`, and `reconstruction` [N, 3, H, W] in 0..1. */
export const autoencoder: Architecture<AutoencoderConfig> = {
  name: 'autoencoder',
  configure,
  image,
  defaultOutput: () => 'latent',
  inputSize: ({ height, width }) => ({ height, width }),
};
