/**
 * @file Elementwise operators, with NumPy's broadcasting. A JavaScript number stands for a float32 scalar.
 */
import { GraphError } from '../../errors.js';
import { broadcast } from '../shape.js';
import { DTYPES, type DType, type Value } from '../types.js';

type Operand = Value | number;

function binary(op: string, a: Value, b: Operand): Value {
  const right = typeof b === 'number' ? a.graph.scalar(b) : b;
  if (a.dtype !== right.dtype)
    throw new GraphError(`${op}: element types ${a.dtype} and ${right.dtype} differ`);
  return a.graph.node(op, [a, right], broadcast(a.shape, right.shape, op));
}

function unary(op: string, x: Value): Value {
  return x.graph.node(op, [x], x.shape);
}

export const add = (a: Value, b: Operand): Value => binary('Add', a, b);
export const sub = (a: Value, b: Operand): Value => binary('Sub', a, b);
export const mul = (a: Value, b: Operand): Value => binary('Mul', a, b);
export const div = (a: Value, b: Operand): Value => binary('Div', a, b);
export const pow = (a: Value, b: Operand): Value => binary('Pow', a, b);
/** Elementwise maximum; its gradient goes to the larger operand, to `a` where they are equal. */
export const maximum = (a: Value, b: Operand): Value => binary('Max', a, b);
/** Elementwise minimum; its gradient goes to the smaller operand, to `a` where they are equal. */
export const minimum = (a: Value, b: Operand): Value => binary('Min', a, b);

export const neg = (x: Value): Value => unary('Neg', x);
export const abs = (x: Value): Value => unary('Abs', x);
export const exp = (x: Value): Value => unary('Exp', x);
export const log = (x: Value): Value => unary('Log', x);
export const sqrt = (x: Value): Value => unary('Sqrt', x);
export const sigmoid = (x: Value): Value => unary('Sigmoid', x);
export const tanh = (x: Value): Value => unary('Tanh', x);
export const sin = (x: Value): Value => unary('Sin', x);
export const cos = (x: Value): Value => unary('Cos', x);
export const acos = (x: Value): Value => unary('Acos', x);
/** The Gauss error function. */
export const erf = (x: Value): Value => unary('Erf', x);
/** −1, 0 or 1; its derivative is zero. */
export const sign = (x: Value): Value => unary('Sign', x);
export const square = (x: Value): Value => mul(x, x);
/** max(x, 0); its derivative at 0 is 0. */
export const relu = (x: Value): Value => unary('Relu', x);
/** log(1 + exp(x)) without overflow. */
export const softplus = (x: Value): Value => unary('Softplus', x);

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

/** Converts the element type; has no derivative. */
export function cast(x: Value, dtype: DType): Value {
  if (x.dtype === dtype) return x;
  return x.graph.node('Cast', [x], x.shape, { dtype, attributes: { to: DTYPES[dtype].onnx } });
}

/** The same numbers, held constant by differentiation (PyTorch's `detach`): a cast to the type that `x` has already. */
export function stopGradient(x: Value): Value {
  return x.graph.node('Cast', [x], x.shape, { attributes: { to: DTYPES[x.dtype].onnx } });
}
