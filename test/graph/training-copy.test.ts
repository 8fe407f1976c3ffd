/** @file What a training copy changes: symbols become numbers, batch normalisation measures its batch. */
import { describe, expect, it } from 'vitest';
import { Graph, gradients, openSession, ops, type Tensor, trainingCopy } from '#src/graph/index.js';

const zeros = () => ({ data: new Float32Array(2), dtype: 'float32' as const });

/** A convolution's output normalised: [N, 2, 4, 4]. */
function normalising(): Graph {
  const graph = new Graph('normalising');
  const x = graph.input('x', ['N', 2, 4, 4]);
  const [scale, bias, mean, variance] = ['weight', 'bias', 'running_mean', 'running_var'].map((name) =>
    graph.parameter(`bn.${name}`, [2]),
  ) as [never, never, never, never];
  graph.output('y', ops.batchNorm(x, scale, bias, mean, variance, 1e-5));
  return graph;
}

/** Learned tokens repeated over the batch before others, in the way in which image towers begin. */
function withToken(): Graph {
  const graph = new Graph('tokens');
  const x = graph.input('x', ['N', 3, 4]);
  const tokens = ops.concat([ops.expandBatch(graph.parameter('token', [1, 1, 4]), x), x], 1);
  graph.output('y', ops.reshape(ops.reshape(tokens, ['4*N', 4]), ['N', 4, 4]));
  return graph;
}

async function run(graph: Graph, feeds: Record<string, Tensor>): Promise<Record<string, Tensor>> {
  const session = await openSession(graph, zeros, { inline: true, threads: 1 });
  const found = await session.run(feeds);
  await session.release();
  return found;
}

describe('a training copy', () => {
  it('has numbers for symbols, and no sizes that are read when it runs', () => {
    const graph = new Graph();
    const x = graph.input('x', [5, 3, 4]);
    const { outputs } = trainingCopy(graph, withToken(), x, { batch: 5, prefix: 'tower.' });
    expect(outputs.get('y')!.shape).toEqual([5, 4, 4]);
    expect(graph.nodes.map((n) => n.op)).toEqual(['Expand', 'Concat', 'Reshape', 'Reshape']);
    const [gradient] = gradients(ops.sum(outputs.get('y')!, [0, 1, 2]), [
      graph.parameters.get('tower.token')!,
    ]);
    expect(gradient!.shape).toEqual([1, 1, 4]);
  });

  it('measures the mean and the unbiased variance of a batch', async () => {
    const graph = new Graph();
    const x = graph.input('x', [3, 2, 4, 4]);
    const { outputs, statistics } = trainingCopy(graph, normalising(), x, { batch: 3, prefix: 'a.' });
    const [measured] = statistics;
    expect(measured).toMatchObject({ runningMean: 'a.bn.running_mean', runningVariance: 'a.bn.running_var' });
    expect(measured!.momentum).toBe(0.1);
    graph.output('mean', measured!.mean);
    graph.output('variance', measured!.variance);
    graph.output('y', outputs.get('y')!);

    const data = Float32Array.from({ length: 96 }, (_, i) => Math.sin(i * i) + 3);
    const found = await run(graph, { x: { data, dims: [3, 2, 4, 4] } });
    for (const channel of [0, 1]) {
      const numbers = [...data].filter((_, i) => (i >> 4) % 2 === channel);
      const mean = numbers.reduce((a, b) => a + b) / 48;
      const variance = numbers.reduce((a, b) => a + (b - mean) ** 2, 0) / 47;
      expect(found.mean!.data[channel]).toBeCloseTo(mean, 5);
      expect(found.variance!.data[channel]).toBeCloseTo(variance, 5);
    }
  });

  it('keeps the statistics of the weights where it is told to', () => {
    const graph = new Graph();
    const x = graph.input('x', [1, 2, 4, 4]);
    const asked: string[] = [];
    const { statistics } = trainingCopy(graph, normalising(), x, {
      batch: 1,
      prefix: 'a.',
      batchNorm: (name) => {
        asked.push(name);
        return 'frozen';
      },
    });
    expect(asked).toEqual(['a.bn.running_mean']);
    expect(statistics).toEqual([]);
    expect(graph.nodes.map((n) => n.outputs.length)).toEqual([1]);
  });

  it('pools with the places of the maxima', () => {
    const source = new Graph();
    source.output('y', ops.maxPool(source.input('x', ['N', 1, 4, 4]), { kernel: 2 }));
    const graph = new Graph();
    const x = graph.input('x', [2, 1, 4, 4]);
    const { outputs } = trainingCopy(graph, source, x, { batch: 2 });
    gradients(ops.sum(outputs.get('y')!, [0, 1, 2, 3]), [x]);
    expect(graph.nodes.filter((n) => n.op === 'MaxPool').map((n) => n.outputs.length)).toEqual([2]);
  });
});

describe('a training copy refuses', () => {
  it.each([
    ['an input of another size', [4, 2, 4, 5], 4, /expected \[N, 2, 4, 4\] but received \[4, 2, 4, 5\]/],
    ['another batch', [4, 2, 4, 4], 8, /expected a batch of 8 but received \[4, 2, 4, 4\]/],
  ])('%s', (_, shape, batch, message) => {
    const graph = new Graph();
    expect(() => trainingCopy(graph, normalising(), graph.input('x', shape), { batch })).toThrow(message);
  });

  it('a batch normalisation that sees one number per channel', () => {
    const source = new Graph();
    const vector = (name: string) => source.parameter(name, [2]);
    const x = source.input('x', ['N', 2, 1, 1]);
    source.output('y', ops.batchNorm(x, vector('s'), vector('b'), vector('m'), vector('v'), 1e-5));
    const graph = new Graph();
    const one = graph.input('x', [1, 2, 1, 1]);
    expect(() => trainingCopy(graph, source, one, { batch: 1 })).toThrow(/more than one number per channel/);
  });

  it('a network of two inputs', () => {
    const source = new Graph('pair');
    source.input('a', ['N', 2]);
    source.input('b', ['N', 2]);
    const graph = new Graph();
    const x = graph.input('x', [1, 2]);
    expect(() => trainingCopy(graph, source, x, { batch: 1 })).toThrow(/pair: expected one input/);
  });
});
