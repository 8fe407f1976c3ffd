/**
 * @file The gradients of all parameters of whole networks, copied for training as a training step does, against
 * PyTorch's in float64 (fixtures/graph/make_gradients_networks.py).
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Graph, gradients, openSession, ops, type Tensor, trainingCopy } from '#src/graph/index.js';
import type { Architecture, OutputName } from '#src/models/architecture.js';
import { autoencoder } from '#src/models/autoencoder.js';
import { resnet } from '#src/models/resnet.js';
import { vit } from '#src/models/vit.js';

/** Some elements of a tensor, at hashed places, the largest one and the Euclidean length. */
interface Sampled {
  length: number;
  largest: number;
  samples: number[];
}
interface Network {
  architecture: string;
  config?: Record<string, unknown>;
  output: OutputName;
  input: number[];
  frozen?: boolean;
  seed: number;
  loss: number;
  /** The recipe is [scale, offset]. */
  tensors: Record<string, { shape: number[]; recipe: [number, number] }>;
  gradients: Record<string, Sampled>;
  running: Record<string, Sampled>;
}
const networks = JSON.parse(
  readFileSync(new URL('../fixtures/graph/gradients-networks.json', import.meta.url), 'utf8'),
) as Record<string, Network>;
const architectures: Record<string, Architecture<unknown>> = { autoencoder, resnet, vit };

/** As `hashed` in the script. */
function hashed(seed: number, i: number): number {
  let h = (i + Math.imul(seed, 0x9e3779b9)) >>> 0;
  h ^= h >>> 16;
  h = Math.imul(h, 0x21f0aaad);
  h ^= h >>> 15;
  h = Math.imul(h, 0x735a2d97);
  return (h ^ (h >>> 15)) >>> 0;
}

/** As `numbers` in the script. */
function numbers(seed: number, shape: readonly number[], scale: number, offset = 0): Tensor {
  const length = shape.reduce((n, d) => n * d, 1);
  const data = Float32Array.from({ length }, (_, i) => {
    return ((hashed(seed, i) >>> 16) / 32768 - 1) * scale + offset;
  });
  return { data, dims: shape };
}

/** How far a tensor is from what was sampled: in its samples, in units of the largest element, and in its length. */
function distance(found: Float32Array, { length, largest, samples }: Sampled, index: number): number {
  const apart = samples.map((x, i) => Math.abs(x - found[hashed(7_000_000 + index, i) % found.length]!));
  const square = found.reduce((sum, x) => sum + x * x, 0);
  return Math.max(Math.max(...apart) / largest, Math.abs(Math.sqrt(square) / length - 1));
}

describe('gradients of whole networks equal those of PyTorch in float64', () => {
  it.each(Object.entries(networks))('%s', async (name, network) => {
    const { tensors, seed, input } = network;
    const shapes = new Map(Object.entries(tensors));
    const architecture = architectures[network.architecture]!;
    const config = architecture.configure(network.config ?? null, shapes);
    const sized = architecture.resize?.(config, { height: input[2]!, width: input[3]! }) ?? config;

    const graph = new Graph(name);
    const pixels = graph.input('pixels', input);
    const { outputs, statistics } = trainingCopy(graph, architecture.image(sized), pixels, {
      batch: input[0]!,
      batchNorm: () => (network.frozen ? 'frozen' : 'batch'),
    });
    const y = outputs.get(network.output)!;
    const axes = [...y.shape.keys()];
    const dy = graph.input('dy', y.shape);
    const loss =
      network.output === 'reconstruction'
        ? ops.mean(ops.square(ops.sub(y, pixels)), axes)
        : ops.sum(ops.mul(y, dy), axes);
    graph.output('loss', loss);
    const trained = Object.keys(network.gradients).map((n) => graph.parameters.get(n)!);
    gradients(loss, trained).forEach((g, i) => {
      graph.output(`gradient:${trained[i]!.name}`, g);
    });
    for (const { mean, variance, runningMean, runningVariance } of statistics) {
      graph.output(`running:${runningMean}`, mean);
      graph.output(`running:${runningVariance}`, variance);
    }

    const order = Object.keys(tensors);
    const filled = (n: string) =>
      numbers(1000 * seed + order.indexOf(n), tensors[n]!.shape, ...tensors[n]!.recipe);
    const session = await openSession(
      graph,
      (p) => ({ data: filled(p.name).data as Float32Array, dtype: 'float32' }),
      { inline: true, threads: 2, fed: trained },
    );
    const feeds: Record<string, Tensor> = { pixels: numbers(1000 * seed + 998, input, 0.5, 0.5) };
    if (session.inputs.some((i) => i.name === 'dy'))
      feeds.dy = numbers(1000 * seed + 999, y.shape as number[], 1);
    for (const p of trained) feeds[p.name] = filled(p.name);
    const found = await session.run(feeds);
    await session.release();

    const apart = Math.abs((found.loss!.data[0] as number) - network.loss);
    expect(apart / Math.max(1, Math.abs(network.loss))).toBeLessThan(1e-5);
    const worst = { name: '', distance: 0 };
    const compare = (what: string, n: string, expected: Sampled, data: Float32Array) => {
      const d = distance(data, expected, order.indexOf(n));
      if (!(d <= worst.distance)) Object.assign(worst, { name: `${what} ${n}`, distance: d });
    };
    for (const [n, expected] of Object.entries(network.gradients))
      compare('gradient', n, expected, found[`gradient:${n}`]!.data as Float32Array);
    expect(statistics.length * 2).toBe(Object.keys(network.running).length);
    for (const [n, expected] of Object.entries(network.running)) {
      const before = filled(n).data as Float32Array;
      const measured = found[`running:${n}`]!.data as Float32Array;
      compare(
        'running',
        n,
        expected,
        before.map((x, i) => 0.9 * x + 0.1 * measured[i]!),
      );
    }
    expect(worst.distance, worst.name).toBeLessThan(1e-5);
  });
});
