/**
 * @file What a sampler is, and the plain one: every unit once an epoch, in a new order each time.
 */
import { UsageError } from '../../errors.js';
import { Random } from '../../random.js';

/**
 * Decides which images make up the batches of an epoch. The batches depend on the seed and the epoch alone, so any
 * epoch can be asked for at any time, as often as one likes.
 */
export interface Sampler {
  /** How many batches every epoch has. */
  readonly batchesPerEpoch: number;
  /** The batches of epoch `n`: item indices, each batch of the same length. */
  epoch(n: number): Int32Array[];
}

/** Options of a {@link ShuffleSampler}. */
export interface ShuffleOptions {
  /** The items to draw from. */
  indices: Int32Array;
  /** Images in a batch. */
  batch: number;
  seed: number;
}

/**
 * Every item once an epoch, in random order (PyTorch's `RandomSampler` under a `BatchSampler` with `drop_last`): what
 * does not fill a batch is left out of the epoch.
 */
export class ShuffleSampler implements Sampler {
  readonly batchesPerEpoch: number;

  /** @throws UsageError for a batch larger than the data. */
  constructor(private readonly options: ShuffleOptions) {
    const { indices, batch } = options;
    assertBatch(batch, 1);
    assertEnough(batch, indices.length, 'images');
    this.batchesPerEpoch = Math.floor(indices.length / batch);
  }

  epoch(n: number): Int32Array[] {
    const { indices, batch, seed } = this.options;
    const order = new Random(seed, 'shuffle', n).shuffle(indices.slice());
    return Array.from({ length: this.batchesPerEpoch }, (_, k) => order.slice(k * batch, (k + 1) * batch));
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
