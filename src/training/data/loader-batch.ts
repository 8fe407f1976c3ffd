/**
 * @file One whole batch, from the places where its images lie to one tensor: what a loading thread does, and what is
 * done without threads. Which draws vary an image is decided by its place in the run, so it does not matter who makes
 * the batch, nor when.
 */
import { ImageError, type Stage } from '../../errors.js';
import { decodeImage, fromRawImage } from '../../image/decode.js';
import { readSource } from '../../image/source.js';
import type { TransformSpec } from '../../image/transform.js';
import type { DecodeOptions, RawImage, ReadOptions, RgbImage } from '../../image/types.js';
import { Random } from '../../random.js';
import type { AugmentOptions, AugmentPreset } from './augment.js';
import { Augmentation } from './augment-pipeline.js';
import { PixelCache, type PixelCacheMemory } from './cache.js';

/** An image as all threads can reach it. */
export interface LoaderItem {
  /** The name that failures are reported under. */
  id: string;
  /** A path or URL, the bytes of an encoded file, or pixels. */
  input: string | Uint8Array | RawImage;
}

/** What a loading thread is started with. */
export interface LoaderSetup {
  items: readonly LoaderItem[];
  spec: TransformSpec;
  augment: AugmentPreset | AugmentOptions;
  seed: number;
  cache: PixelCacheMemory | null;
  decode: Omit<DecodeOptions, 'source'>;
  read: Omit<ReadOptions, 'signal'>;
}

/** A batch, or some places of one, to be made. */
export interface BatchJob {
  epoch: number;
  /** Its number in the epoch. */
  batch: number;
  /** Items. */
  indices: Int32Array;
  /** The place in the batch of each of them. */
  positions: Int32Array;
  /** Whether images are varied. */
  vary: boolean;
}

/** A place that stayed empty. */
export interface FailedPlace {
  /** Into `indices` of the job. */
  place: number;
  stage: Stage;
  reason: string;
}

/** What became of a job. */
export interface MadeBatch {
  /** `[indices.length, 3, height, width]`; zeros at failed places. */
  images: Float32Array;
  /** By place. */
  failures: FailedPlace[];
}

/** Pictures in hand at a time: while libvips decodes one in its own thread, another is resized and varied. */
const LANES = 2;

/** Makes batches, one after the other. */
export class BatchMaker {
  private readonly augmentation: Augmentation;
  private readonly cache: PixelCache | null;

  /** @throws UsageError for augmentation options that do not hold. */
  constructor(private readonly setup: LoaderSetup) {
    this.augmentation = new Augmentation(setup.augment, setup.spec);
    this.cache = setup.cache && new PixelCache(setup.cache);
  }

  /** Images that cannot be read, decoded or resized are failures of their places; everything else is thrown. */
  async make(job: BatchJob): Promise<MadeBatch> {
    const { width, height } = this.augmentation.size;
    const length = 3 * width * height;
    const images = new Float32Array(job.indices.length * length);
    const failures: FailedPlace[] = [];
    const groups = placesByItem(job.indices);
    let next = 0;
    const lane = async (): Promise<void> => {
      for (let group = groups[next++]; group !== undefined; group = groups[next++]) {
        try {
          const image = await this.load(group.item);
          for (const place of group.places) {
            this.fill(job, place, image, images.subarray(place * length, (place + 1) * length));
          }
        } catch (error) {
          if (!(error instanceof ImageError)) throw error;
          const { stage, reason } = error;
          for (const place of group.places) failures.push({ place, stage, reason });
        }
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    return { images, failures: failures.sort((a, b) => a.place - b.place) };
  }

  private fill(job: BatchJob, place: number, image: RgbImage, out: Float32Array): void {
    if (!job.vary) this.augmentation.plain(image, out);
    else {
      const random = new Random(this.setup.seed, 'augment', job.epoch, job.batch, job.positions[place]!);
      this.augmentation.apply(image, random, out);
    }
  }

  /** The pixels on which variation starts, from the cache or through it. */
  private async load(index: number): Promise<RgbImage> {
    const kept = this.cache?.get(index);
    if (kept !== undefined) return kept;
    const { id, input } = this.setup.items[index]!;
    const content = await readSource(input, this.setup.read);
    const image = this.augmentation.prefix(
      content instanceof Uint8Array
        ? await decodeImage(ownBytes(content), { ...this.setup.decode, source: id })
        : fromRawImage(content, id),
    );
    // Pixels that the caller gave are in shared memory already.
    if (!(image.data.buffer instanceof SharedArrayBuffer)) this.cache?.put(index, image);
    return image;
  }
}

/** Each item once, with all its places: several views of an image are made of one decoding. */
function placesByItem(indices: Int32Array): { item: number; places: number[] }[] {
  const groups = new Map<number, number[]>();
  indices.forEach((item, place) => {
    const places = groups.get(item);
    if (places === undefined) groups.set(item, [place]);
    else places.push(place);
  });
  return Array.from(groups, ([item, places]) => ({ item, places }));
}

/** Decoders do not take memory that threads share. */
function ownBytes(bytes: Uint8Array): Uint8Array {
  return bytes.buffer instanceof SharedArrayBuffer ? new Uint8Array(bytes) : bytes;
}
