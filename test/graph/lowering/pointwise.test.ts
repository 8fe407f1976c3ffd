/** @file Graphs of mixed operators, lowered for the blocked layout, against the same graphs without it. */
import { describe, expect, it } from 'vitest';
import { Graph, gradients, ops, type Tensor, trainingCopy, type Value } from '#src/graph/index.js';
import { blockSize } from '#src/graph/lowering/block-size.js';
import { lower } from '#src/graph/lowering/lower.js';
import { encodeModel, type Pruned, prune } from '#src/graph/onnx.js';
import { LocalSession } from '#src/graph/runtime.js';
import { uniform } from '../../training/step-programs.js';

const block = await blockSize();
const SHAPE = [2, 32, 6, 5];

async function run(cut: Pruned, feeds: Record<string, Tensor>): Promise<Record<string, Tensor>> {
  const model = encodeModel('test', cut, {
    bind: ({ name, shape }) => {
      const n = shape.reduce((a, b) => a * b, 1);
      return { data: uniform(name.length, n, 0.3, name.includes('var') ? 1 : 0.2), dtype: 'float32' };
    },
    locate: (f) => f,
  });
  const session = await LocalSession.create({ model, device: 'cpu', threads: 2 });
  const results = await session.run(feeds);
  await session.release();
  return results;
}

/** Builds twice, lowers without and with blocks, and compares every output. Returns the operators of the latter. */
async function compare(build: (graph: Graph, x: Value) => void, tolerance = 3e-6): Promise<string[]> {
  const made = [0, block].map((b) => {
    const graph = new Graph('test');
    build(graph, graph.input('x', SHAPE));
    return lower(prune(graph), { block: b, channelsLast: new Set() });
  }) as [Pruned, Pruned];
  const size = SHAPE.reduce((a, b) => a * b, 1);
  const feeds = () => ({ x: { data: uniform(7, size), dims: SHAPE } });
  const [plain, lowered] = [await run(made[0], feeds()), await run(made[1], feeds())];
  expect(Object.keys(lowered)).toEqual(Object.keys(plain));
  for (const [name, { data, dims }] of Object.entries(plain)) {
    expect(lowered[name]!.dims, name).toEqual(dims);
    const [a, b] = [Array.from(data, Number), Array.from(lowered[name]!.data, Number)];
    const scale = Math.max(...a.map(Math.abs), 1e-30);
    expect(Math.max(...a.map((x, i) => Math.abs(x - b[i]!))) / scale, name).toBeLessThan(tolerance);
  }
  return made[1].nodes.map((n) => `${n.domain}:${n.op}`);
}

/** A map that a convolution made, which is blocked where that can be. */
const conv = (x: Value, name: string, out = 32) =>
  ops.conv(x, x.graph.parameter(name, [out, x.shape[1] as number, 3, 3]), null, { pad: 1 });

function norm(x: Value, name: string): Value {
  const part = (p: string) => x.graph.parameter(`${name}.${p}`, [x.shape[1] as number]);
  return ops.batchNorm(x, part('weight'), part('bias'), part('mean'), part('var'), 1e-5);
}

const everything = [0, 1, 2, 3];

