/**
 * @file An autoencoder at work: images to latent vectors, latent vectors to images, and how well an image comes through
 * both. An image that comes back badly is unlike those that the network learned from, so the error tells outliers.
 */
import { availableParallelism } from 'node:os';
import { type Feed, inBatches, type Prepared } from '../embedding/batches.js';
import { failureOf } from '../embedding/embedder.js';
import {
  type Embedder,
  type EmbedderOptions,
  type EmbeddingResult,
  type EmbedOptions,
  type Failed,
  type ImageItem,
  loadEmbedder,
  type Progress,
} from '../embedding/index.js';
import { ModelError, UsageError } from '../errors.js';
import { openSession, type Session } from '../graph/index.js';
import { DecodePool, type RgbImage, type SourceItem, sourceName } from '../image/index.js';
import { defaultAutoencoder } from '../models/catalogue.js';
import {
  type AutoencoderConfig,
  autoencoder,
  decoderGraph,
  type LoadedModel,
  loadModel,
} from '../models/index.js';
import { psnr } from './image-metrics.js';

/** How {@link loadAutoencoder} opens a model. */
export type AutoencoderOptions = Omit<EmbedderOptions, 'output' | 'normalize' | 'dtype'>;

/** One image as it went in and as it came back, both of the network's size. */
export interface Reconstruction {
  /** Position in the input, from 0. */
  index: number;
  /** The item's path, URL or `archive/member`. */
  id: string;
  original: RgbImage;
  reconstruction: RgbImage;
  /** Mean squared error over pixels and channels, of numbers in 0..1. */
  mse: number;
  /** Peak signal-to-noise ratio in dB: 10 log₁₀(1 / mse). */
  psnr: number;
}

/** Latent vectors in one run of the decoder. */
const CHUNK = 64;

/**
 * Opens an autoencoder.
 * @param name as for `loadEmbedder`: a model folder, say; by default the bundled `mini-autoencoder`
 * @throws ModelError when it is another kind of network, WeightsError when its weights are damaged.
 */
export async function loadAutoencoder(
  name: string = defaultAutoencoder,
  options: AutoencoderOptions = {},
): Promise<Autoencoder> {
  const model = await loadModel(name, options);
  const config = model.network && autoencoder.configure(model.config, model.network.graph.parameters);
  if (model.architecture !== autoencoder.name || !config)
    throw new ModelError(`${name}: expected an autoencoder but found ${model.architecture}`, {
      hint: '"afterimage train autoencoder" makes one',
    });
  const { session } = await model.openImage('reconstruction', options);
  return new Autoencoder(name, model, config, session, options);
}

/** An autoencoder that is ready. Close it when done. */
export class Autoencoder {
  private pool: DecodePool | undefined;
  private decoder: Promise<Session> | undefined;
  private embedder: Promise<Embedder> | undefined;

  /** Use {@link loadAutoencoder}. */
  constructor(
    private readonly name: string,
    readonly model: LoadedModel,
    readonly config: AutoencoderConfig,
    private readonly session: Session,
    private readonly options: AutoencoderOptions,
  ) {}

  /** Numbers in a latent vector. */
  get dimension(): number {
    return Number(this.model.network!.graph.outputs.get('latent')!.shape[1]);
  }

  /**
   * Sends images through the network and back, in order and in bounded memory. An image that cannot be read yields a
   * failure; the rest goes on.
   * @throws the reason of `signal` once it is aborted, what `items` throws.
   */
  async *reconstruct(
    items: Iterable<ImageItem> | AsyncIterable<ImageItem>,
    options: EmbedOptions = {},
  ): AsyncGenerator<Reconstruction | Failed> {
    const { model, config } = this;
    const workers = this.options.workers ?? Math.min(availableParallelism(), 8);
    const { decode, read, batchSize = 8 } = this.options;
    this.pool ??= new DecodePool({
      workers,
      spec: model.transform,
      ...(decode ? { decode } : {}),
      ...(read ? { read } : {}),
    });
    const { pool } = this;
    interface Item {
      index: number;
      id: string;
      pixels: Float32Array;
    }
    const prepare = async (given: ImageItem, index: number, over: AbortSignal): Promise<Prepared<Item>> => {
      const { id, input } = sourceOf(given);
      const item: Item = { index, id, pixels: new Float32Array(0) };
      try {
        item.pixels = (await pool.process(input, over)).tensor;
        const feed: Feed = { data: item.pixels, dims: [3, config.height, config.width] };
        return { item, feed: { [model.imageInput]: feed } };
      } catch (error) {
        return { item, error };
      }
    };
    const progress: Progress = {
      done: 0,
      failed: 0,
      total: options.total ?? (Array.isArray(items) ? items.length : undefined),
    };
    const batches = inBatches(this.session, 'reconstruction', {
      source: items,
      prepare,
      batchSize,
      ahead: 2 * batchSize + workers,
      signal: options.signal,
    });
    for await (const batch of batches) {
      progress.done += batch.length;
      progress.failed += batch.filter((o) => 'error' in o).length;
      options.onProgress?.({ ...progress });
      for (const outcome of batch) {
        const { index, id, pixels } = outcome.item;
        if ('error' in outcome) yield { index, id, failure: failureOf(id, outcome.error) };
        else yield { index, id, ...this.compare(unprepared(pixels, model), outcome.values) };
      }
    }
  }

