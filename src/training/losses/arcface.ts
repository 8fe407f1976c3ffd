/**
 * @file Additive angular margin: Deng, Guo, Xue & Zafeiriou, "ArcFace", CVPR 2019. As pytorch-metric-learning's
 * `ArcFaceLoss`.
 */
import { ops, type Value } from '../../graph/index.js';
import { Random } from '../../random.js';
import { batchOf, type MetricLoss } from './loss.js';
import { nonNegative, positive, settle } from './options.js';
import { cosineSimilarities } from './pairs.js';
import { normal, oneHot } from './proxies.js';

const { greaterOrEqual, logSoftmax, maximum, mean, mul, neg, reshape, sqrt, square, sub, sum } = ops;
const { transpose, where } = ops;

export interface ArcFaceOptions {
  /** Angle by which a class must be nearer than it is, in degrees. @default 28.6 */
  margin?: number | undefined;
  /** Factor on the cosines. @default 64 */
  scale?: number | undefined;
}

const W = 'loss.W';
/** The least squared sine: its root is differentiable where an embedding points exactly at its class. */
const TINY = 1e-12;

/** Softmax cross entropy over one learned direction a class, `loss.W [D, classes]`, drawn from N(0, 1). */
export function arcfaceLoss(options: ArcFaceOptions, classes: number): MetricLoss {
  const { margin, scale } = settle('arcface', options, { margin: nonNegative(28.6), scale: positive(64) });
  const radians = (margin * Math.PI) / 180;
  return {
    name: 'arcface',
    build(embeddings, labels) {
      const { batch, dimension } = batchOf(embeddings, labels, 'arcface loss');
      const directions = transpose(embeddings.graph.parameter(W, [dimension, classes]), [1, 0]);
      const cosines = cosineSimilarities(embeddings, directions);
      const target = oneHot(labels, classes);
      const own = sum(where(target, cosines, 0), [1]);
      const logits = where(target, reshape(withMargin(own, radians), [batch, 1]), cosines);
      const logProbabilities = logSoftmax(mul(logits, scale));
      return neg(mean(sum(where(target, logProbabilities, 0), [1]), [0]));
    },
    parameters: (dimension, seed) => new Map([[W, normal([dimension, classes], 1, new Random(seed, W))]]),
  };
}

/**
 * cos(θ + m) from cos θ, by the addition theorem; beyond θ = π − m, where that would rise again, cos θ − m sin m.
 */
function withMargin(cosine: Value, m: number): Value {
  const sine = sqrt(maximum(sub(cosine.graph.scalar(1), square(cosine)), TINY));
  const turned = sub(mul(cosine, Math.cos(m)), mul(sine, Math.sin(m)));
  return where(greaterOrEqual(cosine, -Math.cos(m)), turned, sub(cosine, m * Math.sin(m)));
}
