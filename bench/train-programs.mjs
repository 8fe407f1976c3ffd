// The networks that the training benchmark steps, ours as programs of a TrainStep.
import { Graph, ops, trainingCopy } from '../dist/graph/index.js';
import { autoencoder } from '../dist/models/autoencoder.js';
import { referenceAutoencoder } from '../dist/models/autoencoder-config.js';
import { backboneConfig } from '../dist/models/backbones.js';
import { Random } from '../dist/random.js';

const size = (shape) => shape.reduce((a, b) => a * b, 1);

/** Uniform in low..high. */
export function numbers(shape, low = 0, high = 1, seed = 1) {
  const random = new Random(seed, 'bench');
  return { data: Float32Array.from({ length: size(shape) }, () => random.uniform(low, high)), dims: shape };
}

/** Starting numbers as PyTorch's layers draw them. */
const bind = ({ name, shape }) => {
  const bound = 1 / Math.sqrt(size(shape.slice(1)));
  const constant = /running_var|bn\d\.weight|downsample\.1\.weight/.test(name) ? 1 : 0;
  const data =
    shape.length > 1 ? numbers(shape, -bound, bound).data : new Float32Array(size(shape)).fill(constant);
  return { data, dtype: 'float32' };
};

/** The reference autoencoder, 3 × 64 × 64, mean squared error. */
export function autoencoderProgram(batch) {
  const graph = new Graph('autoencoder');
  const x = graph.input('x', [batch, 3, 64, 64]);
  const { outputs } = trainingCopy(graph, autoencoder.image(referenceAutoencoder), x, { batch });
  const loss = ops.mean(ops.square(ops.sub(outputs.get('reconstruction'), x)), [0, 1, 2, 3]);
  const program = { graph, loss, trainable: [...graph.parameters.values()], statistics: [] };
  return { program, bind, feeds: { x: numbers([batch, 3, 64, 64]) } };
}

/** Linear 1000 → 128 on both images of a pair, contrastive loss (Hadsell et al., 2006), margin 1. */
export function headProgram(batch) {
  const graph = new Graph('head');
  const a = graph.input('a', [batch, 1000]);
  const b = graph.input('b', [batch, 1000]);
  const same = graph.input('same', [batch]);
  const weight = graph.parameter('weight', [128, 1000]);
  const bias = graph.parameter('bias', [128]);
  const difference = ops.sub(ops.linear(a, weight, bias), ops.linear(b, weight, bias));
  const squared = ops.sum(ops.square(difference), [1]);
  const hinge = ops.relu(ops.sub(graph.scalar(1), ops.sqrt(ops.add(squared, 1e-12))));
  const apart = ops.mul(ops.sub(graph.scalar(1), same), ops.square(hinge));
  const loss = ops.mean(ops.add(ops.mul(same, squared), apart), [0]);
  const feeds = {
    a: numbers([batch, 1000]),
    b: numbers([batch, 1000], 0, 1, 2),
    same: { data: numbers([batch]).data.map(Math.round), dims: [batch] },
  };
  return { program: { graph, loss, trainable: [weight, bias], statistics: [] }, bind, feeds };
}

/** All of ResNet-18, batch norm in training mode, cross entropy over its 1000 classes. */
export function resnetProgram(batch, px) {
  const graph = new Graph('resnet18');
  const x = graph.input('x', [batch, 3, px, px]);
  const target = graph.input('target', [batch, 1000]);
  const source = backboneConfig('resnet18', { inputSize: px, classes: 1000 }).image();
  const { outputs, statistics } = trainingCopy(graph, source, x, { batch });
  const scores = ops.sum(ops.mul(ops.logSoftmax(outputs.get('logits')), target), [1]);
  const loss = ops.neg(ops.mean(scores, [0]));
  const trainable = [...graph.parameters.values()].filter((p) => !p.name.includes('running_'));
  const oneHot = new Float32Array(batch * 1000);
  for (let i = 0; i < batch; i++) oneHot[i * 1000 + ((i * 37) % 1000)] = 1;
  const feeds = { x: numbers([batch, 3, px, px]), target: { data: oneHot, dims: [batch, 1000] } };
  return { program: { graph, loss, trainable, statistics }, bind, feeds };
}
