/**
 * @file How many clusters there are, by two measures that need no labels: how well items lie in their clusters
 * (silhouettes), and whether the clusters come back when they are sought in other items (Ben-Hur, Elisseeff & Guyon,
 * 2002; von Luxburg, 2010). Neither knows what the clusters are for, so the whole table is returned.
 */
import { UsageError } from '../../errors.js';
import type { SessionOptions } from '../../graph/index.js';
import { Random } from '../../random.js';
import { adjustedRandIndex } from '../metrics/clustering.js';
import { silhouette } from '../metrics/silhouette.js';
import { countOf, type Vectors } from '../vectors.js';
import { atUnitLength, meanVariance } from './kmeans.js';
import { type LloydOptions, lloyd } from './lloyd.js';
import { PlusPlus, someOf } from './plus-plus.js';
import { Points } from './points.js';

export interface ChooseKOptions {
  /** The numbers of clusters to compare. @default from 2 to 30, in growing steps, as many as a tenth of the vectors allow */
  candidates?: readonly number[] | undefined;
  /** Pairs of halves whose clusterings are compared. @default 5 */
  pairs?: number | undefined;
  /** By direction, as {@link kMeans}; silhouettes are by cosine then. @default false */
  spherical?: boolean | undefined;
  /** Random vectors that stand for all, where there are more. @default 5,000 */
  sample?: number | undefined;
  /** @default 0 */
  seed?: number | undefined;
  /** Where the products are computed. */
  session?: SessionOptions | undefined;
  /** Told how many of the candidates are done. */
  onProgress?: ((done: number, total: number) => void) | undefined;
  /** Once aborted, the promise rejects with its reason. */
  signal?: AbortSignal | undefined;
}

/** What one number of clusters gives. */
export interface KCandidate {
  clusters: number;
  /** The mean silhouette of the best of three starts, −1..1. */
  silhouette: number;
  /** The mean adjusted Rand index of clusterings that come from disjoint halves, each extended to all; 1: the same. */
  stability: number;
}

/** See {@link chooseK}. */
export interface KChoice {
  clusters: number;
  /** A sentence. */
  why: string;
  table: KCandidate[];
}

/** Clusterings that agree less than this are another one for other items. */
const STABLE = 0.7;
const STEPS = [2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 18, 20, 25, 30];
const ITERATIONS = 50;

/**
 * Chooses the number of clusters for k-means: of those that come back in other items (stability of at least 0.7, or where
 * none does, within 0.1 of the most stable), the one with the greatest silhouette.
 * @throws UsageError when the vectors are fewer than 20 or all equal, or a candidate is not in 2 … a half of them.
 */
export async function chooseK(vectors: Vectors, options: ChooseKOptions = {}): Promise<KChoice> {
  const { pairs = 5, spherical = false, sample = 5_000, seed = 0, session, onProgress, signal } = options;
  const total = countOf(vectors, 'choice of k');
  if (total < 20)
    throw new UsageError(`choice of k: expected at least 20 vectors but received ${total}`, {
      hint: 'say how many clusters there are',
    });
  const own = someRows(spherical ? atUnitLength(vectors) : vectors, sample, seed);
  const count = own.data.length / own.dimension;
  const candidates = options.candidates ?? STEPS.filter((k) => k === 2 || k <= count / 10);
  const wrong = candidates.find((k) => !Number.isInteger(k) || k < 2 || k > count / 2);
  if (wrong !== undefined || candidates.length === 0)
    throw new UsageError(
      `candidates: expected whole numbers from 2 to ${Math.floor(count / 2)} but received ${wrong ?? 'none'}`,
    );
  const variance = meanVariance(own);
  if (variance < 1e-12)
    throw new UsageError('choice of k: all vectors are equal', { hint: 'there is nothing to tell apart' });
  const lloydOptions: LloydOptions = { maxIterations: ITERATIONS, tolerance: 1e-3 * variance, spherical };
  const most = Math.max(...candidates);
  const points = await Points.open(own, session);
  const starts = await PlusPlus.open(own, most, new Random(seed, 'choice of k'), session);
  try {
    const table: KCandidate[] = [];
    for (const [i, clusters] of candidates.entries()) {
      signal?.throwIfAborted();
      onProgress?.(i, candidates.length);
      const run = async (members: Uint8Array | undefined, ...keys: number[]) => {
        const start = await starts.draw(
          clusters,
          new Random(seed, 'choice of k', clusters, ...keys),
          members,
        );
        return lloyd(points, start, { ...lloydOptions, members });
      };
      let best = await run(undefined, 0);
      for (let restart = 1; restart < 3; restart++) {
        const found = await run(undefined, restart);
        if (found.inertia < best.inertia) best = found;
      }
      let agreement = 0;
      for (let pair = 0; pair < pairs; pair++) {
        signal?.throwIfAborted();
        const half = halfOf(count, new Random(seed, 'half', pair));
        const one = await run(half, 10 + pair, 0);
        const other = await run(
          half.map((x) => 1 - x),
          10 + pair,
          1,
        );
        agreement += adjustedRandIndex(one.assignments, other.assignments) / pairs;
      }
      const { mean } = await silhouette(own, best.assignments, {
        distance: spherical ? 'cosine' : 'euclidean',
        sample: 2000,
        seed,
        session,
      });
      table.push({ clusters, silhouette: mean, stability: agreement });
    }
    onProgress?.(candidates.length, candidates.length);
    return chosen(table);
  } finally {
    await Promise.all([points.close(), starts.close()]);
  }
}

function chosen(table: KCandidate[]): KChoice {
  const most = table.reduce((a, b) => (b.stability > a.stability ? b : a));
  const least = most.stability >= STABLE ? STABLE : most.stability - 0.1;
  const stable = table.filter(({ stability }) => stability >= least);
  const best = stable.reduce((a, b) => (b.silhouette > a.silhouette ? b : a));
  const how = `a silhouette of ${best.silhouette.toFixed(3)} and a stability of ${best.stability.toFixed(2)}`;
  const why =
    most.stability >= STABLE
      ? `${best.clusters} clusters have the best silhouette among those that come back in other items: ${how}`
      : `no number of clusters comes back in other items (at best ${most.stability.toFixed(2)} of 1, for ${most.clusters}), ` +
        `so the items pass into each other; of the steadiest, ${best.clusters} have the best silhouette: ${how}`;
  return { clusters: best.clusters, why, table };
}

function someRows({ data, dimension }: Vectors, most: number, seed: number): Vectors {
  const count = data.length / dimension;
  if (count <= most) return { data, dimension };
  const rows = someOf(count, most, new Random(seed, 'choice of k, sample'));
  const some = new Float32Array(rows.length * dimension);
  for (const [i, row] of rows.entries())
    some.set(data.subarray(row * dimension, (row + 1) * dimension), i * dimension);
  return { data: some, dimension };
}

/** 1 for a random half, 0 for the others. */
function halfOf(count: number, random: Random): Uint8Array {
  const order = random.shuffle(Uint32Array.from({ length: count }, (_, i) => i));
  const half = new Uint8Array(count);
  for (const row of order.subarray(0, count >> 1)) half[row] = 1;
  return half;
}
