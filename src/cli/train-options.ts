/** @file The options that every kind of training has, and what they say to the library. */
import { readFileSync } from 'node:fs';
import { nearestName, UsageError } from '../errors.js';
import {
  AUGMENT_PRESETS,
  type AugmentOptions,
  type AugmentPreset,
  type OptimizerOptions,
  type ScheduleOptions,
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
    help: 'part of the data held out to choose the best epoch (0.1 by default, up to 0.3 of small classes; 0 keeps the last)',
  },
  split: {
    type: 'string',
    choices: ['stratified', 'random', 'group', 'classes'],
    value: 'HOW',
    group: 'data',
    help: 'what is held out: stratified (images of every class; by default), random (any images), group (whole groups; by default with --group-column) or classes (whole classes; by default of many with few images); autoencoders hold out any images',
  },
} as const satisfies OptionSpecs;

/** The loop. */
export const LOOP_OPTIONS = {
  epochs: {
    type: 'integer',
    group: 'training',
    help: 'passes over the data (20 by default; more, up to 100, of little data)',
  },
  'batch-size': {
    type: 'integer',
    group: 'training',
    help: 'images or vectors in one step (32 by default, fewer of little data; about 128 where a head alone is trained)',
  },
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
  out: { type: 'string', short: 'o', value: 'DIR', group: 'output', help: 'the model folder to make' },
  resume: { type: 'boolean', group: 'output', help: 'go on from the last checkpoint in it' },
  overwrite: {
    type: 'boolean',
    group: 'output',
    help: 'replace the model or the unfinished run that is there',
  },
  json: { type: 'boolean', group: 'output', help: 'print the result as JSON' },
  quiet: { type: 'boolean', short: 'q', group: 'output', help: 'no progress, no line for each epoch' },
  'checkpoint-seconds': {
    type: 'number',
    group: 'output',
    help: 'seconds between checkpoints within an epoch (60 by default); each epoch ends with one',
  },
} as const satisfies OptionSpecs;

/** What images need. */
export const IMAGE_OPTIONS = {
  augment: {
    type: 'string',
    value: 'HOW',
    group: 'training',
    help: `how training images are varied: ${Object.keys(AUGMENT_PRESETS).join(', ')}, or a JSON file with steps named as in torchvision; by default none, or simclr for images without labels that learn from two views`,
  },
  workers: {
    type: 'integer',
    min: 0,
    group: 'training',
    help: 'threads that prepare images (the cores by default)',
  },
} as const satisfies OptionSpecs;

/** What the options of images say. @throws UsageError for an augmentation that is none. */
export function imageOptions(
  values: OptionValues<typeof IMAGE_OPTIONS>,
): Pick<TrainOptions, 'augment' | 'workers'> {
  const { augment, workers } = values;
  if (augment === undefined || Object.hasOwn(AUGMENT_PRESETS, augment))
    return { augment: augment as AugmentPreset | undefined, workers };
  const presets = Object.keys(AUGMENT_PRESETS);
  if (!augment.endsWith('.json')) {
    const nearest = nearestName(augment, presets);
    throw new UsageError(
      `--augment: expected ${presets.join(', ')} or a .json file but received "${augment}"`,
      { hint: nearest && `did you mean ${nearest}?` },
    );
  }
  try {
    return { augment: JSON.parse(readFileSync(augment, 'utf8')) as AugmentOptions, workers };
  } catch (cause) {
    throw new UsageError(`--augment: ${augment} cannot be read (${(cause as Error).message})`, { cause });
  }
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
    checkpointSeconds: values['checkpoint-seconds'],
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
