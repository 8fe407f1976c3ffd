/**
 * @file What an autoencoder's output costs, and the divergence of a variational one.
 */
import { GraphError, UsageError } from '../../errors.js';
import { ops, show, type Value } from '../../graph/index.js';
import { dissimilarityPerImage } from './ssim.js';

const { abs, add, exp, mean, mul, square, sub, sum } = ops;

export const RECONSTRUCTION_LOSSES = ['mse', 'l1', 'ssim'] as const;
export type ReconstructionLossName = (typeof RECONSTRUCTION_LOSSES)[number];

/**
 * `mse`: mean squared difference; `l1`: mean absolute difference; `ssim`: 1 − structural similarity. Or a weighted sum
 * of them, such as `{ ssim: 0.84, l1: 0.16 }` after Zhao, Gallo, Frosio & Kautz, 2017.
 */
export type ReconstructionLoss = ReconstructionLossName | { readonly [K in ReconstructionLossName]?: number };

/**
 * The loss between images `[N, C, H, W]` with values in 0..1, averaged over the batch: a scalar.
 * @throws UsageError for a name or weight that does not exist, GraphError when the shapes do not fit.
 */
export function reconstructionLoss(loss: ReconstructionLoss, output: Value, target: Value): Value {
  return mean(reconstructionErrors(loss, output, target), [0]);
}

/** The same for each image: `[N]`, where N may be symbolic. Large errors tell outliers. */
export function reconstructionErrors(loss: ReconstructionLoss, output: Value, target: Value): Value {
  if (output.shape.length < 2 || show(output.shape) !== show(target.shape))
    throw new GraphError(
      `reconstruction loss: the output ${show(output.shape)} and the images ${show(target.shape)} differ in shape`,
    );
  return lossWeights(loss)
    .map(([name, weight]) => {
      const error = single(name, output, target);
      return weight === 1 ? error : mul(error, weight);
    })
    .reduce(add);
}

function single(name: ReconstructionLossName, output: Value, target: Value): Value {
  const axes = output.shape.slice(1).map((_, i) => i + 1);
  switch (name) {
    case 'mse':
      return mean(square(sub(output, target)), axes);
    case 'l1':
      return mean(abs(sub(output, target)), axes);
    case 'ssim':
      return dissimilarityPerImage(output, target);
    default:
      throw new GraphError(`reconstruction loss: ${name satisfies never} is none`);
  }
}

/** The parts of a loss with their weights. @throws UsageError for a name or weight that does not exist. */
export function lossWeights(loss: ReconstructionLoss): [ReconstructionLossName, number][] {
  const entries = typeof loss === 'string' ? [[loss, 1] as const] : Object.entries(loss);
  const used = entries.filter(([, weight]) => weight !== undefined && weight !== 0);
  const wrong = used.find(([name]) => !RECONSTRUCTION_LOSSES.includes(name as ReconstructionLossName));
  if (wrong || used.length === 0)
    throw new UsageError(
      `reconstruction loss: expected ${RECONSTRUCTION_LOSSES.join(', ')} or weights of them but received ${JSON.stringify(loss)}`,
    );
  for (const [name, weight] of used)
    if (!(typeof weight === 'number' && Number.isFinite(weight) && weight > 0))
      throw new UsageError(
        `reconstruction loss: expected a weight of at least 0 for ${name} but received ${JSON.stringify(weight)}`,
      );
  return used as [ReconstructionLossName, number][];
}

/**
 * The Kullback–Leibler divergence of N(mean, exp(logVariance)) from N(0, 1), summed over the latent numbers and averaged
 * over the batch (Kingma & Welling, "Auto-encoding variational Bayes", ICLR 2014, appendix B): both `[B, D]` → scalar.
 * @throws GraphError when the shapes differ.
 */
export function klDivergence(mu: Value, logVariance: Value): Value {
  if (mu.shape.length !== 2 || show(mu.shape) !== show(logVariance.shape))
    throw new GraphError(
      `KL divergence: expected two equal [B, D] but received ${show(mu.shape)} and ${show(logVariance.shape)}`,
    );
  const terms = sub(add(square(mu), exp(logVariance)), add(logVariance, 1));
  return mul(mean(sum(terms, [1]), [0]), 0.5);
}
