/**
 * @file The pre-norm transformer encoder that ViT, CLIP, DINOv2 and SigLIP share (Vaswani et al., 2017; Dosovitskiy
 * et al., 2021).
 *
 * Publishers store the same block under different names: a {@link BlockNames} table says which, so one encoder reads
 * them all. Between blocks tokens are kept as one matrix [N·T, D], which every linear layer multiplies in one Gemm;
 * only attention sees [N, T, D].
 *
 * Where one token is wanted (the class token, the end of a text), the last block is computed for that token alone:
 * its keys and values need all tokens, its queries, output projection and MLP do not. For ViT-B/16 that is 7 % of
 * the work.
 */
import { type Graph, ops, product, type Value } from '../graph/index.js';
import { dense } from './layers.js';

/** The activation in the MLP. */
export type Activation = 'gelu' | 'gelu-tanh' | 'quick-gelu';

/** Where a block's weights are; `{}` stands for the layer's number. Norms and dense layers have `.weight` and `.bias`. */
export interface BlockNames {
  readonly norm1: string;
  readonly norm2: string;
  /** Three dense layers, or one tensor (and its bias) with queries, keys and values stacked. */
  readonly attention:
    | { readonly query: string; readonly key: string; readonly value: string }
    | { readonly weight: string; readonly bias: string };
  /** The dense layer after attention. */
  readonly out: string;
  /** Two dense layers; or a gated unit (SwiGLU) whose gate and value are separate or stacked in one dense layer. */
  readonly mlp:
    | { readonly up: string; readonly down: string }
    | { readonly gate: string; readonly value: string; readonly down: string }
    | { readonly gateAndValue: string; readonly down: string };
  /** Per-channel factors on the two branches (LayerScale), where the network has them. */
  readonly scale1?: string;
  readonly scale2?: string;
}

/** The shape of an encoder. */
export interface Encoder {
  readonly width: number;
  readonly depth: number;
  readonly heads: number;
  /** Width of the MLP's inner layer. */
  readonly hidden: number;
  /** Added to the variance in layer normalisation. */
  readonly epsilon: number;
  readonly activation: Activation;
  /** Whether queries, keys and values have a bias. */
  readonly qkvBias: boolean;
  readonly block: BlockNames;
}

/** How a token matrix [N·T, D] becomes [N, T, D]: T may be fixed (images) or free (texts). */
export type Unflatten = (x: Value) => Value;

/** Which token an item is pooled from, and how many leading tokens that one may see (all, when left out). */
export interface Pick {
  /** [N, T, D] → [N, D] */
  readonly token: (x: Value) => Value;
  /** [N] int32 */
  readonly visible?: Value;
}

/** [N, T, D] → [N·T, D]. */
export function flatTokens(x: Value): Value {
  return ops.reshape(x, [product(x.shape.slice(0, -1)), x.shape.at(-1)!]);
}

/** Layer normalisation stored as `name.weight` and `name.bias`. */
export function norm(x: Value, name: string, epsilon: number): Value {
  const width = x.shape.at(-1) as number;
  const { graph } = x;
  return ops.layerNorm(
    x,
    graph.parameter(`${name}.weight`, [width]),
    graph.parameter(`${name}.bias`, [width]),
    epsilon,
  );
}

/** Applies an activation. */
export function activate(x: Value, activation: Activation): Value {
  switch (activation) {
    case 'gelu':
      return ops.gelu(x);
    case 'gelu-tanh':
      return ops.gelu(x, 'tanh');
    case 'quick-gelu':
      return ops.quickGelu(x);
    default:
      return activation satisfies never;
  }
}

/** The encoder's blocks over token matrices. */
export class Blocks {
  private readonly graph: Graph;
  private readonly encoder: Encoder;
  private readonly unflatten: Unflatten;
  private readonly causal: boolean;

  constructor(graph: Graph, encoder: Encoder, unflatten: Unflatten, options: { causal?: boolean } = {}) {
    this.graph = graph;
    this.encoder = encoder;
    this.unflatten = unflatten;
    this.causal = options.causal ?? false;
  }

  /** All blocks but the last: [N·T, D] → [N·T, D]. */
  body(x: Value): Value {
    let y = x;
    for (let layer = 0; layer < this.encoder.depth - 1; layer++) y = this.full(y, layer);
    return y;
  }

  /** The last block for all tokens: {@link body}'s result → [N·T, D]. */
  last(x: Value): Value {
    return this.full(x, this.encoder.depth - 1);
  }

  /** The last block for one token of each item: {@link body}'s result → [N, D]. */
  lastOf(x: Value, pick: Pick): Value {
    const layer = this.encoder.depth - 1;
    const normed = norm(x, this.name('norm1', layer), this.encoder.epsilon);
    const one = pick.token(this.unflatten(normed));
    const { width } = this.encoder;
    const q = ops.reshape(this.project(one, layer).query(), [one.shape[0]!, 1, width]);
    const { key, value } = this.project(normed, layer);
    const seen = ops.attention(q, this.unflatten(key()), this.unflatten(value()), {
      heads: this.encoder.heads,
      ...(pick.visible ? { keyLengths: pick.visible } : {}),
    });
    return this.afterAttention(
      pick.token(this.unflatten(x)),
      ops.reshape(seen, [one.shape[0]!, width]),
      layer,
    );
  }

