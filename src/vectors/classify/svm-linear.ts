/**
 * @file Linear support vector machine, as scikit-learn's `LinearSVC(dual=False)`: for each class against the rest
 * ½ |coefficients|² + C · Σ weight · max(0, 1 − y · score)², solved in the primal for all classes at once. As there, the
 * intercept is a coefficient of a feature that is always 1 and is penalised like the others; the weight of a class is
 * that of its own items, the rest count once.
 */
import { ops } from '../../graph/index.js';
import type { FitInput } from './classifier.js';
import { fitLinear, type LinearOptions } from './linear.js';
import { type LossOf, scoresFor } from './linear-objective.js';
import { openLayers, type Scorer } from './scorer.js';

export async function fitLinearSvm(input: FitInput): Promise<Scorer> {
  const { weight, bias } = await separate(input);
  const tensors = { 'weight.0': weight, 'bias.0': bias };
  return openLayers(['linear'], tensors, { regularization: input.regularization }, input.options.session);
}

/** The coefficients and intercepts of the classes. @param features what is separated. @default the vectors */
export function separate(
  input: FitInput,
  features?: LinearOptions['features'],
): ReturnType<typeof fitLinear> {
  const { weights, classes } = input;
  const single = scoresFor(classes) === 1;
  return fitLinear(input, {
    lossOf: squaredHinge,
    weightOf: (label, score) => (single || label === score ? weights[label]! : 1),
    penaliseIntercept: true,
    features,
  });
}

const squaredHinge: LossOf = (scores, member, weights) => {
  const signs = ops.sub(ops.mul(member, 2), 1);
  const margins = ops.relu(ops.sub(scores.graph.scalar(1), ops.mul(signs, scores)));
  const weighted = ops.mul(weights, margins);
  return {
    loss: ops.sum(ops.mul(weighted, margins), [1]),
    slope: ops.mul(ops.mul(weighted, signs), -2),
  };
};
