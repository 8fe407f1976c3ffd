/**
 * @file A network with one hidden layer of rectified units (Rumelhart, Hinton & Williams, 1986) for classes.
 *
 * Minimises the mean weighted cross-entropy + |coefficients|² / (2 · C · n), the objective of logistic regression, by
 * Adam (Kingma & Ba, 2015) over batches. A tenth of the items is held out; what did best on them is kept (early stopping,
 * Prechelt, 1998). The vectors are centred and scaled to a variance of 1, which the first layer takes in afterwards.
 */
import { Graph, gradients, openSession, ops, type Session } from '../../graph/index.js';
import { Random } from '../../random.js';
import type { FitInput } from './classifier.js';
import { centreOf } from './moments.js';
import { openLayers, type Scorer, type Tensors } from './scorer.js';
import { partOf, splitsOf } from './splits.js';

const BATCH = 256;
const RATE = 1e-3;
const MOST_EPOCHS = 300;
/** Epochs without a better loss on the held-out items after which it ends. */
const PATIENCE = 15;
/** Adam's decay of the two moments, and what keeps the division sound. */
const [DECAY_1, DECAY_2, EPSILON] = [0.9, 0.999, 1e-8];

export async function fitMlp(input: FitInput): Promise<Scorer> {
  const { vectors, regularization, seed, options } = input;
  const { hidden = 128 } = options;
  const { mean, deviation } = centreOf(vectors);
  const { dimension } = vectors;
  const data = vectors.data.map((x, i) => (x - mean[i % dimension]!) / deviation);
  const scaled: FitInput = { ...input, vectors: { data, dimension } };
  const [split] = splitsOf(scaled, 10);
  const training = split ? partOf(scaled, split.train) : scaled;
  const held = split ? partOf(scaled, split.test) : undefined;
  const batch = Math.min(BATCH, training.labels.length);
  const session = await openStep(dimension, hidden, input.classes, batch, options.session);
  try {
    const weights = initial(dimension, hidden, input.classes, seed);
    const adam = new Adam(weights);
    let best = { loss: Number.POSITIVE_INFINITY, epoch: 0, tensors: weights };
    const decay = 1 / (regularization * training.labels.length);
    for (let epoch = 1; epoch <= MOST_EPOCHS && epoch - best.epoch <= PATIENCE; epoch++) {
      const order = new Random(seed, 'mlp-order', epoch).shuffle(training.labels.map((_, i) => i));
      let loss = 0;
      for (let first = 0; first < order.length; first += batch) {
        options.signal?.throwIfAborted();
        const step = await run(session, training, order.subarray(first, first + batch), weights, batch);
        loss += step.loss / order.length;
        adam.step(step.gradients, decay);
      }
      if (held) loss = await lossOf(session, held, weights, batch);
      if (loss < best.loss) best = { loss, epoch, tensors: copyOf(weights) };
    }
    const tensors = plain(best.tensors, mean, deviation);
    const config = { regularization, hidden, epochs: best.epoch };
    return await openLayers(['linear', 'relu', 'linear'], tensors, config, options.session);
  } finally {
    await session.release();
  }
}

/** He's initialisation (2015). */
function initial(dimension: number, hidden: number, classes: number, seed: number): Tensors {
  const random = new Random(seed, 'mlp-weights');
  const normal = (out: number, from: number) => ({
    shape: [out, from],
    data: Float32Array.from({ length: out * from }, () => random.normal() * Math.sqrt(2 / from)),
  });
  const zeros = (out: number) => ({ shape: [out], data: new Float32Array(out) });
  return {
    'weight.0': normal(hidden, dimension),
    'bias.0': zeros(hidden),
    'weight.2': normal(classes, hidden),
    'bias.2': zeros(classes),
  };
}

/** The summed loss of a batch, and the gradients of its mean. */
function openStep(
  dimension: number,
  hidden: number,
  classes: number,
  batch: number,
  options: FitInput['options']['session'],
): Promise<Session> {
  const graph = new Graph('mlp');
  const x = graph.input('vectors', [batch, dimension]);
  const target = graph.input('target', [batch, classes]);
  const weights = [
    graph.parameter('weight.0', [hidden, dimension]),
    graph.parameter('bias.0', [hidden]),
    graph.parameter('weight.2', [classes, hidden]),
    graph.parameter('bias.2', [classes]),
  ] as const;
  const inner = ops.relu(ops.linear(x, weights[0], weights[1]));
  const logs = ops.logSoftmax(ops.linear(inner, weights[2], weights[3]));
  const loss = ops.neg(ops.sum(ops.mul(logs, target), [0, 1]));
  graph.output('loss', loss);
  gradients(ops.mul(loss, 1 / batch), weights).forEach((gradient, i) => {
    graph.output(`d.${weights[i]!.name}`, gradient);
  });
  return openSession(graph, () => ({ data: new Float32Array(0), dtype: 'float32' }), {
    ...options,
    fed: weights,
  });
}

