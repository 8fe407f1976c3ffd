/**
 * @file Training a linear head on vectors that are computed once: what a projection is, and a Siamese network whose
 * backbone is frozen.
 */
import { type Bind, Graph, ops, openSession } from '../graph/index.js';
import { initialise } from '../models/initialise.js';
import type { Sampler } from './data/sampler.js';
import { metricLoss, type MetricLossOptions } from './losses/index.js';
import { retrievalMetrics } from './metrics/index.js';
import type { Metrics, StepInput, Task } from './task.js';

/** Names of the head's tensors. */
export const HEAD = { weight: 'head.weight', bias: 'head.bias' };

export interface HeadTaskOptions {
  /** Row-major [n, width]. */
  features: Float32Array;
  width: number;
  /** Class of each row; −1 where it has none. */
  labels: Int32Array;
  classes: number;
  validation: Int32Array;
  sampler: Sampler;
  batchSize: number;
  accumulate: number;
  dimension: number;
  loss: MetricLossOptions;
  seed: number;
}

/** What a head's task does; saving is the caller's. */
export type HeadTask = Omit<Task, 'save' | 'data'>;

/** A task over features; the head maps `width` numbers to `dimension`. */
export function headTask(options: HeadTaskOptions): HeadTask {
  const { features, width, labels, dimension, sampler, seed } = options;
  const micro = options.batchSize / options.accumulate;
  const loss = metricLoss(options.loss, options.classes);
  const shapes = new Map([
    [HEAD.weight, [dimension, width]],
    [HEAD.bias, [dimension]],
  ]);
  const own = loss.parameters(dimension, seed);
  const start = new Map(
    [...initialise(shapes, seed)].map(([name, data]) => [name, data] as const).concat(
      [...own].map(([name, p]) => [name, p.data] as const),
    ),
  );
  const bind: Bind = (p) => ({ data: start.get(p.name)!, dtype: 'float32' });

  return {
    bind,
    groups: () => ({}),
    stepsPerEpoch: sampler.batchesPerEpoch,
    criterion: { metric: 'map@r', larger: true },
    program() {
      const graph = new Graph('head');
      const x = graph.input('features', [micro, width]);
      const y = graph.input('labels', [micro], 'int64');
      const weight = graph.parameter(HEAD.weight, [dimension, width]);
      const bias = graph.parameter(HEAD.bias, [dimension]);
      const value = loss.build(ops.linear(x, weight, bias), y);
      return { graph, loss: value, trainable: [...graph.parameters.values()], statistics: [] };
    },
    async *steps(epoch, from): AsyncGenerator<StepInput> {
      for (const rows of sampler.epoch(epoch).slice(from)) {
        const feeds = [];
        for (let at = 0; at < rows.length; at += micro) {
          const part = rows.subarray(at, at + micro);
          feeds.push({
            features: { data: gatherRows(features, width, part), dims: [micro, width] },
            labels: { data: BigInt64Array.from(part, (i) => BigInt(labels[i]!)), dims: [micro] },
          });
        }
        yield { feeds, items: rows.length };
      }
    },
    async validate(tensors): Promise<Metrics> {
      const { validation } = options;
      if (validation.length === 0) return {};
      const vectors = await applyHead(gatherRows(features, width, validation), width, tensors);
      return retrievalMetrics(vectors, dimension, Int32Array.from(validation, (i) => labels[i]!), { seed });
    },
    async close() {},
  };
}

/** Rows of a matrix, one after the other. */
export function gatherRows(matrix: Float32Array, width: number, rows: ArrayLike<number>): Float32Array {
  const out = new Float32Array(rows.length * width);
  for (let i = 0; i < rows.length; i++)
    out.set(matrix.subarray(rows[i]! * width, (rows[i]! + 1) * width), i * width);
  return out;
}

/** The head over rows of features, on this thread. */
export async function applyHead(
  features: Float32Array,
  width: number,
  tensors: ReadonlyMap<string, Float32Array>,
): Promise<Float32Array> {
  const weight = tensors.get(HEAD.weight)!;
  const graph = new Graph('head');
  const x = graph.input('features', ['N', width]);
  const y = ops.linear(
    x,
    graph.parameter(HEAD.weight, [weight.length / width, width]),
    graph.parameter(HEAD.bias, [weight.length / width]),
  );
  graph.output('embedding', y);
  const bind: Bind = (p) => ({ data: tensors.get(p.name)!.slice(), dtype: 'float32' });
  const session = await openSession(graph, bind, { inline: true });
  try {
    const { embedding } = await session.run({
      features: { data: features, dims: [features.length / width, width] },
    });
    return embedding!.data as Float32Array;
  } finally {
    await session.release();
  }
}
