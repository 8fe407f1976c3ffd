/**
 * @file SGD, Adam and AdamW against PyTorch's own steps (`test/fixtures/training/optim/make_optim.py`), and what else the
 * arena promises.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { clipFactor, Optimizer, type OptimizerOptions } from '#src/training/optim/optimizer.js';
import { schedule } from '#src/training/optim/schedule.js';

interface Case {
  options: OptimizerOptions & { clipNorm?: number; clipValue?: number; groups?: boolean; schedule?: boolean };
  snapshots: Record<string, string>;
  slots: Record<string, string>;
  norms?: number[];
}
const fixture = JSON.parse(
  readFileSync(new URL('../fixtures/training/optim/optimizers.json', import.meta.url), 'utf8'),
) as { tensors: Record<string, number>; start: string; gradients: string[]; cases: Record<string, Case> };

const numbers = (base64: string) => new Float32Array(Uint8Array.from(Buffer.from(base64, 'base64')).buffer);
const TENSORS = Object.entries(fixture.tensors).map(([name, length]) => ({ name, length }));

/** The largest difference, relative to the number expected, or to 0.1 where that is smaller (a number passing zero). */
function difference(actual: Float32Array, expected: Float32Array): number {
  expect(actual.length).toBe(expected.length);
  let worst = 0;
  for (let i = 0; i < actual.length; i++) {
    const d = Math.abs(actual[i]! - expected[i]!) / Math.max(Math.abs(expected[i]!), 0.1);
    worst = Math.max(worst, Number.isNaN(d) ? Infinity : d);
  }
  return worst;
}

/** Writes `flat`, all tensors one after the other, through the views that `view` gives. */
function scatter(flat: Float32Array, view: (name: string) => Float32Array): void {
  let at = 0;
  for (const { name, length } of TENSORS) {
    view(name).set(flat.subarray(at, at + length));
    at += length;
  }
}

const gather = (optimizer: Optimizer) =>
  Float32Array.from(TENSORS.flatMap(({ name }) => [...optimizer.parameter(name)]));

function make({ groups, ...options }: Case['options']): Optimizer {
  const tensors = TENSORS.map((t) => ({
    ...t,
    ...(groups && t.name === 'bias' ? { lrFactor: 10 } : {}),
    ...(groups && t.name === 'gain' ? { weightDecay: 0 } : {}),
  }));
  const optimizer = new Optimizer(tensors, options);
  scatter(numbers(fixture.start), (name) => optimizer.parameter(name));
  return optimizer;
}

describe('steps equal PyTorch', () => {
  it.each(Object.entries(fixture.cases))('%s', (_, { options, snapshots, slots, norms }) => {
    const optimizer = make(options);
    const factor = options.schedule
      ? schedule({ name: 'cosine', warmupSteps: 15 }, fixture.gradients.length)
      : () => 1;
    fixture.gradients.forEach((gradient, i) => {
      scatter(numbers(gradient), (name) => optimizer.gradient(name));
      const norm = optimizer.gradNorm();
      if (norms) expect(norm / norms[i]!).toBeCloseTo(1, 6);
      optimizer.step((options.lr ?? 1e-3) * factor(i), {
        ...(options.clipNorm === undefined ? {} : { scale: clipFactor(norm, options.clipNorm) }),
        clipValue: options.clipValue,
      });
      const snapshot = snapshots[i + 1];
      if (snapshot) expect(difference(gather(optimizer), numbers(snapshot))).toBeLessThan(1e-6);
    });
    expect([...optimizer.slots().keys()].sort()).toEqual(Object.keys(slots).sort());
    for (const [name, view] of optimizer.slots())
      expect(difference(view, numbers(slots[name]!))).toBeLessThan(1e-6);
  });
});

