/**
 * @file Reads what a transformer's weights do not say (heads, activation, epsilon) from its publisher's configuration.
 */
import { ModelError } from '../errors.js';
import type { PublisherConfig, TensorShapes } from './architecture.js';
import type { Activation, Encoder } from './transformer-layers.js';
import { at } from './transformer-layers.js';

type Json = Readonly<Record<string, unknown>>;

/** A nested object of a configuration, or an empty one. */
export function section(config: PublisherConfig, key: string): Json {
  const value = config?.[key];
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

/** A positive number under `key`, or undefined when the configuration does not have it. @throws ModelError */
export function numberOf(config: PublisherConfig, key: string): number | undefined {
  const value = config?.[key] ?? undefined;
  if (value === undefined) return undefined;
  if (typeof value !== 'number' || !(value > 0))
    throw new ModelError(`expected a positive number for ${key} but received ${JSON.stringify(value)}`);
  return value;
}

const ACTIVATIONS: Readonly<Record<string, Activation>> = {
  gelu: 'gelu',
  gelu_new: 'gelu-tanh',
  gelu_pytorch_tanh: 'gelu-tanh',
  gelu_tanh: 'gelu-tanh',
  quick_gelu: 'quick-gelu',
  quickgelu: 'quick-gelu',
};

/** The activation that transformers or timm call `name`. @throws ModelError for one that no builder has. */
export function activationOf(name: unknown, fallback: Activation): Activation {
  if (name === undefined || name === null) return fallback;
  const known = typeof name === 'string' ? ACTIVATIONS[name] : undefined;
  if (!known)
    throw new ModelError(`the activation ${JSON.stringify(name)} is not supported`, {
      hint: `supported: ${Object.keys(ACTIVATIONS).join(', ')}`,
    });
  return known;
}

/** Published ViTs whose heads are not 64 wide: huge, giant, gigantic, shape-optimised. */
const HEADS_OF_WIDTH: Readonly<Record<number, number>> = { 1152: 16, 1280: 16, 1408: 16, 1664: 16 };

/**
 * The number of heads: what the configuration says (`num_attention_heads`, `num_heads`, timm's `model_args`), else
 * what every published network of that width has.
 */
export function headsOf(config: PublisherConfig, width: number): number {
  const told =
    numberOf(config, 'num_attention_heads') ??
    numberOf(config, 'num_heads') ??
    numberOf(section(config, 'model_args'), 'num_heads');
  const heads = told ?? HEADS_OF_WIDTH[width] ?? width / 64;
  if (!Number.isInteger(heads) || width % heads !== 0)
    throw new ModelError(`a width of ${width} does not divide into ${heads} heads`, {
      hint: 'say how many there are in config.json: "num_attention_heads"',
    });
  return heads;
}

/** The shape of the first of `names` that the weights have. */
export function shapeOfAny(tensors: TensorShapes, names: readonly string[]): readonly number[] | undefined {
  return tensors.get(names.find((n) => tensors.has(n)) ?? '')?.shape;
}

/** What an encoder's own tensors say: its depth, and the width of the MLP. */
export function measureEncoder(
  tensors: TensorShapes,
  encoder: Omit<Encoder, 'depth' | 'hidden' | 'qkvBias'>,
): Encoder {
  const { block } = encoder;
  let depth = 0;
  while (tensors.has(`${at(block.norm1, depth)}.weight`)) depth++;
  const down = tensors.get(`${at(block.mlp.down, 0)}.weight`)?.shape;
  if (!down) throw new ModelError(`expected a tensor "${at(block.mlp.down, 0)}.weight" but found none`);
  const bias =
    'weight' in block.attention ? at(block.attention.bias, 0) : `${at(block.attention.query, 0)}.bias`;
  return { ...encoder, depth, hidden: down[1]!, qkvBias: tensors.has(bias) };
}
