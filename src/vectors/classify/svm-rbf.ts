/**
 * @file Support vector machine with a Gaussian kernel, K(x, y) = exp(−gamma · |x − y|²), as scikit-learn's `SVC`: each
 * class against each other one (LIBSVM), votes and confidences made into one score for each class.
 *
 * The kernel of a pair of classes is held whole, at most 4 · kernelLimit² bytes (400 MB for 10,000 items). Above the
 * limit the kernel is approximated by random Fourier features (Rahimi & Recht, 2007), on which a linear machine stands
 * (see svm-linear.ts): one class against the rest, squared hinge loss, and scores that differ from the exact ones by
 * about 1 / √features. The saved configuration says which of the two it is.
 */
import type { Vectors } from '../vectors.js';
import type { FitInput } from './classifier.js';
import { gram, openGram } from './gaussian-kernel.js';
import { openKernelScorer } from './kernel-scorer.js';
import { centreOf } from './moments.js';
import type { Scorer } from './scorer.js';
import { smo } from './smo.js';
import { rowsOf } from './splits.js';
import { fitFourierSvm } from './svm-fourier.js';

/** As LIBSVM's epsilon, and ten times finer. */
const TOLERANCE = 1e-4;

/** @param input with `gamma` and `kernelLimit`, which are chosen once for all fits of a classifier */
export async function fitKernelSvm(input: FitInput): Promise<Scorer> {
  const { labels, options } = input;
  const gamma = options.gamma!;
  return labels.length > options.kernelLimit! ? fitFourierSvm(input, gamma) : exact(input, gamma);
}

async function exact(input: FitInput, gamma: number): Promise<Scorer> {
  const { vectors, labels, classes, weights, regularization, options } = input;
  const { dimension } = vectors;
  const centre = Float32Array.from(centreOf(vectors).mean);
  const centred: Vectors = { data: vectors.data.map((x, i) => x - centre[i % dimension]!), dimension };
  const members = Array.from({ length: classes }, () => [] as number[]);
  labels.forEach((label, item) => {
    members[label]!.push(item);
  });
  /** Of each item, its coefficients against every other class in order. */
  const coefficients = new Float32Array(labels.length * (classes - 1));
  const bias: number[] = [];
  const session = await openGram(dimension, gamma, options.session);
  try {
    for (let a = 0; a < classes; a++)
      for (let b = a + 1; b < classes; b++) {
        options.signal?.throwIfAborted();
        const items = Int32Array.from([...members[a]!, ...members[b]!]);
        const kernel = await gram(session, rowsOf(centred, items));
        const signs = Int8Array.from(items, (item) => (labels[item] === a ? 1 : -1));
        const limits = Float64Array.from(items, (item) => regularization * weights[labels[item]!]!);
        const found = smo(kernel, signs, limits, TOLERANCE);
        bias.push(found.bias);
        items.forEach((item, i) => {
          coefficients[item * (classes - 1) + (signs[i]! > 0 ? b - 1 : a)] = found.coefficients[i]!;
        });
      }
  } finally {
    await session.release();
  }
  const own = (item: number) => coefficients.subarray(item * (classes - 1), (item + 1) * (classes - 1));
  const support = members.map((items) => items.filter((item) => own(item).some((c) => c !== 0)));
  const kept = Int32Array.from(support.flat());
  const rows = rowsOf({ data: coefficients, dimension: classes - 1 }, kept).data;
  return openKernelScorer(
    { dimension, gamma, support: support.map((items) => items.length) },
    {
      centre: { shape: [dimension], data: centre },
      supports: { shape: [kept.length, dimension], data: rowsOf(centred, kept).data },
      coefficients: { shape: [kept.length, classes - 1], data: rows },
      bias: { shape: [bias.length], data: Float32Array.from(bias) },
    },
    { regularization },
    options.session,
  );
}
