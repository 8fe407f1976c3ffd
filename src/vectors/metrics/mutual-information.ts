/**
 * @file How much two partitions of the same items say about each other, as scikit-learn's
 * `normalized_mutual_info_score` and `adjusted_mutual_info_score` with the arithmetic mean of the entropies.
 */

import { UsageError } from '../../errors.js';
import { type KMeansOptions, kMeans } from '../cluster/kmeans.js';
import { checkLabels, countOf, toUnit, type Vectors } from '../vectors.js';

/** Sizes of the parts of both partitions, and of their intersections that are not empty. */
export interface Contingency {
  a: number[];
  b: number[];
  cells: { i: number; j: number; n: number }[];
  total: number;
}

/** @throws UsageError when the lengths differ. */
export function contingency(x: ArrayLike<number>, y: ArrayLike<number>): Contingency {
  if (x.length !== y.length)
    throw new UsageError(
      `partitions: expected two of as many items but received ${x.length} and ${y.length}`,
    );
  const [rows, columns] = [new Map<number, number>(), new Map<number, number>()];
  const place = (map: Map<number, number>, key: number) => {
    if (!map.has(key)) map.set(key, map.size);
    return map.get(key)!;
  };
  const cells = new Map<string, { i: number; j: number; n: number }>();
  const [a, b]: [number[], number[]] = [[], []];
  for (let item = 0; item < x.length; item++) {
    const [i, j] = [place(rows, x[item]!), place(columns, y[item]!)];
    a[i] = (a[i] ?? 0) + 1;
    b[j] = (b[j] ?? 0) + 1;
    const key = `${i},${j}`;
    const cell = cells.get(key);
    if (cell) cell.n++;
    else cells.set(key, { i, j, n: 1 });
  }
  return { a, b, cells: [...cells.values()], total: x.length };
}

/** Of a partition, in nats. */
export const entropy = (sizes: readonly number[], total: number): number =>
  sizes.length === 1 ? 0 : -sizes.reduce((h, n) => h + (n / total) * Math.log(n / total), 0);

/** Of both partitions, in nats. */
export function mutualInformation({ a, b, cells, total }: Contingency): number {
  let sum = 0;
  for (const { i, j, n } of cells) sum += (n / total) * Math.log((n * total) / (a[i]! * b[j]!));
  return Math.max(sum, 0);
}

/** True where the question has no answer: both partitions have one part (or no item). Scores are 1 by convention. */
const undivided = ({ a, b }: Contingency): boolean => a.length === b.length && a.length <= 1;

/**
 * Mutual information over the mean of the two entropies, in 0..1. 1 where the partitions agree up to the names.
 * @throws UsageError when the lengths differ.
 */
export function normalizedMutualInformation(x: ArrayLike<number>, y: ArrayLike<number>): number {
  const table = contingency(x, y);
  if (undivided(table)) return 1;
  const mi = mutualInformation(table);
  if (mi <= Number.EPSILON) return 0;
  return mi / ((entropy(table.a, table.total) + entropy(table.b, table.total)) / 2);
}

/**
 * The same less what chance would give (Vinh, Epps & Bailey, JMLR 2010): about 0 for unrelated partitions, however
 * many parts they have; 1 where they agree.
 * @throws UsageError when the lengths differ.
 */
export function adjustedMutualInformation(x: ArrayLike<number>, y: ArrayLike<number>): number {
  const table = contingency(x, y);
  if (undivided(table)) return 1;
  const { a, b, total } = table;
  const expected = expectedMutualInformation(table);
  const numerator = mutualInformation(table) - expected;
  const denominator = (entropy(a, total) + entropy(b, total)) / 2 - expected;
  const away = Math.max(Math.abs(denominator), Number.EPSILON) * (denominator < 0 ? -1 : 1);
  return numerator / away;
}

/** The mean over all pairs of partitions with these sizes: hypergeometric probabilities, through log factorials. */
function expectedMutualInformation({ a, b, total }: Contingency): number {
  const logFactorial = new Float64Array(total + 1);
  for (let n = 2; n <= total; n++) logFactorial[n] = logFactorial[n - 1]! + Math.log(n);
  const count = (sizes: number[]) => {
    const by = new Map<number, number>();
    for (const n of sizes) by.set(n, (by.get(n) ?? 0) + 1);
    return by;
  };
  let sum = 0;
  for (const [ai, timesA] of count(a))
    for (const [bj, timesB] of count(b)) {
      const fixed =
        logFactorial[ai]! +
        logFactorial[bj]! +
        logFactorial[total - ai]! +
        logFactorial[total - bj]! -
        logFactorial[total]!;
      let cell = 0;
      for (let n = Math.max(1, ai + bj - total); n <= Math.min(ai, bj); n++) {
        const chance =
          fixed -
          logFactorial[n]! -
          logFactorial[ai - n]! -
          logFactorial[bj - n]! -
          logFactorial[total - ai - bj + n]!;
        cell += (n / total) * Math.log((total * n) / (ai * bj)) * Math.exp(chance);
      }
      sum += cell * timesA * timesB;
    }
  return sum;
}

export interface NmiOptions extends Omit<KMeansOptions, 'clusters'> {
  /** `cosine` clusters the vectors scaled to unit length. @default 'cosine' */
  distance?: 'euclidean' | 'cosine' | undefined;
}

/**
 * Normalised mutual information between the labels and k-means clusters of the embeddings, as many as there are labels.
 * @throws UsageError when there is not one label for each vector.
 */
export async function nmi(
  vectors: Vectors,
  labels: ArrayLike<number>,
  options: NmiOptions = {},
): Promise<number> {
  const { distance = 'cosine', ...rest } = options;
  checkLabels(labels, countOf(vectors, 'nmi'), 'nmi');
  const clusters = new Set(Array.from(labels)).size;
  const { assignments } = await kMeans(distance === 'cosine' ? toUnit(vectors) : vectors, {
    ...rest,
    clusters,
  });
  return normalizedMutualInformation(labels, assignments);
}
