/** @file What a classifier says of each image of a set, beside what it learned that from. */
import { UsageError } from '../errors.js';
import type { SessionOptions } from '../graph/index.js';
import type { Nearest } from '../vectors/exact-search.js';
import type { Head } from './classify-head.js';
import type { VectorSet } from './vector-set.js';

export interface PredictOptions {
  /** The likeliest classes of each image. @default 1 */
  top?: number | undefined;
  /** The nearest training images of each. @default 0 */
  neighbours?: number | undefined;
  session?: SessionOptions | undefined;
}

/** A training image beside a prediction. */
export interface TrainingNeighbour {
  id: string;
  label: string;
  /** Cosine. */
  score: number;
}

/** What is said of one image. */
export interface Prediction {
  id: string;
  /** Its row in the set. */
  row: number;
  /** The likeliest class, and its probability in 0..1. */
  label: string;
  probability: number;
  /** The likeliest classes, best first. */
  top: { label: string; probability: number }[];
  /** The nearest training images, best first; an image of the same id is not among them. */
  neighbours: TrainingNeighbour[];
  /** 1 − cosine of the k-th nearest training image; NaN when the head keeps none. */
  distance: number;
  /**
   * True when that is more than all but a few of the training images have among themselves (`head.summary.novelty`): no
   * class may fit, however sure the classifier is. False when the head keeps no images.
   */
  unlike: boolean;
}

/** Rows that are predicted at a time. */
const BLOCK = 4096;

/**
 * Predictions in the order of the rows, one at a time: memory for some thousand of them is needed, however many there are.
 * @throws IdentityError, FormatError when the vectors are of another model; UsageError when neighbours are asked of a head
 *   that keeps none.
 */
export async function* predict(
  head: Head,
  set: VectorSet,
  options: PredictOptions = {},
): AsyncGenerator<Prediction> {
  head.assertFits(set);
  const { names, images } = head;
  const { novelty } = head.summary;
  const { data, dimension } = set.unit();
  const wanted = options.neighbours ?? 0;
  const top = Math.min(options.top ?? 1, names.length);
  for (const [name, value, least] of [
    ['top', top, 1],
    ['neighbours', wanted, 0],
  ] as const)
    if (!Number.isInteger(value) || value < least)
      throw new UsageError(`${name}: expected a whole number of at least ${least} but received ${value}`);
  if (wanted > 0 && images === undefined)
    throw new UsageError(`${head.file}: it keeps none of the images that it was fitted to`, {
      hint: 'fit it anew, with keep above 0',
    });
  const search = await head.searchImages(options.session);
  // One more than is needed, since an image may be among those that were learned from.
  const width = search ? Math.min(search.count, Math.max(novelty?.k ?? 1, wanted) + 1) : 0;
  for (let first = 0; first < set.count; first += BLOCK) {
    const block = data.subarray(first * dimension, (first + BLOCK) * dimension);
    const probabilities = await head.classifier.predict({ data: block, dimension });
    const found = await search?.search(block, width);
    for (let i = 0; i < block.length / dimension; i++) {
      const said = probabilities.subarray(i * names.length, (i + 1) * names.length);
      const best = likeliest(said, top).map((c) => ({ label: names[c]!, probability: said[c]! }));
      const id = set.ids[first + i]!;
      const near = found ? others(found, i, width, head, id) : [];
      const distance =
        near.length === 0 ? Number.NaN : 1 - near[Math.min(novelty?.k ?? 1, near.length) - 1]!.score;
      yield {
        id,
        row: first + i,
        ...best[0]!,
        top: best,
        neighbours: near.slice(0, wanted),
        distance,
        unlike: novelty !== null && distance > novelty.threshold,
      };
    }
  }
}

/** The training images that were found for a row, but for the image itself. */
function others(
  { indices, scores }: Nearest,
  row: number,
  width: number,
  head: Head,
  id: string,
): TrainingNeighbour[] {
  const { ids, labels } = head.images!;
  const result: TrainingNeighbour[] = [];
  for (let i = row * width; i < (row + 1) * width; i++) {
    const place = indices[i]!;
    if (ids[place] !== id)
      result.push({ id: ids[place]!, label: head.names[labels[place]!]!, score: scores[i]! });
  }
  return result;
}

/** The classes of the greatest probabilities, the first of equals first. */
function likeliest(probabilities: Float32Array, top: number): number[] {
  if (top === 1) return [probabilities.indexOf(Math.max(...probabilities))];
  return Array.from(probabilities.keys())
    .sort((a, b) => probabilities[b]! - probabilities[a]! || a - b)
    .slice(0, top);
}
