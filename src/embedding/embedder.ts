/**
 * @file The embedder: images or texts in, vectors with an identity out. One class for all families of model.
 */
import { availableParallelism } from 'node:os';
import { ImageError, type ItemFailure, ModelError, UsageError } from '../errors.js';
import { type Device, PRECISIONS, type Precision, type Session } from '../graph/index.js';
import {
  type DecodeOptions,
  DecodePool,
  type ImageInput,
  type ReadOptions,
  type SourceItem,
  sourceName,
} from '../image/index.js';
import type { OutputName, TextTokenizer } from '../models/index.js';
import { type LoadModelOptions, loadModel } from '../models/load.js';
import type { LoadedModel } from '../models/loaded-model.js';
import { allFinite, normalizeRows } from '../vectors/vectors.js';
import { type Feed, inBatches, type Prepared } from './batches.js';
import { type EmbeddingIdentity, transformHash } from './identity.js';
import { type Embedded, EmbeddingError, type EmbeddingResult, isFailed, type Progress } from './results.js';

/** Options of {@link loadEmbedder}. */
export interface EmbedderOptions extends LoadModelOptions {
  /**
   * Which output of the network is the embedding; a ready-made ONNX file may have names of its own.
   * @default the model's own (`models info` shows it)
   */
  output?: OutputName | (string & Record<never, never>) | undefined;
  /**
   * Precision: `fp16` rounds the weights; `int8` multiplies 8-bit integers in linear layers, faster and less exact
   * (vectors then depend a little on their batch). `comparePrecisions` measures both.
   * @default 'fp32'
   */
  dtype?: Precision | undefined;
  /** @default 'cpu' */
  device?: Device | undefined;
  /** Threads of the network. @default the cores of this machine */
  threads?: number | undefined;
  /** Scale vectors to unit length (each row on its own for outputs of two axes, such as `tokens`). @default true */
  normalize?: boolean | undefined;
  /** Images per run of the network. @default 8 on the CPU, 32 elsewhere */
  batchSize?: number | undefined;
  /** Threads that read and decode ahead of the network; 0 decodes on the calling thread. @default the cores, at most 8 */
  workers?: number | undefined;
  /** Run the network on the calling thread: a faster start, but the thread blocks meanwhile. @default false */
  inline?: boolean | undefined;
  /**
   * Open the image tower at the first image, not before: a faster start where only texts are embedded. What is wrong
   * with the device or the weights is then found at the first image, too. @default false
   */
  lazy?: boolean | undefined;
  /** How images are decoded: orientation, pixel limit, exact or fast. */
  decode?: DecodeOptions | undefined;
  /** How images are fetched: byte limit, time-out, private addresses. */
  read?: ReadOptions | undefined;
  /** Told of things that are done differently from what the input suggests, such as a text that is cut. */
  onWarning?: ((message: string) => void) | undefined;
}

/** Options of one call. */
export interface EmbedOptions {
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: Progress) => void) | undefined;
  /** The number of items, for progress, where the input does not tell. */
  total?: number | undefined;
}

/** Options of the calls that return arrays. */
export interface EmbedArrayOptions extends EmbedOptions {
  /** Told of every item that fails; the array then holds null in its place. Without it the call rejects at its end. */
  onFailure?: ((failure: ItemFailure) => void) | undefined;
}

/** Anything that {@link Embedder.streamImages} takes: inputs as such, or with an id of their own. */
export type ImageItem = ImageInput | SourceItem;

/**
 * Opens a model as an embedder.
 *
 * @param name a short name of the catalogue (`clip-vit-b32`), an alias (`ViT-B/32`), a hub repository (`org/name`), a
 *   local folder or file. @default the bundled mini-clip
 * @throws ModelError for a name or an output that does not exist, HubError when weights cannot be fetched,
 *   WeightsError when they are damaged, RuntimeError when the device is missing.
 */