describe.skipIf(block === 0)('lowering', () => {
  it('does a normalisation, an addition and a ReLU in one pass', async () => {
    const operators = await compare((graph, x) => {
      const y = conv(x, 'a');
      graph.output('y', ops.relu(ops.add(norm(conv(y, 'b'), 'n'), y)));
    });
    expect(operators.filter((op) => /Relu|Add|BatchNormalization/.test(op))).toEqual([':Add']); // of ε and the variance
  });

  it('makes what is deferred when it is wanted by itself too', async () => {
    await compare((graph, x) => {
      const y = norm(conv(x, 'a'), 'n');
      graph.output('normalised', y);
      graph.output('positive', ops.relu(y));
      graph.output('sum', ops.add(y, y));
      const product = ops.mul(y, ops.sigmoid(y));
      graph.output('product', product);
      graph.output('mean', ops.mean(product, [0, 2, 3]));
    });
  });

  it('sums over pixels in either layout, keeping axes or not', async () => {
    await compare((graph, x) => {
      const blocked = conv(x, 'a');
      for (const [name, v] of Object.entries({ given: x, blocked })) {
        graph.output(`${name} sum`, ops.sum(v, [0, 2, 3]));
        graph.output(`${name} mean`, ops.mean(v, [0, 2, 3], true));
        graph.output(`${name} squares`, ops.mean(ops.square(v), [0, 2, 3]));
        graph.output(`${name} products`, ops.sum(ops.mul(v, blocked), [0, 2, 3], true));
        graph.output(`${name} rows`, ops.sum(v, [1, 3]));
        graph.output(`${name} pooled`, ops.globalAvgPool(v));
      }
    });
  });

  it('keeps long sums exact', async () => {
    const graph = new Graph('long');
    const x = graph.input('x', [1, 16, 64, 48]);
    const y = ops.conv(x, graph.parameter('unit', [16, 16, 1, 1]), null);
    graph.output('squares', ops.sum(ops.square(y), [0, 2, 3]));
    const cut = lower(prune(graph), { block, channelsLast: new Set() });
    expect(cut.nodes.filter((n) => n.op === 'Conv')).toHaveLength(2); // one of them multiplies and sums
    const feeds = { x: { data: uniform(3, 16 * 64 * 48, 1, 2), dims: [1, 16, 64, 48] } };
    const [plain, lowered] = [await run(prune(graph), feeds), await run(cut, feeds)];
    lowered.squares!.data.forEach((s, i) => {
      expect(Math.abs(Number(s) / Number(plain.squares!.data[i]) - 1)).toBeLessThan(1e-6);
    });
  });

  it('mixes layouts, scalars and numbers per channel', async () => {
    await compare((graph, x) => {
      const y = conv(x, 'a');
      const channel = ops.reshape(graph.parameter('c', [32]), [1, 32, 1, 1]);
      graph.output('with input', ops.mul(ops.add(y, x), 3));
      graph.output('per channel', ops.mul(ops.sub(ops.add(y, channel), channel), channel));
      graph.output('other way', ops.sub(channel, y));
      graph.output('per row', ops.mul(y, ops.mean(y, [3], true)));
      graph.output('chosen', ops.where(ops.greater(y, x), y, ops.neg(x)));
      graph.output('mask', ops.cast(ops.greater(y, 0), 'float32'));
      graph.output('moved', ops.transpose(ops.concat([y, x], 1), [0, 2, 3, 1]));
      graph.output('odd channels', conv(ops.slice(y, 1, 0, 5), 'b', 7));
    });
  });

  it('differentiates a residual block with the statistics of the batch', async () => {
    const source = new Graph('block');
    const x = source.input('x', ['N', ...SHAPE.slice(1)]);
    const stem = ops.relu(norm(conv(x, 'a'), 'n'));
    const pooled = ops.maxPool(stem, { kernel: 2 });
    const y = ops.relu(ops.add(norm(conv(pooled, 'b'), 'm'), pooled));
    source.output('y', ops.globalAvgPool(y));
    await compare((graph, input) => {
      const { outputs, statistics } = trainingCopy(graph, source, input, { batch: SHAPE[0]! });
      const loss = ops.mean(ops.square(ops.reshape(outputs.get('y')!, [2, 32, 1, 1])), everything);
      graph.output('loss', loss);
      const wrt = [...graph.parameters.values()].filter((p) => /weight|bias/.test(p.name));
      gradients(loss, wrt).forEach((g, i) => {
        graph.output(`gradient of ${wrt[i]!.name}`, g);
      });
      for (const { mean, variance, runningMean } of statistics) {
        graph.output(`${runningMean} mean`, mean);
        graph.output(`${runningMean} variance`, variance);
      }
    }, 1e-5);
  });
});
