/**
 * @file How near the nearest neighbour comes by chance: a Weibull distribution, which the smallest of many distances
 * follows, fitted where copies cannot be and extended to where they are.
 *
 * @see Amsaleg et al., "Estimating Local Intrinsic Dimensionality", KDD 2015, for why the shape is a dimension
 */
import { UsageError } from '../errors.js';

/** The share of items whose nearest is within distance d is 1 − exp(−(d / scale)^shape). */
export interface NearestNull {
  shape: number;
  scale: number;
  /** Items that it was fitted to. */
  items: number;
}

/** The part of the distances, from the smallest, that the curve is fitted to. */
const BODY = [0.1, 0.5] as const;
/** Items whose nearest is nearer than this share of all by chance are taken for copies while fitting. */
const COPIES = 1e-3;
const ROUNDS = 6;
/** The neighbour that the first round looks at. */
const FIRST_RANK = 4;

/**
 * Fits the distances of items to their nearest neighbours, copies left out: those nearer than one item in a thousand
 * is by chance are taken for copies, the next neighbour in their place, and the curve is fitted anew until nothing
 * changes. It begins with the fourth neighbours, which few items have as copies.
 *
 * @param distances of each item to its `k` nearest, smallest first; 0 or more. `[items × k]`
 * @returns undefined where there are fewer than 20 items with different distances to tell from.
 */
export function nearestNull(distances: ArrayLike<number>, k: number): NearestNull | undefined {
  const count = distances.length / k;
  if (!Number.isInteger(count))
    throw new UsageError(`distances: ${distances.length} numbers are not ${k} for each item`);
  const start = Math.min(FIRST_RANK, k) - 1;
  let found = weibull(Float64Array.from({ length: count }, (_, i) => distances[i * k + start]!).sort());
  for (let round = 0; round < ROUNDS && found; round++) {
    const bound = distanceOfShare(found, COPIES);
    const nearest: number[] = [];
    for (let item = 0; item < count; item++)
      for (let i = item * k; i < (item + 1) * k; i++) {
        if (distances[i]! <= bound) continue;
        nearest.push(distances[i]!);
        break;
      }
    const fitted = weibull(Float64Array.from(nearest).sort());
    if (fitted === undefined) break;
    found = fitted;
  }
  return found;
}

/** The distance within which the nearest is for this share of the items by chance. */
export function distanceOfShare({ shape, scale }: NearestNull, share: number): number {
  return scale * (-Math.log1p(-share)) ** (1 / shape);
}

/** The share of items whose nearest is within a distance by chance. */
export function shareOfDistance({ shape, scale }: NearestNull, distance: number): number {
  return -Math.expm1(-((Math.max(0, distance) / scale) ** shape));
}

/** Least squares on Weibull's plot, log(−log(1 − F)) against log d, of the sorted distances' lower half. */
function weibull(sorted: Float64Array): NearestNull | undefined {
  const items = sorted.length;
  const [first, end] = [Math.floor(BODY[0] * items), Math.ceil(BODY[1] * items)];
  if (items < 20 || !(sorted[first]! > 0 && sorted[end - 1]! > sorted[first]!)) return undefined;
  let [x, y, xx, xy] = [0, 0, 0, 0];
  const n = end - first;
  for (let i = first; i < end; i++) {
    const [u, v] = [Math.log(sorted[i]!), Math.log(-Math.log1p(-(i + 0.5) / items))];
    x += u / n;
    y += v / n;
    xx += (u * u) / n;
    xy += (u * v) / n;
  }
  const shape = (xy - x * y) / (xx - x * x);
  return { shape, scale: Math.exp(x - y / shape), items };
}
