/**
 * @file Matrix products.
 */
import { GraphError } from '../../errors.js';
import { broadcast, product, sameShape, show } from '../shape.js';
import type { Value } from '../types.js';
import { reshape } from './shape.js';

function sameType(op: string, a: Value, ...others: (Value | null)[]): void {
  for (const v of others)
    if (v && v.dtype !== a.dtype)
      throw new GraphError(`${op}: element types ${a.dtype} and ${v.dtype} differ`);
}

/** Matrix product of the last two axes; the axes before them broadcast. */
export function matmul(a: Value, b: Value): Value {
  const inner = a.shape.at(-1);
  if (a.shape.length < 2 || b.shape.length < 2 || inner !== b.shape.at(-2))
    throw new GraphError(`MatMul: ${show(a.shape)} and ${show(b.shape)} do not multiply`);
  sameType('MatMul', a, b);
  const batch = broadcast(a.shape.slice(0, -2), b.shape.slice(0, -2), 'MatMul');
  return a.graph.node('MatMul', [a, b], [...batch, a.shape.at(-2)!, b.shape.at(-1)!]);
}

/** `a · b` or, with `transposeB`, `a · bᵀ`, plus `c`: matrices only. */
export function gemm(
  a: Value,
  b: Value,
  c: Value | null,
  options: { transposeA?: boolean; transposeB?: boolean } = {},
): Value {
  const [m, k] = options.transposeA ? [a.shape[1], a.shape[0]] : [a.shape[0], a.shape[1]];
  const [k2, n] = options.transposeB ? [b.shape[1], b.shape[0]] : [b.shape[0], b.shape[1]];
  if (a.shape.length !== 2 || b.shape.length !== 2 || k !== k2)
    throw new GraphError(
      `Gemm: ${show(a.shape)} and ${show(b.shape)} do not multiply (${JSON.stringify(options)})`,
    );
  sameType('Gemm', a, b, c);
  if (c && !sameShape(broadcast(c.shape, [m!, n!], 'Gemm'), [m!, n!]))
    throw new GraphError(`Gemm: ${show(c.shape)} cannot be added to ${show([m!, n!])}`);
  return a.graph.node('Gemm', c ? [a, b, c] : [a, b], [m!, n!], {
    attributes: { transA: options.transposeA ? 1 : 0, transB: options.transposeB ? 1 : 0 },
  });
}

/**
 * A linear layer over the last axis: `x [..., in]`, `weight [out, in]` (PyTorch's layout), `bias [out]` or null →
 * `[..., out]`. One Gemm over all leading axes, so that the runtime packs the weight once.
 */
export function linear(x: Value, weight: Value, bias: Value | null): Value {
  const [out, input] = weight.shape;
  if (weight.shape.length !== 2 || x.shape.at(-1) !== input)
    throw new GraphError(`Linear: input ${show(x.shape)} does not fit the weight ${show(weight.shape)}`);
  const lead = x.shape.slice(0, -1);
  const y = gemm(reshape(x, [product(lead), input!]), weight, bias, { transposeB: true });
  return reshape(y, [...lead, out!]);
}
