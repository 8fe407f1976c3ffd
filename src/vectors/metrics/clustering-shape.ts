/**
 * @file How compact clusters are and how far apart, without labels: Davies–Bouldin and Calinski–Harabasz, as
 * scikit-learn's scores. Both compare clusters by their means, and favour round ones.
 */
import { UsageError } from '../../errors.js';
import { checkLabels, countOf, type Vectors } from '../vectors.js';

/** Clusters renumbered without gaps, and the rows that are in one. */
export interface Grouped {
  /** From 0; −1 for rows that are in none. */
  groups: Int32Array;
  sizes: number[];
  /** Rows in a cluster. */
  count: number;
}

/**
 * Numbers clusters from 0; negative ones are none (noise).
 * @throws UsageError when there is not one for each vector, or fewer than two, or as many as vectors.
 */
export function grouped(vectors: Vectors, clusters: ArrayLike<number>, what: string): Grouped {
  const total = countOf(vectors, what);
  checkLabels(clusters, total, what);
  const places = new Map<number, number>();
  const sizes: number[] = [];
  const groups = new Int32Array(total).fill(-1);
  let count = 0;
  for (let row = 0; row < total; row++) {
    const name = clusters[row]!;
    if (!(name >= 0)) continue;
    let place = places.get(name);
    if (place === undefined) {
      place = places.size;
      places.set(name, place);
      sizes.push(0);
    }
    sizes[place]!++;
    groups[row] = place;
    count++;
  }
  if (sizes.length < 2 || sizes.length >= count)
    throw new UsageError(
      `${what}: expected from 2 clusters to one fewer than vectors but received ${sizes.length} of ${count} vectors`,
      { hint: 'a single cluster has no neighbours to be compared with, and a single vector no spread' },
    );
  return { groups, sizes, count };
}

/** Means of the clusters, `[clusters × D]`, in float64. */
export function centresOf({ data, dimension }: Vectors, { groups, sizes }: Grouped): Float64Array {
  const centres = new Float64Array(sizes.length * dimension);
  for (let row = 0; row < groups.length; row++) {
    const group = groups[row]!;
    if (group < 0) continue;
    for (let d = 0, i = row * dimension, c = group * dimension; d < dimension; d++, i++, c++)
      centres[c]! += data[i]!;
  }
  return centres.map((sum, i) => sum / sizes[Math.floor(i / dimension)]!);
}

const square = (
  a: ArrayLike<number>,
  i: number,
  b: ArrayLike<number>,
  j: number,
  dimension: number,
): number => {
  let sum = 0;
  for (let d = 0; d < dimension; d++) sum += (a[i + d]! - b[j + d]!) ** 2;
  return sum;
};

/**
 * The mean, over clusters, of how much the most similar other one overlaps: spreads over distance of the means
 * (Davies & Bouldin, 1979). At least 0, the less the better. Negative clusters are left out.
 * @throws UsageError as {@link grouped}.
 */
export function daviesBouldin(vectors: Vectors, clusters: ArrayLike<number>): number {
  const own = grouped(vectors, clusters, 'Davies–Bouldin');
  const { groups, sizes } = own;
  const { data, dimension } = vectors;
  const centres = centresOf(vectors, own);
  const spread = new Float64Array(sizes.length);
  for (let row = 0; row < groups.length; row++)
    if (groups[row]! >= 0)
      spread[groups[row]!]! +=
        Math.sqrt(square(data, row * dimension, centres, groups[row]! * dimension, dimension)) /
        sizes[groups[row]!]!;
  if (spread.every((s) => s < 1e-12)) return 0;
  let sum = 0;
  for (let i = 0; i < sizes.length; i++) {
    let worst = 0;
    for (let j = 0; j < sizes.length; j++) {
      if (i === j) continue;
      const apart = Math.sqrt(square(centres, i * dimension, centres, j * dimension, dimension));
      if (apart > 0) worst = Math.max(worst, (spread[i]! + spread[j]!) / apart);
    }
    sum += worst;
  }
  return sum / sizes.length;
}

/**
 * The variance between clusters over that within (Caliński & Harabasz, 1974). At least 0, the more the better.
 * Negative clusters are left out.
 * @throws UsageError as {@link grouped}.
 */
export function calinskiHarabasz(vectors: Vectors, clusters: ArrayLike<number>): number {
  const own = grouped(vectors, clusters, 'Calinski–Harabasz');
  const { groups, sizes, count } = own;
  const { data, dimension } = vectors;
  const centres = centresOf(vectors, own);
  const mean = new Float64Array(dimension);
  for (let i = 0; i < centres.length; i++)
    mean[i % dimension]! += (centres[i]! * sizes[Math.floor(i / dimension)]!) / count;
  let [between, within] = [0, 0];
  for (let i = 0; i < sizes.length; i++)
    between += sizes[i]! * square(centres, i * dimension, mean, 0, dimension);
  for (let row = 0; row < groups.length; row++)
    if (groups[row]! >= 0)
      within += square(data, row * dimension, centres, groups[row]! * dimension, dimension);
  return within === 0 ? 1 : (between * (count - sizes.length)) / (within * (sizes.length - 1));
}
