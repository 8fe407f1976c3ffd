/**
 * @file Triplet margin loss: Schroff, Kalenichenko & Philbin, "FaceNet", CVPR 2015; batch-hard mining and the soft
 * margin: Hermans, Beyer & Leibe, "In defense of the triplet loss", 2017. As `TripletMarginLoss` with
 * `TripletMarginMiner` or `BatchHardMiner` of pytorch-metric-learning.
 */
import { GraphError } from '../../errors.js';
import { ops, show, type Value } from '../../graph/index.js';
import { batchOf, type MetricLoss } from './loss.js';
import { flag, nonNegative, oneOf, settle } from './options.js';
import { distances, meanNonZero, NEVER, type PairMasks, pairMasks, rowDistances } from './pairs.js';

const { add, and, arange, cast, equal, greater, lessOrEqual, matmul, max, minimum, mul, neg } = ops;
const { relu, reshape, softplus, sub, sum, where } = ops;

/** What of a triplet loss does not depend on how triplets are found. */
export interface TripletRowsOptions {
  /** How much farther than the positive the negative must be. @default 0.05 */
  margin?: number | undefined;
  /** Take the distance from positive to negative where it is the shorter one (Balntas et al., 2016). @default false */
  swap?: boolean | undefined;
  /** log(1 + exp(·)) in place of max(·, 0): the soft margin. @default false */
  smoothLoss?: boolean | undefined;
  /** Measure distances between the embeddings scaled to unit length. @default true */
  normalizeEmbeddings?: boolean | undefined;
}

/** Which triplets of a batch count. */
export const TRIPLETS = ['all', 'semi-hard', 'hard', 'batch-hard'] as const;

export interface TripletOptions extends TripletRowsOptions {
  /**
   * `all`: every one; `semi-hard`: the negative is farther than the positive, by at most `miningMargin`; `hard`: the
   * negative is no farther than the positive; `batch-hard`: for each anchor its farthest positive and its nearest
   * negative. All but the last compare B³ triplets. @default 'all'
   */
  triplets?: (typeof TRIPLETS)[number] | undefined;
  /** Used by `semi-hard` alone. @default 0.2 */
  miningMargin?: number | undefined;
}

const ROWS = {
  margin: nonNegative(0.05),
  swap: flag(false),
  smoothLoss: flag(false),
  normalizeEmbeddings: flag(true),
};
const OPTIONS = { ...ROWS, triplets: oneOf(TRIPLETS, 'all'), miningMargin: nonNegative(0.2) };

/** The mean of the costs above 0 over the triplets of a batch that are chosen. */
export function tripletLoss(options: TripletOptions): MetricLoss {
  const settled = settle<Required<{ [K in keyof TripletOptions]: NonNullable<TripletOptions[K]> }>>(
    'triplet',
    options,
    OPTIONS,
  );
  return {
    name: 'triplet',
    build(embeddings, labels) {
      batchOf(embeddings, labels, 'triplet loss');
      const distance = distances(embeddings, settled.normalizeEmbeddings);
      const masks = pairMasks(labels);
      const { mask, ap, an, pn } =
        settled.triplets === 'batch-hard'
          ? batchHard(distance, masks, settled.swap)
          : everyTriplet(distance, masks, settled.triplets, settled.miningMargin);
      return cost(mask, ap, settled.swap ? minimum(an, pn) : an, settled);
    },
    parameters: () => new Map(),
  };
}

/**
 * The same over listed triplets: rows i of `anchor`, `positive` and `negative [B, D]`. @throws UsageError, GraphError
 */
export function tripletRows(
  anchor: Value,
  positive: Value,
  negative: Value,
  options: TripletRowsOptions = {},
): Value {
  const settled = settle('triplet', options, ROWS);
  if ([positive, negative].some((v) => show(v.shape) !== show(anchor.shape)))
    throw new GraphError(
      `triplet loss: expected three equal shapes but received ${[anchor, positive, negative].map((v) => show(v.shape)).join(', ')}`,
    );
  const distance = (a: Value, b: Value) => rowDistances(a, b, settled.normalizeEmbeddings);
  const ap = distance(anchor, positive);
  const an = distance(anchor, negative);
  const nearest = settled.swap ? minimum(an, distance(positive, negative)) : an;
  return cost(null, ap, nearest, settled);
}

function cost(
  mask: Value | null,
  ap: Value,
  an: Value,
  options: { margin: number; smoothLoss: boolean },
): Value {
  const violation = add(sub(ap, an), options.margin);
  return meanNonZero(mask, options.smoothLoss ? softplus(violation) : relu(violation));
}

/** Triplets as three distances (anchor–positive, anchor–negative, positive–negative) and a mask, all broadcasting. */
interface Triplets {
  mask: Value;
  ap: Value;
  an: Value;
  pn: Value;
}

/** Anchors along axis 0, positives along 1, negatives along 2. */
function everyTriplet(
  distance: Value,
  { positive, negative }: PairMasks,
  kind: 'all' | 'semi-hard' | 'hard',
  miningMargin: number,
): Triplets {
  const n = distance.shape[0] as number;
  const ap = reshape(distance, [n, n, 1]);
  const an = reshape(distance, [n, 1, n]);
  let mask = and(reshape(positive, [n, n, 1]), reshape(negative, [n, 1, n]));
  if (kind !== 'all') {
    const gap = sub(an, ap);
    mask = and(mask, kind === 'hard' ? lessOrEqual(gap, 0) : greater(gap, 0));
    if (kind === 'semi-hard') mask = and(mask, lessOrEqual(gap, miningMargin));
  }
  return { mask, ap, an, pn: reshape(distance, [1, n, n]) };
}

/** One triplet an anchor: [B]. Anchors without a positive or without a negative do not count. */
function batchHard(distance: Value, { positive, negative }: PairMasks, swap: boolean): Triplets {
  const p = farthest(distance, positive);
  const n = farthest(neg(distance), negative);
  const any = (mask: Value) => greater(max(cast(mask, 'float32'), [1]), 0);
  const an = sum(mul(distance, n), [1]);
  return {
    mask: and(any(positive), any(negative)),
    ap: sum(mul(distance, p), [1]),
    an,
    pn: swap ? sum(mul(matmul(p, distance), n), [1]) : an,
  };
}

/** In each row a 1 at the largest value under the mask, the first of equals, and 0 elsewhere. */
function farthest(values: Value, mask: Value): Value {
  const { graph } = values;
  const n = values.shape[0] as number;
  const index = graph.node('ArgMax', [where(mask, values, NEVER)], [n, 1], {
    dtype: 'int64',
    attributes: { axis: 1, keepdims: 1 },
  });
  return cast(equal(index, arange(graph, n)), 'float32');
}
