/**
 * @file Reconstruction losses against PyTorch and pytorch_msssim in float64, with gradients
 * (fixtures/training/losses/make_reconstruction.py).
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { GraphError, UsageError } from '#src/errors.js';
import { Graph } from '#src/graph/index.js';
import {
  klDivergence,
  type ReconstructionLoss,
  reconstructionErrors,
  reconstructionLoss,
} from '#src/training/losses/index.js';
import { compute, deviation, type Packed, unpack } from './compute.js';

interface Case {
  target: Packed;
  output: Packed;
  losses: Record<string, { value: number; gradient: Packed; perImage: number[] }>;
}
const { cases, divergences } = JSON.parse(
  readFileSync(new URL('../../fixtures/training/losses/reconstruction.json', import.meta.url), 'utf8'),
) as {
  cases: Case[];
  divergences: { mean: Packed; logVariance: Packed; value: number; gradients: Packed[] }[];
};
const tensor = (p: Packed) => ({ shape: p.shape, data: unpack(p) });
const LOSSES: [string, ReconstructionLoss][] = [
  ['mse', 'mse'],
  ['l1', 'l1'],
  ['ssim', 'ssim'],
  ['mix', { ssim: 0.84, l1: 0.16 }],
];

describe.each(cases.map((c) => [c.output.shape.join(' × '), c] as const))('images %s', (_, c) => {
  it.each(LOSSES)('%s', async (name, loss) => {
    const expected = c.losses[name]!;
    const result = await compute([tensor(c.output), tensor(c.target)], ([output, target]) =>
      reconstructionLoss(loss, output!, target!),
    );
    expect(deviation([result.value], [expected.value])).toBeLessThan(1e-5);
    expect(deviation(result.gradients[0]!, unpack(expected.gradient))).toBeLessThan(1e-5);
  });

  it.each(LOSSES)('%s for each image', async (name, loss) => {
    const { perImage } = c.losses[name]!;
    for (const [i, error] of perImage.entries()) {
      const { value } = await compute(
        [tensor(c.output), tensor(c.target)],
        ([output, target], graph) =>
          graph.node('Gather', [reconstructionErrors(loss, output!, target!), graph.ints([i])], [1]),
        { differentiate: false },
      );
      expect(deviation([value], [error])).toBeLessThan(1e-5);
    }
  });
});

it.each(divergences)('the divergence from a standard normal distribution', async (c) => {
  const result = await compute([tensor(c.mean), tensor(c.logVariance)], ([mean, logVariance]) =>
    klDivergence(mean!, logVariance!),
  );
  expect(deviation([result.value], [c.value])).toBeLessThan(1e-5);
  c.gradients.forEach((g, i) => {
    expect(deviation(result.gradients[i]!, unpack(g))).toBeLessThan(1e-5);
  });
});

it('is zero between equal images, with a gradient of zero', async () => {
  const x = tensor(cases[0]!.target);
  for (const [, loss] of LOSSES) {
    const { value, gradients } = await compute([x, x], ([a, b]) => reconstructionLoss(loss, a!, b!));
    expect(value).toBeCloseTo(0, 6);
    for (const g of gradients[0]!) expect(Math.abs(g)).toBeLessThan(1e-6);
  }
});

describe('refusals', () => {
  const graph = new Graph();
  const x = graph.input('x', [2, 3, 16, 16]);
  const small = graph.input('small', [2, 3, 16, 8]);
  it('shapes', () => {
    expect(() => reconstructionLoss('mse', x, small)).toThrow(GraphError);
    expect(() => reconstructionLoss('ssim', small, small)).toThrow(/at least 11 × 11/);
    expect(() => klDivergence(x, x)).toThrow(GraphError);
  });
  it.each([['l2'], [{}], [{ mse: 0 }], [{ mse: -1 }], [{ mse: 1, psnr: 2 }]])('%j', (loss) => {
    expect(() => reconstructionLoss(loss as ReconstructionLoss, x, x)).toThrow(UsageError);
  });
  it('a batch of any size is fine where one error an image is asked for', () => {
    const free = graph.input('free', ['N', 3, 16, 16]);
    expect(reconstructionErrors({ ssim: 0.5, mse: 0.5 }, free, free).shape).toEqual(['N']);
  });
});
