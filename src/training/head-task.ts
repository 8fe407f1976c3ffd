/**
 * @file Training the head alone: the backbone is frozen, so its features are computed once, kept beside the checkpoint,
 * and every epoch is a pass over numbers instead of images. A projection of vectors that exist is the same task.
 */
import { type Bind, Graph, openSession, type Tensor, trainingCopy } from '../graph/index.js';
import { type Head, headGraph } from '../models/siamese.js';
import { initialise } from './initialise.js';
import type { Objective } from './objective.js';
import type { StepInput, Task } from './task.js';

/** Vectors to train on, row-major [n, width]. */
export interface Features {
  data: Float32Array;
  width: number;
}

/** A task over features, but for what its data is called and how its model is saved. */
export type HeadTask = Omit<Task, 'data' | 'save'> & {
  /** The head as it is when it embeds. */
  graph: Graph;
};

/** Trains a head over features with an objective. */
export function headTask(
  features: Features,
  head: Head,
  objective: Objective,
  options: { seed: number; micro: number; threads?: number | undefined },
): HeadTask {
  const { micro } = options;
  const { width } = features;
  const { sampler } = objective;
  const graph = headGraph(width, head);
  const start = initialise(graph.parameters.values(), options.seed);
  const startOf = (name: string) => (start.get(name) ?? objective.parameters.get(name))!.data;

  return {
    graph,
    bind: (p) => ({ data: startOf(p.name), dtype: 'float32' }),
    groups: () => ({}),
    stepsPerEpoch: sampler.batchesPerEpoch,
    criterion: objective.criterion,

    program() {
      const step = new Graph('head');
      const x = step.input('features', [micro, width]);
      const { outputs, statistics } = trainingCopy(step, graph, x, { batch: micro });
      const loss = objective.build(step, outputs.get('embedding')!);
      return { graph: step, loss, trainable: [...step.parameters.values()], statistics };
    },

    async *steps(epoch, from): AsyncGenerator<StepInput> {
      const batches = sampler.epoch(epoch);
      for (let batch = from; batch < batches.length; batch++) {
        const rows = batches[batch]!;
        const feeds: Record<string, Tensor>[] = [];
        for (let at = 0; at < rows.length; at += micro) {
          const part = rows.subarray(at, at + micro);
          feeds.push({
            features: { data: gatherRows(features, part), dims: [micro, width] },
            ...objective.feeds(part, { epoch, batch, from: at }),
          });
        }
        yield { feeds, items: rows.length };
      }
    },

    async baseline() {
      const { heldOut } = objective;
      return heldOut.length === 0 ? {} : objective.measure(gatherRows(features, heldOut), width);
    },

    async validate(tensors) {
      const { heldOut } = objective;
      if (heldOut.length === 0) return {};
      const bind: Bind = (p) => ({ data: tensors.get(p.name)!.slice(), dtype: 'float32' });
      const session = await openSession(graph, bind, { inline: true, threads: options.threads });
      try {
        const rows = gatherRows(features, heldOut);
        const { embedding } = await session.run({ features: { data: rows, dims: [heldOut.length, width] } });
        return await objective.measure(embedding!.data as Float32Array, head.head ?? width);
      } finally {
        await session.release();
      }
    },

    close: async () => undefined,
  };
}

/** Rows of features, one after the other. */
function gatherRows({ data, width }: Features, rows: Int32Array): Float32Array {
  const out = new Float32Array(rows.length * width);
  rows.forEach((row, i) => {
    out.set(data.subarray(row * width, (row + 1) * width), i * width);
  });
  return out;
}
