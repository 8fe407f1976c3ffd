/**
 * @file Maps by t-SNE: points whose nearness, by a t-distribution, is that of the vectors, by normal ones.
 *
 * @see van der Maaten & Hinton, JMLR 2008; van der Maaten, JMLR 2014 (trees); Kobak & Berens, Nature Communications 2019
 *   (start and rate)
 */
import { UsageError } from '../../errors.js';
import type { SessionOptions } from '../../graph/index.js';
import { Random } from '../../random.js';
import { breathe } from '../breathe.js';
import type { Nearest } from '../exact-search.js';
import type { Vectors } from '../vectors.js';
import { affinities } from './tsne-affinities.js';
import { exactRepulsion, freedomOf, type Repulsion } from './tsne-repulsion.js';
import { RepulsionTree } from './tsne-tree.js';
import type { WeightedGraph } from './umap-graph.js';
import { checkMapped, neighboursIn } from './umap-input.js';
import { principalStart } from './umap-start.js';

export interface TsneOptions {
  /** Numbers per point; more than three are slow for more than some thousand vectors. @default 2 */
  dimensions?: number | undefined;
  /** How many neighbours count for each vector, effectively. @default 30, or a third of the others if that is less */
  perplexity?: number | undefined;
  /** Rounds of moving. @default 1000 */
  iterations?: number | undefined;
  /** @default 0 */
  seed?: number | undefined;
  /** The nearest neighbours of each vector, by cosine, at least three times the perplexity, when they are known. */
  graph?: Nearest | undefined;
  /** Where products are computed. */
  session?: SessionOptions | undefined;
  onProgress?: ((done: number, total: number) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/** Up to so many points all pairs are computed. */
const EXACT = 1000;
/** The first quarter of the rounds attracts so many times as much, so that clusters can pass each other. */
const EXAGGERATION = 12;
const LEAST_RATE = 50;
/** The start's standard deviation along the first axis, and the noise that parts copies, as a share of it. */
const START = 1e-4;
const NOISE = 1e-2;

/**
 * The points of a map, `[n × dimensions]`: the same for the same vectors and seed. Vectors are compared by the Euclidean
 * distance of unit vectors in their directions.
 *
 * Time grows as n log n in up to three dimensions and as n² in more. Besides the vectors it takes some 20 bytes for each
 * vector and neighbour, of which there are three times the perplexity.
 *
 * @throws UsageError when there are fewer than four vectors, all are equal, a number is not finite, or an option does
 *   not fit.
 */
export async function tsne(vectors: Vectors, options: TsneOptions = {}): Promise<Float32Array> {
  const { dimensions = 2, iterations = 1000, seed = 0, onProgress, signal } = options;
  if (!Number.isInteger(iterations) || iterations < 1)
    throw new UsageError(`iterations: expected a whole number of at least 1 but received ${iterations}`);
  const { unit, count } = checkMapped(vectors, 't-SNE', dimensions);
  const graph = await pairs(unit, count, options);
  const start = await principalStart(unit, dimensions, signal);
  const random = new Random(seed, 't-SNE');
  let square = 0;
  for (let i = 0; i < start.length; i += dimensions) square += start[i]! ** 2 / count;
  const scale = START / (Math.sqrt(square) || 1);
  const positions = start.map((value) => scale * value + START * NOISE * random.normal());
  const repulsion = repulsionOf(count, dimensions);
  const descent = new Descent(positions, Math.max(LEAST_RATE, count / EXAGGERATION / 4));
  const early = Math.round(iterations / 4);
  const rest = breathe(signal);
  for (let i = 1; i <= iterations; i++) {
    const gradient = gradientOf(
      positions,
      dimensions,
      graph,
      repulsion(positions),
      i <= early ? EXAGGERATION : 1,
    );
    descent.step(gradient, i <= early ? 0.5 : 0.8);
    onProgress?.(i, iterations);
    await rest();
  }
  return Float32Array.from(positions);
}

/**
 * The Kullback–Leibler divergence of a map, in nats, as scikit-learn's `TSNE` gives it in `kl_divergence_`: what t-SNE
 * makes small. Comparable between maps of the same vectors with the same perplexity and number of dimensions.
 * @throws UsageError as {@link tsne}, and when the map has not as many points.
 */
export async function tsneDivergence(
  vectors: Vectors,
  map: Float32Array,
  options: Pick<TsneOptions, 'dimensions' | 'perplexity' | 'graph' | 'session' | 'signal'> = {},
): Promise<number> {
  const { dimensions = 2 } = options;
  const { unit, count } = checkMapped(vectors, 't-SNE', dimensions);
  if (map.length !== count * dimensions)
    throw new UsageError(
      `map: expected ${count} points of ${dimensions} numbers but received ${map.length} numbers`,
    );
  const { starts, ends, weights } = await pairs(unit, count, options);
  const { total } = repulsionOf(count, dimensions)(Float64Array.from(map));
  const freedom = freedomOf(dimensions);
  let divergence = 0;
  for (let i = 0; i < count; i++)
    for (let e = starts[i]!; e < starts[i + 1]!; e++) {
      let square = 0;
      for (let d = 0; d < dimensions; d++)
        square += (map[i * dimensions + d]! - map[ends[e]! * dimensions + d]!) ** 2;
      const near = (1 + square / freedom) ** (-(freedom + 1) / 2) / total;
      divergence += weights[e]! * Math.log(weights[e]! / Math.max(near, Number.EPSILON));
    }
  return divergence;
}

/** How much each two neighbours belong together. */
async function pairs(unit: Vectors, count: number, options: TsneOptions): Promise<WeightedGraph> {
  const { perplexity = Math.min(30, (count - 1) / 3) } = options;
  if (!(perplexity >= 1 && perplexity < count))
    throw new UsageError(
      `perplexity: expected a number from 1 to less than ${count} but received ${perplexity}`,
      {
        hint: `there are ${count} vectors`,
      },
    );
  const k = Math.min(count - 1, Math.floor(3 * perplexity + 1));
  const { indices, scores } = await neighboursIn(unit, k, options);
  return affinities(indices, scores, k, perplexity);
}

function repulsionOf(count: number, dimensions: number): (positions: Float64Array) => Repulsion {
  if (dimensions > 3 || count <= EXACT) return (positions) => exactRepulsion(positions, dimensions);
  const tree = new RepulsionTree(count, dimensions);
  return (positions) => tree.repulsion(positions);
}

/** The gradient of the divergence, the attraction multiplied by `exaggeration`; in the array of the repulsion. */
function gradientOf(
  positions: Float64Array,
  dimensions: number,
  { starts, ends, weights }: WeightedGraph,
  { forces, total }: Repulsion,
  exaggeration: number,
): Float64Array {
  const freedom = freedomOf(dimensions);
  const factor = (2 * (freedom + 1)) / freedom;
  const pull = new Float64Array(dimensions);
  for (let i = 0; i + 1 < starts.length; i++) {
    const p = i * dimensions;
    pull.fill(0);
    for (let e = starts[i]!, end = starts[i + 1]!; e < end; e++) {
      const q = ends[e]! * dimensions;
      let square = 0;
      for (let d = 0; d < dimensions; d++) {
        const difference = positions[p + d]! - positions[q + d]!;
        square += difference * difference;
      }
      const force = weights[e]! / (1 + square / freedom);
      for (let d = 0; d < dimensions; d++) pull[d]! += force * (positions[p + d]! - positions[q + d]!);
    }
    for (let d = 0; d < dimensions; d++)
      forces[p + d] = factor * (exaggeration * pull[d]! - forces[p + d]! / total);
  }
  return forces;
}

/** Descent with momentum; each coordinate's rate grows while its sign stays (Jacobs 1988, delta-bar-delta). */
class Descent {
  private readonly updates: Float64Array;
  private readonly gains: Float64Array;

  constructor(
    private readonly positions: Float64Array,
    private readonly rate: number,
  ) {
    this.updates = new Float64Array(positions.length);
    this.gains = new Float64Array(positions.length).fill(1);
  }

  step(gradient: Float64Array, momentum: number): void {
    const { positions, updates, gains, rate } = this;
    for (let i = 0; i < positions.length; i++) {
      gains[i] = updates[i]! * gradient[i]! < 0 ? gains[i]! + 0.2 : Math.max(0.01, gains[i]! * 0.8);
      updates[i] = momentum * updates[i]! - rate * gains[i]! * gradient[i]!;
      positions[i]! += updates[i]!;
    }
  }
}
