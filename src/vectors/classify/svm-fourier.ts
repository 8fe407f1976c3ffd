/**
 * @file A linear support vector machine on random Fourier features (Rahimi & Recht, "Random features for large-scale
 * kernel machines", NIPS 2007), which stands for one with a Gaussian kernel where there are too many items for that.
 */
import type { Value } from '../../graph/index.js';
import { Random } from '../../random.js';
import type { FitInput } from './classifier.js';
import type { LinearOptions } from './linear.js';
import { centreOf } from './moments.js';
import { fourier, openLayers, type Scorer, type Tensors } from './scorer.js';
import { rowsOf } from './splits.js';
import { separate } from './svm-linear.js';

/** Bytes of features that are held rather than made again at every step. */
const HELD = 2 ** 30;
/** Items whose features say where those of all lie. */
const SAMPLE = 4096;

/** @param gamma of the kernel exp(−gamma · squared distance). */
export async function fitFourierSvm(input: FitInput, gamma: number, held = HELD): Promise<Scorer> {
  const { vectors, labels, options, regularization } = input;
  const { dimension } = vectors;
  const { features = 1024, session } = options;
  const map = randomMap(dimension, features, gamma, input.seed);
  const mapper = await openLayers(['fourier'], map, {}, session);
  const mapped = async (items: FitInput['vectors']) => ({
    data: await mapper.score(items),
    dimension: features,
  });
  let found: Awaited<ReturnType<typeof separate>>;
  try {
    if (labels.length * features * 4 <= held)
      found = await separate({ ...input, vectors: await mapped(vectors) });
    else {
      const step = Math.ceil(labels.length / SAMPLE);
      const sample = Int32Array.from({ length: Math.ceil(labels.length / step) }, (_, i) => i * step);
      const moments = centreOf(await mapped(rowsOf(vectors, sample)));
      found = await separate(input, { of: inGraph(map, features), moments });
    }
  } finally {
    await mapper.close();
  }
  const tensors = { ...map, 'weight.1': found.weight, 'bias.1': found.bias };
  const config = { kernel: 'random Fourier features', gamma, features, regularization };
  return openLayers(['fourier', 'linear'], tensors, config, session);
}

/** Frequencies drawn from the transform of the kernel, and phases. */
function randomMap(dimension: number, features: number, gamma: number, seed: number): Tensors {
  const random = new Random(seed, 'fourier-features');
  const scale = Math.sqrt(2 * gamma);
  const weight = Float32Array.from({ length: features * dimension }, () => scale * random.normal());
  const bias = Float32Array.from({ length: features }, () => 2 * Math.PI * random.next());
  return {
    'weight.0': { shape: [features, dimension], data: weight },
    'bias.0': { shape: [features], data: bias },
  };
}

function inGraph(map: Tensors, width: number): NonNullable<LinearOptions['features']>['of'] {
  const [weight, bias] = [map['weight.0']!, map['bias.0']!];
  const apply = (x: Value) =>
    fourier(
      x,
      x.graph.constant(weight.data, weight.shape, 'float32'),
      x.graph.constant(bias.data, bias.shape, 'float32'),
    );
  return { width, apply };
}
