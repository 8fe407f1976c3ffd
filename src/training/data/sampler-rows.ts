/**
 * @file Samplers whose batches are made of rows that belong together: views of one image, pairs, triplets. What belongs
 * together lies next to one another, so that a reshape to `[batch / k, k, …]` separates it.
 */
import { Random } from '../../random.js';
import { assertBatch, assertEnough, type Sampler } from './sampler.js';

/** Options of a {@link ViewsSampler}. */
export interface ViewsOptions {
  /** The items to draw from. */
  indices: Int32Array;
  /** Rows in a batch, two an image. */
  batch: number;
  seed: number;
}

/**
 * Every image once an epoch, twice in a row, to be augmented differently each time (NT-Xent): rows `2k` and `2k + 1`
 * show the same image. What does not fill a batch is left out of the epoch.
 */
export class ViewsSampler implements Sampler {
  readonly batchesPerEpoch: number;

  /** @throws UsageError when a batch takes more images than there are. */
  constructor(private readonly options: ViewsOptions) {
    const { indices, batch } = options;
    assertBatch(batch, 2, '2 views of each image');
    assertEnough(batch / 2, indices.length, 'images');
    this.batchesPerEpoch = Math.floor((indices.length * 2) / batch);
  }

  epoch(n: number): Int32Array[] {
    const { indices, batch, seed } = this.options;
    const order = new Random(seed, 'views', n).shuffle(indices.slice());
    return Array.from({ length: this.batchesPerEpoch }, (_, k) =>
      Int32Array.from({ length: batch }, (_, row) => order[(k * batch + row) >> 1]!),
    );
  }
}

/** Options of a {@link PairSampler}. */
export interface PairOptions {
  /** The pairs to draw from: numbers of rows of `pairs`. */
  rows: Int32Array;
  /** `[P, 2]` items, as in `DataSet.pairs`. */
  pairs: Int32Array;
  /** `[P]`: 1 for pairs that belong together, as in `DataSet.same`. */
  same: Uint8Array;
  /** Images in a batch, two a pair. */
  batch: number;
  seed: number;
}

/** Every pair once an epoch: images `2k` and `2k + 1` of a batch are a pair. */
export class PairSampler implements Sampler {
  readonly batchesPerEpoch: number;
  private drawn: { epoch: number; batches: Int32Array[] } | undefined;

  /** @throws UsageError when a batch takes more pairs than there are. */
  constructor(private readonly options: PairOptions) {
    this.batchesPerEpoch = rowBatches(options.rows, options.batch, 2, 'pairs');
  }

  epoch(n: number): Int32Array[] {
    return this.draw(n).map((some) => spread(some, this.options.pairs, 2));
  }

  /** For each pair of batch `k` of epoch `n`, `[batch / 2]`: 1 where it belongs together. */
  same(n: number, k: number): Uint8Array {
    return Uint8Array.from(this.draw(n)[k]!, (row) => this.options.same[row]!);
  }

  /** The pairs of each batch; those of the last epoch are kept, since every step asks. */
  private draw(n: number): Int32Array[] {
    if (this.drawn?.epoch !== n) {
      const { rows, batch, seed } = this.options;
      const batches = drawRows(new Random(seed, 'pairs', n), rows, this.batchesPerEpoch, batch / 2);
      this.drawn = { epoch: n, batches };
    }
    return this.drawn.batches;
  }
}

/** Options of a {@link TripletSampler}. */
export interface TripletOptions {
  /** The triplets to draw from: numbers of rows of `triplets`. */
  rows: Int32Array;
  /** `[T, 3]` items: anchor, positive, negative, as in `DataSet.triplets`. */
  triplets: Int32Array;
  /** Images in a batch, three a triplet. */
  batch: number;
  seed: number;
}

/** Every triplet once an epoch: images `3k`, `3k + 1` and `3k + 2` of a batch are anchor, positive and negative. */
export class TripletSampler implements Sampler {
  readonly batchesPerEpoch: number;

  /** @throws UsageError when a batch takes more triplets than there are. */
  constructor(private readonly options: TripletOptions) {
    this.batchesPerEpoch = rowBatches(options.rows, options.batch, 3, 'triplets');
  }

  epoch(n: number): Int32Array[] {
    const { rows, triplets, batch, seed } = this.options;
    return drawRows(new Random(seed, 'triplets', n), rows, this.batchesPerEpoch, batch / 3).map((some) =>
      spread(some, triplets, 3),
    );
  }
}

function rowBatches(rows: Int32Array, batch: number, width: number, what: string): number {
  assertBatch(batch, width, `${width} images in each of the ${what}`);
  assertEnough(batch / width, rows.length, what);
  return Math.floor((rows.length * width) / batch);
}

/** Batches of rows in random order. */
function drawRows(random: Random, rows: Int32Array, batches: number, perBatch: number): Int32Array[] {
  const order = random.shuffle(rows.slice());
  return Array.from({ length: batches }, (_, k) => order.subarray(k * perBatch, (k + 1) * perBatch));
}

/** The items of rows, one row after the other. */
function spread(rows: Int32Array, table: Int32Array, width: number): Int32Array {
  const items = new Int32Array(rows.length * width);
  for (const [k, row] of rows.entries()) items.set(table.subarray(row * width, (row + 1) * width), k * width);
  return items;
}
