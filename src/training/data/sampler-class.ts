/** @file The sampler that looks at classes: m images of each, as metric losses want them. */
import { UsageError } from '../../errors.js';
import { Random } from '../../random.js';
import { assertBatch, type Sampler } from './sampler.js';

/** Options of an {@link MPerClassSampler}. */
export interface MPerClassOptions {
  /** The items to draw from. */
  indices: Int32Array;
  /** The class of every item of the data set. */
  labels: Int32Array;
  /** Images of each class in a batch. */
  m: number;
  /** Images in a batch: a multiple of `m`, at most `m` times the classes. */
  batch: number;
  seed: number;
  /** Images after which a new epoch begins; rounded down to whole batches. @default the number of items */
  lengthBeforeNewIter?: number;
}

/**
 * Batches of `batch / m` different classes, drawn anew for each, with exactly `m` images of each, one class after the
 * other (`MPerClassSampler` of pytorch-metric-learning). The images of a class are different ones, unless it has fewer
 * than `m`: then they are drawn with repetition, as there.
 */
export class MPerClassSampler implements Sampler {
  readonly batchesPerEpoch: number;
  private readonly classes: Int32Array[];

  /** @throws UsageError when no such batch can be made. */
  constructor(private readonly options: MPerClassOptions) {
    const { indices, labels, m, batch, lengthBeforeNewIter = indices.length } = options;
    this.classes = byClass(indices, labels);
    assertMPerClass(m, batch, this.classes.length);
    this.batchesPerEpoch = Math.max(1, Math.floor(lengthBeforeNewIter / batch));
  }

  epoch(n: number): Int32Array[] {
    const { m, batch, seed } = this.options;
    const random = new Random(seed, 'm-per-class', n);
    return Array.from({ length: this.batchesPerEpoch }, () => {
      const rows = new Int32Array(batch);
      const chosen = random.shuffle(this.classes.slice()).slice(0, batch / m);
      for (const [k, members] of chosen.entries()) {
        const some =
          members.length < m ? withRepetition(members, m, random) : firstShuffled(members, m, random);
        rows.set(some, k * m);
      }
      return rows;
    });
  }
}

/** @throws UsageError unless a batch can hold exactly `m` images of each of its classes. */
export function assertMPerClass(m: number, batch: number, classes: number): void {
  if (!Number.isInteger(m) || m < 1)
    throw new UsageError(`m: expected a positive whole number of images per class but received ${m}`);
  assertBatch(batch, m, `${m} images of each class`);
  if (batch <= m * classes) return;
  throw new UsageError(
    `batch: expected at most ${m * classes} (${m} images of each of ${classes} classes) but received ${batch}`,
    { hint: 'lower the batch size, or take more images per class' },
  );
}

/** Items of each class, classes in their order. */
function byClass(indices: Int32Array, labels: Int32Array): Int32Array[] {
  const members = new Map<number, number[]>();
  for (const i of indices) {
    const known = members.get(labels[i]!);
    if (known === undefined) members.set(labels[i]!, [i]);
    else known.push(i);
  }
  return [...members].sort(([a], [b]) => a - b).map(([, items]) => Int32Array.from(items));
}

function withRepetition(members: Int32Array, m: number, random: Random): Int32Array {
  return Int32Array.from({ length: m }, () => members[random.integer(members.length)]!);
}

/** `m` different members: the first steps of a Fisher–Yates shuffle, of which only what moved is kept. */
function firstShuffled(members: Int32Array, m: number, random: Random): Int32Array {
  const moved = new Map<number, number>();
  const at = (i: number): number => moved.get(i) ?? members[i]!;
  return Int32Array.from({ length: m }, (_, i) => {
    const j = i + random.integer(members.length - i);
    const drawn = at(j);
    moved.set(j, at(i));
    return drawn;
  });
}
