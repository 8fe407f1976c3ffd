/** @file Derivatives of look-ups: what was read is added up where it was read from. */
import { GraphError } from '../../errors.js';
import { expand, reshape } from '../ops/shape.js';
import { sizeOf } from '../shape.js';
import type { Value } from '../types.js';
import type { Rule, Rules } from './rule.js';

/** Zeros in the shape of `x` with `updates` added along `axis` at `indices`, which has the shape of the updates. */
export function scatterAdd(x: readonly number[], axis: number, indices: Value, updates: Value): Value {
  const { graph } = updates;
  return graph.node('ScatterElements', [expand(graph.scalar(0), x), indices, updates], x, {
    attributes: { axis, reduction: 'add' },
  });
}

/** Indices along `axis`, repeated over the other axes of `like`. */
const alongAxis = (indices: Value, axis: number, like: readonly number[]): Value =>
  expand(
    reshape(
      indices,
      like.map((d, i) => (i === axis ? d : 1)),
    ),
    like,
  );

/** Gather replaces an axis by the axes of the indices; they become one again. */
const gatherRule: Rule = ({ inputs, attributes }, [dy]) => {
  const [x, indices] = inputs as readonly [Value, Value];
  const shape = x.shape as readonly number[];
  const axis = Number(attributes.axis);
  const updates = shape.map((d, i) => (i === axis ? sizeOf(indices.shape, 'Gather') : d));
  return [scatterAdd(shape, axis, alongAxis(indices, axis, updates), reshape(dy!, updates)), null];
};

/** One position of axis 1 for each item: [N, T, …] and [N, 1] → [N, …]. */
const gatherNdRule: Rule = ({ inputs, attributes }, [dy]) => {
  const [x, indices] = inputs as readonly [Value, Value];
  if (attributes.batch_dims !== 1 || indices.shape.length !== 2 || indices.shape[1] !== 1)
    throw new GraphError('GatherND has a derivative only for one position per item');
  const shape = x.shape as readonly number[];
  const updates = shape.map((d, i) => (i === 1 ? 1 : d));
  const flat = reshape(indices, [shape[0]!]);
  const repeated = expand(reshape(flat, [shape[0]!, ...updates.slice(1).map(() => 1)]), updates);
  return [scatterAdd(shape, 1, repeated, reshape(dy!, updates)), null];
};

export const gatherRules: Rules = {
  Gather: gatherRule,
  GatherND: gatherNdRule,
  GatherElements: ({ inputs, attributes }, [dy]) => {
    const [x, indices] = inputs as readonly [Value, Value];
    return [scatterAdd(x.shape as number[], Number(attributes.axis), indices, dy!), null];
  },
};
