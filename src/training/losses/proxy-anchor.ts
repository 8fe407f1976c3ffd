/**
 * @file Proxy-anchor loss: Kim, Kim, Cho & Kwak, "Proxy anchor loss for deep metric learning", CVPR 2020. As
 * pytorch-metric-learning's `ProxyAnchorLoss`.
 */
import { ops, type Value } from '../../graph/index.js';
import { Random } from '../../random.js';
import { batchOf, type MetricLoss } from './loss.js';
import { positive as above, number, settle } from './options.js';
import { cosineSimilarities, NEVER } from './pairs.js';
import { normal, oneHot } from './proxies.js';

const { add, cast, div, logSumExp, max, maximum, mul, not, softplus, sub, sum, where } = ops;

export interface ProxyAnchorOptions {
  /** The cosine by which positives must exceed it and negatives stay below its negative. @default 0.1 */
  margin?: number | undefined;
  /** Scale in the exponent. @default 32 */
  alpha?: number | undefined;
}

const PROXIES = 'loss.proxies';

/** One learned proxy a class, `loss.proxies [classes, D]`, drawn as PyTorch's `kaiming_normal_(mode='fan_out')`. */
export function proxyAnchorLoss(options: ProxyAnchorOptions, classes: number): MetricLoss {
  const { margin, alpha } = settle('proxy-anchor', options, { margin: number(0.1), alpha: above(32) });
  return {
    name: 'proxy-anchor',
    build(embeddings, labels) {
      const { dimension } = batchOf(embeddings, labels, 'proxy-anchor loss');
      const { graph } = embeddings;
      const cosines = cosineSimilarities(embeddings, graph.parameter(PROXIES, [classes, dimension]));
      const positive = oneHot(labels, classes);
      const term = (mask: Value, exponent: Value) =>
        sum(softplus(logSumExp(where(mask, mul(exponent, alpha), NEVER), [0])), [0]);
      const present = maximum(sum(max(cast(positive, 'float32'), [0]), [0]), 1);
      const pull = div(term(positive, sub(graph.scalar(margin), cosines)), present);
      const push = div(term(not(positive), add(cosines, margin)), classes);
      return add(pull, push);
    },
    parameters: (dimension, seed) =>
      new Map([[PROXIES, normal([classes, dimension], Math.sqrt(2 / classes), new Random(seed, PROXIES))]]),
  };
}