export async function loadEmbedder(name?: string, options: EmbedderOptions = {}): Promise<Embedder> {
  const dtype = options.dtype ?? 'fp32';
  if (!PRECISIONS.includes(dtype))
    throw new UsageError(`dtype: expected ${PRECISIONS.join(', ')} but received "${dtype}"`);
  for (const key of ['batchSize', 'workers', 'threads'] as const) {
    const value = options[key];
    const least = key === 'workers' ? 0 : 1;
    if (value !== undefined && (!Number.isInteger(value) || value < least))
      throw new UsageError(`${key}: expected a whole number of at least ${least} but received ${value}`);
  }
  const model = await loadModel(name, options);
  const output = (options.output ?? model.defaultOutput) as OutputName; // checked by the model
  const hashing = model.weightsHash();
  hashing.catch(() => undefined); // awaited below
  const known = options.lazy ? model.network?.graph.outputs.get(output)?.shape.slice(1) : undefined;
  const tower = known ? undefined : await model.openImage(output, options);
  try {
    const { maxBatch } = tower ?? {};
    const batchSize = Math.min(
      options.batchSize ?? ((options.device ?? 'cpu') === 'cpu' ? 8 : 32),
      maxBatch ?? Number.POSITIVE_INFINITY,
    );
    const shape = tower?.shape ?? (known as number[]);
    const checked = { ...options, dtype, batchSize };
    return new Embedder(model, tower?.session, output, shape, await hashing, checked);
  } catch (error) {
    await tower?.session.release();
    throw error;
  }
}

/** A model that turns images (and texts, where it has a text tower) into vectors. Close it when done. */
export class Embedder {
  /** What every vector of this embedder is: two vectors may be compared when their identities are equal. */
  readonly identity: EmbeddingIdentity;
  /** Numbers in one vector. */
  readonly dimension: number;
  /** The shape of one item's output: `[dimension]`, or `[tokens, width]` for tokens. */
  readonly shape: readonly number[];
  private readonly normalize: boolean;
  private pool: DecodePool | undefined;
  private readonly closing = new AbortController();
  /** Undefined until it is opened. */
  private image: Promise<Session> | undefined;
  private text: Promise<{ session: Session; output: OutputName; tokenizer: TextTokenizer }> | undefined;

  /** Use {@link loadEmbedder}. */
  constructor(
    readonly model: LoadedModel,
    session: Session | undefined,
    private readonly output: OutputName,
    shape: readonly number[],
    weights: string,
    /** How it was opened. */
    readonly options: EmbedderOptions & { dtype: Precision; batchSize: number },
  ) {
    this.image = session && Promise.resolve(session);
    this.shape = shape;
    this.dimension = shape.reduce((n, d) => n * d, 1);
    this.normalize = options.normalize ?? true;
    this.identity = Object.freeze({
      model: model.name,
      revision: model.revision,
      weights,
      dtype: options.dtype,
      transform: transformHash({ ...model.transform, ...decodeIdentity(options.decode) }),
      output,
      normalized: this.normalize,
      dimension: this.dimension,
    });
  }

  /** True when the model has a text tower and this embedder's output is the space it shares with images. */
  get hasText(): boolean {
    return this.model.hasText && this.output === 'projection';
  }

  /** Images per run of the network. */
  get batchSize(): number {
    return this.options.batchSize;
  }

