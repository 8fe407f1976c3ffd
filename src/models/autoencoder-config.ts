/**
 * @file What describes an autoencoder: its options, their check, and their form in `config.json`.
 */
import { ModelError } from '../errors.js';
import type { ImageSize } from './layers.js';

/** `model_type` in the `config.json` of such a model. */
export const AUTOENCODER = 'afterimage-autoencoder';

/** An autoencoder in full. */
export interface AutoencoderConfig extends ImageSize {
  /** Channels after each convolution of the encoder; each halves height and width. */
  channels: number[];
  /** Side of every kernel: 3, or 4, whose decoder draws no checkerboard. */
  kernel: 3 | 4;
  /** Batch normalisation after each convolution but the last. */
  batchNorm: boolean;
  /** Length of a linear bottleneck, or null: the latent is the flattened last feature map. */
  latent: number | null;
  /** The bottleneck gives a normal distribution, and the embedding is its mean. */
  variational: boolean;
  /** Standard deviation of the noise that was added to the pixels in training (denoising autoencoder); 0 for none. */
  noise: number;
}

/** The reference: 3 × 64 × 64 → 8192. */
export const referenceAutoencoder: Readonly<AutoencoderConfig> = Object.freeze({
  height: 64,
  width: 64,
  channels: [16, 32],
  kernel: 3,
  batchNorm: false,
  latent: null,
  variational: false,
  noise: 0,
});

/** An autoencoder like the reference but for what is given. @throws ModelError for what no network can be built of. */
export function autoencoderConfig(options: Partial<AutoencoderConfig> = {}): AutoencoderConfig {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const config: AutoencoderConfig = { ...referenceAutoencoder, ...given };
  checkAutoencoder(config);
  return config;
}

/** The content of its `config.json`. */
export function autoencoderJson(config: AutoencoderConfig): Record<string, unknown> {
  const { height, width, channels, kernel, batchNorm, latent, variational, noise } = config;
  return {
    model_type: AUTOENCODER,
    input: [3, height, width],
    channels,
    kernel,
    batch_norm: batchNorm,
    latent,
    variational,
    noise,
  };
}

/** Channels, height and width of the encoder's last feature map. */
export function mapOf({ channels, height, width }: AutoencoderConfig): [number, number, number] {
  const step = 2 ** channels.length;
  return [channels.at(-1)!, height / step, width / step];
}

/** @throws ModelError that names the first value that makes no sense. */
export function checkAutoencoder(config: AutoencoderConfig): void {
  const { height, width, channels, kernel, batchNorm, latent, variational, noise } = config;
  const count = (n: unknown) => Number.isInteger(n) && (n as number) > 0;
  if (!Array.isArray(channels) || channels.length === 0 || !channels.every(count))
    throw expected('channels', 'a list of channel counts', channels);
  const step = 2 ** channels.length;
  if (!count(height) || !count(width) || height % step !== 0 || width % step !== 0)
    throw new ModelError(
      `autoencoder: expected sides divisible by ${step} (${channels.length} halvings) but received ${height} × ${width}`,
      { hint: 'otherwise the reconstruction would not have the size of the input' },
    );
  if (kernel !== 3 && kernel !== 4) throw expected('kernel', '3 or 4', kernel);
  if (typeof batchNorm !== 'boolean') throw expected('batch_norm', 'true or false', batchNorm);
  if (latent !== null && !count(latent)) throw expected('latent', 'a length or null', latent);
  if (typeof variational !== 'boolean') throw expected('variational', 'true or false', variational);
  if (variational && latent === null)
    throw new ModelError(
      'autoencoder: expected a length for "latent" of a variational one but received null',
      {
        hint: 'its bottleneck is a distribution over so many numbers; 128, say',
      },
    );
  if (typeof noise !== 'number' || !(noise >= 0)) throw expected('noise', 'a number of at least 0', noise);
}

function expected(key: string, what: string, received: unknown): ModelError {
  return new ModelError(
    `autoencoder: expected "${key}" to be ${what} but received ${JSON.stringify(received)}`,
  );
}
