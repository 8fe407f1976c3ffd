/**
 * @file Multi-similarity loss: Wang, Han, Huang, Dong & Scott, "Multi-similarity loss with general pair weighting for
 * deep metric learning", CVPR 2019. As pytorch-metric-learning's `MultiSimilarityLoss` and `MultiSimilarityMiner`.
 */
import { ops, type Value } from '../../graph/index.js';
import { batchOf, type MetricLoss } from './loss.js';
import { positive as above, flag, nonNegative, number, settle } from './options.js';
import { cosineSimilarities, NEVER, type PairMasks, pairMasks } from './pairs.js';

const { add, and, div, greater, less, logSumExp, max, mean, min, mul, softplus, sub, where } = ops;

export interface MultiSimilarityOptions {
  /** Weight of positive pairs in the exponent. @default 2 */
  alpha?: number | undefined;
  /** Weight of negative pairs in the exponent. @default 50 */
  beta?: number | undefined;
  /** The cosine at which a pair weighs one. @default 0.5 */
  base?: number | undefined;
  /** Use only the pairs that the paper's miner finds informative. @default false */
  mining?: boolean | undefined;
  /** The miner's slack. @default 0.1 */
  epsilon?: number | undefined;
}

const OPTIONS = {
  alpha: above(2),
  beta: above(50),
  base: number(0.5),
  mining: flag(false),
  epsilon: nonNegative(0.1),
};

/** The mean over all items of log(1 + Σ exp(·))/α of their positives and log(1 + Σ exp(·))/β of their negatives. */
export function multiSimilarityLoss(options: MultiSimilarityOptions): MetricLoss {
  const { alpha, beta, base, mining, epsilon } = settle('multi-similarity', options, OPTIONS);
  return {
    name: 'multi-similarity',
    build(embeddings, labels) {
      batchOf(embeddings, labels, 'multi-similarity loss');
      const cosines = cosineSimilarities(embeddings);
      const all = pairMasks(labels);
      const { positive, negative } = mining ? informative(cosines, all, epsilon) : all;
      const shifted = sub(cosines, base);
      const term = (mask: Value, weight: number) =>
        softplus(logSumExp(where(mask, mul(shifted, weight), NEVER), [1]));
      return mean(add(div(term(positive, -alpha), alpha), div(term(negative, beta), beta)), [0]);
    },
    parameters: () => new Map(),
  };
}

/**
 * Positives less alike than the most alike negative of the same anchor, and negatives more alike than its least alike
 * positive, both with a slack.
 */
function informative(cosines: Value, { positive, negative }: PairMasks, epsilon: number): PairMasks {
  const hardestNegative = max(where(negative, cosines, NEVER), [1], true);
  const hardestPositive = min(where(positive, cosines, -NEVER), [1], true);
  return {
    positive: and(positive, less(sub(cosines, epsilon), hardestNegative)),
    negative: and(negative, greater(add(cosines, epsilon), hardestPositive)),
  };
}
