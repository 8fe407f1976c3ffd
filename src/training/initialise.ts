/**
 * @file The first numbers of a network, drawn as PyTorch draws them, from a seed.
 *
 * What a tensor is follows from its name and shape, since names are PyTorch's: `….weight` of two axes or more is a
 * linear layer or a convolution, `….weight` of one axis the scale of a normalisation, and a `….bias` belongs to the
 * weight beside it. Every tensor has random numbers of its own, keyed by its name, so leaving one out changes no other.
 */
import { ModelError } from '../errors.js';
import type { Parameter } from '../graph/index.js';
import type { TensorShapes } from '../models/index.js';
import { Random } from '../random.js';

/**
 * Whose rule is followed for the weights of layers.
 *
 * - `pytorch`: the default of `nn.Conv2d`, `nn.ConvTranspose2d` and `nn.Linear`, `kaiming_uniform_(a=√5)`: uniform
 *   within ±1/√fan_in, biases too (He et al., 2015, arXiv:1502.01852, with LeCun's bound).
 * - `resnet`: torchvision's ResNet: convolutions `kaiming_normal_(mode='fan_out', nonlinearity='relu')`, linear layers
 *   as `pytorch`.
 * - `vit`: timm's Vision Transformer: linear layers and position embeddings normal with deviation 0.02, cut at ±2,
 *   their biases and tokens 0 (timm draws the class token with a deviation of 1e-6); the patch embedding as `pytorch`.
 */
export type InitScheme = 'pytorch' | 'resnet' | 'vit';

/** Options of {@link initialise}. */
export interface InitialiseOptions {
  /** @default 'pytorch' */
  scheme?: InitScheme | undefined;
}

/** A tensor by its shape and numbers. */
export interface InitialTensor {
  shape: readonly number[];
  data: Float32Array;
}

/**
 * Draws the numbers of every parameter.
 * @param parameters of a graph, or some of them; a bias needs its weight among them
 * @returns by name; numbers row-major
 * @throws ModelError for a tensor whose kind its name does not tell.
 */
export function initialise(
  parameters: Iterable<Pick<Parameter, 'name' | 'shape'>>,
  seed: number,
  options: InitialiseOptions = {},
): Map<string, InitialTensor> {
  const { scheme = 'pytorch' } = options;
  const all = new Map([...parameters].map((p) => [p.name, p] as const));
  return new Map(
    [...all.values()].map(({ name, shape }) => {
      const data = new Float32Array(shape.reduce((n, d) => n * d, 1));
      fill(data, name, shape, all, scheme, seed);
      return [name, { shape, data }];
    }),
  );
}

function fill(
  data: Float32Array,
  name: string,
  shape: readonly number[],
  tensors: TensorShapes,
  scheme: InitScheme,
  seed: number,
): void {
  const kind = name.slice(name.lastIndexOf('.') + 1);
  if (kind === 'running_mean') return;
  if (kind === 'running_var') {
    data.fill(1);
    return;
  }
  const random = new Random(seed, 'init', name);
  if (kind === 'weight' && shape.length > 1) {
    fillWeight(data, shape, scheme, random);
    return;
  }
  if (kind === 'weight') {
    data.fill(1);
    return;
  }
  if (kind === 'bias') {
    const weight = tensors.get(name.replace(/bias$/, 'weight'))?.shape;
    if (!weight)
      throw new ModelError(
        `initialisation: expected a tensor "${name.replace(/bias$/, 'weight')}" beside "${name}"`,
      );
    if (weight.length > 1 && !(scheme === 'vit' && weight.length === 2))
      uniform(data, 1 / Math.sqrt(fanIn(weight)), random);
    return;
  }
  if (/(^|[._])(cls|dist|reg|class|distillation|register|mask)_?tokens?$|class_embedding$/.test(name)) return;
  if (/pos(ition)?_embed(ding)?s?$/.test(name)) {
    truncatedNormal(data, 0.02, random);
    return;
  }
  throw new ModelError(`initialisation: no rule for "${name}" [${shape.join(', ')}]`, {
    hint: 'start this architecture from published weights',
  });
}

function fillWeight(data: Float32Array, shape: readonly number[], scheme: InitScheme, random: Random): void {
  if (scheme === 'vit' && shape.length === 2) truncatedNormal(data, 0.02, random);
  else if (scheme === 'resnet' && shape.length === 4) {
    const deviation = Math.sqrt(2 / (shape[0]! * shape[2]! * shape[3]!));
    for (let i = 0; i < data.length; i++) data[i] = deviation * random.normal();
  } else uniform(data, 1 / Math.sqrt(fanIn(shape)), random);
}

/**
 * Inputs of one output: all axes but the first. PyTorch computes it so for transposed convolutions too, whose first
 * axis is the input.
 */
function fanIn(shape: readonly number[]): number {
  return shape.slice(1).reduce((n, d) => n * d, 1);
}

function uniform(data: Float32Array, bound: number, random: Random): void {
  for (let i = 0; i < data.length; i++) data[i] = random.uniform(-bound, bound);
}

/** Normal around 0, drawn again beyond ±2: `trunc_normal_(std=deviation, a=-2, b=2)`. */
function truncatedNormal(data: Float32Array, deviation: number, random: Random): void {
  for (let i = 0; i < data.length; i++) {
    let x: number;
    do x = deviation * random.normal();
    while (Math.abs(x) > 2);
    data[i] = x;
  }
}
