/** @file The options that every kind of training has, and what they say to the library. */
import { UsageError } from '../errors.js';
import {
  METRIC_LOSSES,
  type MetricLossOptions,
  type OptimizerOptions,
  type ProjectionTrainOptions,
  type ScheduleOptions,
  TRIPLETS,
  type TrainOptions,
} from '../training/index.js';
import type { OptionSpecs, OptionValues } from './command.js';

/** Where the data is and how it is divided. */
export const DATA_OPTIONS = {
  labels: {
    type: 'string',
    value: 'FILE',
    group: 'data',
    help: 'a CSV, Parquet or JSONL file that labels the images; by default their folders do',
  },
  'path-column': { type: 'string', value: 'NAME', group: 'data', help: 'its column of paths' },
  'label-column': { type: 'string', value: 'NAME', group: 'data', help: 'its column of labels' },
  'group-column': {
    type: 'string',
    value: 'NAME',
    group: 'data',
    help: 'its column of what must stay on one side of the split (a person, a product)',
  },
  images: {
    type: 'string',
    value: 'DIR',
    group: 'data',
    help: 'where the paths of a label file start; by default its own folder',
  },
  'class-depth': {
    type: 'integer',
    group: 'data',
    help: 'how many folders make up the name of a class (1 by default)',
  },
  unlabelled: { type: 'boolean', group: 'data', help: 'take folders as mere places, not as classes' },
  include: { type: 'string', value: 'GLOB', multiple: true, group: 'data', help: 'only these files' },
  exclude: {
    type: 'string',
    value: 'GLOB',
    multiple: true,
    group: 'data',
    help: 'not these files and folders',
  },
  'skip-missing': {
    type: 'boolean',
    group: 'data',
    help: 'go on without images that a label file names and that are not there',
  },
  validation: {
    type: 'number',
    value: 'PART',
    group: 'data',
    help: 'part of the data held out to choose the best epoch (0.1 by default; 0 keeps the last)',
  },
  split: {
    type: 'string',
    choices: ['stratified', 'random', 'group', 'classes'],
    value: 'HOW',
    group: 'data',
    help: 'what is held out: images of every class (stratified), images (random), whole groups, or whole classes',
  },
} as const satisfies OptionSpecs;

/** The loop. */
export const LOOP_OPTIONS = {
  out: { type: 'string', short: 'o', value: 'DIR', group: 'output', help: 'the model folder to make' },
  resume: { type: 'boolean', group: 'output', help: 'go on from the last checkpoint in it' },
  overwrite: { type: 'boolean', group: 'output', help: 'replace what is there' },
  json: { type: 'boolean', group: 'output', help: 'print the result as JSON' },
  quiet: { type: 'boolean', short: 'q', group: 'output', help: 'no progress, no line for each epoch' },
  epochs: { type: 'integer', group: 'training', help: 'passes over the data' },
  'batch-size': { type: 'integer', group: 'training', help: 'items in one step' },
  accumulate: {
    type: 'integer',
    group: 'training',
    help: 'parts in which a step is computed: less memory (1 by default)',
  },
  optimizer: {
    type: 'string',
    choices: ['adam', 'adamw', 'sgd'],
    group: 'training',
    help: 'adam (by default), adamw or sgd',
  },
  lr: { type: 'number', group: 'training', help: 'learning rate (0.001 by default)' },
  momentum: { type: 'number', group: 'training', help: 'of sgd (0 by default)' },
  'weight-decay': {
    type: 'number',
    group: 'training',
    help: 'as in PyTorch (0, or 0.01 with adamw, by default)',
  },
  schedule: {
    type: 'string',
    choices: ['cosine', 'constant', 'step'],
    group: 'training',
    help: 'how the learning rate falls: cosine (by default), constant, or step',
  },
  'step-size': {
    type: 'integer',
    group: 'training',
    help: 'steps after which --schedule step takes a tenth',
  },
  warmup: { type: 'integer', min: 0, group: 'training', help: 'steps in which the learning rate rises' },
  'clip-grad-norm': { type: 'number', group: 'training', help: 'largest norm of the gradient' },
  patience: {
    type: 'integer',
    group: 'training',
    help: 'stop after so many epochs without a better one',
  },
  seed: {
    type: 'integer',
    min: 0,
    group: 'training',
    help: 'everything random follows from it (0 by default)',
  },
  threads: { type: 'integer', group: 'training', help: 'threads of the network (all cores by default)' },
} as const satisfies OptionSpecs;

/** What images need. */
export const IMAGE_OPTIONS = {
  augment: {
    type: 'string',
    choices: ['none', 'light', 'standard', 'simclr'],
    group: 'training',
    help: 'how training images are varied',
  },
  workers: { type: 'integer', min: 0, group: 'training', help: 'threads that prepare images' },
} as const satisfies OptionSpecs;

