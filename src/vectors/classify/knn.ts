/** @file k-nearest neighbours (Cover & Hart, 1967) by cosine: the classes of the nearest training vectors vote. */
import { UsageError } from '../../errors.js';
import type { SessionOptions } from '../../graph/index.js';
import { ExactSearch } from '../exact-search.js';
import { toUnit, type Vectors } from '../vectors.js';
import type { ClassifierOptions, FitInput } from './classifier.js';
import { type Scorer, tensorOf } from './scorer.js';

interface KnnConfig {
  readonly dimension: number;
  readonly neighbours: number;
  readonly votes: NonNullable<ClassifierOptions['votes']>;
  /** What the votes for each class are multiplied with. */
  readonly weights: readonly number[];
}

/** Cosines in float32 do not tell vectors apart that are nearer than this. */
const SAME = 1e-6;

/** @throws UsageError when there are fewer vectors than neighbours. */
export function fitKnn({ vectors, labels, weights, options }: FitInput): Promise<Scorer> {
  const { neighbours = 5, votes = 'distance' } = options;
  if (neighbours > labels.length)
    throw new UsageError(
      `neighbours: expected at most ${labels.length}, the training vectors, but received ${neighbours}`,
    );
  const config: KnnConfig = { dimension: vectors.dimension, neighbours, votes, weights: [...weights] };
  return openKnn(config, toUnit(vectors).data, Float32Array.from(labels), options.session);
}

/** @throws UsageError when a tensor is missing or the sizes differ. */
export function loadKnn(
  config: Readonly<Record<string, unknown>>,
  tensors: Readonly<Record<string, Float32Array>>,
  session?: SessionOptions,
): Promise<Scorer> {
  const known = config as unknown as KnnConfig;
  const labels = tensorOf(tensors, 'labels');
  return openKnn(known, tensorOf(tensors, 'vectors', labels.length * known.dimension), labels, session);
}

/** @param vectors of unit length. */
async function openKnn(
  config: KnnConfig,
  vectors: Float32Array,
  labels: Float32Array,
  session: SessionOptions | undefined,
): Promise<Scorer> {
  const { dimension, neighbours } = config;
  const search = await ExactSearch.open(vectors, dimension, { session });
  return {
    width: config.weights.length,
    of: 'classes',
    config: { kind: 'knn', ...config },
    tensors: {
      vectors: { shape: [labels.length, dimension], data: vectors },
      labels: { shape: [labels.length], data: labels },
    },
    async score(queries: Vectors) {
      const { indices, scores } = await search.search(toUnit(queries).data, neighbours);
      return shares(indices, scores, labels, config);
    },
    close: () => search.close(),
  };
}

/** The share of the votes that each class gets. */
function shares(
  indices: Int32Array,
  cosines: Float32Array,
  labels: Float32Array,
  { neighbours, votes, weights }: KnnConfig,
): Float32Array {
  const classes = weights.length;
  const result = new Float32Array((indices.length / neighbours) * classes);
  const row = new Float64Array(classes);
  for (let first = 0, to = 0; first < indices.length; first += neighbours, to += classes) {
    row.fill(0);
    const same = 1 - cosines[first]! < SAME;
    for (let i = first; i < first + neighbours; i++) {
      const label = labels[indices[i]!]!;
      row[label]! += weights[label]! * vote(cosines[i]!, votes, same);
    }
    const sum = row.reduce((a, b) => a + b, 0);
    for (let c = 0; c < classes; c++) result[to + c] = sum > 0 ? row[c]! / sum : 1 / classes;
  }
  return result;
}

/** The weight of a neighbour; where some are the query itself (`same`), these alone count by distance. */
function vote(cosine: number, votes: KnnConfig['votes'], same: boolean): number {
  if (votes === 'uniform') return 1;
  if (votes === 'similarity') return Math.max(cosine, 0);
  const distance = 1 - cosine;
  return same ? Number(distance < SAME) : 1 / distance;
}
