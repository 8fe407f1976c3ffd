/**
 * @file An inference graph as the first part of a training step.
 *
 * A step graph has one batch size for all its life, so the symbols of the source become numbers and the sizes that it
 * reads at run time become constants: what the rules of differentiation need to know is known when the graph is
 * built. Two operators are written in the form that trains:
 *
 * - Batch normalisation (Ioffe & Szegedy, 2015) takes the mean and variance of the batch, and gives them out.
 * - Max pooling says where its maxima were.
 */
import { GraphError } from '../errors.js';
import type { Graph } from './graph.js';
import { mul } from './ops/index.js';
import { bindSymbols, resolve, show, sizeOf } from './shape.js';
import type { Node, Shape, Value } from './types.js';

/** What a batch normalisation measured in one batch, for the running statistics with which it will embed. */
export interface BatchStatistics {
  /** [C] */
  readonly mean: Value;
  /** [C]: the unbiased estimate, which PyTorch's `running_var` averages. */
  readonly variance: Value;
  /** Names of the parameters that hold the running averages. */
  readonly runningMean: string;
  readonly runningVariance: string;
  /** The weight of a new batch in the running averages. */
  readonly momentum: number;
}

export interface TrainingCopyOptions {
  /** Items in a batch: the number that stands for `'N'`. */
  batch: number;
  /** Put before the names of the parameters. @default '' */
  prefix?: string;
  /**
   * Whether the batch normalisation with this parameter for its running mean (the name in the copy) takes the
   * statistics of the batch or keeps those of the weights. @default 'batch' for all
   */
  batchNorm?: (runningMeanName: string) => 'batch' | 'frozen';
}

/** The weight of a new batch in running statistics, PyTorch's default. */
const MOMENTUM = 0.1;

/**
 * Copies `source` into the step graph `target`, with `x` for its only input. Returns the source's outputs there, and
 * the statistics of the batch normalisations that take those of the batch.
 * @throws GraphError when `x` does not fit the input, or a batch normalisation would see one number per channel.
 */
export function trainingCopy(
  target: Graph,
  source: Graph,
  x: Value,
  options: TrainingCopyOptions,
): { outputs: Map<string, Value>; statistics: BatchStatistics[] } {
  const { batch, prefix = '', batchNorm = () => 'batch' as const } = options;
  const [input, ...more] = source.inputs;
  if (!input || more.length > 0)
    throw new GraphError(`${source.name}: expected one input but it has ${source.inputs.length}`);
  const symbols = bindSymbols(input.shape, x.shape, `${source.name}: input`);
  if (x.shape[0] !== batch)
    throw new GraphError(`${source.name}: expected a batch of ${batch} but received ${show(x.shape)}`);

  const map = new Map<Value, Value>([[input, x]]);
  const integers = new Map<Value, number[]>();
  for (const p of source.parameters.values()) map.set(p, target.parameter(prefix + p.name, p.shape, p.dtype));
  for (const { value, data } of source.constants) {
    const shape = value.shape as readonly number[];
    if (data instanceof BigInt64Array && shape.length === 1) {
      const numbers = Array.from(data, Number);
      map.set(value, target.ints(numbers));
      integers.set(value, numbers);
    } else map.set(value, target.constant(data, shape, value.dtype));
  }

  const statistics: BatchStatistics[] = [];
  for (const node of source.nodes) {
    const sizes = knownSizes(node, symbols, integers);
    if (sizes) {
      integers.set(node.outputs[0]!, sizes);
      map.set(node.outputs[0]!, target.ints(sizes));
      continue;
    }
    const inputs = node.inputs.map((v) => (v ? map.get(v)! : null));
    const outputs = node.outputs.map((v) => ({ dtype: v.dtype, shape: resolve(v.shape, symbols) }));
    let copies: Value[];
    if (node.op === 'BatchNormalization' && batchNorm(inputs[3]!.name) === 'batch') {
      const { y, measured } = batchNormOfBatch(node, inputs as Value[]);
      copies = [y];
      statistics.push(measured);
    } else {
      if (node.op === 'MaxPool' && outputs.length === 1)
        outputs.push({ dtype: 'int64', shape: outputs[0]!.shape });
      copies = target.multi(node.op, inputs, outputs, node);
    }
    node.outputs.forEach((v, i) => {
      map.set(v, copies[i]!);
    });
  }
  return { outputs: new Map([...source.outputs].map(([name, v]) => [name, map.get(v)!])), statistics };
}

/** The integers that a node makes, when they follow from shapes and constants alone. */
function knownSizes(
  node: Node,
  symbols: ReadonlyMap<string, number>,
  integers: ReadonlyMap<Value, number[]>,
): number[] | undefined {
  const { op, inputs, attributes } = node;
  if (op === 'Shape') {
    const shape = resolve(inputs[0]!.shape, symbols);
    return shape.slice(Number(attributes.start ?? 0), Number(attributes.end ?? shape.length));
  }
  if (op !== 'Concat') return undefined;
  const parts = inputs.map((v) => integers.get(v!));
  return parts.every((p) => p !== undefined) ? parts.flat() : undefined;
}

/** y = scale · (x − mean) / √(variance + ε) + bias with the mean and the (biased) variance over N, H and W. */
function batchNormOfBatch(
  { attributes }: Node,
  [x, scale, bias, runningMean, runningVariance]: readonly Value[],
): { y: Value; measured: BatchStatistics } {
  const { graph } = x!;
  const [channels] = scale!.shape as [number];
  const count = sizeOf(x!.shape, 'BatchNormalization') / channels;
  if (count < 2)
    throw new GraphError(
      `BatchNormalization: expected more than one number per channel but ${show(x!.shape)} has one`,
      { hint: 'use a larger batch, or keep the statistics of this layer frozen' },
    );
  const float32 = (shape: Shape) => ({ shape, dtype: 'float32' as const });
  const [y, mean, variance] = graph.multi(
    'BatchNormalization',
    [x!, scale!, bias!, runningMean!, runningVariance!],
    [float32(x!.shape), float32([channels]), float32([channels])],
    // With a momentum of 0 the "running" statistics that come out are those of the batch alone.
    { attributes: { ...attributes, training_mode: 1, momentum: { float: 0 } } },
  ) as [Value, Value, Value];
  const measured = {
    mean,
    variance: mul(variance, count / (count - 1)),
    runningMean: runningMean!.name,
    runningVariance: runningVariance!.name,
    momentum: MOMENTUM,
  };
  return { y, measured };
}
