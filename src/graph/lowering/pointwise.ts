/**
 * @file What is computed pixel by pixel, in the layout in which the operands are: elementwise operators, batch
 * normalisation, and the sums over pixels that its statistics and derivatives need.
 *
 * A batch normalisation, the addition after it and the ReLU after that are one pass.
 */
import { sameShape } from '../shape.js';
import type { Node, Value } from '../types.js';
import { affine, pixelMeans, pixelProducts } from './blocked.js';
import type { Deferred, Layout, Layouts } from './layouts.js';

const ELEMENTWISE = new Set(
  (
    'Add Sub Mul Div Max Min Pow Neg Abs Sign Exp Log Sqrt Sigmoid HardSigmoid Tanh Relu Clip Erf Softplus Where ' +
    'Greater GreaterOrEqual Less LessOrEqual Equal Not And Or Cast Gelu FastGelu QuickGelu'
  ).split(' '),
);

/** slope · x + offset (+ sum) for each channel, not yet made. */
interface DeferredAffine extends Deferred {
  kind: 'affine';
  x: Value;
  slope: Value;
  offset: Value | null;
  sum?: Value | undefined;
}
/** a · b, not yet made, since only sums of it may be needed. */
interface DeferredProduct extends Deferred {
  kind: 'product';
  a: Value;
  b: Value;
}

function pendingOf(l: Layouts, v: Value): DeferredAffine | DeferredProduct | undefined {
  return l.pending(v) as DeferredAffine | DeferredProduct | undefined;
}

function deferAffine(l: Layouts, y: Value, parts: Omit<DeferredAffine, 'kind' | 'make'>): void {
  const { x, slope, offset, sum } = parts;
  const make = () => l.place(y, 'blocked', affine(l, x, slope, offset, { sum }));
  l.defer(y, { kind: 'affine', ...parts, make } as DeferredAffine);
}

/** Number per channel, `[1, C, 1, 1]`. */
const isPerChannel = (v: Value, x: Value): boolean =>
  v.shape.length === 4 &&
  v.shape[1] === x.shape[1] &&
  v.shape[0] === 1 &&
  v.shape[2] === 1 &&
  v.shape[3] === 1;

/** A vector `[C]` of numbers per channel. */
const vector = (l: Layouts, v: Value): Value => l.reshape(l.in(v, 'nchw'), [v.shape[1] as number]);

/** Lowers `BatchNormalization` of a map that can be blocked, with given statistics or those of the batch. */
export function lowerBatchNorm(l: Layouts, node: Node): boolean {
  const [x, scale, bias, ...given] = node.inputs as [Value, Value, Value, Value, Value];
  const [y, ...taken] = node.outputs as [Value, Value?, Value?];
  const { training_mode: training = 0, epsilon, momentum } = node.attributes;
  const ofBatch = training === 1;
  if (!l.blocks(x) || (ofBatch && (momentum as { float: number }).float !== 0)) return false;
  const shape = scale.shape as number[];
  const v = (value: Value) => l.in(value, 'nchw');
  let from = l.in(x, 'blocked');
  let [mean, variance]: Value[] = given;
  if (ofBatch) {
    mean = meanOf(l, from);
    from = affine(l, from, l.filled(1, shape), l.emit('Neg', [mean], shape));
    variance = meanProduct(l, from, from);
    for (const [i, made] of [mean, variance].entries()) if (taken[i]) l.place(taken[i], 'nchw', made);
  }
  let slope = v(scale);
  const { float: added } = epsilon as { float: number };
  if (ofBatch || added > 0 || !isFilled(l, variance!, 1)) {
    const shifted = l.emit('Add', [v(variance!), l.filled(added, [])], shape);
    slope = l.emit('Div', [slope, l.emit('Sqrt', [shifted], shape)], shape);
  }
  let offset = v(bias);
  if (!ofBatch && !isFilled(l, mean!, 0))
    offset = l.emit('Sub', [offset, l.emit('Mul', [v(mean!), slope], shape)], shape);
  deferAffine(l, y, { x: from, slope, offset });
  return true;
}

/** Whether a value is one number repeated, and that number is `x`. */
function isFilled(l: Layouts, value: Value, x: number): boolean {
  const producer = l.producer(value);
  const source = producer?.op === 'Expand' ? producer.inputs[0]! : value;
  const data = source.graph.constants.find((c) => c.value === source)?.data;
  return data !== undefined && (data as Float32Array).every((n) => n === x);
}

/** Lowers an elementwise operator on maps. */
export function lowerElementwise(l: Layouts, node: Node): boolean {
  const y = node.outputs[0]!;
  const inputs = node.inputs as Value[];
  if (!ELEMENTWISE.has(node.op) || y.shape.length !== 4 || node.outputs.length > 1) return false;
  const full = inputs.filter((v) => sameShape(v.shape, y.shape));
  const others = inputs.filter((v) => !full.includes(v));
  const blocked = l.blocks(y) && full.some((v) => l.has(v, 'blocked'));
  if (blocked && full.length === 1 && others.length === 1 && perChannel(l, node, full[0]!, others[0]!))
    return true;
  if (full.length === 0 || others.some((v) => v.shape.some((d) => d !== 1))) return false;
  if (blocked && fused(l, node)) return true;
  const layout: Layout = blocked ? 'blocked' : full.some((v) => l.has(v, 'nchw')) ? 'nchw' : 'nhwc';
  const operands = inputs.map((v) => (full.includes(v) ? l.in(v, layout) : l.in(v, 'nchw')));
  const shape = operands[inputs.indexOf(full[0]!)]!.shape as number[];
  const { domain, attributes } = node;
  l.place(y, layout, l.emit(node.op, operands, shape, { dtype: y.dtype, domain, attributes }));
  return true;
}

