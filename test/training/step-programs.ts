/** @file The programs that the tests of training steps compile, with numbers drawn as test/fixtures/training/make_step.py draws them. */
import { type Bind, Graph, ops, type Tensor, trainingCopy } from '#src/graph/index.js';
import { autoencoder } from '#src/models/autoencoder.js';
import { referenceAutoencoder } from '#src/models/autoencoder-config.js';
import { backboneConfig } from '#src/models/backbones.js';
import type { StepProgram } from '#src/training/step.js';

/** 24 bits for each number of a counter: the finaliser of MurmurHash3. */
function hash(seed: number, count: number, use: (bits: number, i: number) => void): void {
  const start = Number((BigInt(seed) * 0x9e3779b9n) & 0xffffffffn);
  for (let i = 0; i < count; i++) {
    let h = (start + i) | 0;
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    use((h ^ (h >>> 16)) >>> 8, i);
  }
}

/** Uniform in offset ± scale. */
export function uniform(seed: number, count: number, scale = 1, offset = 0): Float32Array {
  const numbers = new Float32Array(count);
  hash(seed, count, (bits, i) => {
    numbers[i] = offset + scale * (bits / 2 ** 23 - 1);
  });
  return numbers;
}

/** A tensor's length and its products with eight vectors of signs. */
export function describeTensor(values: Float32Array): number[] {
  const result = [Math.sqrt(values.reduce((s, x) => s + x * x, 0))];
  for (let k = 0; k < 8; k++) {
    let product = 0;
    hash(7000 + k, values.length, (bits, i) => {
      product += bits < 2 ** 23 ? -values[i]! : values[i]!;
    });
    result.push(product);
  }
  return result;
}

const size = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

export const images = (seed: number, dims: readonly number[], scale: number, offset: number): Tensor => ({
  data: uniform(seed, size(dims), scale, offset),
  dims,
});

/** The reference autoencoder under the mean squared error. */
export function autoencoderProgram(batch: number): { program: StepProgram; bind: Bind } {
  const graph = new Graph('step');
  const x = graph.input('x', [batch, 3, 64, 64]);
  const source = autoencoder.image(referenceAutoencoder);
  const { outputs, statistics } = trainingCopy(graph, source, x, { batch });
  const loss = ops.mean(ops.square(ops.sub(outputs.get('reconstruction')!, x)), [0, 1, 2, 3]);
  const trainable = [...graph.parameters.values()];
  const names = trainable.map((p) => p.name).sort();
  const bind: Bind = ({ name, shape }) => {
    const fan = size(shape.slice(1));
    const scale = shape.length > 1 ? 1 / Math.sqrt(fan) : 0.05;
    return { data: uniform(100 + names.indexOf(name), size(shape), scale), dtype: 'float32' };
  };
  return { program: { graph, loss, trainable, statistics }, bind };
}

/** ResNet-18 under the mean squared error of its logits, batch norm in training mode. */
export function resnetProgram(batch: number, px: number, seed: number): { program: StepProgram; bind: Bind } {
  const graph = new Graph('step');
  const x = graph.input('x', [batch, 3, px, px]);
  const target = graph.input('target', [batch, 1000]);
  const source = backboneConfig('resnet18', { inputSize: px, classes: 1000 }).image();
  const { outputs, statistics } = trainingCopy(graph, source, x, { batch });
  const loss = ops.mean(ops.square(ops.sub(outputs.get('logits')!, target)), [0, 1]);
  const trainable = [...graph.parameters.values()].filter((p) => !p.name.includes('running_'));
  const names = trainable.map((p) => p.name).sort();
  const bind: Bind = ({ name, shape }) => {
    const constant = name.endsWith('running_mean') ? 0 : name.endsWith('running_var') ? 1 : undefined;
    if (constant !== undefined)
      return { data: new Float32Array(size(shape)).fill(constant), dtype: 'float32' };
    const key = 1000 * seed + names.indexOf(name);
    const data =
      shape.length > 1
        ? uniform(key, size(shape), Math.sqrt(3 / size(shape.slice(1))))
        : uniform(key, size(shape), 0.2, name.endsWith('weight') ? (name.includes('bn2') ? 0.25 : 1) : 0);
    return { data, dtype: 'float32' };
  };
  return { program: { graph, loss, trainable, statistics }, bind };
}
