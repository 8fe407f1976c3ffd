/** @file What was fitted, behind the one interface, and its way to a file and back. */
import { UsageError } from '../../errors.js';
import type { Vectors } from '../vectors.js';
import { applyKernel, type KernelMap } from './kernel.js';
import { Neighbours, type NeighbourWeights } from './knn.js';
import { Products } from './products.js';
import { checkFeatures, type RegressionMethod, type Regressor, type SavedRegressor } from './regressor.js';
import { applyLinear, type LinearMap } from './ridge.js';
import { applyForest, type Forest } from './trees.js';

/**
 * Opens what {@link Regressor.save} gave, after a way through a file.
 * @throws UsageError when it is something else.
 */
export async function loadRegressor(
  config: Record<string, unknown>,
  tensors: Readonly<Record<string, Float32Array>>,
): Promise<Regressor> {
  const method = config.method as RegressionMethod;
  const number = (name: string): number => {
    const value = config[name];
    if (typeof value !== 'number') throw new UsageError(`${name}: expected a number but received ${value}`);
    return value;
  };
  const tensor = (name: string): Float32Array => {
    const data = tensors[name];
    if (!data) throw new UsageError(`expected the tensor "${name}" of a regressor, but it is not there`);
    return data;
  };
  switch (method) {
    case 'ridge':
      return linear({ coefficients: joined(tensor('coefficients')), intercept: number('intercept') });
    case 'kernel-ridge':
    case 'svr':
      return kernel(method, {
        supports: { data: tensor('supports'), dimension: number('dimension') },
        gamma: number('gamma'),
        weights: joined(tensor('weights')),
        intercept: number('intercept'),
      });
    case 'knn': {
      const examples = { data: tensor('examples'), dimension: number('dimension') };
      const weights = config.weights as NeighbourWeights;
      return nearest(examples, joined(tensor('targets')), number('neighbours'), weights);
    }
    case 'trees':
      return trees(
        { base: number('base'), nodes: tensor('nodes'), roots: tensor('roots') },
        number('dimension'),
      );
    default:
      method satisfies never;
      throw new UsageError(`method: expected one that predicts numbers but received ${String(method)}`);
  }
}

export function linear(map: LinearMap): Regressor {
  const dimension = map.coefficients.length;
  return {
    method: 'ridge',
    dimension,
    predict: async (features) => applyLinear(map, checked(features, dimension, 'ridge').data),
    save: () => ({
      config: { method: 'ridge', dimension, intercept: map.intercept },
      tensors: { coefficients: halves(map.coefficients) },
    }),
    close: async () => undefined,
  };
}

export function kernel(method: 'kernel-ridge' | 'svr', map: KernelMap): Regressor {
  const { supports, gamma, weights, intercept } = map;
  const { data, dimension } = supports;
  return {
    method,
    dimension,
    async predict(features) {
      checked(features, dimension, method);
      const products = new Products();
      try {
        return await applyKernel(map, features, products);
      } finally {
        await products.close();
      }
    },
    save: () => ({
      config: { method, dimension, gamma, intercept },
      tensors: { supports: { shape: [weights.length, dimension], data }, weights: halves(weights) },
    }),
    close: async () => undefined,
  };
}

export async function nearest(
  examples: Vectors,
  targets: Float64Array,
  neighbours: number,
  weights: NeighbourWeights,
): Promise<Regressor> {
  const { data, dimension } = examples;
  const search = await Neighbours.open(examples, targets);
  return {
    method: 'knn',
    dimension,
    predict: async (features) => search.predict(checked(features, dimension, 'knn'), neighbours, weights),
    save: () => ({
      config: { method: 'knn', dimension, neighbours, weights },
      tensors: { examples: { shape: [targets.length, dimension], data }, targets: halves(targets) },
    }),
    close: () => search.close(),
  };
}

export function trees(forest: Forest, dimension: number): Regressor {
  const { base, nodes, roots } = forest;
  return {
    method: 'trees',
    dimension,
    predict: async (features) => applyForest(forest, checked(features, dimension, 'trees').data, dimension),
    save: () => ({
      config: { method: 'trees', dimension, base },
      tensors: {
        nodes: { shape: [nodes.length], data: nodes },
        roots: { shape: [roots.length], data: roots },
      },
    }),
    close: async () => undefined,
  };
}

function checked(features: Vectors, dimension: number, method: RegressionMethod): Vectors {
  checkFeatures(features, dimension, method);
  return features;
}

/** Float64 as two float32, the number and what it leaves: 48 bits of its mantissa. */
function halves(values: Float64Array): SavedRegressor['tensors'][string] {
  const data = new Float32Array(2 * values.length);
  values.forEach((value, i) => {
    data[i] = value;
    data[values.length + i] = value - Math.fround(value);
  });
  return { shape: [2, values.length], data };
}

function joined(data: Float32Array): Float64Array {
  const length = data.length / 2;
  return Float64Array.from({ length }, (_, i) => data[i]! + data[length + i]!);
}
