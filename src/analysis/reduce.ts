/** @file Vectors of fewer numbers: principal components, maps, truncation; and what each of them loses. */
import { DECLARED, type EmbeddingIdentity, sha256 } from '../embedding/identity.js';
import { saveProjection } from '../embedding/projection.js';
import { UsageError } from '../errors.js';
import { Graph, openSession, ops } from '../graph/index.js';
import { Random } from '../random.js';
import type { MapQuality } from '../vectors/metrics/map.js';
import { dequantizeInt8, neighbourRecall, quantizeBinary, quantizeInt8, signs } from '../vectors/quantize.js';
import { type PrincipalComponents, principalComponents } from '../vectors/reduce/pca.js';
import { randomizedComponents } from '../vectors/reduce/pca-randomized.js';
import { normalizeRows, type Vectors } from '../vectors/vectors.js';
import type { VectorSet } from './vector-set.js';

/** The ways to fewer numbers. */
export const REDUCTIONS = ['pca', 'umap', 'tsne', 'truncate'] as const;
export type ReductionMethod = (typeof REDUCTIONS)[number];

/** Options of {@link reduceSet}. */
export interface ReduceOptions {
  /** `truncate` keeps the first numbers, which is right for vectors that were trained for it (Matryoshka). @default 'pca' */
  method?: ReductionMethod | undefined;
  /** Numbers per vector afterwards. */
  dimensions: number;
  /** Components: scale each to variance 1. @default false */
  whiten?: boolean | undefined;
  /** Scale the results to unit length, to be compared by cosine. @default false */
  normalize?: boolean | undefined;
  /** Neighbours that `umap` looks at. @default 15 */
  neighbours?: number | undefined;
  /** @default 0 */
  seed?: number | undefined;
  onProgress?: ((done: number, total: number) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/** What came of a reduction. */
export interface Reduced extends Vectors {
  /** What the vectors are now. */
  identity: EmbeddingIdentity;
  /** For components: the share of the variance along each of them, 0..1. */
  shares?: number[];
  /** For components: what they were made by, to be applied to other vectors with {@link savePca}. */
  pca?: PrincipalComponents & { whiten: boolean; normalize: boolean };
  /** The share of each item's ten nearest neighbours that it still has; the mean over up to 1,000 items. */
  recall: number;
  /** For up to three dimensions: how faithful it is as a map. */
  quality?: MapQuality;
}

/** More numbers than these are reduced by random directions: their covariance would be too large. */
const COVARIANCE = 2048;
const QUERIES = 1000;
const BLOCK = 8192;

/**
 * Reduces the vectors of a set.
 * @throws UsageError when there are too few vectors or numbers for so many dimensions.
 */
export async function reduceSet(set: VectorSet, options: ReduceOptions): Promise<Reduced> {
  const { method = 'pca', dimensions, whiten = false, normalize = false, seed = 0 } = options;
  const most = method === 'umap' || method === 'tsne' ? set.dimension : Math.min(set.dimension, set.count);
  if (!Number.isInteger(dimensions) || dimensions < 1 || dimensions > most)
    throw new UsageError(`dimensions: expected a whole number from 1 to ${most} but received ${dimensions}`, {
      hint: `${set.source} has ${set.count} vectors of ${set.dimension} numbers`,
    });
  const { onProgress, signal, neighbours } = options;
  let data: Float32Array;
  let pca: Reduced['pca'];
  switch (method) {
    case 'pca':
      pca = { ...(await componentsOf(set, dimensions, seed)), whiten, normalize };
      data = await along(set, pca);
      break;
    case 'umap': {
      const { umap } = await import('../vectors/reduce/umap.js');
      data = await umap(set.unit(), { dimensions, neighbours, seed, onProgress, signal });
      break;
    }
    case 'tsne': {
      const { tsne } = await import('../vectors/reduce/tsne.js');
      data = await tsne(set.unit(), { dimensions, seed, onProgress, signal });
      break;
    }
    case 'truncate':
      data = firstNumbers(set, dimensions);
      break;
    default:
      throw new UsageError(
        `method: expected one of ${REDUCTIONS.join(', ')} but received ${method satisfies never}`,
      );
  }
  if (normalize) normalizeRows(data, dimensions);
  const reduced = { data, dimension: dimensions };
  const distance = normalize || method === 'truncate' ? 'cosine' : 'euclidean';
  const faithful = async () => {
    const { mapQuality } = await import('../vectors/metrics/map.js');
    return { quality: await mapQuality(set.unit(), data, dimensions, { seed }) };
  };
  return {
    ...reduced,
    identity: identityOf(
      set,
      `${method}${dimensions}${whiten ? '-whitened' : ''}`,
      dimensions,
      normalize,
      pca,
    ),
    ...(pca && { shares: pca.shares, pca }),
    recall: await neighbourRecall(set, reduced, someRows(set.count, seed), {
      k: neighboursOf(set),
      distance,
    }),
    ...(dimensions <= 3 && set.count > 16 && (await faithful())),
  };
}

/**
 * Writes principal components as a projection, which `loadProjection`, `projectFile` and `afterimage project` apply to
 * other vectors of the same model.
 * @throws UsageError when the set does not say which model its vectors come from, or a model is there already.
 */
export async function savePca(
  set: VectorSet,
  { pca, dimension }: Pick<Reduced, 'pca' | 'dimension'>,
  folder: string,
  options: { overwrite?: boolean | undefined } = {},
): Promise<void> {
  if (pca === undefined) throw new UsageError('only principal components can be applied to other vectors');
  if (set.identity === null)
    throw new UsageError(`${set.source} does not say which model its vectors come from`, {
      hint: 'a projection belongs to a model; embed with "afterimage embed"',
    });
  const { weight, bias } = linear(pca);
  const share = pca.shares.reduce((a, b) => a + b, 0);
  await saveProjection(
    folder,
    {
      input: set.identity,
      head: { head: dimension, hidden: null, bias: true },
      normalize: pca.normalize,
      tensors: new Map([
        ['head.weight', { data: weight, shape: [dimension, set.dimension] }],
        ['head.bias', { data: bias, shape: [dimension] }],
      ]),
      card: {
        title: `${dimension} principal components of ${set.identity.model}`,
        summary: `A projection of ${set.identity.model}'s vectors to their ${dimension} principal components${pca.whiten ? ', each scaled to variance 1' : ''}.`,
        network: {
          architecture: 'linear',
          input: `${set.dimension} numbers`,
          output: `${dimension} numbers`,
        },
        data: { vectors: pca.count },
        split: {},
        training: { method: 'principal components', whitened: pca.whiten },
        metrics: { 'share of the variance': share },
        seed: 0,
        limits: 'It takes vectors of the model and output that it was fitted to, and of no other.',
      },
    },
    options,
  );
}

/** One way to smaller vectors, and its price. */
export interface Saving {
  method: string;
  /** Numbers per vector. */
  dimension: number;
  /** Bytes per vector. */
  bytes: number;
  /** The share of each item's ten nearest neighbours, by cosine, that it still has. */
  recall: number;
}

/**
 * Tries sizes: components, first numbers, 8-bit integers and bits, each with the recall that is left on these vectors.
 * @param sizes @default halves of the dimension, down to 8
 */
export async function measureSavings(
  set: VectorSet,
  options: {
    sizes?: readonly number[] | undefined;
    seed?: number | undefined;
    signal?: AbortSignal | undefined;
  } = {},
): Promise<Saving[]> {
  const { seed = 0, signal } = options;
  const most = Math.min(set.dimension, set.count);
  const sizes = options.sizes ?? halves(most);
  for (const size of sizes)
    if (!Number.isInteger(size) || size < 1 || size > most)
      throw new UsageError(`sizes: expected whole numbers from 1 to ${most} but received ${size}`);
  const queries = someRows(set.count, seed);
  const k = neighboursOf(set);
  const unit = set.unit();
  const savings: Saving[] = [
    { method: 'as they are', dimension: set.dimension, bytes: 4 * set.dimension, recall: 1 },
  ];
  const measure = async (method: string, vectors: Vectors, bytes: number, rescore?: number) => {
    signal?.throwIfAborted();
    const distance = method.startsWith('components') ? 'euclidean' : 'cosine';
    const recall = await neighbourRecall(unit, vectors, queries, { k, rescore, distance });
    savings.push({ method, dimension: vectors.dimension, bytes, recall });
  };
  const largest = Math.max(...sizes);
  const pca = await componentsOf(unit, largest, seed);
  const turned = { data: await along(unit, { ...pca, whiten: false }), dimension: largest };
  for (const size of sizes) {
    await measure('components', { data: firstNumbers(turned, size), dimension: size }, 4 * size);
    await measure('first numbers', { data: firstNumbers(unit, size), dimension: size }, 4 * size);
  }
  await measure('int8', dequantizeInt8(quantizeInt8(unit)), set.dimension);
  const bits = signs(quantizeBinary(unit));
  const bytes = Math.ceil(set.dimension / 8);
  await measure('binary', bits, bytes);
  await measure('binary, 4 × as many re-ranked', bits, bytes, 4);
  return savings;
}

function halves(dimension: number): number[] {
  const sizes: number[] = [];
  for (let size = Math.floor(dimension / 2); size >= 8; size = Math.floor(size / 2)) sizes.push(size);
  return sizes.length > 0 ? sizes : [Math.max(1, Math.floor(dimension / 2))];
}

function neighboursOf({ count }: VectorSet): number {
  if (count < 3)
    throw new UsageError(`expected at least 3 vectors to compare neighbours but there are ${count}`);
  return Math.min(10, count - 1);
}

/** Up to a thousand rows, drawn at random. */
function someRows(count: number, seed: number): number[] {
  const rows = new Random(seed, 'queries').shuffle(Array.from({ length: count }, (_, i) => i));
  return rows.slice(0, QUERIES);
}

/** The principal components of vectors, by random directions where their covariance would be too large. */
export function componentsOf(vectors: Vectors, count: number, seed: number): Promise<PrincipalComponents> {
  return vectors.dimension > COVARIANCE
    ? randomizedComponents(vectors, count, { seed })
    : principalComponents([vectors.data], vectors.dimension, count);
}

/** The components as a linear layer: the vectors times `weight`, row by row, and `bias` added. */
function linear({ mean, components, variances, whiten }: PrincipalComponents & { whiten: boolean }) {
  const d = mean.length;
  const weight = new Float32Array(components.length * d);
  const bias = new Float32Array(components.length);
  components.forEach((component, i) => {
    const scale = whiten && variances[i]! > 0 ? 1 / Math.sqrt(variances[i]!) : 1;
    let shift = 0;
    for (let k = 0; k < d; k++) {
      weight[i * d + k] = component[k]! * scale;
      shift += component[k]! * scale * mean[k]!;
    }
    bias[i] = -shift;
  });
  return { weight, bias };
}

/** The vectors' coordinates along the components. */
export async function along(
  { data, dimension }: Vectors,
  pca: PrincipalComponents & { whiten: boolean },
): Promise<Float32Array> {
  const { weight, bias } = linear(pca);
  const width = bias.length;
  const graph = new Graph('along');
  const x = graph.input('x', ['N', dimension]);
  const layer = { weight: [width, dimension], bias: [width] };
  const y = ops.linear(x, graph.parameter('weight', layer.weight), graph.parameter('bias', layer.bias));
  graph.output('y', y);
  const numbers: Record<string, Float32Array> = { weight, bias };
  const session = await openSession(graph, ({ name }) => ({ data: numbers[name]!, dtype: 'float32' }));
  try {
    const rows = data.length / dimension;
    const result = new Float32Array(rows * width);
    for (let from = 0; from < rows; from += BLOCK) {
      const block = data.slice(from * dimension, (from + BLOCK) * dimension);
      const { y } = await session.run({ x: { data: block, dims: [block.length / dimension, dimension] } });
      result.set(y!.data as Float32Array, from * width);
    }
    return result;
  } finally {
    await session.release();
  }
}

function firstNumbers({ data, dimension }: Vectors, size: number): Float32Array {
  const rows = data.length / dimension;
  const result = new Float32Array(rows * size);
  for (let row = 0; row < rows; row++)
    result.set(data.subarray(row * dimension, row * dimension + size), row * size);
  return result;
}

/** What reduced vectors are: the model's, with the way in the output's name and what it was fitted to in the hash. */
function identityOf(
  set: VectorSet,
  way: string,
  dimension: number,
  normalized: boolean,
  pca: Reduced['pca'],
): EmbeddingIdentity {
  const from: EmbeddingIdentity = set.identity ?? {
    model: 'unknown',
    revision: null,
    weights: DECLARED,
    dtype: 'fp32',
    transform: null,
    output: DECLARED,
    normalized: false,
    dimension: set.dimension,
  };
  // A truncated vector is the same for everyone; components and maps are those of these vectors alone.
  const fitted = pca ? [sha256(new Uint8Array(linear(pca).weight.buffer))] : [set.source, ...set.ids];
  const weights = way.startsWith('truncate') ? from.weights : sha256([from.weights, ...fitted].join('\n'));
  return { ...from, weights, output: `${from.output}+${way}`, normalized, dimension };
}
