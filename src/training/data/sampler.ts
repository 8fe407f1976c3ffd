/**
 * @file What a sampler is, and the plain one: every unit once an epoch, in a new order each time.
 */
import { UsageError } from '../../errors.js';
import { Random } from '../random.js';

/**
 * Decides which images make up the batches of an epoch. The batches depend on the seed and the epoch alone, so any
 * epoch can be asked for at any time, as often as one likes.
 */
export interface Sampler {
  /** How many batches every epoch has. */
  readonly batchesPerEpoch: number;
  /** The batches of epoch `n`: item indices, each batch of the same length unless the sampler says otherwise. */
  epoch(n: number): Int32Array[];
}

/** Options of a {@link ShuffleSampler}. */
export interface ShuffleOptions {
  /** The items to draw from. */
  indices: Int32Array;
  /** Images in a batch. */
  batch: number;
  seed: number;
  /** Whether the order is drawn anew every epoch; otherwise it stays that of `indices`. @default true */
  shuffle?: boolean;
  /**
   * What becomes of the images left over when the last batch is not full: `drop` leaves them out of this epoch, `keep`
   * makes the last batch shorter, `wrap` fills it with the first images of the same epoch.
   * @default 'drop'
   */
  last?: 'drop' | 'keep' | 'wrap';
}

/** Every item once an epoch, in random order (PyTorch's `RandomSampler` under a `BatchSampler`). */
export class ShuffleSampler implements Sampler {
  readonly batchesPerEpoch: number;

  /** @throws UsageError for a batch larger than the data, unless the last batch may be shorter. */
  constructor(private readonly options: ShuffleOptions) {
    const { indices, batch, last = 'drop' } = options;
    assertBatch(batch, 1);
    if (last !== 'keep') assertEnough(batch, indices.length, 'images');
    this.batchesPerEpoch =
      last === 'drop' ? Math.floor(indices.length / batch) : Math.ceil(indices.length / batch);
  }

  epoch(n: number): Int32Array[] {
    const { indices, batch, seed, shuffle = true, last = 'drop' } = this.options;
    const order = shuffle ? new Random(seed, 'shuffle', n).shuffle(indices.slice()) : indices;
    return Array.from({ length: this.batchesPerEpoch }, (_, k) => {
      const rows = order.slice(k * batch, (k + 1) * batch);
      if (last !== 'wrap' || rows.length === batch) return rows;
      return Int32Array.from({ length: batch }, (_, i) => order[(k * batch + i) % order.length]!);
    });
  }
}

/** @throws UsageError unless `batch` is a positive multiple of `rows`. */
export function assertBatch(batch: number, rows: number, what = ''): void {
  if (Number.isInteger(batch) && batch >= rows && batch % rows === 0) return;
  const expected = rows === 1 ? 'a positive whole number' : `a multiple of ${rows}${what && ` (${what})`}`;
  throw new UsageError(`batch: expected ${expected} but received ${batch}`);
}

/** @throws UsageError when a batch takes more units than there are. */
export function assertEnough(batch: number, available: number, what: string): void {
  if (batch <= available) return;
  throw new UsageError(
    `batch: expected at most the ${available} ${what} of the training data but received ${batch}`,
    {
      hint:
        available > 0
          ? `lower the batch size to ${available} or less, or add data`
          : 'the training part is empty',
    },
  );
}
