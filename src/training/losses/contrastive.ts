/**
 * @file Contrastive loss: Hadsell, Chopra & LeCun, "Dimensionality reduction by learning an invariant mapping",
 * CVPR 2006, in the form without squares that pytorch-metric-learning calls `ContrastiveLoss`.
 */
import { GraphError } from '../../errors.js';
import { ops, show, type Value } from '../../graph/index.js';
import { batchOf, type MetricLoss } from './loss.js';
import { flag, nonNegative, settle } from './options.js';
import { distances, meanNonZero, pairMasks, rowDistances } from './pairs.js';

const { add, cast, greater, neg, not, relu, sub } = ops;

export interface ContrastiveOptions {
  /** Positive pairs closer than this cost nothing. @default 0 */
  posMargin?: number | undefined;
  /** Negative pairs farther than this cost nothing. @default 1 */
  negMargin?: number | undefined;
  /** Measure distances between the embeddings scaled to unit length. @default true */
  normalizeEmbeddings?: boolean | undefined;
}

const OPTIONS = { posMargin: nonNegative(0), negMargin: nonNegative(1), normalizeEmbeddings: flag(true) };

/** Over all pairs of a batch: the mean of the positive costs above 0 plus that of the negative ones. */
export function contrastiveLoss(options: ContrastiveOptions): MetricLoss {
  const { normalizeEmbeddings, ...margins } = settle('contrastive', options, OPTIONS);
  return {
    name: 'contrastive',
    build(embeddings, labels) {
      batchOf(embeddings, labels, 'contrastive loss');
      const { positive, negative } = pairMasks(labels);
      return hinges(distances(embeddings, normalizeEmbeddings), positive, negative, margins);
    },
    parameters: () => new Map(),
  };
}

/**
 * The same over listed pairs: row i of `a [B, D]` with row i of `b [B, D]`; `same [B]` (bool, or a number that is not
 * 0) says that they belong together. @throws UsageError, GraphError
 */
export function pairContrastive(a: Value, b: Value, same: Value, options: ContrastiveOptions = {}): Value {
  const { normalizeEmbeddings, ...margins } = settle('contrastive', options, OPTIONS);
  if (same.shape.length !== 1 || same.shape[0] !== a.shape[0] || show(a.shape) !== show(b.shape))
    throw new GraphError(
      `contrastive loss: pairs ${show(a.shape)}, ${show(b.shape)} do not fit the flags ${show(same.shape)}`,
    );
  const positive = same.dtype === 'bool' ? same : greater(ops.abs(cast(same, 'float32')), 0);
  return hinges(rowDistances(a, b, normalizeEmbeddings), positive, not(positive), margins);
}

function hinges(
  distance: Value,
  positive: Value,
  negative: Value,
  margins: { posMargin: number; negMargin: number },
): Value {
  const pull = meanNonZero(positive, relu(sub(distance, margins.posMargin)));
  const push = meanNonZero(negative, relu(add(neg(distance), margins.negMargin)));
  return add(pull, push);
}
