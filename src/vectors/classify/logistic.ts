/**
 * @file Multinomial logistic regression, as scikit-learn's `LogisticRegression`: minimises
 * C · Σ weight · cross-entropy + ½ |coefficients|² with the intercepts free. Two classes are told apart by one score.
 */
import { ops } from '../../graph/index.js';
import type { FitInput } from './classifier.js';
import { fitLinear } from './linear.js';
import type { LossOf } from './linear-objective.js';
import { openLayers, type Scorer } from './scorer.js';

export async function fitLogistic(input: FitInput): Promise<Scorer> {
  const { weights, regularization, options } = input;
  const { weight, bias } = await fitLinear(input, {
    lossOf: input.classes === 2 ? binaryCrossEntropy : crossEntropy,
    weightOf: (label) => weights[label]!,
    penaliseIntercept: false,
  });
  return openLayers(['linear'], { 'weight.0': weight, 'bias.0': bias }, { regularization }, options.session);
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
