/** @file What a fitted method is: scores of vectors, as plain configuration and tensors or as a network at work. */
import { UsageError } from '../../errors.js';
import { Graph, openSession, ops, type Session, type SessionOptions, type Value } from '../../graph/index.js';
import type { Vectors } from '../vectors.js';

/** Float32 tensors by name. */
export type Tensors = Record<string, { shape: number[]; data: Float32Array }>;

/** Gives scores to vectors: what the classes are told apart by. */
export interface Scorer {
  /** Scores of a vector. */
  readonly width: number;
  /** Whether there is a score for each class (a single one, positive for the second, of two) or for each pair of them. */
  readonly of: 'classes' | 'pairs';
  /** What is saved beside the tensors: plain JSON. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly tensors: Tensors;
  /** `[n × width]`. */
  score(vectors: Vectors): Promise<Float32Array>;
  close(): Promise<void>;
}

/** Numbers in one block of vectors or of what is made of them. */
const BLOCK = 2 ** 22;

/** How many rows to take at once when each becomes at most `width` numbers. */
export const blockRows = (width: number): number => Math.max(1, Math.floor(BLOCK / width));

/** A graph's parameter that is bound to a tensor of the same name. */
export type Bound = (name: string) => Value;

/**
 * A network over vectors: `build` makes scores `[N × width]` of the input `[N × dimension]` with the tensors for its
 * parameters.
 */
export async function openNetwork(
  dimension: number,
  width: number,
  tensors: Tensors,
  build: (x: Value, tensor: Bound) => Value,
  config: Scorer['config'],
  session?: SessionOptions,
): Promise<Scorer> {
  const graph = new Graph('classifier');
  const x = graph.input('vectors', ['N', dimension]);
  const scores = build(x, (name) => graph.parameter(name, tensors[name]!.shape));
  graph.output('scores', scores);
  const network = await openSession(
    graph,
    ({ name }) => ({ data: tensors[name]!.data, dtype: 'float32' }),
    session,
  );
  const widest = Math.max(...graph.nodes.flatMap((n) => n.outputs.map((v) => Number(v.shape[1] ?? 1) || 1)));
  return {
    width,
    of: 'classes',
    config,
    tensors,
    score: (vectors) => inBlocks(network, vectors, width, blockRows(Math.max(dimension, widest))),
    close: () => network.release(),
  };
}

/** Runs a network with the input `vectors` and the output `scores` over all vectors. */
async function inBlocks(
  session: Session,
  { data, dimension }: Vectors,
  width: number,
  rows: number,
): Promise<Float32Array> {
  const result = new Float32Array((data.length / dimension) * width);
  for (let first = 0; first * dimension < data.length; first += rows) {
    const block = data.slice(first * dimension, (first + rows) * dimension);
    const { scores } = await session.run({
      vectors: { data: block, dims: [block.length / dimension, dimension] },
    });
    result.set(scores!.data as Float32Array, first * width);
  }
  return result;
}

/** The layers of a saved network, each fed by the one before. */
export type Layer = 'linear' | 'relu' | 'fourier';

/**
 * A network of layers: `linear` with `weight.i` [out × in] and `bias.i` [out], `relu`, and `fourier`, which is
 * √(2 / out) · cos of a linear layer.
 */
export function openLayers(
  layers: readonly Layer[],
  tensors: Tensors,
  config: Scorer['config'],
  session?: SessionOptions,
): Promise<Scorer> {
  const [, dimension] = tensors['weight.0']!.shape as [number, number];
  const [width] = tensors[`weight.${layers.length - 1}`]!.shape as [number];
  const build = (x: Value, tensor: Bound) =>
    layers.reduce((value, layer, i) => {
      if (layer === 'relu') return ops.relu(value);
      const [weight, bias] = [tensor(`weight.${i}`), tensor(`bias.${i}`)];
      return layer === 'linear' ? ops.linear(value, weight, bias) : fourier(value, weight, bias);
    }, x);
  return openNetwork(
    dimension,
    width,
    tensors,
    build,
    { ...config, kind: 'layers', layers, dimension },
    session,
  );
}

/** Random Fourier features: `√(2 / D) · cos(x · weightᵀ + bias)`, `[N × D]`. */
export function fourier(x: Value, weight: Value, bias: Value): Value {
  const phases = ops.linear(x, weight, bias);
  return ops.mul(ops.cos(phases), Math.sqrt(2 / Number(weight.shape[0])));
}

/** The network of {@link openLayers} as it was saved. @throws UsageError when a tensor is missing or does not fit */
export function loadLayers(
  config: Readonly<Record<string, unknown>>,
  tensors: Readonly<Record<string, Float32Array>>,
  session?: SessionOptions,
): Promise<Scorer> {
  const { layers, dimension } = config as { layers: Layer[]; dimension: number };
  const shaped: Tensors = {};
  let width = dimension;
  layers.forEach((layer, i) => {
    if (layer === 'relu') return;
    const bias = tensorOf(tensors, `bias.${i}`);
    shaped[`bias.${i}`] = { shape: [bias.length], data: bias };
    shaped[`weight.${i}`] = {
      shape: [bias.length, width],
      data: tensorOf(tensors, `weight.${i}`, bias.length * width),
    };
    width = bias.length;
  });
  return openLayers(layers, shaped, config, session);
}

/** A tensor of a saved classifier. @throws UsageError when it is missing or has another size */
export function tensorOf(
  tensors: Readonly<Record<string, Float32Array>>,
  name: string,
  size?: number,
): Float32Array {
  const data = tensors[name];
  if (!data || (size !== undefined && data.length !== size))
    throw new UsageError(
      `classifier: expected ${size ?? 'some'} numbers for ${name} but received ${data?.length ?? 'none'}`,
    );
  return data;
}