  /** Latent vectors of images, as they are: see `Embedder.streamImages`. */
  async *encode(
    items: Iterable<ImageItem> | AsyncIterable<ImageItem>,
    options: EmbedOptions = {},
  ): AsyncGenerator<EmbeddingResult> {
    this.embedder ??= loadEmbedder(this.name, { ...this.options, output: 'latent', normalize: false });
    yield* (await this.embedder).streamImages(items, options);
  }

  /**
   * Images of latent vectors.
   * @param latents one after the other, {@link dimension} numbers each
   * @throws UsageError when they are no whole number of vectors.
   */
  async decode(latents: Float32Array): Promise<RgbImage[]> {
    const { dimension, config, options } = this;
    if (latents.length % dimension !== 0)
      throw new UsageError(
        `${this.name}: expected latent vectors of ${dimension} numbers but received ${latents.length} numbers in all`,
      );
    this.decoder ??= openSession(decoderGraph(config), this.model.network!.bind, options);
    const session = await this.decoder;
    const images: RgbImage[] = [];
    for (let from = 0; from < latents.length; from += CHUNK * dimension) {
      const data = latents.slice(from, from + CHUNK * dimension);
      const n = data.length / dimension;
      const { reconstruction } = await session.run({ latent: { data, dims: [n, dimension] } });
      const values = reconstruction!.data as Float32Array;
      const size = values.length / n;
      for (let i = 0; i < n; i++)
        images.push(toImage(values.subarray(i * size, (i + 1) * size), config.height, config.width));
    }
    return images;
  }

  /** Ends the worker threads and frees the memory of the networks. */
  async close(): Promise<void> {
    const [decoder, embedder] = await Promise.all([
      this.decoder?.catch(() => undefined),
      this.embedder?.catch(() => undefined),
    ]);
    await Promise.all([this.session.release(), this.pool?.close(), decoder?.release(), embedder?.close()]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  private compare(original: Float32Array, values: Float32Array): Omit<Reconstruction, 'index' | 'id'> {
    const { height, width } = this.config;
    const [decibels] = psnr(original, values, { channels: 3, height, width });
    return {
      original: toImage(original, height, width),
      reconstruction: toImage(values, height, width),
      mse: 10 ** (-decibels! / 10),
      psnr: decibels!,
    };
  }
}

function sourceOf(given: ImageItem): SourceItem {
  if (typeof given === 'object' && given !== null && 'input' in given) return given;
  return { id: sourceName(given), input: given };
}

/** Pixels in 0..1 again, whatever mean and deviation the network wants. */
function unprepared(pixels: Float32Array, { transform }: LoadedModel): Float32Array {
  const { mean, std } = transform;
  if (mean.every((m) => m === 0) && std.every((s) => s === 1)) return pixels;
  const plane = pixels.length / 3;
  return pixels.map((x, i) => x * std[Math.floor(i / plane)]! + mean[Math.floor(i / plane)]!);
}

/** `[3, height, width]` in 0..1 as 8-bit RGB. */
function toImage(values: Float32Array, height: number, width: number): RgbImage {
  const plane = height * width;
  const data = new Uint8ClampedArray(3 * plane); // rounds and keeps within 0..255
  for (let c = 0; c < 3; c++) for (let i = 0; i < plane; i++) data[3 * i + c] = 255 * values[c * plane + i]!;
  return { data: new Uint8Array(data.buffer), width, height };
}