/** A factor or an offset per channel. */
function perChannel(l: Layouts, node: Node, x: Value, other: Value): boolean {
  if (!isPerChannel(other, x)) return false;
  const [c] = [x.shape[1] as number];
  const ones = () => l.filled(1, [c]);
  const y = node.outputs[0]!;
  const from = l.in(x, 'blocked');
  const isLast = node.inputs[1] === other;
  if (node.op === 'Mul') deferAffine(l, y, { x: from, slope: vector(l, other), offset: null });
  else if (node.op === 'Add') deferAffine(l, y, { x: from, slope: ones(), offset: vector(l, other) });
  else if (node.op === 'Sub' && isLast)
    deferAffine(l, y, { x: from, slope: ones(), offset: l.emit('Neg', [vector(l, other)], [c]) });
  else return false;
  return true;
}

/** What is done in one pass with what was deferred before it, or is itself deferred. */
function fused(l: Layouts, node: Node): boolean {
  const y = node.outputs[0]!;
  const [a, b] = node.inputs as [Value, Value | undefined];
  const waiting = (v: Value) => {
    const pending = pendingOf(l, v);
    return pending?.kind === 'affine' && l.uses(v) === 1 ? pending : undefined;
  };
  if (node.op === 'Relu') {
    const pending = waiting(a);
    if (!pending) return false;
    const { x, slope, offset, sum } = pending;
    l.place(y, 'blocked', affine(l, x, slope, offset, { sum, relu: true }));
    return true;
  }
  if (node.op === 'Add' && a !== b) {
    for (const [v, other] of [
      [a, b!],
      [b!, a],
    ] as const) {
      const pending = waiting(v);
      if (!pending || pending.sum) continue;
      const { x, slope, offset } = pending;
      deferAffine(l, y, { x, slope, offset, sum: l.in(other, 'blocked') });
      return true;
    }
  }
  if (node.op === 'Mul' && l.onlyReduced(y)) {
    const [left, right] = [l.in(a, 'blocked'), l.in(b!, 'blocked')];
    const make = () => l.place(y, 'blocked', l.emit('Mul', [left, right], left.shape as number[]));
    l.defer(y, { kind: 'product', a: left, b: right, make } as DeferredProduct);
    return true;
  }
  return false;
}

/** Lowers a sum or mean over images and pixels. */
export function lowerReduction(l: Layouts, node: Node): boolean {
  const x = node.inputs[0]!;
  const y = node.outputs[0]!;
  if (!l.reducesPixels(node)) return false;
  const [n, c, h, w] = x.shape as [number, number, number, number];
  let made: Value;
  if (l.blocks(x) && l.has(x, 'blocked')) {
    const pending = pendingOf(l, x);
    made = pending?.kind === 'product' ? meanProduct(l, pending.a, pending.b) : meanOf(l, l.in(x, 'blocked'));
    if (node.op === 'ReduceSum') made = l.emit('Mul', [made, l.filled(n * h * w, [])], [c]);
  } else {
    if (l.has(x, 'nchw')) return false;
    made = l.emit(node.op, [l.in(x, 'nhwc'), l.ints([0, 1, 2])], [c], { attributes: { keepdims: 0 } });
  }
  l.place(y, 'nchw', l.reshape(made, y.shape as number[]));
  return true;
}

/** The mean of each channel of a blocked map, `[C]`. */
function meanOf(l: Layouts, x: Value): Value {
  const [n, c] = x.shape as [number, number];
  const means = l.reshape(pixelMeans(l, x), [n, c]);
  return l.emit('ReduceMean', [means, l.ints([0])], [c], { attributes: { keepdims: 0 } });
}

/** The mean of a · b of each channel of two blocked maps, `[C]`. */
function meanProduct(l: Layouts, a: Value, b: Value): Value {
  const [n, c, h, w] = a.shape as [number, number, number, number];
  const sums = l.emit('ReduceSum', [pixelProducts(l, a, b), l.ints([0])], [c], {
    attributes: { keepdims: 0 },
  });
  return l.emit('Mul', [sums, l.filled(1 / (n * h * w), [])], [c]);
}

/** Lowers the mean over a whole map. */
export function lowerGlobalAveragePool(l: Layouts, node: Node): boolean {
  const x = node.inputs[0]!;
  if (!l.blocks(x) || !l.has(x, 'blocked')) return false;
  l.place(node.outputs[0]!, 'nchw', pixelMeans(l, l.in(x, 'blocked')));
  return true;
}
