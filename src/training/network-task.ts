/**
 * @file Training the network itself, from images, whole or in part.
 */
import { UsageError } from '../errors.js';
import {
  type Bind,
  dependencies,
  Graph,
  openSession,
  type Parameter,
  type Tensor,
  trainingCopy,
} from '../graph/index.js';
import { outputSize } from '../image/index.js';
import { BACKBONE_PREFIX, siamese, siameseConfig } from '../models/index.js';
import { runTower } from './backbone.js';
import { initialise } from './initialise.js';
import type { TaskContext } from './run.js';
import { saveSiamese } from './siamese-save.js';
import type { SiameseRun } from './siamese-task.js';
import type { StepInput, Task } from './task.js';
import { imageLoader, inOrder } from './training-data.js';

/** Images in one run of the network when it is measured. */
const MEASURED = 32;

/**
 * A task over images.
 * @param train `all`, or the beginnings of the names of the backbone's layers that are trained
 */
export function networkTask(run: SiameseRun, train: 'all' | readonly string[], context: TaskContext): Task {
  const { options, base, data, objective, head, hidden, micro } = run;
  const { seed = 0, backboneRate = 1, freezeBatchNorm = false } = options;
  const backbone = base.backbone!;
  const { height, width } = outputSize(base.transform);
  const network = siamese.image(siameseConfig({ backbone, from: base.from, head, hidden }));
  const pixels = [micro, 3, height, width];
  const layers = [...network.parameters.values()];
  const heads = initialise(
    layers.filter(({ name }) => !name.startsWith(BACKBONE_PREFIX)),
    seed,
  );
  const bind: Bind = (p) => {
    if (p.name.startsWith(BACKBONE_PREFIX))
      return base.bind!({ ...p, name: p.name.slice(BACKBONE_PREFIX.length) });
    const start = heads.get(p.name) ?? objective.parameters.get(p.name)!;
    return { data: start.data, dtype: 'float32' };
  };
  const isTrained = chosen(train);
  const loader = imageLoader(data, base.transform, options, (failure) =>
    context.onEvent({ type: 'failure', failure }),
  );

  return {
    data: data.identity,
    bind,
    groups: (name) => (name.startsWith(BACKBONE_PREFIX) ? { lrFactor: backboneRate } : {}),
    stepsPerEpoch: objective.sampler.batchesPerEpoch,
    criterion: objective.criterion,

    program() {
      const graph = new Graph('siamese');
      const images = graph.input('pixel_values', pixels);
      const { outputs, statistics } = trainingCopy(graph, network, images, {
        batch: micro,
        batchNorm: (name) => (freezeBatchNorm || !isTrained(name) ? 'frozen' : 'batch'),
      });
      const embeddings = outputs.get('embedding')!;
      const loss = objective.build(graph, embeddings);
      const needed = dependencies(loss);
      const running = (p: Parameter) => /\.running_(mean|var)$/.test(p.name);
      const trainable = [...graph.parameters.values()].filter(
        (p) => needed.has(p) && isTrained(p.name) && !running(p),
      );
      return {
        graph,
        loss,
        trainable,
        statistics: statistics.filter((s) => needed.has(graph.parameters.get(s.runningMean)!)),
      };
    },

    async *steps(epoch, from): AsyncGenerator<StepInput> {
      const plan = objective.sampler.epoch(epoch);
      let batch = from;
      for await (const { images, indices } of loader.batches(epoch, plan, from)) {
        const feeds: Record<string, Tensor>[] = [];
        const length = micro * 3 * height * width;
        for (let at = 0; at < indices.length; at += micro) {
          const start = (at / micro) * length;
          feeds.push({
            pixel_values: { data: images.subarray(start, start + length), dims: pixels },
            ...objective.feeds(indices.subarray(at, at + micro), { epoch, batch, from: at }),
          });
        }
        batch++;
        yield { feeds, items: indices.length };
      }
    },

    async validate(tensors) {
      const { heldOut } = objective;
      if (heldOut.length === 0) return {};
      const now: Bind = (p) => {
        const data = tensors.get(p.name);
        return data ? { data: data.slice(), dtype: 'float32' } : bind(p);
      };
      const session = await openSession(network, now, {
        inline: true,
        outputs: ['embedding'],
        threads: options.threads,
      });
      try {
        const plan = inOrder(heldOut, MEASURED);
        const batches = data.set.kind === 'unlabelled' ? loader.batches(0, plan) : loader.evaluate(plan);
        const parts: Float32Array[] = [];
        for await (const { images } of batches)
          parts.push(
            await runTower({ session, input: 'pixel_values', output: 'embedding' }, images, {
              height,
              width,
            }),
          );
        const vectors = joined(parts);
        return await objective.measure(vectors, vectors.length / heldOut.length);
      } finally {
        await session.release();
      }
    },

    save: (tensors, summary) => saveSiamese(run, tensors, summary),
    close: () => loader.close(),
  };
}

/** Which parameters are trained, by name. */
function chosen(train: 'all' | readonly string[]): (name: string) => boolean {
  if (train === 'all') return () => true;
  return (name) =>
    !name.startsWith(BACKBONE_PREFIX) || train.some((b) => name.startsWith(BACKBONE_PREFIX + b));
}

/** @throws UsageError for a beginning that no layer of the backbone has. */
export function requireLayers(backbone: Graph, train: readonly string[]): void {
  const names = [...backbone.parameters.keys()];
  for (const beginning of train)
    if (!names.some((name) => name.startsWith(beginning))) {
      const layers = names.map((name) => /^[^.]+(\.[^.]+(?=\.))?/.exec(name)![0]);
      throw new UsageError(`train: no layer of the backbone begins with "${beginning}"`, {
        hint: `its layers are ${[...new Set(layers)].join(', ')}`,
      });
    }
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
