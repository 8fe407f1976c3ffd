/** @file Every operator against PyTorch (fixtures/graph/make_ops.py), and the shape errors it must find. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Graph, openSession, ops, type Value } from '#src/graph/index.js';

interface Packed {
  shape: number[];
  data: number[];
}
interface Case {
  op: string;
  inputs: Packed[];
  options: Record<string, never>;
  output: Packed;
}
const cases = JSON.parse(
  readFileSync(new URL('../fixtures/graph/ops.json', import.meta.url), 'utf8'),
) as Case[];

/** Operators whose options are positional. */
function apply(op: string, x: Value[], o: Record<string, never>): Value {
  const [a, b, c, d, e] = x as [Value, Value, Value, Value, Value];
  switch (op) {
    case 'conv':
      return ops.conv(a, b, c, o);
    case 'convTranspose':
      return ops.convTranspose(a, b, c, o);
    case 'maxPool':
      return ops.maxPool(a, o as unknown as ops.PoolOptions);
    case 'avgPool':
      return ops.avgPool(a, o as unknown as ops.PoolOptions);
    case 'adaptiveAvgPool':
      return ops.adaptiveAvgPool(a, o.out!);
    case 'linear':
      return ops.linear(a, b, c);
    case 'layerNorm':
      return ops.layerNorm(a, b, c, o.epsilon!);
    case 'batchNorm':
      return ops.batchNorm(a, b, c, d, e, o.epsilon!);
    case 'gelu':
      return ops.gelu(a, o.approximate);
    case 'clip':
      return ops.clip(a, o.low!, o.high!);
    case 'softmax':
    case 'logSoftmax':
    case 'l2Normalize':
      return ops[op](a, o.axis!);
    case 'sum':
    case 'mean':
    case 'max':
    case 'norm':
      return ops[op](a, o.axes!, o.keep);
    case 'transpose':
      return ops.transpose(a, o.permutation!);
    case 'slice':
      return ops.slice(a, o.axis!, o.start!, o.end!, o.step);
    case 'select':
      return ops.select(a, o.axis!, o.index!);
    case 'reshape':
      return ops.reshape(a, o.shape!);
    case 'concat':
      return ops.concat(x, o.axis!);
    case 'attention':
      return ops.attention(a, b, c, o as unknown as ops.AttentionOptions);
    case 'add':
    case 'sub':
    case 'mul':
    case 'div':
    case 'maximum':
    case 'matmul':
      return ops[op](a, b);
    case 'quickGelu':
    case 'relu':
    case 'sigmoid':
    case 'tanh':
    case 'exp':
    case 'neg':
    case 'abs':
    case 'log':
    case 'sqrt':
    case 'globalAvgPool':
      return ops[op](a);
    default:
      throw new Error(`no such case: ${op}`);
  }
}

describe('operators equal PyTorch', () => {
  it.each(cases.map((c, i) => [`${i} ${c.op} ${JSON.stringify(c.options)}`, c] as const))(
    '%s',
    async (_, c) => {
      const graph = new Graph(c.op);
      const inputs = c.inputs.map((t, i) => graph.input(`x${i}`, t.shape));
      const y = apply(c.op, inputs, c.options);
      expect(y.shape).toEqual(c.output.shape);
      graph.output('y', y);
      const session = await openSession(graph, () => expect.unreachable(), { inline: true, threads: 1 });
      const feeds = Object.fromEntries(
        c.inputs.map((t, i) => [`x${i}`, { data: Float32Array.from(t.data), dims: t.shape }]),
      );
      const { y: result } = await session.run(feeds);
      await session.release();
      expect(result!.dims).toEqual(c.output.shape);
      const scale = Math.max(...c.output.data.map(Math.abs));
      c.output.data.forEach((expected, i) => {
        expect(Math.abs((result!.data[i] as number) - expected) / scale).toBeLessThan(2e-6);
      });
    },
  );
});

describe('shapes are checked as the graph is built', () => {
  const graph = new Graph();
  const x = graph.input('x', ['N', 3, 8, 8]);
  const t = graph.input('t', ['N', 5, 12]);

  it.each([
    [
      'a kernel for other channels',
      () => ops.conv(x, graph.parameter('w1', [4, 2, 3, 3]), null),
      /does not fit the weight \[4, 2, 3, 3\]/,
    ],
    [
      'a window larger than the image',
      () => ops.maxPool(x, { kernel: 9 }),
      /window of 9 does not fit into 8/,
    ],
    [
      'a linear layer of another width',
      () => ops.linear(t, graph.parameter('w2', [4, 11]), null),
      /does not fit the weight \[4, 11\]/,
    ],
    ['shapes that do not broadcast', () => ops.add(t, graph.input('u', ['N', 4, 12])), /do not broadcast/],
    [
      'a reshape that loses elements',
      () => ops.reshape(t, ['N', 59]),
      /\[N, 5, 12\] cannot become \[N, 59\]/,
    ],
    [
      'heads that do not divide',
      () => ops.attention(t, t, t, { heads: 5 }),
      /12 does not divide into 5 heads/,
    ],
    ['an axis out of range', () => ops.sum(t, [3]), /rank 3 but received 3/],
    ['a permutation that is none', () => ops.transpose(t, [0, 0, 1]), /not a permutation/],
    ['a range outside the axis', () => ops.slice(t, 1, 4, 4), /not a range of axis 1/],
    ['two element types', () => ops.add(t, graph.input('i', [12], 'int64')), /float32 and int64 differ/],
    [
      'a bias of another length',
      () => ops.linear(t, graph.parameter('w3', [4, 12]), graph.parameter('b3', [7])),
      /\[7\] and \[5\*N, 4\] do not broadcast/,
    ],
    [
      'a convolution with a bias of another length',
      () => ops.conv(x, graph.parameter('w4', [4, 3, 3, 3]), graph.parameter('b4', [3])),
      /expected a bias \[4\] but received \[3\]/,
    ],
    [
      'a product of two element types',
      () => ops.matmul(t, graph.parameter('w5', [12, 2], 'float64')),
      /MatMul: element types float32 and float64 differ/,
    ],
    ['a condition that is a number', () => ops.where(t, t, t), /expected bool .* but received float32/],
    ['indices that are no integers', () => ops.gather(t, t), /int64 or int32 indices but received float32/],
    [
      'one parameter with two shapes',
      () => [graph.parameter('p', [2]), graph.parameter('p', [3])],
      /declared as \[2\] and again as \[3\]/,
    ],
    [
      'a value of another graph',
      () => ops.add(t, new Graph().input('z', ['N', 5, 12])),
      /belongs to another graph/,
    ],
  ])('%s', (_, build, message) => {
    expect(build).toThrow(message);
  });

  it('keeps the symbolic batch through reshapes and products', () => {
    expect(ops.flatten(x).shape).toEqual(['N', 192]);
    expect(ops.reshape(t, ['5*N', 12]).shape).toEqual(['5*N', 12]);
    expect(ops.reshape(ops.reshape(t, ['5*N', 12]), ['N', 5, 12]).shape).toEqual(['N', 5, 12]);
  });
});