  private full(x: Value, layer: number): Value {
    const { query, key, value } = this.project(
      norm(x, this.name('norm1', layer), this.encoder.epsilon),
      layer,
    );
    const seen = ops.attention(this.unflatten(query()), this.unflatten(key()), this.unflatten(value()), {
      heads: this.encoder.heads,
      causal: this.causal,
    });
    return this.afterAttention(x, flatTokens(seen), layer);
  }

  /** Queries, keys and values, each computed when asked for. */
  private project(x: Value, layer: number): { query(): Value; key(): Value; value(): Value } {
    const { width, qkvBias, block } = this.encoder;
    const { attention } = block;
    if ('weight' in attention) {
      const weight = this.graph.parameter(at(attention.weight, layer), [3 * width, width]);
      const bias = qkvBias ? this.graph.parameter(at(attention.bias, layer), [3 * width]) : null;
      const [q, k, v] = ops.split(ops.linear(x, weight, bias), -1, 3) as [Value, Value, Value];
      return { query: () => q, key: () => k, value: () => v };
    }
    const layerOf = (name: string) => () => dense(x, at(name, layer), width, qkvBias);
    return { query: layerOf(attention.query), key: layerOf(attention.key), value: layerOf(attention.value) };
  }

  private afterAttention(x: Value, seen: Value, layer: number): Value {
    const { width, epsilon, block } = this.encoder;
    const y = ops.add(x, this.scaled(dense(seen, at(block.out, layer), width), block.scale1, layer));
    const inner = this.mlp(norm(y, this.name('norm2', layer), epsilon), layer);
    return ops.add(y, this.scaled(inner, block.scale2, layer));
  }

  private mlp(x: Value, layer: number): Value {
    const { width, hidden, block } = this.encoder;
    const { mlp } = block;
    if ('up' in mlp) return this.twoLayers(x, at(mlp.up, layer), at(mlp.down, layer));
    const [gate, value] =
      'gate' in mlp
        ? [dense(x, at(mlp.gate, layer), hidden), dense(x, at(mlp.value, layer), hidden)]
        : (ops.split(dense(x, at(mlp.gateAndValue, layer), 2 * hidden), -1, 2) as [Value, Value]);
    return dense(ops.mul(ops.mul(gate, ops.sigmoid(gate)), value), at(mlp.down, layer), width);
  }

  /** down(activation(up(x))), the inner layer in strips whose results are added: see {@link stripOf}. */
  private twoLayers(x: Value, up: string, down: string): Value {
    const { width, hidden, activation } = this.encoder;
    const strip = stripOf(hidden);
    if (strip === hidden) return dense(activate(dense(x, up, hidden), activation), down, width);
    const parameter = (name: string, shape: number[]) => this.graph.parameter(name, shape);
    const [upWeight, upBias] = [
      parameter(`${up}.weight`, [hidden, width]),
      parameter(`${up}.bias`, [hidden]),
    ];
    const [downWeight, downBias] = [
      parameter(`${down}.weight`, [width, hidden]),
      parameter(`${down}.bias`, [width]),
    ];
    let sum: Value | undefined;
    for (let from = 0; from < hidden; from += strip) {
      const part = (v: Value, axis: number) => ops.slice(v, axis, from, from + strip);
      const inner = activate(ops.linear(x, part(upWeight, 0), part(upBias, 0)), activation);
      const term = ops.linear(inner, part(downWeight, 1), sum ? null : downBias);
      sum = sum ? ops.add(sum, term) : term;
    }
    return sum!;
  }

  private scaled(x: Value, name: string | undefined, layer: number): Value {
    return name === undefined ? x : ops.mul(x, this.graph.parameter(at(name, layer), [this.encoder.width]));
  }

  private name(which: 'norm1' | 'norm2', layer: number): string {
    return at(this.encoder.block[which], layer);
  }
}

/** Row lengths, in float32, whose multiples put all rows of a matrix into the same sets of a first-level cache. */
const CACHE_STRIDE = 1024;

/**
 * How wide a strip of the inner layer is computed at once. Rows of 3072 numbers, as in every ViT-B, lie a multiple of
 * 4096 bytes apart, so the rows that a matrix product reads together evict one another from the first-level cache. In
 * strips of 768 ViT-B/16 takes 3 to 4 % less time (x86 with AVX-512); the runtime cuts the weights once,
 * when the session opens.
 */
function stripOf(hidden: number): number {
  if (hidden % CACHE_STRIDE !== 0) return hidden;
  for (let parts = 2; parts <= 16; parts++) {
    const strip = hidden / parts;
    if (strip < CACHE_STRIDE && strip % 16 === 0) return strip;
  }
  return hidden;
}

/** A name with the layer's number put in. */
export function at(name: string, layer: number): string {
  return name.replace('{}', String(layer));
}
