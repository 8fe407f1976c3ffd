/**
 * @file Batches of images for training and evaluation: decoded and varied by threads ahead of the step, in the order
 * of the plan, and the same for a seed however many threads there are.
 *
 * What is kept between epochs: where images are only varied after the model's resize and crop, the result of these
 * (12 kB for 64 × 64); where windows are cut out of the originals, the decoded originals, as far as they fit.
 */
import { availableParallelism } from 'node:os';
import { ImageError, type ItemFailure, UsageError } from '../../errors.js';
import type { TransformSpec } from '../../image/transform.js';
import type { DecodeOptions, ReadOptions } from '../../image/types.js';
import type { AugmentOptions, AugmentPreset } from './augment.js';
import { Augmentation } from './augment-pipeline.js';
import { PixelCache } from './cache.js';
import type { FailedPlace, LoaderItem, MadeBatch } from './loader-batch.js';
import { shareItems } from './loader-items.js';
import { LoaderPool } from './loader-pool.js';

/** Options of a {@link Loader}. */
export interface LoaderOptions {
  /** The images; plans refer to them by their place here. */
  items: readonly LoaderItem[];
  /** The model's transform: size, filter and normalisation. */
  spec: TransformSpec;
  /** How training images are varied. @default 'none' */
  augment?: AugmentPreset | AugmentOptions | null | undefined;
  /** Every draw follows from it. @default 0 */
  seed?: number | undefined;
  /** Threads; 0 does the work on the caller's. @default the cores, at most 8 */
  workers?: number | undefined;
  /** Memory for pixels that are kept between epochs. @default 1 GiB */
  cacheBytes?: number | undefined;
  /**
   * Batches made ahead of the one in use. @default twice the threads and two more, as far as 256 MiB hold them; at
   * least two
   */
  prefetch?: number | undefined;
  /**
   * Names another item to take the place of one that cannot be read, by the number of the attempt (0, 1, …); must
   * depend on nothing else. Undefined leaves the place to the next image of the batch.
   */
  replacement?: ((item: number, attempt: number) => number | undefined) | undefined;
  /** Told of every item that cannot be read, once. */
  onFailure?: ((failure: ItemFailure) => void) | undefined;
  decode?: Omit<DecodeOptions, 'source'> | undefined;
  read?: Omit<ReadOptions, 'signal'> | undefined;
}

/** Images of one step. */
export interface Batch {
  /** `[B, 3, height, width]` float32, in a buffer of its own. */
  images: Float32Array;
  /** `[B]` the item at each place: those of the plan, unless one could not be read. */
  indices: Int32Array;
}

const DEFAULT_CACHE_BYTES = 2 ** 30;
const MAX_WORKERS = 8;
/** What batches made ahead may take unless `prefetch` says otherwise. */
const AHEAD_BYTES = 2 ** 28;
/** How often another item is tried for one place. */
const MAX_REPLACEMENTS = 8;

/** Loads batches. Close it when done. */
export class Loader {
  private readonly options: LoaderOptions;
  private readonly workers: number;
  private readonly pool: LoaderPool;
  /** Values of one image. */
  private readonly length: number;
  private readonly reported = new Set<number>();

  /**
   * @throws UsageError for augmentation options that do not hold, a transform without a fixed size, items that threads
   *   cannot read, and numbers that are none.
   */
  constructor(options: LoaderOptions) {
    this.options = options;
    this.workers = whole('workers', options.workers ?? Math.min(MAX_WORKERS, availableParallelism()), 0);
    if (options.prefetch !== undefined) whole('prefetch', options.prefetch, 1);
    const cacheBytes = whole('cacheBytes', options.cacheBytes ?? DEFAULT_CACHE_BYTES, 0);
    const augment = options.augment ?? 'none';
    const { size, takes } = new Augmentation(augment, options.spec);
    this.length = 3 * size.height * size.width;
    const items = shareItems(options.items);
    const all = takes === 'resized' ? PixelCache.bytesFor(items.length, size) : Number.POSITIVE_INFINITY;
    const bytes = Math.min(cacheBytes, all);
    this.pool = new LoaderPool(
      {
        items,
        spec: options.spec,
        augment,
        seed: options.seed ?? 0,
        cache: bytes > 0 ? PixelCache.allocate(items.length, bytes) : null,
        decode: options.decode ?? {},
        read: options.read ?? {},
      },
      this.workers,
    );
  }

