/**
 * @file How well texts find their images and images their texts: recall@k, median rank and mean reciprocal rank, as
 * image–text retrieval is reported on Flickr8k and its successors (Hodosh, Young & Hockenmaier, JAIR 2013).
 */
import { UsageError } from '../../errors.js';
import { Graph, openSession, type SessionOptions } from '../../graph/index.js';
import { countOf, toUnit, type Vectors } from '../vectors.js';
import { type BootstrapOptions, bootstrap, type Estimate, quantile } from './bootstrap.js';

/** The ranks of both directions. */
export interface CrossModalRanks {
  /** For each text the rank of its image, from 1. */
  textToImage: Int32Array;
  /** For each image the rank of the first of its texts, from 1; 0 for an image without a text. */
  imageToText: Int32Array;
}

/** Numbers in the products of one run: 64 MiB. */
const PRODUCTS = 2 ** 24;

/**
 * Ranks all images for each text and all texts for each image, by cosine.
 * @param imageOf the position of each text's image; an image may have any number of texts.
 * @throws UsageError when a text names no image, or dimensions differ.
 */
export async function crossModalRanks(
  images: Vectors,
  texts: Vectors,
  imageOf: ArrayLike<number>,
  options: { session?: SessionOptions | undefined } = {},
): Promise<CrossModalRanks> {
  const pictures = countOf(images, 'images');
  const captions = countOf(texts, 'texts');
  if (imageOf.length !== captions)
    throw new UsageError(`texts: expected ${captions} images of texts but received ${imageOf.length}`);
  const textsOf = Array.from({ length: pictures }, () => [] as number[]);
  for (let text = 0; text < captions; text++) {
    const own = textsOf[imageOf[text]!];
    if (own === undefined)
      throw new UsageError(
        `texts: expected an image from 0 to ${pictures - 1} but received ${imageOf[text]}`,
      );
    own.push(text);
  }
  return {
    textToImage: await firstRanks(texts, images, (text) => [imageOf[text]!], options),
    imageToText: await firstRanks(images, texts, (image) => textsOf[image]!, options),
  };
}

/**
 * For each query the rank, from 1, of the first of those in the bank that are its own; 0 where none is. The first of
 * equals comes first. Products are made in blocks by the engine and counted, not sorted; the bank is held twice.
 *
 * @param own the positions in the bank of what belongs to a query
 * @throws UsageError when dimensions differ or there is nothing.
 */
export async function firstRanks(
  queries: Vectors,
  bank: Vectors,
  own: (query: number) => ArrayLike<number>,
  options: { session?: SessionOptions | undefined } = {},
): Promise<Int32Array> {
  const [count, size] = [countOf(queries, 'queries'), countOf(bank, 'bank')];
  const { dimension } = queries;
  if (bank.dimension !== dimension)
    throw new UsageError(`bank: expected vectors of ${dimension} numbers but received ${bank.dimension}`);
  if (size === 0) throw new UsageError('bank: expected at least one vector but received none');
  const from = toUnit(queries).data;
  const { data } = toUnit(bank);
  const graph = new Graph('ranks');
  const input = graph.input('queries', ['N', dimension]);
  const vectors = graph.parameter('bank', [size, dimension]);
  const product = graph.node('Gemm', [input, vectors], ['N', size], { attributes: { transB: 1 } });
  graph.output('products', product);
  const session = await openSession(graph, () => ({ data, dtype: 'float32' }), options.session);
  const ranks = new Int32Array(count);
  const rows = Math.max(1, Math.floor(PRODUCTS / size));
  try {
    for (let first = 0; first < count; first += rows) {
      const block = from.slice(first * dimension, (first + rows) * dimension);
      const dims = [block.length / dimension, dimension];
      const { products } = await session.run({ queries: { data: block, dims } });
      const scores = products!.data as Float32Array;
      for (let row = 0; row < dims[0]!; row++)
        ranks[first + row] = firstRank(scores.subarray(row * size, (row + 1) * size), own(first + row));
    }
  } finally {
    await session.release();
  }
  return ranks;
}

function firstRank(scores: Float32Array, own: ArrayLike<number>): number {
  if (own.length === 0) return 0;
  let best = own[0]!;
  for (let i = 1; i < own.length; i++) {
    const [score, leading] = [scores[own[i]!]!, scores[best]!];
    if (score > leading || (score === leading && own[i]! < best)) best = own[i]!;
  }
  const score = scores[best]!;
  let before = 0;
  for (let i = 0; i < best; i++) if (scores[i]! >= score) before++;
  for (let i = best + 1; i < scores.length; i++) if (scores[i]! > score) before++;
  return before + 1;
}

/** What ranks say of a direction. */
export interface RankSummary {
  /** By k: part of the queries whose own is among the first k. */
  recallAtK: Record<number, Estimate>;
  medianRank: Estimate;
  /** Mean of 1 / rank. */
  meanReciprocalRank: Estimate;
  /** Queries that have something of their own. */
  queries: number;
}

/**
 * Recall@k, median rank and mean reciprocal rank with their intervals; ranks of 0 are left out.
 * @param options groups of the queries: give the image of each text, since texts of one image rise and fall together.
 */
export function rankSummary(
  ranks: ArrayLike<number>,
  k: readonly number[] = [1, 5, 10],
  options: BootstrapOptions = {},
): RankSummary {
  const kept: number[] = [];
  for (let i = 0; i < ranks.length; i++) if (ranks[i]! > 0) kept.push(i);
  const { groups } = options;
  const found = bootstrap(
    kept.length,
    (items) => {
      const drawn = new Int32Array(items.length);
      for (let i = 0; i < items.length; i++) drawn[i] = ranks[kept[items[i]!]!]!;
      const result: Record<string, number> = { median: quantile(drawn.sort(), 0.5), reciprocal: 0 };
      for (const n of k) result[n] = 0;
      for (const rank of drawn) {
        result.reciprocal! += 1 / rank;
        for (const n of k) if (rank <= n) result[n]!++;
      }
      for (const name of ['reciprocal', ...k]) result[name]! /= drawn.length;
      return result;
    },
    { ...options, groups: groups && kept.map((i) => groups[i]!) },
  );
  return {
    recallAtK: Object.fromEntries(k.map((n) => [n, found[n]!])),
    medianRank: found.median!,
    meanReciprocalRank: found.reciprocal!,
    queries: kept.length,
  };
}