  /**
   * Embeds any number of images in bounded memory, in order. Images are decoded ahead of the network in worker
   * threads. An image that cannot be read yields a failure; the rest goes on.
   * @throws the reason of `signal` once it is aborted, UsageError once the embedder is closed, what `items` throws
   *   (after the results of those that came before).
   */
  async *streamImages(
    items: Iterable<ImageItem> | AsyncIterable<ImageItem>,
    options: EmbedOptions = {},
  ): AsyncGenerator<EmbeddingResult> {
    this.checkOpen();
    const { model } = this;
    const workers = this.options.workers ?? Math.min(availableParallelism(), 8);
    this.pool ??= new DecodePool({
      workers,
      spec: model.transform,
      ...(this.options.decode ? { decode: this.options.decode } : {}),
      ...(this.options.read ? { read: this.options.read } : {}),
    });
    const { pool } = this;
    const { height, width } = model.inputSize;
    const prepare = async (
      given: ImageItem,
      index: number,
      over: AbortSignal,
    ): Promise<Prepared<Embedded>> => {
      const item: Embedded = { index, id: `<item ${index}>`, vector: new Float32Array(0) };
      try {
        if (typeof given !== 'string' && (typeof given !== 'object' || given === null))
          throw new ImageError('read', item.id, `expected an image but received ${String(given)}`);
        const source: SourceItem = isSourceItem(given) ? given : { id: sourceName(given), input: given };
        item.id = source.id;
        if (source.text !== undefined) item.text = source.text;
        if (source.metadata !== undefined) item.metadata = source.metadata;
        const image = await pool.process(source.input, over);
        Object.assign(item, { width: image.width, height: image.height, format: image.format });
        return { item, feed: { [model.imageInput]: { data: image.tensor, dims: [3, height, width] } } };
      } catch (error) {
        return { item, error };
      }
    };
    yield* this.stream(await this.openImage(), this.output, items, prepare, workers, options);
  }

  /**
   * Embeds images and returns their vectors, aligned with the input.
   * @throws EmbeddingError at the end when items failed and no `onFailure` was given; it holds the other vectors.
   */
  async embedImages(
    items: Iterable<ImageItem> | AsyncIterable<ImageItem>,
    options?: EmbedOptions & { onFailure?: undefined },
  ): Promise<Float32Array[]>;
  async embedImages(
    items: Iterable<ImageItem> | AsyncIterable<ImageItem>,
    options: EmbedArrayOptions,
  ): Promise<(Float32Array | null)[]>;
  async embedImages(
    items: Iterable<ImageItem> | AsyncIterable<ImageItem>,
    options: EmbedArrayOptions = {},
  ): Promise<(Float32Array | null)[]> {
    return collect(this.streamImages(items, options), options);
  }

  /**
   * Embeds any number of texts into the space that they share with images.
   * @throws ModelError when the model has no text tower or another output than `projection` was chosen.
   */
  async *streamTexts(
    texts: Iterable<string> | AsyncIterable<string>,
    options: EmbedOptions = {},
  ): AsyncGenerator<EmbeddingResult> {
    const { session, output, tokenizer } = await this.openText();
    // Where the length is free, tokens do not look ahead, and padding would only be computed in vain.
    const free = typeof session.inputs[0]!.shape[1] === 'string';
    const prepare = async (text: string, index: number): Promise<Prepared<Embedded>> => {
      const item: Embedded = { index, id: text, vector: new Float32Array(0), text };
      try {
        const { inputIds, attentionMask, length } = tokenizer.encode([text], free ? 'longest' : 'context');
        const feed: Record<string, Feed> = {};
        for (const { name } of session.inputs) {
          const mask = name === 'attention_mask';
          feed[name] = {
            data: mask ? attentionMask : inputIds,
            dims: [length],
            pad: mask ? 0n : BigInt(tokenizer.padId),
          };
        }
        return { item, feed };
      } catch (error) {
        return { item, error };
      }
    };
    yield* this.stream(session, output, texts, prepare, 1, options);
  }

  /** Embeds texts and returns their vectors. @throws as {@link streamTexts} and {@link embedImages}. */
  async embedTexts(
    texts: Iterable<string> | AsyncIterable<string>,
    options: EmbedOptions = {},
  ): Promise<Float32Array[]> {
    return (await collect(this.streamTexts(texts, options), {})) as Float32Array[];
  }

