/**
 * @file Normalised temperature-scaled cross entropy: Chen, Kornblith, Norouzi & Hinton, "A simple framework for
 * contrastive learning of visual representations" (SimCLR), ICML 2020. As pytorch-metric-learning's `NTXentLoss`.
 */
import { ops } from '../../graph/index.js';
import { batchOf, type MetricLoss } from './loss.js';
import { positive as above, settle } from './options.js';
import { cosineSimilarities, meanWhere, NEVER, pairMasks } from './pairs.js';

const { div, logSumExp, softplus, sub, where } = ops;

export interface NTXentOptions {
  /** Divides the cosines. @default 0.07 */
  temperature?: number | undefined;
}

/**
 * For each positive pair the cross entropy of telling the positive from the anchor's negatives, averaged over the
 * pairs. For SimCLR the batch holds two views of every image, and a label is the image's number.
 */
export function ntxentLoss(options: NTXentOptions): MetricLoss {
  const { temperature } = settle('ntxent', options, { temperature: above(0.07) });
  return {
    name: 'ntxent',
    build(embeddings, labels) {
      batchOf(embeddings, labels, 'ntxent loss');
      const { positive, negative } = pairMasks(labels);
      const logits = div(cosineSimilarities(embeddings), temperature);
      const against = logSumExp(where(negative, logits, NEVER), [1], true);
      return meanWhere(positive, softplus(sub(against, logits)));
    },
    parameters: () => new Map(),
  };
}
