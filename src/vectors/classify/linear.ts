/**
 * @file Fits linear classifiers: minimises C · Σ loss + ½ |coefficients|² by L-BFGS.
 *
 * The vectors are thought of as centred and scaled to a variance of 1: a change of variables that leaves the minimum and
 * the data where they are but makes the way there short, since embeddings lie in a narrow cone.
 */
import { lbfgs } from '../lbfgs.js';
import type { FitInput } from './classifier.js';
import { type Features, type LossOf, openLinearObjective, scoresFor } from './linear-objective.js';
import { centreOf, type Moments } from './moments.js';
import type { Tensors } from './scorer.js';

export interface LinearOptions {
  lossOf: LossOf;
  /** The weight of the items of a class in the loss of a score. */
  weightOf: (label: number, score: number) => number;
  /** Whether the intercepts count among the coefficients that are kept small. */
  penaliseIntercept: boolean;
  /** What is classified, and where it lies. @default the vectors */
  features?: { of: Features; moments: Moments } | undefined;
}

/** Of gradients that are means over items, with respect to features of variance 1. */
const TOLERANCE = 2e-6;
/** Of sums over items in float32. */
const NOISE = 1e-7;

/** Coefficients `[S × D]` and intercepts `[S]`. */
export async function fitLinear(
  input: FitInput,
  { lossOf, weightOf, penaliseIntercept, features }: LinearOptions,
): Promise<Record<'weight' | 'bias', Tensors[string]>> {
  const { vectors, labels, classes, regularization } = input;
  const { mean, deviation } = features?.moments ?? centreOf(vectors);
  const scores = scoresFor(classes);
  const width = mean.length;
  const size = scores * width;
  const penalised = penaliseIntercept ? size + scores : size;
  const total = labels.reduce((sum, label) => sum + weightOf(label, scores === 1 ? 0 : label), 0);
  /** Coefficients for the vectors as they are, of those for centred and scaled ones. */
  const plain = (x: Float64Array) => {
    const result = x.map((value, i) => (i < size ? value / deviation : value));
    for (let s = 0; s < scores; s++)
      for (let d = 0; d < width; d++) result[size + s]! -= result[s * width + d]! * mean[d]!;
    return result;
  };
  const objective = await openLinearObjective(input, lossOf, weightOf, features?.of);
  try {
    const { x } = await lbfgs(
      async (x, gradient) => {
        const own = plain(x);
        let value = (await objective.evaluate(own, gradient)) / total;
        for (let i = 0; i < gradient.length; i++) gradient[i]! /= total;
        const share = 1 / (regularization * total);
        for (let i = 0; i < penalised; i++) {
          value += (share * own[i]! ** 2) / 2;
          gradient[i]! += share * own[i]!;
        }
        for (let i = 0; i < size; i++) {
          const s = Math.floor(i / width);
          gradient[i] = (gradient[i]! - gradient[size + s]! * mean[i - s * width]!) / deviation;
        }
        return value;
      },
      new Float64Array(size + scores),
      { gradientTolerance: TOLERANCE, noise: NOISE },
    );
    const found = plain(x);
    return {
      weight: { shape: [scores, width], data: Float32Array.from(found.subarray(0, size)) },
      bias: { shape: [scores], data: Float32Array.from(found.subarray(size)) },
    };
  } finally {
    await objective.close();
  }
}