describe('arena', () => {
  const random = (length: number) =>
    Float32Array.from({ length }, (_, i) => Math.fround(Math.sin(i * 12.9898)));

  it('continues to the same bits from slots and step count', () => {
    const options: OptimizerOptions = { name: 'adam', lr: 0.01 };
    const straight = make(options);
    const first = make(options);
    const run = (optimizer: Optimizer, from: number, to: number) => {
      for (const gradient of fixture.gradients.slice(from, to)) {
        scatter(numbers(gradient), (name) => optimizer.gradient(name));
        optimizer.step(0.01);
      }
    };
    run(straight, 0, 40);
    run(first, 0, 17);
    const second = make(options);
    scatter(gather(first), (name) => second.parameter(name));
    for (const [name, view] of second.slots()) view.set(first.slots().get(name)!);
    second.stepCount = first.stepCount;
    run(second, 17, 40);
    expect(gather(second)).toEqual(gather(straight));
  });

  it('sums micro-batches in float32 and takes their mean by the scale of the step', () => {
    const parts = [random(37), random(37).map((x) => x * 3 + 1), random(37).map((x) => x - 0.2)];
    const optimizer = new Optimizer(
      [{ name: 'w', length: 37 }],
      { name: 'sgd', lr: 1 },
      { accumulate: true },
    );
    optimizer.parameter('w').fill(2);
    optimizer.zeroGrad();
    for (const part of parts) {
      optimizer.incomingGradient('w').set(part);
      optimizer.accumulate();
    }
    const sum = parts[0]!
      .map((x, i) => Math.fround(x + parts[1]![i]!))
      .map((x, i) => Math.fround(x + parts[2]![i]!));
    expect(optimizer.gradient('w')).toEqual(sum);
    optimizer.step(1, { scale: 1 / 3 });
    expect(optimizer.parameter('w')).toEqual(
      sum.map((x) => Math.fround(2 - Math.fround(x * Math.fround(1 / 3)))),
    );
    expect(new Optimizer([{ name: 'w', length: 3 }], { name: 'sgd' }).accumulate).toThrow();
  });

  it('sees one number that is not finite', () => {
    const optimizer = new Optimizer(
      [
        { name: 'a', length: 5 },
        { name: 'b', length: 1000 },
      ],
      { name: 'adam' },
    );
    expect(optimizer.gradNorm()).toBe(0);
    optimizer.gradient('b').fill(3e38); // the square of which float32 could not hold
    expect(optimizer.gradNorm() / (3e38 * Math.sqrt(1000))).toBeCloseTo(1, 6);
    optimizer.gradient('b')[999] = Number.NaN;
    expect(optimizer.gradNorm()).toBeNaN();
    optimizer.gradient('b')[999] = -Infinity;
    expect(optimizer.gradNorm()).toBe(Infinity);
  });

  it('keeps tensors apart and its views valid', () => {
    const tensors = [1, 15, 16, 17, 1000].map((length, i) => ({ name: `t${i}`, length }));
    const optimizer = new Optimizer(tensors, { name: 'adam' });
    const views = tensors.flatMap(({ name }) => [optimizer.parameter(name), optimizer.gradient(name)]);
    views.push(...optimizer.slots().values());
    views.forEach((view, i) => {
      view.fill(i + 1);
      expect(view.byteOffset % 64).toBe(0);
    });
    views.forEach((view, i) => {
      expect(view.every((x) => x === i + 1)).toBe(true);
    });
    optimizer.scaleGradients(2);
    expect(views[1]![0]).toBe(4);
    expect(views[2]![0]).toBe(3);
    optimizer.zeroGrad();
    expect(views[1]![0]).toBe(0);
    expect(views[0]![0]).toBe(1);
  });

  it('refuses what cannot be', () => {
    const w = { name: 'w', length: 8 };
    const make =
      (options: OptimizerOptions, tensors = [w]) =>
      () =>
        new Optimizer(tensors, options);
    expect(make({ name: 'sgd', nesterov: true })).toThrow(/nesterov: expected a momentum above 0/);
    expect(make({ name: 'adam', betas: [0.9, 1] })).toThrow(/betas: expected two numbers from 0 to below 1/);
    expect(make({ name: 'adamw', lr: -1 })).toThrow(/lr: expected a number of at least 0 but received -1/);
    expect(make({ name: 'rmsprop' as 'sgd' })).toThrow(/expected sgd, adam or adamw but received rmsprop/);
    expect(make({ name: 'sgd' }, [w, w])).toThrow(/"w" is to be trained twice/);
    expect(make({ name: 'adam' }, [{ name: 'w', length: 3e8 }])).toThrow(
      /300.0 million numbers takes 4.5 GiB.*at most 4 GiB/,
    );
    expect(() => new Optimizer([w], { name: 'sgd' }).gradient('v')).toThrow(/"v" is not among those/);
  });
});
