/**
 * @file What training a Siamese network is: a head on the features of a frozen network, or the network itself, with
 * the loss over a batch of embeddings.
 */
import { ModelError, UsageError } from '../errors.js';
import { type Base, openBase } from './backbone.js';
import { batchesOf } from './batches.js';
import type { DataSet, DataSplit } from './data/types.js';
import { backboneFeatures } from './features.js';
import { headTask } from './head-task.js';
import { heldOutOfClasses } from './held-out.js';
import { networkTask, requireLayers } from './network-task.js';
import { type Objective, objectiveFor } from './objective.js';
import type { SiameseTrainOptions } from './options.js';
import type { TaskContext } from './run.js';
import { saveSiamese } from './siamese-save.js';
import type { Task } from './task.js';
import { microBatch, openTrainingData, type TrainingData } from './training-data.js';

/** About how many images a step has where the options do not say: features cost nothing. */
const BATCH = { head: 128, images: 32 };

/** A Siamese run, its parts found and checked. */
export interface SiameseRun {
  options: SiameseTrainOptions;
  base: Base;
  data: TrainingData;
  objective: Objective;
  /** Length of the embedding, or null where the backbone's vector is it. */
  head: number | null;
  hidden: number | null;
  batchSize: number;
  micro: number;
}

/** Builds the task. @throws UsageError, ModelError for what cannot be, before anything is computed. */
export async function siameseTask(options: SiameseTrainOptions, context: TaskContext): Promise<Task> {
  const {
    train = options.random ? 'all' : 'head',
    accumulate = 1,
    dimension: head = 128,
    hidden = null,
  } = options;
  const frozen = train === 'head';
  const base = await openBase(options, context.signal);
  if (!frozen && !base.backbone)
    throw new ModelError(`${base.name}: a ready-made .onnx file cannot be trained further`, {
      hint: 'train the head alone, or name a model in safetensors',
    });
  if (frozen && head === null)
    throw new UsageError('dimension: expected a length, since nothing but the head is trained');
  const target = frozen ? BATCH.head : BATCH.images;
  if (train !== 'head' && train !== 'all') requireLayers(base.backbone!.image(), train);
  const planned = (set: DataSet, split: DataSplit) => {
    const { batchSize, samplesPerClass } = batchesOf(set, split, options, target);
    const dimension = head ?? vectorWidth(base);
    const { seed = 0, loss } = options;
    const objective = objectiveFor(set, split, { batchSize, samplesPerClass, dimension, seed, loss });
    return { batchSize, objective, micro: microBatch(batchSize, accumulate, objective.unit) };
  };
  const requireFit = (set: DataSet, split: DataSplit): void => {
    if (frozen && set.kind === 'unlabelled')
      throw new UsageError(
        'data: images without labels are learned from by varying them, which frozen features do not see',
        { hint: 'train all of the network, or label the images by folders or a file' },
      );
    planned(set, split);
  };
  const data = await openTrainingData(options, context, base.transform, requireFit, heldOutOfClasses);
  const augment = options.augment ?? (data.set.kind === 'unlabelled' ? 'simclr' : 'none');
  const run: SiameseRun = {
    options: { ...options, augment },
    base,
    data,
    head,
    hidden,
    ...planned(data.set, data.split),
  };
  if (!frozen) return networkTask(run, train, context);
  const { objective, micro } = run;
  const features = await backboneFeatures(run, context);
  return {
    ...headTask(features, { head, hidden }, objective, {
      seed: options.seed ?? 0,
      micro,
      threads: options.threads,
    }),
    data: data.identity,
    save: (tensors, summary) => saveSiamese(run, tensors, summary),
  };
}

/** Length of the backbone's vector. @throws ModelError when the output is something else. */
function vectorWidth({ name, backbone, from }: Base): number {
  const shape = backbone?.image().outputs.get(from)?.shape;
  if (shape?.length === 2 && typeof shape[1] === 'number') return shape[1];
  throw new ModelError(`${name}: expected an output with one vector an image but "${from}" is none`);
}
