/**
 * @file The derivative of multi-head attention. The forward kernel keeps no probabilities; they are computed again from
 * queries and keys, which costs a product and saves [N, heads, T, S] numbers in every layer (as FlashAttention does:
 * Dao et al., 2022).
 */
import { GraphError } from '../../errors.js';
import type { Graph } from '../graph.js';
import { less, where } from '../ops/compare.js';
import { add, mul, sub } from '../ops/elementwise.js';
import { matmul } from '../ops/linear.js';
import { softmax, sum } from '../ops/reduce.js';
import { reshape, transpose } from '../ops/shape.js';
import type { Node, Value } from '../types.js';
import { each, type Rule, type Rules } from './rule.js';

/** [N, T, heads · d] → [N, heads, T, d]. */
function split(x: Value, heads: number): Value {
  const [n, t, width] = x.shape as [number, number, number];
  return transpose(reshape(x, [n, t, heads, width / heads]), [0, 2, 1, 3]);
}

/** [N, heads, T, d] → [N, T, heads · d]. */
function join(x: Value): Value {
  const [n, heads, t, d] = x.shape as [number, number, number, number];
  return reshape(transpose(x, [0, 2, 1, 3]), [n, t, heads * d]);
}

const swapped = (x: Value): Value => transpose(x, [0, 1, 3, 2]);

/** What is added to the products of queries with keys that they may not see. */
const HIDDEN = -3e38;

/** 0 for the keys up to each query's own position, {@link HIDDEN} for those after it: [T, S]. */
function causalMask(graph: Graph, queries: number, keys: number): Value {
  const data = new Float32Array(queries * keys);
  for (let t = 0; t < queries; t++) data.fill(HIDDEN, t * keys + Math.min(t + 1, keys), (t + 1) * keys);
  return graph.constant(data, [queries, keys], 'float32');
}

/** 0 for the leading keys that an item may see, {@link HIDDEN} for the rest: [N, 1, 1, S]. */
function lengthMask(lengths: Value, keys: number): Value {
  const { graph } = lengths;
  const positions = graph.constant(
    Int32Array.from({ length: keys }, (_, i) => i),
    [1, 1, 1, keys],
    'int32',
  );
  return where(less(positions, reshape(lengths, [lengths.shape[0]!, 1, 1, 1])), 0, HIDDEN);
}

const attentionRule: Rule = (node, [dy], need) => {
  const [q, k, v, bias, lengths, ...more] = node.inputs as readonly (Value | null | undefined)[];
  if (bias || more.some((m) => m))
    throw new GraphError('MultiHeadAttention has a derivative only without bias, further masks and caches');
  const heads = Number(node.attributes.num_heads);
  const { float: scale } = node.attributes.scale as { float: number };
  const [qs, ks, vs, ds] = [q!, k!, v!, dy!].map((x) => split(x, heads)) as [Value, Value, Value, Value];
  const probabilities = softmax(masked(mul(matmul(qs, swapped(ks)), scale), node, lengths));
  const products = () => {
    const dp = matmul(ds, swapped(vs));
    const weighted = mul(dp, probabilities);
    return mul(sub(weighted, mul(probabilities, sum(weighted, [-1], true))), scale);
  };
  const dscores = need[0] || need[1] ? products() : null;
  return each(
    need,
    () => join(matmul(dscores!, ks)),
    () => join(matmul(swapped(dscores!), qs)),
    () => join(matmul(swapped(probabilities), ds)),
  );
};

function masked(scores: Value, { attributes }: Node, lengths: Value | null | undefined): Value {
  const [, , queries, keys] = scores.shape as [number, number, number, number];
  const seen =
    attributes.unidirectional === 1 ? add(scores, causalMask(scores.graph, queries, keys)) : scores;
  return lengths ? add(seen, lengthMask(lengths, keys)) : seen;
}

export const attentionRules: Rules = { MultiHeadAttention: attentionRule };
