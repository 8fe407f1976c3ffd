/** @file Derivatives of pooling. */
import { GraphError } from '../../errors.js';
import { mul } from '../ops/elementwise.js';
import { reshape } from '../ops/shape.js';
import { sizeOf } from '../shape.js';
import type { Node, Value } from '../types.js';
import { scatterAdd } from './gather.js';
import { type Rule, type Rules, unary } from './rule.js';
import { applySeparable, type Matrix } from './separable.js';
import { spread } from './spread.js';

/** The maxima take the gradients of all windows that they won. */
const maxPoolRule: Rule = ({ inputs, outputs, attributes }, [dy]) => {
  const [x] = inputs as readonly [Value];
  const indices = outputs[1] ?? placesOfMaxima(x, outputs[0]!, attributes);
  const size = sizeOf(x.shape, 'MaxPool');
  const count = [sizeOf(dy!.shape, 'MaxPool')];
  return [reshape(scatterAdd([size], 0, reshape(indices, count), reshape(dy!, count)), x.shape)];
};

/** Positions in the flat input, for a pooling that did not keep them. */
function placesOfMaxima(x: Value, y: Value, attributes: Node['attributes']): Value {
  const outputs = [
    { shape: y.shape, dtype: 'float32' as const },
    { shape: y.shape, dtype: 'int64' as const },
  ];
  return x.graph.multi('MaxPool', [x], outputs, { attributes })[1]!;
}

interface Window {
  kernel: number;
  stride: number;
  pad: number;
  padEnd: number;
}

const averagePoolRule: Rule = (node, [dy]) => {
  const [x] = node.inputs as readonly [Value];
  const shape = x.shape as readonly number[];
  const countPad = node.attributes.count_include_pad === 1;
  const windows = [0, 1].map((side) => windowOf(node, side)) as [Window, Window];
  const tiles = windows.every(
    (w, side) => w.pad === 0 && w.stride === w.kernel && shape[side + 2]! % w.kernel === 0,
  );
  if (tiles) return [repeatTiles(dy!, windows, shape)];
  const [rows, columns] = windows.map((w, side) =>
    averaging(shape[side + 2]!, dy!.shape[side + 2] as number, w, countPad),
  ) as [Matrix, Matrix];
  return [applySeparable(dy!, rows, columns)];
};

function windowOf({ attributes, op }: Node, side: number): Window {
  const list = (name: string) => attributes[name] as readonly number[];
  if (attributes.dilations !== undefined) throw new GraphError(`${op}: dilated windows have no derivative`);
  return {
    kernel: list('kernel_shape')[side]!,
    stride: list('strides')[side]!,
    pad: list('pads')[side]!,
    padEnd: list('pads')[side + 2]!,
  };
}

/** Windows that tile the image: every element has the same share of one window. */
function repeatTiles(dy: Value, [v, h]: [Window, Window], shape: readonly number[]): Value {
  const [n, c, rows, columns] = dy.shape as [number, number, number, number];
  const share = reshape(mul(dy, 1 / (v.kernel * h.kernel)), [n, c, rows, 1, columns, 1]);
  return reshape(spread(share, [n, c, rows, v.kernel, columns, h.kernel]), shape);
}

/** The matrix [size, out] whose column j has the weights of window j. */
function averaging(size: number, out: number, w: Window, countPad: boolean): Matrix {
  const data = new Float32Array(size * out);
  for (let j = 0; j < out; j++) {
    const start = j * w.stride - w.pad;
    const [from, to] = [Math.max(start, 0), Math.min(start + w.kernel, size)];
    // A last window that hangs over the padding, as rounding up makes it, counts what lies inside the padding.
    const count = countPad ? Math.min(start + w.kernel, size + w.padEnd) - start : to - from;
    for (let i = from; i < to; i++) data[i * out + j] = 1 / count;
  }
  return { rows: size, columns: out, data };
}

export const poolRules: Rules = {
  MaxPool: maxPoolRule,
  AveragePool: averagePoolRule,
  GlobalAveragePool: unary((dy, x) => {
    const share = sizeOf(dy.shape, 'GlobalAveragePool') / sizeOf(x.shape, 'GlobalAveragePool');
    return spread(mul(dy, share), x.shape as number[]);
  }),
};
