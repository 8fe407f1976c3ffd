/** @file Derivatives of elementwise operators; where operands were broadcast, their gradients are summed back. */
import { equal, greater, greaterOrEqual, less, lessOrEqual, where } from '../ops/compare.js';
import { cos, div, log, mul, neg, pow, sign, sin, sqrt, square, sub } from '../ops/elementwise.js';
import type { Value } from '../types.js';
import { each, type Rule, type Rules, scalarOf, unary } from './rule.js';
import { negated, over, reduceTo, spread, thin, times } from './spread.js';

/** A rule from the derivatives by both operands, each in the shape of the result. */
function binary(
  byA: (dy: Value, a: Value, b: Value, y: Value) => Value,
  byB: (dy: Value, a: Value, b: Value, y: Value) => Value,
): Rule {
  return ({ inputs, outputs }, [dy], need) => {
    const [a, b] = inputs as readonly [Value, Value];
    return each(
      need,
      () => reduceTo(byA(dy!, a, b, outputs[0]!), a.shape as number[]),
      () => reduceTo(byB(dy!, a, b, outputs[0]!), b.shape as number[]),
    );
  };
}

/** `dy` where a mask holds, elsewhere 0. */
export function masked(mask: Value, dy: Value): Value {
  return spread(where(mask, thin(dy), 0), dy.shape as number[]);
}

/** The operand that won takes the gradient; the first one where they are equal. */
const extremum = (aWins: (a: Value, b: Value) => Value, bWins: (a: Value, b: Value) => Value): Rule =>
  binary(
    (dy, a, b) => masked(aWins(a, b), dy),
    (dy, a, b) => masked(bWins(a, b), dy),
  );

const pass: Rule = binary(
  (dy) => dy,
  (dy) => dy,
);

const factors: Rule = binary(
  (dy, _, b) => times(dy, b),
  (dy, a) => times(dy, a),
);

/** A square gives one term, not two that are then added. */
const product: Rule = (node, dys, need) => {
  const [a, b] = node.inputs as readonly [Value, Value];
  return a === b ? [times(times(dys[0]!, 2), a), null] : factors(node, dys, need);
};

export const elementwiseRules: Rules = {
  Add: pass,
  Sub: binary((dy) => dy, negated),
  Mul: product,
  Div: binary(
    (dy, _, b) => over(dy, b),
    (dy, _, b, y) => times(dy, neg(div(y, b))),
  ),
  Pow: binary(
    (dy, a, b) => (scalarOf(b) === 2 ? times(times(dy, 2), a) : times(dy, mul(pow(a, sub(b, 1)), b))),
    (dy, a, _, y) => times(dy, mul(y, log(a))),
  ),
  Max: extremum(greaterOrEqual, less),
  Min: extremum(lessOrEqual, greater),
  Neg: unary(negated),
  Abs: unary((dy, x) => times(dy, sign(x))),
  Sign: () => [null],
  Exp: unary((dy, _, y) => times(dy, y)),
  Log: unary(over),
  Sqrt: unary((dy, _, y) => over(times(dy, 0.5), y)),
  Sin: unary((dy, x) => times(dy, cos(x))),
  Cos: unary((dy, x) => negated(times(dy, sin(x)))),
  Acos: unary((dy, x) => negated(over(dy, sqrt(sub(x.graph.scalar(1), square(x)))))),
  Clip: unary((dy, x, y) => masked(equal(x, y), dy)),
  Where: ({ inputs }, [dy], need) => {
    const [condition, a, b] = inputs as readonly [Value, Value, Value];
    const zero = condition.graph.scalar(0);
    return each(
      need,
      () => condition,
      () => reduceTo(masked(condition, dy!), a.shape as number[]),
      () => reduceTo(spread(where(condition, zero, thin(dy!)), dy!.shape as number[]), b.shape as number[]),
    );
  },
  Identity: unary((dy) => dy),
  Cast: () => [null],
};
