/**
 * @file Comparisons and logic: the masks by which losses choose their pairs. They have no derivative.
 */
import { GraphError } from '../../errors.js';
import { broadcast } from '../shape.js';
import type { Value } from '../types.js';

type Operand = Value | number;

function compare(op: string, a: Value, b: Operand): Value {
  const right = typeof b === 'number' ? a.graph.scalar(b) : b;
  if (a.dtype !== right.dtype)
    throw new GraphError(`${op}: element types ${a.dtype} and ${right.dtype} differ`);
  return a.graph.node(op, [a, right], broadcast(a.shape, right.shape, op), { dtype: 'bool' });
}

function logic(op: string, ...values: Value[]): Value {
  for (const v of values)
    if (v.dtype !== 'bool') throw new GraphError(`${op}: expected bool but received ${v.dtype}`);
  const shape = values.map((v) => v.shape).reduce((a, b) => broadcast(a, b, op));
  return values[0]!.graph.node(op, values, shape);
}

/** `a = b` as bool, for numbers and integers (labels). */
export const equal = (a: Value, b: Operand): Value => compare('Equal', a, b);
/** `a > b` as bool. */
export const greater = (a: Value, b: Operand): Value => compare('Greater', a, b);
/** `a ≥ b` as bool. */
export const greaterOrEqual = (a: Value, b: Operand): Value => compare('GreaterOrEqual', a, b);
/** `a < b` as bool. */
export const less = (a: Value, b: Operand): Value => compare('Less', a, b);
/** `a ≤ b` as bool. */
export const lessOrEqual = (a: Value, b: Operand): Value => compare('LessOrEqual', a, b);

export const not = (x: Value): Value => logic('Not', x);
export const and = (a: Value, b: Value): Value => logic('And', a, b);
export const or = (a: Value, b: Value): Value => logic('Or', a, b);

/** Where `condition` holds `a`, elsewhere `b`; the gradient goes the same way. A number stands for a float32 scalar. */
export function where(condition: Value, a: Operand, b: Operand): Value {
  const { graph } = condition;
  const [yes, no] = [a, b].map((v) => (typeof v === 'number' ? graph.scalar(v) : v)) as [Value, Value];
  if (condition.dtype !== 'bool' || yes.dtype !== no.dtype)
    throw new GraphError(
      `Where: expected bool and two equal types but received ${condition.dtype}, ${yes.dtype}, ${no.dtype}`,
    );
  const shape = broadcast(broadcast(condition.shape, yes.shape, 'Where'), no.shape, 'Where');
  return graph.node('Where', [condition, yes, no], shape, { dtype: yes.dtype });
}
