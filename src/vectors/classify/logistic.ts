/**
 * @file Multinomial logistic regression, as scikit-learn's `LogisticRegression`: minimises
 * C · Σ weight · cross-entropy + ½ |coefficients|² with the intercepts free. Two classes are told apart by one score.
 *
 * The vectors are thought of as centred and scaled to a variance of 1, which changes neither the minimum nor the data
 * but brings it near: embeddings lie in a narrow cone.
 */
import { ops } from '../../graph/index.js';
import { lbfgs } from '../lbfgs.js';
import type { FitInput } from './classifier.js';
import { type LossOf, openLinearObjective, scoresFor } from './linear-objective.js';
import { centreOf } from './moments.js';
import { openLayers, type Scorer } from './scorer.js';

/** Of gradients that are means over items, with respect to features of variance 1. */
const TOLERANCE = 2e-6;
/** Of sums over items in float32. */
const NOISE = 1e-7;

export async function fitLogistic(input: FitInput): Promise<Scorer> {
  const { vectors, labels, classes, weights, regularization, options } = input;
  const { dimension } = vectors;
  const scores = scoresFor(classes);
  const size = scores * dimension;
  const { mean, deviation } = centreOf(vectors);
  const objective = await openLinearObjective(
    input,
    scores === 1 ? binaryCrossEntropy : crossEntropy,
    (label) => weights[label]!,
  );
  const total = labels.reduce((sum, label) => sum + weights[label]!, 0);
  /** Coefficients of the vectors as they are, of those of the centred and scaled ones. */
  const plain = (x: Float64Array) => {
    const result = x.map((value, i) => (i < size ? value / deviation : value));
    for (let s = 0; s < scores; s++)
      for (let d = 0; d < dimension; d++) result[size + s]! -= result[s * dimension + d]! * mean[d]!;
    return result;
  };
  try {
    const { x } = await lbfgs(
      async (x, gradient) => {
        const own = plain(x);
        let value = (await objective.evaluate(own, gradient)) / total;
        const share = 1 / (regularization * total);
        for (let i = 0; i < gradient.length; i++) gradient[i]! /= total;
        for (let i = 0; i < size; i++) {
          const s = Math.floor(i / dimension);
          value += (share * own[i]! ** 2) / 2;
          gradient[i] =
            (gradient[i]! - gradient[size + s]! * mean[i - s * dimension]! + share * own[i]!) / deviation;
        }
        return value;
      },
      new Float64Array(size + scores),
      { gradientTolerance: TOLERANCE, noise: NOISE },
    );
    const found = plain(x);
    const tensors = {
      'weight.0': { shape: [scores, dimension], data: Float32Array.from(found.subarray(0, size)) },
      'bias.0': { shape: [scores], data: Float32Array.from(found.subarray(size)) },
    };
    return await openLayers(['linear'], tensors, { regularization }, options.session);
  } finally {
    await objective.close();
  }
}

const crossEntropy: LossOf = (scores, member, weights) => {
  const logs = ops.logSoftmax(scores);
  return {
    loss: ops.neg(ops.sum(ops.mul(ops.mul(logs, member), weights), [1])),
    slope: ops.mul(ops.sub(ops.exp(logs), member), weights),
  };
};

const binaryCrossEntropy: LossOf = (scores, member, weights) => ({
  loss: ops.sum(ops.mul(ops.sub(ops.softplus(scores), ops.mul(scores, member)), weights), [1]),
  slope: ops.mul(ops.sub(ops.sigmoid(scores), member), weights),
});
