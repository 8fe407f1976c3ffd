/**
 * @file Elementwise operators, with NumPy's broadcasting. A JavaScript number stands for a float32 scalar.
 */
import { GraphError } from '../../errors.js';
import { broadcast } from '../shape.js';
import { DTYPES, type DType, type Value } from '../types.js';

type Operand = Value | number;

function binary(op: string, a: Value, b: Operand, dtype?: DType): Value {
  const right = typeof b === 'number' ? a.graph.scalar(b) : b;
  if (a.dtype !== right.dtype)
    throw new GraphError(`${op}: element types ${a.dtype} and ${right.dtype} differ`);
  return a.graph.node(op, [a, right], broadcast(a.shape, right.shape, op), dtype ? { dtype } : {});
}

function unary(op: string, x: Value): Value {
  return x.graph.node(op, [x], x.shape);
}

export const add = (a: Value, b: Operand): Value => binary('Add', a, b);
export const sub = (a: Value, b: Operand): Value => binary('Sub', a, b);
export const mul = (a: Value, b: Operand): Value => binary('Mul', a, b);
export const div = (a: Value, b: Operand): Value => binary('Div', a, b);
export const pow = (a: Value, b: Operand): Value => binary('Pow', a, b);
/** Elementwise maximum; its gradient goes to the larger operand. */
export const maximum = (a: Value, b: Operand): Value => binary('Max', a, b);
/** `a > b` as bool. */
export const greater = (a: Value, b: Operand): Value => binary('Greater', a, b, 'bool');

export const neg = (x: Value): Value => unary('Neg', x);
export const abs = (x: Value): Value => unary('Abs', x);
export const exp = (x: Value): Value => unary('Exp', x);
export const log = (x: Value): Value => unary('Log', x);
export const sqrt = (x: Value): Value => unary('Sqrt', x);
export const sigmoid = (x: Value): Value => unary('Sigmoid', x);
export const tanh = (x: Value): Value => unary('Tanh', x);
/** max(x, 0). */
export const relu = (x: Value): Value => unary('Relu', x);

/** min(max(x, low), high); `clip(x, 0, 6)` is ReLU6. */
export function clip(x: Value, low: number, high: number): Value {
  return x.graph.node('Clip', [x, x.graph.scalar(low), x.graph.scalar(high)], x.shape);
}

/**
 * Gaussian error linear unit (Hendrycks & Gimpel, 2016): the exact form with erf, or the tanh approximation that
 * PyTorch calls `approximate='tanh'`. One fused kernel in ONNX Runtime.
 */
export function gelu(x: Value, approximate: 'none' | 'tanh' = 'none'): Value {
  if (approximate === 'none') return x.graph.node('Gelu', [x], x.shape, { domain: 'com.microsoft' });
  return x.graph.node('FastGelu', [x], x.shape, { domain: 'com.microsoft' });
}

/** x · sigmoid(1.702 x), the approximation with which OpenAI's CLIP was trained. One fused kernel. */
export function quickGelu(x: Value): Value {
  return x.graph.node('QuickGelu', [x], x.shape, {
    domain: 'com.microsoft',
    attributes: { alpha: { float: 1.702 } },
  });
}

/** Where `condition` holds `a`, elsewhere `b`. */
export function where(condition: Value, a: Value, b: Value): Value {
  if (condition.dtype !== 'bool' || a.dtype !== b.dtype)
    throw new GraphError(
      `Where: expected bool and two equal types but received ${condition.dtype}, ${a.dtype}, ${b.dtype}`,
    );
  const shape = broadcast(broadcast(condition.shape, a.shape, 'Where'), b.shape, 'Where');
  return a.graph.node('Where', [condition, a, b], shape, { dtype: a.dtype });
}

/** Converts the element type. */
export function cast(x: Value, dtype: DType): Value {
  if (x.dtype === dtype) return x;
  return x.graph.node('Cast', [x], x.shape, { dtype, attributes: { to: DTYPES[dtype].onnx } });
}
