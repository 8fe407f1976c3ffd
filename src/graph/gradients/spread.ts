/**
 * @file Broadcasting in the backward pass, both ways.
 *
 * The gradient of a sum is one number repeated. It is handed on as an `Expand` node, but rules that multiply it by
 * something of the full size take what was repeated instead ({@link thin}); then nobody needs the `Expand`, and it is
 * never computed.
 */
import { div, mul, neg } from '../ops/elementwise.js';
import { sum } from '../ops/reduce.js';
import { expand, reshape } from '../ops/shape.js';
import { sameShape, sizeOf } from '../shape.js';
import type { Value } from '../types.js';

const sources = new WeakMap<Value, Value>();

/** Repeats `x` to `shape`, remembering that it did. */
export function spread(x: Value, shape: readonly number[]): Value {
  if (sameShape(x.shape, shape)) return x;
  const y = expand(x, shape);
  sources.set(y, x);
  return y;
}

/** What was repeated to make `x`, or `x` itself. */
export const thin = (x: Value): Value => sources.get(x) ?? x;

/** `dy · factor` without repeating anything before it must be. */
export function times(dy: Value, factor: Value | number): Value {
  return spread(mul(thin(dy), factor), dy.shape as number[]);
}

/** `dy / divisor`, likewise. */
export const over = (dy: Value, divisor: Value): Value =>
  spread(div(thin(dy), divisor), dy.shape as number[]);

/** `−dy`. */
export const negated = (dy: Value): Value => spread(neg(thin(dy)), dy.shape as number[]);

/** Adds up what broadcasting repeated: from the shape of a result back to that of an operand. */
export function reduceTo(dy: Value, to: readonly number[]): Value {
  if (sameShape(dy.shape, to)) return dy;
  const source = thin(dy);
  if (source !== dy && sizeOf(source.shape, 'gradient') === 1) return repeatedOne(source, dy, to);
  const lead = dy.shape.length - to.length;
  const axes = dy.shape.flatMap((d, i) => (i < lead || (to[i - lead] === 1 && d !== 1) ? [i] : []));
  return reshape(sum(dy, axes), to);
}

/** The sum of one number repeated is a product. */
function repeatedOne(one: Value, dy: Value, to: readonly number[]): Value {
  const count = sizeOf(dy.shape, 'gradient') / sizeOf(to, 'gradient');
  return spread(
    mul(
      reshape(
        one,
        to.map(() => 1),
      ),
      count,
    ),
    to,
  );
}

/** A gradient in another shape with as many elements. */
export function reshaped(dy: Value, to: readonly number[]): Value {
  const source = thin(dy);
  if (source !== dy && sizeOf(source.shape, 'gradient') === 1)
    return spread(
      reshape(
        source,
        to.map(() => 1),
      ),
      to,
    );
  return reshape(dy, to);
}
