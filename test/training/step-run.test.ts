/** @file What a training step does besides the arithmetic: micro-batches, clipping, repeating itself, refusing. */
import { describe, expect, it } from 'vitest';
import { RuntimeError, UsageError } from '#src/errors.js';
import { Graph, openSession, ops, type Tensor, trainingCopy } from '#src/graph/index.js';
import { type StepOptions, TrainStep } from '#src/training/step.js';
import { autoencoderProgram, images, uniform } from './step-programs.js';

const SIZE = [64, 64] as const;
const batch = (seed: number, n: number) => ({ x: images(seed, [n, 3, ...SIZE], 0.5, 0.5) });

/** The items of a batch in equal parts. */
function parts({ x }: { x: Tensor }, count: number): { x: Tensor }[] {
  const n = x.dims[0]! / count;
  const length = x.data.length / count;
  return Array.from({ length: count }, (_, i) => ({
    x: { data: x.data.slice(i * length, (i + 1) * length), dims: [n, ...x.dims.slice(1)] },
  }));
}

async function autoencoderStep(n: number, options: Partial<StepOptions> = {}): Promise<TrainStep> {
  const { program, bind } = autoencoderProgram(n);
  return TrainStep.compile(program, { bind, optimizer: { name: 'adam' }, threads: 1, ...options });
}

/** A copy of everything in a step. */
const snapshot = (step: TrainStep) => structuredClone(step.state());

/** w · x with one weight: the gradient is x. */
async function oneWeight(options: Partial<StepOptions> = {}): Promise<TrainStep> {
  const graph = new Graph('one');
  const w = graph.parameter('w', [2]);
  const loss = ops.sum(ops.mul(w, graph.input('x', [2])), [0]);
  const program = { graph, loss, trainable: [w], statistics: [], metrics: { product: ops.mul(w, 2) } };
  return TrainStep.compile(program, {
    bind: () => ({ data: Float32Array.of(1, 2), dtype: 'float32' }),
    optimizer: { name: 'sgd' },
    threads: 1,
    ...options,
  });
}
const two = (a: number, b: number) => ({ x: { data: Float32Array.of(a, b), dims: [2] } });

describe('micro-batches', () => {
  it('give the gradients of the whole batch', async () => {
    const optimizer = { name: 'sgd', momentum: 0.9 } as const;
    const whole = await autoencoderStep(8, { optimizer });
    const split = await autoencoderStep(2, { optimizer, accumulate: 4 });
    const a = await whole.run(batch(1, 8), 0.1);
    const b = await split.run(parts(batch(1, 8), 4), 0.1);
    expect(b.loss).toBeCloseTo(a.loss, 6);
    expect(b.gradNorm / a.gradNorm).toBeCloseTo(1, 5);
    const [one, other] = [whole.state().slots, split.state().slots];
    for (const [name, gradient] of one) {
      const scale = Math.max(...gradient.map(Math.abs));
      other.get(name)!.forEach((x, i) => {
        expect(Math.abs(x - gradient[i]!)).toBeLessThan(2e-5 * scale);
      });
    }
    await whole.release();
    await split.release();
  });

  it('may be fewer than announced, not more', async () => {
    const step = await oneWeight({ accumulate: 2 });
    expect((await step.run([two(1, 1)], 0)).gradNorm).toBeCloseTo(Math.SQRT2);
    expect((await step.run([two(1, 1), two(3, 3)], 0)).gradNorm).toBeCloseTo(2 * Math.SQRT2);
    expect((await step.run(two(1, 1), 0)).gradNorm).toBeCloseTo(Math.SQRT2);
    await expect(step.run([two(1, 1), two(1, 1), two(1, 1)], 0)).rejects.toThrow(UsageError);
    await step.release();
  });

  it('each move the running statistics, as PyTorch averages them', async () => {
    const start = { mean: 5, variance: 2, scale: 1, bias: 0 };
    const source = new Graph('norm');
    const parameter = (name: string) => source.parameter(name, [1]);
    const [scale, bias, mean, variance] = ['scale', 'bias', 'mean', 'variance'].map(parameter);
    const y = ops.batchNorm(source.input('x', ['N', 1, 1, 2]), scale!, bias!, mean!, variance!, 1e-5);
    source.output('y', y);
    const graph = new Graph('step');
    const x = graph.input('x', [2, 1, 1, 2]);
    const { outputs, statistics } = trainingCopy(graph, source, x, { batch: 2 });
    const loss = ops.sum(outputs.get('y')!, [0, 1, 2, 3]);
    const trainable = [graph.parameter('scale', [1])];
    const step = await TrainStep.compile(
      { graph, loss, trainable, statistics },
      {
        bind: ({ name }) => ({ data: Float32Array.of(start[name as keyof typeof start]), dtype: 'float32' }),
        optimizer: { name: 'sgd' },
        accumulate: 2,
      },
    );
    const four = (...numbers: number[]) => ({ x: { data: Float32Array.from(numbers), dims: [2, 1, 1, 2] } });
    await step.run([four(1, 2, 3, 6), four(0, 0, 4, 4)], 0);
    const running = step.tensors();
    // Means 3 and 2; unbiased variances 14/3 and 16/3; momentum 0.1.
    expect(running.get('mean')![0]).toBeCloseTo((5 * 0.9 + 0.3) * 0.9 + 0.2, 5);
    expect(running.get('variance')![0]).toBeCloseTo((2 * 0.9 + 1.4 / 3) * 0.9 + 1.6 / 3, 5);
    await step.release();
  });
});

