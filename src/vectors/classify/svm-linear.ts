/**
 * @file Linear support vector machine, as scikit-learn's `LinearSVC(dual=False)`: for each class against the rest
 * ½ |coefficients|² + C · Σ weight · max(0, 1 − y · score)², solved in the primal for all classes at once. As there, the
 * intercept is a coefficient of a feature that is always 1 and is penalised like the others; the weight of a class is
 * that of its own items, the rest count once.
 */
import { ops } from '../../graph/index.js';
import { lbfgs } from '../lbfgs.js';
import type { FitInput } from './classifier.js';
import { type Features, type LossOf, openLinearObjective, scoresFor } from './linear-objective.js';
import { openLayers, type Scorer, type Tensors } from './scorer.js';

const TOLERANCE = 1e-6;
/** Of sums over items in float32. */
const NOISE = 1e-7;

export async function fitLinearSvm(input: FitInput): Promise<Scorer> {
  const { weight, bias } = await separate(input);
  const tensors = { 'weight.0': weight, 'bias.0': bias };
  return openLayers(['linear'], tensors, { regularization: input.regularization }, input.options.session);
}

/** The coefficients and intercepts of the classes. @param features what is separated. @default the vectors */
export async function separate(
  input: FitInput,
  features?: Features,
): Promise<Tensors & Record<'weight' | 'bias', Tensors[string]>> {
  const { vectors, labels, classes, weights, regularization } = input;
  const scores = scoresFor(classes);
  const width = features?.width ?? vectors.dimension;
  const weightOf = (label: number, score: number) => (scores === 1 || label === score ? weights[label]! : 1);
  const objective = await openLinearObjective(input, squaredHinge, weightOf, features);
  const scale = 1 / (regularization * labels.length);
  try {
    const { x } = await lbfgs(
      async (x, gradient) => {
        let value = (await objective.evaluate(x, gradient)) / labels.length;
        for (let i = 0; i < x.length; i++) {
          value += (scale * x[i]! ** 2) / 2;
          gradient[i] = gradient[i]! / labels.length + scale * x[i]!;
        }
        return value;
      },
      new Float64Array(scores * (width + 1)),
      { gradientTolerance: TOLERANCE, noise: NOISE },
    );
    return {
      weight: { shape: [scores, width], data: Float32Array.from(x.subarray(0, scores * width)) },
      bias: { shape: [scores], data: Float32Array.from(x.subarray(scores * width)) },
    };
  } finally {
    await objective.close();
  }
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
