/**
 * @file All pairs of a batch: which are positive, how far apart they are, how alike.
 */
import { ops, type Value } from '../../graph/index.js';

const { add, and, cast, equal, eye, gemm, greater, l2Normalize, maximum, mean, mul, not } = ops;
const { reshape, sqrt, square, stopGradient, sub, sum, transpose, where } = ops;

/** Stands for −∞ in a masked maximum or log-sum-exp: finite, so that no difference of two of them is NaN. */
export const NEVER = -1e30;

/** bool [B, B]: pairs of different items with the same label, and pairs with different labels. */
export interface PairMasks {
  positive: Value;
  negative: Value;
}

/** The pairs of a batch by their labels [B]. */
export function pairMasks(labels: Value): PairMasks {
  const n = labels.shape[0] as number;
  const same = equal(reshape(labels, [n, 1]), reshape(labels, [1, n]));
  return { positive: and(same, not(eye(labels.graph, n))), negative: not(same) };
}

/** Cosine of the angle between every row of `a [B, D]` and every row of `b [C, D]`: [B, C]. */
export function cosineSimilarities(a: Value, b: Value = a): Value {
  const unit = l2Normalize(a);
  return gemm(unit, b === a ? unit : l2Normalize(b), null, { transposeB: true });
}

/** √x where x > 0 and 0 elsewhere, with a derivative of 0 there (as PyTorch's `cdist`) instead of infinity. */
export function safeSqrt(x: Value): Value {
  const above = greater(x, 0);
  return mul(sqrt(where(above, x, 1)), cast(above, 'float32'));
}

/**
 * Euclidean distances between all rows: [B, D] → [B, B]. From dot products, as PyTorch's `cdist` for more than 25
 * rows, which rounds distances far below the spread of the batch; taken about the batch's mean, the spread is all that
 * counts, even of embeddings that have nearly collapsed. Equal rows are at distance 0 exactly, since their squared
 * lengths are read from the same product.
 */
export function distances(x: Value, normalize: boolean): Value {
  const rows = normalize ? l2Normalize(x) : x;
  const centred = sub(rows, stopGradient(mean(rows, [0], true)));
  const products = gemm(centred, centred, null, { transposeB: true });
  const lengths = sum(where(eye(x.graph, x.shape[0] as number), products, 0), [1], true);
  return safeSqrt(sub(add(lengths, transpose(lengths, [1, 0])), mul(products, 2)));
}

/** Euclidean distance of each row of `a` to the same row of `b`: [B]. */
export function rowDistances(a: Value, b: Value, normalize: boolean): Value {
  const [x, y] = normalize ? [l2Normalize(a), l2Normalize(b)] : [a, b];
  return safeSqrt(sum(square(sub(x, y)), [1]));
}

const axesOf = (x: Value): number[] => x.shape.map((_, i) => i);

/** The sum of the values under a mask over their number; 0 when there are none. */
export function meanWhere(mask: Value, values: Value): Value {
  const total = sum(where(mask, values, 0), axesOf(values));
  return ops.div(total, maximum(sum(cast(mask, 'float32'), axesOf(mask)), 1));
}

/**
 * The mean of the values (under a mask, if there is one) that are above 0, as pytorch-metric-learning's
 * `AvgNonZeroReducer`.
 */
export function meanNonZero(mask: Value | null, values: Value): Value {
  const above = greater(values, 0);
  return meanWhere(mask ? and(mask, above) : above, values);
}
