/**
 * @file What every model card says about a run: data, split, training, metrics.
 */
import path from 'node:path';
import type { Graph } from '../graph/index.js';
import type { Facts, ModelCardContent, SavedTensor } from '../models/index.js';
import type { DataReport } from './data/check.js';
import { learningRate, type OptimizerOptions } from './optim/optimizer.js';
import type { TrainOptions } from './options.js';
import type { TrainingSummary } from './task.js';
import type { TrainingData } from './training-data.js';

/** The parts of a card that do not depend on what was trained. */
export function trainingFacts(
  options: TrainOptions,
  { set, split, by, report }: Pick<TrainingData, 'set' | 'split' | 'by'> & { report?: DataReport },
  summary: TrainingSummary,
  more: { loss: string; batchSize: number },
): Pick<ModelCardContent, 'data' | 'split' | 'training' | 'metrics' | 'seed'> {
  const { optimizer = { name: 'adam' }, schedule = { name: 'cosine' }, seed = 0 } = options;
  const optimizerInFull: OptimizerOptions = { ...optimizer, lr: learningRate(optimizer) };
  return {
    data: {
      source: path.basename(path.resolve(options.data)),
      kind: set.kind,
      images: set.items.length,
      ...(set.classes.length > 0 ? { classes: `${set.classes.length}: ${firstNames(set.classes)}` } : {}),
      ...(report ? { unreadable: report.unreadable.length } : {}),
    },
    split: {
      training: split.train.length,
      validation: split.validation.length,
      test: split.test.length,
      by: set.given ? 'as the data says' : by,
    },
    training: {
      loss: more.loss,
      epochs: summary.epochs,
      'best epoch': summary.bestEpoch,
      steps: summary.steps,
      'batch size': more.batchSize,
      ...(options.accumulate ? { accumulate: options.accumulate } : {}),
      optimizer: described(optimizerInFull),
      schedule: described(schedule),
      augmentation:
        options.augment === undefined
          ? 'none'
          : typeof options.augment === 'string'
            ? options.augment
            : JSON.stringify(options.augment),
      ...(options.clipGradNorm ? { 'gradient norm clipped to': options.clipGradNorm } : {}),
      seconds: Math.round(summary.seconds),
    },
    metrics: {
      ...summary.metrics,
      ...Object.fromEntries(
        Object.entries(summary.baseline ?? {}).map(([name, value]) => [
          `${name} of the vectors it starts from`,
          value,
        ]),
      ),
    },
    seed,
  };
}

/** `adam, lr 0.001`. */
export function described(options: { name: string } & object): string {
  const { name, ...rest } = options as { name: string } & Facts;
  const numbers = Object.entries(rest).filter(([, value]) => value !== undefined);
  return [name, ...numbers.map(([key, value]) => `${key} ${value}`)].join(', ');
}

/** What a model is called: the name of its folder. */
export function cardTitle(out: string): string {
  return path.basename(path.resolve(out));
}

/** The parameters of a graph with their numbers, as they are saved. */
export function namedTensors(
  graph: Graph,
  tensors: ReadonlyMap<string, Float32Array>,
): Map<string, SavedTensor> {
  return new Map(
    [...graph.parameters.values()].map((p) => [p.name, { shape: p.shape, data: tensors.get(p.name)! }]),
  );
}

function firstNames(names: readonly string[]): string {
  return names.length > 12 ? `${names.slice(0, 12).join(', ')}, …` : names.join(', ');
}
