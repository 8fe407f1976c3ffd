/**
 * @file Supervised contrastive loss: Khosla et al., "Supervised contrastive learning", NeurIPS 2020 (the form L_out).
 * As pytorch-metric-learning's `SupConLoss`.
 */
import { ops } from '../../graph/index.js';
import { batchOf, type MetricLoss } from './loss.js';
import { positive as above, settle } from './options.js';
import { cosineSimilarities, meanNonZero, NEVER, pairMasks } from './pairs.js';

const { cast, div, greater, logSumExp, max, maximum, or, sub, sum, where } = ops;

export interface SupConOptions {
  /** Divides the cosines. @default 0.1 */
  temperature?: number | undefined;
}

/**
 * For each anchor the mean cross entropy over its positives, each against all other items; averaged over the anchors
 * whose cost is above 0. A batch with a single label costs nothing.
 */
export function supconLoss(options: SupConOptions): MetricLoss {
  const { temperature } = settle('supcon', options, { temperature: above(0.1) });
  return {
    name: 'supcon',
    build(embeddings, labels) {
      batchOf(embeddings, labels, 'supcon loss');
      const { positive, negative } = pairMasks(labels);
      const logits = div(cosineSimilarities(embeddings), temperature);
      const others = logSumExp(where(or(positive, negative), logits, NEVER), [1], true);
      const perPair = where(positive, sub(others, logits), 0);
      const positives = maximum(sum(cast(positive, 'float32'), [1]), 1);
      const hasNegative = greater(max(cast(negative, 'float32'), [1]), 0);
      return meanNonZero(hasNegative, div(sum(perPair, [1]), positives));
    },
    parameters: () => new Map(),
  };
}
