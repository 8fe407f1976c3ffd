/**
 * @file Operators that move elements without computing on them.
 */
import { GraphError } from '../../errors.js';
import { axisOf, broadcast, divide, fixed, product, sameShape, show } from '../shape.js';
import type { Dim, Shape, Value } from '../types.js';

/**
 * The same elements in another shape. At most one dimension may be symbolic; it is worked out at run time.
 * @throws GraphError when the element counts differ.
 */
export function reshape(x: Value, shape: Shape): Value {
  if (sameShape(x.shape, shape)) return x;
  if (product(x.shape) !== product(shape))
    throw new GraphError(`Reshape: ${show(x.shape)} cannot become ${show(shape)}`);
  if (shape.filter((d) => typeof d === 'string').length > 1)
    throw new GraphError(`Reshape: at most one dimension of ${show(shape)} may be symbolic`);
  const target = x.graph.ints(shape.map((d) => (typeof d === 'string' ? -1 : d)));
  return x.graph.node('Reshape', [x, target], shape);
}

/** Merges the dimensions from `from` on into one: `flatten([N, 32, 16, 16]) = [N, 8192]`. */
export function flatten(x: Value, from = 1): Value {
  return reshape(x, [...x.shape.slice(0, from), product(x.shape.slice(from))]);
}

/** Permutes the axes. */
export function transpose(x: Value, permutation: readonly number[]): Value {
  if ([...permutation].sort((a, b) => a - b).some((p, i) => p !== i) || permutation.length !== x.shape.length)
    throw new GraphError(`Transpose: [${permutation}] is not a permutation of the axes of ${show(x.shape)}`);
  if (permutation.every((p, i) => p === i)) return x;
  return x.graph.node(
    'Transpose',
    [x],
    permutation.map((p) => x.shape[p]!),
    { attributes: { perm: permutation } },
  );
}

/** Joins tensors along an axis, whose dimensions must be fixed. */
export function concat(values: readonly Value[], axis: number): Value {
  const first = values[0];
  if (!first) throw new GraphError('Concat: expected at least one tensor');
  const a = axisOf(axis, first.shape.length, 'Concat');
  let total = 0;
  for (const v of values) {
    const fits =
      v.shape.length === first.shape.length && v.shape.every((d, i) => i === a || d === first.shape[i]);
    if (!fits || v.dtype !== first.dtype)
      throw new GraphError(
        `Concat: ${v.dtype} ${show(v.shape)} does not fit ${first.dtype} ${show(first.shape)} along axis ${a}`,
      );
    total += fixed(v.shape[a], 'Concat');
  }
  const shape = first.shape.map((d, i) => (i === a ? total : d));
  return first.graph.node('Concat', values, shape, { attributes: { axis: a } });
}

/** Elements `start..end` (exclusive; negative counts from the end) of a fixed axis, by `step`. */
export function slice(x: Value, axis: number, start: number, end: number, step = 1): Value {
  const a = axisOf(axis, x.shape.length, 'Slice');
  const size = fixed(x.shape[a], 'Slice');
  const from = start < 0 ? start + size : start;
  const to = Math.min(end < 0 ? end + size : end, size);
  if (from < 0 || to <= from || step < 1)
    throw new GraphError(
      `Slice: ${start}..${end} by ${step} is not a range of axis ${a} of ${show(x.shape)}`,
    );
  const { graph } = x;
  const inputs = [x, graph.ints([from]), graph.ints([to]), graph.ints([a]), graph.ints([step])];
  return graph.node(
    'Slice',
    inputs,
    x.shape.map((d, i) => (i === a ? Math.ceil((to - from) / step) : d)),
  );
}

/** Cuts an axis into `parts` equal pieces. */
export function split(x: Value, axis: number, parts: number): Value[] {
  const a = axisOf(axis, x.shape.length, 'Split');
  const piece = divide(x.shape[a]!, parts, 'Split');
  const shape = x.shape.map((d, i) => (i === a ? piece : d));
  const outputs = Array.from({ length: parts }, () => ({ shape, dtype: x.dtype }));
  return x.graph.multi('Split', [x], outputs, { attributes: { axis: a, num_outputs: parts } });
}

/** The slice at `index` of a fixed axis, which disappears: `select(tokens, 1, 0)` is the CLS token. */
export function select(x: Value, axis: number, index: number): Value {
  const a = axisOf(axis, x.shape.length, 'Gather');
  axisOf(index, fixed(x.shape[a], 'Gather'), 'Gather index');
  const { graph } = x;
  const at = graph.constant(BigInt64Array.of(BigInt(index)), [], 'int64');
  return graph.node(
    'Gather',
    [x, at],
    x.shape.filter((_, i) => i !== a),
    { attributes: { axis: a } },
  );
}

/** Rows of a table: `table[indices]`, as an embedding layer does. */
export function gather(table: Value, indices: Value, axis = 0): Value {
  const a = axisOf(axis, table.shape.length, 'Gather');
  if (indices.dtype !== 'int64' && indices.dtype !== 'int32')
    throw new GraphError(`Gather: expected int64 or int32 indices but received ${indices.dtype}`);
  const shape = [...table.shape.slice(0, a), ...indices.shape, ...table.shape.slice(a + 1)];
  return table.graph.node('Gather', [table, indices], shape, { attributes: { axis: a }, dtype: table.dtype });
}

/** For each item of a batch its own position of axis 1: `x [N, T, D]`, `positions [N]` int64 → `[N, D]`. */
export function gatherPerItem(x: Value, positions: Value): Value {
  if (x.shape.length !== 3 || positions.shape.length !== 1)
    throw new GraphError(
      `GatherND: expected [N, T, D] and [N] but received ${show(x.shape)} and ${show(positions.shape)}`,
    );
  const index = x.graph.node('Unsqueeze', [positions, x.graph.ints([1])], [positions.shape[0]!, 1]);
  return x.graph.node('GatherND', [x, index], [x.shape[0]!, x.shape[2]!], {
    dtype: x.dtype,
    attributes: { batch_dims: 1 },
  });
}

/**
 * Repeats a tensor along the leading axis to the batch size of `like`: `[1, T, D]` → `[N, T, D]`. The size is read
 * from `like` at run time.
 */
export function expandBatch(x: Value, like: Value): Value {
  const { graph } = x;
  if (x.shape[0] !== 1)
    throw new GraphError(`Expand: expected a leading dimension of 1 but received ${show(x.shape)}`);
  const batch = graph.node('Shape', [like], [1], { dtype: 'int64', attributes: { start: 0, end: 1 } });
  const rest = x.shape.slice(1).map((d) => fixed(d, 'Expand'));
  const target = graph.node('Concat', [batch, graph.ints(rest)], [x.shape.length], {
    attributes: { axis: 0 },
  });
  return graph.node('Expand', [x, target], [like.shape[0]!, ...rest]);
}

/** Repeats along axes of size 1 to a fixed shape. */
export function expand(x: Value, shape: readonly number[]): Value {
  const result: Dim[] = broadcast(x.shape, shape, 'Expand');
  return x.graph.node('Expand', [x, x.graph.ints(shape)], result);
}
