/** @file Training steps of the reference networks against PyTorch in float64 (test/fixtures/training/make_step.py). */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { TrainStep } from '#src/training/step.js';
import { autoencoderProgram, describeTensor, images, resnetProgram } from './step-programs.js';

interface Expected {
  autoencoder: { losses: number[]; tensors: Record<string, number[]> };
  resnet: {
    seed: number;
    loss: number;
    gradients: Record<string, number[]>;
    running: Record<string, number[]>;
  };
}

const fixture = new URL('../fixtures/training/step.json', import.meta.url);
const expected = JSON.parse(readFileSync(fixture, 'utf8')) as Expected;

/** The length of the error in lengths of the tensor, estimated from its products with random signs (Johnson–Lindenstrauss). */
function difference(values: Float32Array, described: readonly number[]): number {
  const [length, ...products] = describeTensor(values).map((x, i) => x - described[i]!) as [
    number,
    ...number[],
  ];
  const estimate = Math.sqrt(products.reduce((sum, x) => sum + x * x, 0) / products.length);
  return Math.max(Math.abs(length), estimate) / described[0]!;
}

describe('a step', () => {
  it("follows PyTorch's Adam on the reference autoencoder for 20 steps", async () => {
    const { program, bind } = autoencoderProgram(8);
    const step = await TrainStep.compile(program, { bind, optimizer: { name: 'adam' }, threads: 2 });
    const losses: number[] = [];
    for (let i = 0; i < 20; i++) {
      const x = images(200 + i, [8, 3, 64, 64], 0.5, 0.5);
      losses.push((await step.run({ x }, 1e-3)).loss);
    }
    losses.forEach((loss, i) => {
      expect(Math.abs(loss / expected.autoencoder.losses[i]! - 1)).toBeLessThan(1e-5);
    });
    for (const [name, numbers] of step.tensors())
      expect(difference(numbers, expected.autoencoder.tensors[name]!)).toBeLessThan(1e-4);
    await step.release();
  });

  it('has the gradients and batch statistics of a whole ResNet-18', async () => {
    const { seed, loss, gradients, running } = expected.resnet;
    const { program, bind } = resnetProgram(4, 64, seed);
    // After one step the momentum is the gradient itself.
    const optimizer = { name: 'sgd', momentum: 0.9 } as const;
    const step = await TrainStep.compile(program, { bind, optimizer, threads: 2 });
    const feeds = {
      x: images(1000 * seed + 900, [4, 3, 64, 64], 2, 0),
      target: images(1000 * seed + 901, [4, 1000], 1, 0),
    };
    const result = await step.run(feeds, 0);
    expect(Math.abs(result.loss / loss - 1)).toBeLessThan(1e-6);
    const { slots, tensors } = step.state();
    expect(slots.size).toBe(Object.keys(gradients).length);
    for (const [name, described] of Object.entries(gradients))
      expect(difference(slots.get(`${name}.momentum_buffer`)!, described), name).toBeLessThan(5e-6);
    for (const [name, described] of Object.entries(running))
      expect(difference(tensors.get(name)!, described), name).toBeLessThan(2e-6);
    await step.release();
  });
});