/** One batch; fewer items than it holds are filled up with such as count nothing. */
async function run(
  session: Session,
  { vectors: { data, dimension }, labels, classes, weights: classWeights }: FitInput,
  items: Int32Array,
  weights: Tensors,
  batch: number,
  outputs?: readonly string[],
): Promise<{ loss: number; gradients: Record<string, Float32Array> }> {
  const block = new Float32Array(batch * dimension);
  const target = new Float32Array(batch * classes);
  items.forEach((item, at) => {
    block.set(data.subarray(item * dimension, (item + 1) * dimension), at * dimension);
    target[at * classes + labels[item]!] = classWeights[labels[item]!]!;
  });
  const fed = Object.entries(weights).map(([name, t]) => [name, { data: t.data.slice(), dims: t.shape }]);
  const result = await session.run(
    {
      vectors: { data: block, dims: [batch, dimension] },
      target: { data: target, dims: [batch, classes] },
      ...Object.fromEntries(fed),
    },
    outputs,
  );
  const { loss, ...rest } = result;
  const named = Object.entries(rest).map(([name, t]) => [name.slice(2), t.data as Float32Array]);
  return { loss: (loss!.data as Float32Array)[0]!, gradients: Object.fromEntries(named) };
}

/** The mean loss over all items. */
async function lossOf(session: Session, input: FitInput, weights: Tensors, batch: number): Promise<number> {
  const items = input.labels.map((_, i) => i);
  let loss = 0;
  for (let first = 0; first < items.length; first += batch) {
    const step = await run(session, input, items.subarray(first, first + batch), weights, batch, ['loss']);
    loss += step.loss;
  }
  return loss / items.length;
}

/** Changes tensors in place. */
class Adam {
  private readonly moments: Record<string, { first: Float32Array; second: Float32Array }>;
  private steps = 0;

  constructor(private readonly tensors: Tensors) {
    const zeros = Object.entries(tensors).map(([name, { data }]) => [
      name,
      { first: new Float32Array(data.length), second: new Float32Array(data.length) },
    ]);
    this.moments = Object.fromEntries(zeros);
  }

  /** @param decay added to the gradients of matrices, times the numbers themselves. */
  step(gradients: Readonly<Record<string, Float32Array>>, decay: number): void {
    this.steps++;
    const rate = (RATE * Math.sqrt(1 - DECAY_2 ** this.steps)) / (1 - DECAY_1 ** this.steps);
    for (const [name, { data, shape }] of Object.entries(this.tensors)) {
      const gradient = gradients[name]!;
      const { first, second } = this.moments[name]!;
      const pull = shape.length > 1 ? decay : 0;
      for (let i = 0; i < data.length; i++) {
        const g = gradient[i]! + pull * data[i]!;
        first[i] = DECAY_1 * first[i]! + (1 - DECAY_1) * g;
        second[i] = DECAY_2 * second[i]! + (1 - DECAY_2) * g * g;
        data[i]! -= (rate * first[i]!) / (Math.sqrt(second[i]!) + EPSILON);
      }
    }
  }
}

const copyOf = (tensors: Tensors): Tensors =>
  Object.fromEntries(Object.entries(tensors).map(([name, t]) => [name, { ...t, data: t.data.slice() }]));

/** The same network for vectors that are neither centred nor scaled. */
function plain(tensors: Tensors, mean: Float64Array, deviation: number): Tensors {
  const { shape, data } = tensors['weight.0']!;
  const weight = data.map((w) => w / deviation);
  const bias = tensors['bias.0']!.data.map((b, unit) => {
    let moved = b;
    for (let d = 0; d < mean.length; d++) moved -= weight[unit * mean.length + d]! * mean[d]!;
    return moved;
  });
  return { ...tensors, 'weight.0': { shape, data: weight }, 'bias.0': { shape: [bias.length], data: bias } };
}