/** What learns likeness. */
export const METRIC_OPTIONS = {
  dimension: { type: 'integer', group: 'model', help: 'length of the embedding (128 by default)' },
  hidden: { type: 'integer', group: 'model', help: 'length of a hidden layer in the head (none by default)' },
  loss: {
    type: 'string',
    choices: METRIC_LOSSES,
    value: 'NAME',
    group: 'training',
    help: `${METRIC_LOSSES.join(', ')}; by default supcon, ntxent without labels`,
  },
  temperature: { type: 'number', group: 'training', help: 'of ntxent and supcon' },
  margin: {
    type: 'number',
    group: 'training',
    help: 'of contrastive (negative pairs), triplet, proxy-anchor, arcface',
  },
  triplets: {
    type: 'string',
    choices: TRIPLETS,
    value: 'WHICH',
    group: 'training',
    help: `which triplets count: ${TRIPLETS.join(', ')}`,
  },
  'samples-per-class': {
    type: 'integer',
    group: 'training',
    help: 'items of each class in a batch (4 by default)',
  },
} as const satisfies OptionSpecs;

/** What they say. */
export function metricOptions(
  values: OptionValues<typeof METRIC_OPTIONS>,
): Pick<ProjectionTrainOptions, 'dimension' | 'hidden' | 'loss' | 'samplesPerClass'> {
  const { loss, temperature, margin, triplets } = values;
  const numbers = { temperature, triplets, ...(loss === 'contrastive' ? { negMargin: margin } : { margin }) };
  const given = Object.fromEntries(Object.entries(numbers).filter(([, value]) => value !== undefined));
  const [first] = Object.keys(given);
  if (loss === undefined && first !== undefined)
    throw new UsageError(`--${first}: name the loss that takes it with --loss`);
  return {
    dimension: values.dimension,
    hidden: values.hidden,
    samplesPerClass: values['samples-per-class'],
    // Which option goes with which loss is checked by the loss.
    loss: loss === undefined ? undefined : ({ name: loss, ...given } as MetricLossOptions),
  };
}

/** What the options of the loop say. */
export function loopOptions(
  values: OptionValues<typeof LOOP_OPTIONS>,
): Omit<TrainOptions, 'data' | 'dataSet'> {
  if (values.out === undefined)
    throw new UsageError('expected --out DIR, the model folder to make', {
      hint: 'for example --out my-model',
    });
  return {
    out: values.out,
    resume: values.resume,
    overwrite: values.overwrite,
    seed: values.seed,
    epochs: values.epochs,
    batchSize: values['batch-size'],
    accumulate: values.accumulate,
    optimizer: optimizerOptions(values),
    schedule: scheduleOptions(values),
    clipGradNorm: values['clip-grad-norm'],
    patience: values.patience,
    threads: values.threads,
  };
}

function optimizerOptions(values: OptionValues<typeof LOOP_OPTIONS>): OptimizerOptions {
  const { optimizer: name = 'adam', lr, momentum } = values;
  const common = { lr, weightDecay: values['weight-decay'] };
  if (name === 'sgd') return { name, ...common, momentum };
  if (momentum !== undefined) throw new UsageError(`--momentum is for sgd; ${name} has none`);
  return { name, ...common };
}

function scheduleOptions(values: OptionValues<typeof LOOP_OPTIONS>): ScheduleOptions {
  const { schedule: name = 'cosine', warmup: warmupSteps } = values;
  const stepSize = values['step-size'];
  if (name !== 'step') {
    if (stepSize !== undefined) throw new UsageError('--step-size needs --schedule step');
    return { name, warmupSteps };
  }
  if (stepSize === undefined) throw new UsageError('--schedule step needs --step-size N');
  return { name, stepSize, warmupSteps };
}

/** What the options of the data say. */
export function dataOptions(
  values: OptionValues<typeof DATA_OPTIONS>,
): Pick<TrainOptions, 'dataSet' | 'validation' | 'split'> {
  const { include, exclude } = values;
  return {
    validation: values.validation,
    split: values.split,
    dataSet: {
      ...(values.unlabelled ? { kind: 'unlabelled' } : {}),
      labels: values.labels,
      images: values.images,
      pathColumn: values['path-column'],
      labelColumn: values['label-column'],
      groupColumn: values['group-column'],
      classDepth: values['class-depth'],
      ...(include.length > 0 ? { include } : {}),
      ...(exclude.length > 0 ? { exclude } : {}),
      ...(values['skip-missing'] ? { onMissing: 'skip' } : {}),
    },
  };
}