  /**
   * The batches of an epoch, varied. Work begins at the call, before the first batch is asked for.
   *
   * An image that cannot be read is reported and its place filled: by the item that `replacement` names, else by the
   * next readable image of the same batch, of which `indices` then tells.
   *
   * @param epoch number that the draws depend on.
   * @param plan items of every batch of the epoch.
   * @param from first batch to give, when a run is taken up again: the numbers are those of a run from the start.
   * @throws ImageError if no image of a batch can be read; TrainingError if the loader is closed or threads keep dying.
   */
  batches(epoch: number, plan: readonly Int32Array[], from = 0): AsyncGenerator<Batch> {
    return this.run(plan, from, (batch) => ({ epoch, batch, vary: true }));
  }

  /** The batches of a plan as the model will see images later: nothing is varied. Otherwise as {@link batches}. */
  evaluate(plan: readonly Int32Array[]): AsyncGenerator<Batch> {
    return this.run(plan, 0, (batch) => ({ epoch: 0, batch, vary: false }));
  }

  /** Stops the threads. */
  close(): Promise<void> {
    return this.pool.close();
  }

  private run(
    plan: readonly Int32Array[],
    from: number,
    key: (batch: number) => JobKey,
  ): AsyncGenerator<Batch> {
    const ahead = this.ahead(plan[from]?.length ?? 0);
    const started: Promise<Batch>[] = [];
    let next = from;
    const startMore = (): void => {
      while (started.length < ahead && next < plan.length) {
        const batch = this.load(plan[next]!, key(next));
        batch.catch(() => {}); // told to whoever asks for the batch; nobody does after an early end
        started.push(batch);
        next++;
      }
    };
    startMore();
    return (async function* () {
      for (let batch = started.shift(); batch !== undefined; batch = started.shift()) {
        const made = await batch;
        startMore();
        yield made;
      }
    })();
  }

  private ahead(batch: number): number {
    const { prefetch } = this.options;
    if (prefetch !== undefined) return prefetch;
    if (this.workers === 0) return 1;
    const fit = Math.floor(AHEAD_BYTES / Math.max(1, batch * this.length * 4));
    return Math.max(2, Math.min(fit, 2 * this.workers + 2));
  }

  private async load(plan: Int32Array, key: JobKey): Promise<Batch> {
    const indices = plan.slice();
    const made = await this.pool.make({ ...key, indices, positions: indices.map((_, place) => place) });
    if (made.failures.length > 0) await this.repair(made, indices, key);
    return { images: made.images, indices };
  }

  /** Fills the places of images that could not be read. */
  private async repair(made: MadeBatch, indices: Int32Array, key: JobKey): Promise<void> {
    const { items, replacement } = this.options;
    let failures = made.failures;
    this.report(failures, indices);
    const [first] = failures as [FailedPlace];
    const firstId = items[indices[first.place]!]!.id;
    const planned = indices.slice();
    for (let attempt = 0; attempt < MAX_REPLACEMENTS && failures.length > 0; attempt++) {
      const chosen = failures.map(({ place }) => replacement?.(planned[place]!, attempt));
      if (chosen.every((item) => item === undefined)) break;
      const places = failures.filter((_, i) => chosen[i] !== undefined).map(({ place }) => place);
      const others = Int32Array.from(chosen.filter((item) => item !== undefined));
      const again = await this.pool.make({ ...key, indices: others, positions: Int32Array.from(places) });
      places.forEach((place, i) => {
        indices[place] = others[i]!;
        this.copy(again.images, i, made.images, place);
      });
      this.report(again.failures, others);
      const left = again.failures.map((failure) => ({ ...failure, place: places[failure.place]! }));
      failures = [...left, ...failures.filter(({ place }) => !places.includes(place))];
    }
    const empty = new Set(failures.map(({ place }) => place));
    if (empty.size === indices.length) {
      throw new ImageError(first.stage, firstId, `${first.reason}; no image of its batch could be read`);
    }
    for (const place of empty) {
      let from = place;
      do from = (from + 1) % indices.length;
      while (empty.has(from));
      indices[place] = indices[from]!;
      this.copy(made.images, from, made.images, place);
    }
  }

  private copy(from: Float32Array, source: number, to: Float32Array, place: number): void {
    const { length } = this;
    to.set(from.subarray(source * length, (source + 1) * length), place * length);
  }

  private report(failures: readonly FailedPlace[], indices: Int32Array): void {
    for (const { place, stage, reason } of failures) {
      const item = indices[place]!;
      if (this.reported.has(item)) continue;
      this.reported.add(item);
      this.options.onFailure?.({ id: this.options.items[item]!.id, stage, reason });
    }
  }
}

/** What tells a batch from others. */
interface JobKey {
  epoch: number;
  batch: number;
  vary: boolean;
}

function whole(name: string, value: number, least: number): number {
  if (Number.isInteger(value) && value >= least) return value;
  throw new UsageError(`${name}: expected a whole number of at least ${least} but received ${value}`);
}