  /** Ends the worker threads and frees the network's memory. Streams that are under way are rejected. */
  async close(): Promise<void> {
    this.closing.abort(
      new UsageError('the embedder was closed', { hint: 'close it when its last stream has ended' }),
    );
    const text = await this.text?.catch(() => undefined);
    const image = await this.image?.catch(() => undefined);
    await Promise.all([image?.release(), this.pool?.close(), text?.session.release()]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  private checkOpen(): void {
    this.closing.signal.throwIfAborted();
  }

  private openImage(): Promise<Session> {
    this.image ??= this.model.openImage(this.output, this.options).then(
      ({ session }) => session,
      (error: unknown) => {
        this.image = undefined; // the next call tries again
        throw error;
      },
    );
    return this.image;
  }

  private async openText() {
    this.checkOpen();
    const { model, output } = this;
    if (!model.hasText)
      throw new ModelError(`${model.name} has no text tower`, {
        hint: 'texts need a CLIP or SigLIP model, such as mini-clip (bundled) or clip-vit-b32',
      });
    if (!this.hasText)
      throw new ModelError(`texts share a space with images in the output "projection", not in "${output}"`, {
        hint: 'leave the choice of output to the model, or choose "projection"',
      });
    this.text ??= model.openText(this.options).catch((error: unknown) => {
      this.text = undefined; // the next call tries again
      throw error;
    });
    return this.text;
  }

  /** Runs prepared items through a session and finishes their vectors. */
  private async *stream<S>(
    session: Session,
    output: OutputName,
    source: Iterable<S> | AsyncIterable<S>,
    prepare: (item: S, index: number, over: AbortSignal) => Promise<Prepared<Embedded>>,
    workers: number,
    options: EmbedOptions,
  ): AsyncGenerator<EmbeddingResult> {
    const { batchSize } = this;
    const total = options.total ?? (Array.isArray(source) ? source.length : undefined);
    const progress: Progress = { done: 0, failed: 0, total };
    const rowWidth = this.shape.length === 2 ? this.shape[1]! : this.dimension;
    const { signal: closing } = this.closing;
    const outcomes = inBatches(session, output, {
      source,
      prepare,
      batchSize,
      ahead: 2 * batchSize + workers,
      signal: AbortSignal.any(options.signal ? [options.signal, closing] : [closing]),
    });
    for await (const batch of outcomes) {
      const results = batch.map((o): EmbeddingResult => {
        const { item } = o;
        if ('error' in o) return { index: item.index, id: item.id, failure: failureOf(item.id, o.error) };
        if (!allFinite(o.values))
          return {
            index: item.index,
            id: item.id,
            failure: {
              id: item.id,
              stage: 'network',
              reason: 'the network gave numbers that are not finite',
            },
          };
        if (this.normalize) normalizeRows(o.values, rowWidth);
        item.vector = o.values;
        return item;
      });
      progress.done += results.length;
      progress.failed += results.filter(isFailed).length;
      options.onProgress?.({ ...progress });
      yield* results;
    }
  }
}

/** What is recorded of an item that failed. */
export function failureOf(id: string, error: unknown): ItemFailure {
  if (error instanceof ImageError) return { id, stage: error.stage, reason: error.reason };
  return { id, stage: 'network', reason: error instanceof Error ? error.message : String(error) };
}

/** The decoding choices that change pixels, and so belong to the identity. */
function decodeIdentity(decode: DecodeOptions | undefined): { orient?: false; decode?: 'fast' } {
  return {
    ...(decode?.orient === false ? { orient: false as const } : {}),
    ...(decode?.mode === 'fast' ? { decode: 'fast' as const } : {}),
  };
}

function isSourceItem(item: ImageItem): item is SourceItem {
  return typeof item === 'object' && 'id' in item && 'input' in item;
}

async function collect(
  results: AsyncIterable<EmbeddingResult>,
  options: EmbedArrayOptions,
): Promise<(Float32Array | null)[]> {
  const vectors: (Float32Array | null)[] = [];
  const failures: ItemFailure[] = [];
  for await (const r of results) {
    if (isFailed(r)) {
      failures.push(r.failure);
      options.onFailure?.(r.failure);
    }
    vectors.push(isFailed(r) ? null : r.vector);
  }
  if (failures.length > 0 && !options.onFailure) throw new EmbeddingError(failures, vectors);
  return vectors;
}