describe('a step', () => {
  it('starts from the numbers that are bound, and gives them out', async () => {
    const step = await oneWeight();
    expect([...step.tensors().get('w')!]).toEqual([1, 2]);
    const { loss, metrics } = await step.run(two(10, 100), 0.5);
    expect(loss).toBe(210);
    expect([...metrics.product!.data]).toEqual([2, 4]);
    expect([...step.tensors().get('w')!]).toEqual([1 - 5, 2 - 50]);
    await step.release();
  });

  it('clips the gradients by their norm and reports the norm as it was', async () => {
    const step = await oneWeight({ clipGradNorm: 1 });
    const { gradNorm } = await step.run(two(3, 4), 1);
    expect(gradNorm).toBeCloseTo(5);
    const [a, b] = step.tensors().get('w')!;
    expect(a).toBeCloseTo(1 - 0.6, 6);
    expect(b).toBeCloseTo(2 - 0.8, 6);
    await step.release();
  });

  it('follows factors by tensor', async () => {
    const { program, bind } = autoencoderProgram(2);
    const step = await TrainStep.compile(program, {
      bind,
      optimizer: { name: 'sgd' },
      groups: (name) => (name.startsWith('encoder') ? { lrFactor: 0 } : {}),
    });
    const before = snapshot(step).tensors;
    await step.run(batch(1, 2), 0.1);
    for (const [name, numbers] of step.tensors()) {
      const same = numbers.every((x, i) => x === before.get(name)![i]);
      expect(same, name).toBe(name.startsWith('encoder'));
    }
    await step.release();
  });

  it('leaves everything as it is when the loss or a gradient is not finite', async () => {
    const step = await autoencoderStep(2);
    await step.run(batch(1, 2), 1e-3);
    const before = snapshot(step);
    const bad = batch(2, 2);
    bad.x.data[7] = Number.NaN;
    expect((await step.run(bad, 1e-3)).loss).toBeNaN();
    expect(step.state()).toEqual(before);
    const inf = await oneWeight();
    const { loss, gradNorm } = await inf.run(two(Infinity, 1), 1);
    expect([loss, gradNorm]).toEqual([Infinity, Infinity]);
    expect([...inf.tensors().get('w')!]).toEqual([1, 2]);
    await step.release();
    await inf.release();
  });

  it.each([1, 2])('gives the same bits again on %d threads, also over a state', async (threads) => {
    const run = async (step: TrainStep, from: number, to: number) => {
      const losses: number[] = [];
      for (let i = from; i < to; i++) losses.push((await step.run(batch(i, 4), 1e-3)).loss);
      return losses;
    };
    const first = await autoencoderStep(4, { threads });
    const losses = await run(first, 0, 3);
    const state = snapshot(first);
    losses.push(...(await run(first, 3, 6)));
    const second = await autoencoderStep(4, { threads });
    second.restore(state);
    expect(await run(second, 3, 6)).toEqual(losses.slice(3));
    expect(second.state()).toEqual(first.state());
    const third = await autoencoderStep(4, { threads });
    expect(await run(third, 0, 6)).toEqual(losses);
    await Promise.all([first, second, third].map((s) => s.release()));
  });

  it('refuses what cannot be', async () => {
    const step = await oneWeight();
    await expect(step.run({ x: { data: new Float32Array(3), dims: [3] } }, 0)).rejects.toThrow(RuntimeError);
    const { tensors, slots } = snapshot(step);
    expect(() => step.restore({ stepCount: 1, tensors: new Map(), slots })).toThrow(/"w": expected 2/);
    tensors.set('v', new Float32Array(1));
    expect(() => step.restore({ stepCount: 1, tensors, slots })).toThrow(/"v"/);
    await expect(oneWeight({ accumulate: 0 })).rejects.toThrow(UsageError);
    await expect(oneWeight({ clipGradNorm: 0 })).rejects.toThrow(UsageError);
    await step.release();
  });
});

describe('a session', () => {
  it('takes parameters with every run and writes into given arrays', async () => {
    const graph = new Graph('fed');
    const w = graph.parameter('w', [2]);
    const b = graph.parameter('b', [2]);
    graph.output('y', ops.add(ops.mul(graph.input('x', [2]), w), b));
    const bind = () => ({ data: Float32Array.of(10, 20), dtype: 'float32' as const });
    const session = await openSession(graph, bind, { inline: true, fed: [w] });
    const block = new Float32Array(64);
    const y = block.subarray(16, 18);
    await session.run(
      { ...two(3, 4), w: { data: Float32Array.of(2, 3), dims: [2] } },
      { y: { data: y, dims: [2] } },
    );
    expect([...block.subarray(15, 19)]).toEqual([0, 16, 32, 0]);
    await session.release();
    const worker = await openSession(graph, bind, { fed: [w] });
    const feeds = { ...two(3, 4), w: { data: uniform(1, 2), dims: [2] } };
    await expect(worker.run(feeds, { y: { data: y, dims: [2] } })).rejects.toThrow(
      /cannot write into arrays/,
    );
    await worker.release();
  });
});
