/** @file Derivatives of operators that move elements: the elements move back. */
import { GraphError } from '../../errors.js';
import { concat, reshape, transpose } from '../ops/shape.js';
import type { Node, Shape, Value } from '../types.js';
import { integersOf, type Rule, type Rules, unary } from './rule.js';
import { reduceTo, reshaped } from './spread.js';

const restore: Rule = ({ inputs }, [dy]) => [reshaped(dy!, inputs[0]!.shape as number[]), null];

/** The pieces of `x` along an axis, of the given sizes. */
function pieces(x: Value, axis: number, sizes: readonly number[]): Value[] {
  const outputs = sizes.map((n) => ({
    shape: x.shape.map((d, i) => (i === axis ? n : d)),
    dtype: x.dtype,
  }));
  return x.graph.multi('Split', [x, x.graph.ints(sizes)], outputs, { attributes: { axis } });
}

const concatRule: Rule = ({ inputs, attributes }, [dy]) => {
  const axis = Number(attributes.axis);
  return pieces(
    dy!,
    axis,
    inputs.map((v) => v!.shape[axis] as number),
  );
};

/** Pieces that the loss does not depend on have a gradient of zeros. */
const splitRule: Rule = ({ outputs, attributes }, dys) => [
  concat(
    outputs.map((v, i) => dys[i] ?? zeros(v)),
    Number(attributes.axis),
  ),
  null,
];

const zeros = (like: Value): Value => {
  const { graph, shape } = like;
  return graph.node('Expand', [graph.scalar(0), graph.ints(shape as number[])], shape);
};

/** Pads with zeros before and after each axis. */
function pad(x: Value, before: readonly number[], shape: Shape): Value {
  const after = shape.map((d, i) => (d as number) - before[i]! - (x.shape[i] as number));
  if ([...before, ...after].every((n) => n === 0)) return x;
  return x.graph.node('Pad', [x, x.graph.ints([...before, ...after])], shape);
}

/** Puts `step − 1` zeros between neighbours along an axis: [.., n, ..] → [.., (n − 1) · step + 1, ..]. */
function dilate(x: Value, axis: number, step: number): Value {
  if (step === 1) return x;
  const lead = x.shape.slice(0, axis);
  const rest = x.shape.slice(axis + 1);
  const n = x.shape[axis] as number;
  const column = reshape(x, [...lead, n, 1, ...rest]);
  const before = column.shape.map(() => 0);
  const spaced = pad(column, before, [...lead, n, step, ...rest]);
  const merged = reshape(spaced, [...lead, n * step, ...rest]);
  return pieces(merged, axis, [(n - 1) * step + 1, step - 1])[0]!;
}

const sliceRule: Rule = (node, [dy]) => {
  const [x] = node.inputs as readonly [Value];
  let dx = dy!;
  const before = x.shape.map(() => 0);
  for (const { axis, start, step } of rangesOf(node)) {
    dx = dilate(dx, axis, step);
    before[axis] = start;
  }
  return [pad(dx, before, x.shape), null, null, null, null];
};

/** Where a Slice starts and how it steps, by axis. */
function rangesOf({ inputs }: Node): { axis: number; start: number; step: number }[] {
  const [x, ...parts] = inputs as readonly [Value, ...(Value | null)[]];
  const [starts, , axes, steps] = parts.map((v) => v && integersOf(v, 'Slice'));
  return starts!.map((from, i) => {
    const axis = axes?.[i] ?? i;
    const size = x.shape[axis] as number;
    const step = steps?.[i] ?? 1;
    if (step < 1) throw new GraphError(`Slice: a step of ${step} has no derivative`);
    return { axis, start: from < 0 ? from + size : from, step };
  });
}

export const shapeRules: Rules = {
  Reshape: restore,
  Squeeze: restore,
  Unsqueeze: restore,
  Flatten: restore,
  Expand: ({ inputs }, [dy]) => [reduceTo(dy!, inputs[0]!.shape as number[]), null],
  Transpose: unary((dy, _x, _y, { attributes }) => {
    const permutation = attributes.perm as readonly number[];
    return transpose(
      dy,
      permutation.map((_, i) => permutation.indexOf(i)),
    );
  }),
  Concat: concatRule,
  Split: splitRule,
  Slice: sliceRule,
};
