/**
 * @file Multi-head scaled dot-product attention (Vaswani et al., 2017).
 */
import { GraphError } from '../../errors.js';
import { fixed, sameShape, show } from '../shape.js';
import type { Value } from '../types.js';

export interface AttentionOptions {
  heads: number;
  /** Each position sees only those up to itself, as in CLIP's text tower. @default false */
  causal?: boolean;
  /** How many leading keys each item of the batch may see, [N] int32. @default all */
  keyLengths?: Value;
  /** The factor on the dot products. @default 1 / √(width of a head) */
  scale?: number;
}

/**
 * softmax(scale · q kᵀ) v for every head, heads concatenated: `q [N, T, D]`, `k [N, S, D]`, `v [N, S, D]` →
 * `[N, T, D]`. The projections are the caller's. ONNX Runtime's fused kernel does the head split itself.
 */
export function attention(q: Value, k: Value, v: Value, options: AttentionOptions): Value {
  const d = fixed(q.shape[2], 'Attention');
  const fits = [q, k, v].every((t) => t.shape.length === 3 && t.shape[2] === d) && k.shape[1] === v.shape[1];
  if (!fits)
    throw new GraphError(
      `Attention: q ${show(q.shape)}, k ${show(k.shape)} and v ${show(v.shape)} do not fit together`,
    );
  if (d % options.heads !== 0)
    throw new GraphError(`Attention: a width of ${d} does not divide into ${options.heads} heads`);
  const { keyLengths } = options;
  if (keyLengths && (keyLengths.dtype !== 'int32' || !sameShape(keyLengths.shape, [q.shape[0]!])))
    throw new GraphError(
      `Attention: expected key lengths int32 [${q.shape[0]}] but received ${keyLengths.dtype} ${show(keyLengths.shape)}`,
    );
  const scale = options.scale ?? 1 / Math.sqrt(d / options.heads);
  return q.graph.node(
    'MultiHeadAttention',
    keyLengths ? [q, k, v, null, keyLengths] : [q, k, v],
    [q.shape[0]!, q.shape[1]!, d],
    {
      domain: 'com.microsoft',
      attributes: {
        num_heads: options.heads,
        scale: { float: scale },
        unidirectional: options.causal ? 1 : 0,
      },
    },
  );
}
