/** @file The scores of an exact support vector machine with a Gaussian kernel: sums over its support vectors. */
import { ops, type SessionOptions, type Value } from '../../graph/index.js';
import { gaussian } from './gaussian-kernel.js';
import { openNetwork, type Scorer, type Tensors, tensorOf } from './scorer.js';

/** What is kept of an exact machine besides its tensors. */
interface KernelConfig {
  readonly dimension: number;
  readonly gamma: number;
  /** Support vectors of each class. */
  readonly support: readonly number[];
}

/** @throws UsageError when a tensor is missing or the sizes differ. */
export function loadKernelSvm(
  config: Readonly<Record<string, unknown>>,
  tensors: Readonly<Record<string, Float32Array>>,
  session?: SessionOptions,
): Promise<Scorer> {
  const known = config as unknown as KernelConfig;
  const { dimension, support } = known;
  const count = support.reduce((a, b) => a + b, 0);
  const others = support.length - 1;
  const shapes = {
    centre: [dimension],
    supports: [count, dimension],
    coefficients: [count, others],
    bias: [(support.length * others) / 2],
  };
  const shaped = Object.entries(shapes).map(([name, shape]) => {
    const data = tensorOf(
      tensors,
      name,
      shape.reduce((a, b) => a * b),
    );
    return [name, { shape, data }] as const;
  });
  return openKernelScorer(known, Object.fromEntries(shaped), config, session);
}

/**
 * @param tensors `centre` of the training vectors [D]; `supports`, the vectors that do, class by class and centred [S × D];
 *   `coefficients` of each against the other classes in order [S × (classes − 1)]; `bias` of each pair of classes.
 * @param about kept in the configuration.
 */
export async function openKernelScorer(
  known: KernelConfig,
  tensors: Tensors,
  about: Scorer['config'],
  session: SessionOptions | undefined,
): Promise<Scorer> {
  const { dimension, gamma, support } = known;
  const classes = support.length;
  const others = classes - 1;
  const build = (x: Value, tensor: (name: string) => Value) => {
    const kernel = gaussian(ops.sub(x, tensor('centre')), tensor('supports'), gamma);
    let start = 0;
    const sums = support.map((count) => {
      const [from, to] = [start, start + count];
      start = to;
      return ops.matmul(ops.slice(kernel, 1, from, to), ops.slice(tensor('coefficients'), 0, from, to));
    });
    return ops.concat(sums, 1);
  };
  const network = await openNetwork(dimension, classes * others, tensors, build, {}, session);
  return {
    width: (classes * others) / 2,
    of: 'pairs',
    config: { ...about, kind: 'kernel', kernel: 'exact', ...known },
    tensors,
    score: async (vectors) => margins(await network.score(vectors), tensors.bias!.data, classes),
    close: () => network.close(),
  };
}

/** Of each pair of classes how far the item is on the side of the second one. */
function margins(sums: Float32Array, bias: Float32Array, classes: number): Float32Array {
  const others = classes - 1;
  const count = sums.length / (classes * others);
  const result = new Float32Array(count * bias.length);
  for (let item = 0, at = 0; item < count; item++) {
    const first = item * classes * others;
    for (let a = 0, pair = 0; a < classes; a++)
      for (let b = a + 1; b < classes; b++, pair++, at++)
        result[at] = -(sums[first + a * others + b - 1]! + sums[first + b * others + a]! + bias[pair]!);
  }
  return result;
}
