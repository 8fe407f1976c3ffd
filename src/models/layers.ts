/**
 * @file What the builders share: layers that declare their parameters under a name, the input image, and the check
 * that a weight file holds what a builder declares and nothing that it does not know.
 *
 * Names follow PyTorch: a layer called `conv1` has `conv1.weight` and, where it has one, `conv1.bias`.
 */
import { ModelError } from '../errors.js';
import { Graph, ops, show, type Value } from '../graph/index.js';
import type { PublisherConfig, TensorShapes } from './architecture.js';

/** The size of input images. */
export interface ImageSize {
  height: number;
  width: number;
}

/** A graph with the input of every image tower: `pixel_values` [N, 3, height, width]. */
export function imageGraph(name: string, { height, width }: ImageSize): { graph: Graph; pixels: Value } {
  const graph = new Graph(name);
  return { graph, pixels: graph.input('pixel_values', ['N', 3, height, width]) };
}

export interface Conv2dOptions extends ops.ConvOptions {
  /** One size, or [height, width]. @default 1 */
  kernel?: number | readonly [number, number];
  /** @default false: a normalisation follows that has one */
  bias?: boolean;
}

/** A convolution to `out` channels. */
export function conv2d(x: Value, name: string, out: number, options: Conv2dOptions = {}): Value {
  const { kernel = 1, bias = false, ...rest } = options;
  const [kh, kw] = typeof kernel === 'number' ? [kernel, kernel] : kernel;
  const input = Number(x.shape[1]) / (rest.groups ?? 1);
  const weight = x.graph.parameter(`${name}.weight`, [out, input, kh, kw]);
  return ops.conv(x, weight, bias ? x.graph.parameter(`${name}.bias`, [out]) : null, rest);
}

/** Batch normalisation with the statistics of the weight file. */
export function batchNorm2d(x: Value, name: string, epsilon = 1e-5): Value {
  const vector = (part: string) => x.graph.parameter(`${name}.${part}`, [Number(x.shape[1])]);
  return ops.batchNorm(
    x,
    vector('weight'),
    vector('bias'),
    vector('running_mean'),
    vector('running_var'),
    epsilon,
  );
}

/** A linear layer over the last axis, to `out` values. */
export function dense(x: Value, name: string, out: number, bias = true): Value {
  const weight = x.graph.parameter(`${name}.weight`, [out, Number(x.shape.at(-1))]);
  return ops.linear(x, weight, bias ? x.graph.parameter(`${name}.bias`, [out]) : null);
}

/** The number of rows of a tensor (a layer's output channels), or undefined when the file does not have it. */
export function rows(tensors: TensorShapes, name: string): number | undefined {
  return tensors.get(name)?.shape[0];
}

/** The shape of a tensor that an architecture was recognised by. @throws ModelError when it is missing. */
export function shapeOf(tensors: TensorShapes, name: string, what: string): readonly number[] {
  const tensor = tensors.get(name);
  if (!tensor) throw new ModelError(`${what}: expected a tensor "${name}" but the weights have none`);
  return tensor.shape;
}

/** How many of `${prefix}0${suffix}`, `${prefix}1${suffix}`, … follow one another in the file. */
export function countLayers(tensors: TensorShapes, prefix: string, suffix: string): number {
  let n = 0;
  while (tensors.has(`${prefix}${n}${suffix}`)) n++;
  return n;
}

/**
 * The input size that a publisher's configuration names: `image_size` (a number or [height, width]), `input_size`
 * ([3, height, width]), or timm's `pretrained_cfg.input_size`; otherwise `fallback` squared.
 */
export function imageSizeOf(config: PublisherConfig, fallback: number): ImageSize {
  const timm = config?.pretrained_cfg as Record<string, unknown> | undefined;
  const size = config?.image_size ?? config?.input_size ?? timm?.input_size ?? fallback;
  const sides = (Array.isArray(size) ? size.slice(-2) : [size, size]) as unknown[];
  if (sides.length !== 2 || !sides.every((n) => Number.isInteger(n) && (n as number) > 0))
    throw new ModelError(
      `expected an image size (a number, [height, width] or [3, height, width]) but received ${JSON.stringify(size)}`,
    );
  return { height: sides[0] as number, width: sides[1] as number };
}

/** Names of variants that cannot be told by their tensors: timm's `architecture`, else `model_type`, else ''. */
export function publishedName(config: PublisherConfig): string {
  return String(config?.architecture ?? config?.model_type ?? '');
}

/**
 * Holds a weight file against the graph that was built for it: every parameter is there in the declared shape, and
 * no tensor is left over but batch counters and what `ignored` matches. A variant with a layer more (squeeze and
 * excitation, say) is refused here by the name of that layer, instead of being computed wrongly.
 * @throws ModelError
 */
export function checkTensors(what: string, graph: Graph, tensors: TensorShapes, ignored?: RegExp): void {
  const hint = `the layers of ${what} are told by the names and shapes of the tensors; this file holds a variant that is not supported`;
  for (const { name, shape } of graph.parameters.values()) {
    const found = tensors.get(name)?.shape;
    if (!found)
      throw new ModelError(`${what}: expected a tensor "${name}" ${show(shape)} but found none`, { hint });
    if (found.length !== shape.length || found.some((d, i) => d !== shape[i]))
      throw new ModelError(`${what}: expected "${name}" to be ${show(shape)} but it is ${show(found)}`, {
        hint,
      });
  }
  for (const name of tensors.keys())
    if (!graph.parameters.has(name) && !name.endsWith('num_batches_tracked') && !ignored?.test(name))
      throw new ModelError(`${what}: the weights have a layer that the network has no place for: "${name}"`, {
        hint,
      });
}
