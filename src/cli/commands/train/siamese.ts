/** @file `afterimage train siamese`: learns which of your images are alike. */
import { defineCommand } from '../../command.js';
import { METRIC_OPTIONS, metricOptions } from '../../train-metric-options.js';
import {
  DATA_OPTIONS,
  dataOptions,
  IMAGE_OPTIONS,
  imageOptions,
  LOOP_OPTIONS,
  loopOptions,
} from '../../train-options.js';
import { showTraining } from '../../training-report.js';

export const siamese = defineCommand({
  name: 'train siamese',
  usage: 'DATA --out DIR [options]',
  summary: 'Trains a Siamese network on your images, so that like ones lie close.',
  details:
    'DATA is a folder per class, an archive of such folders, or a CSV, Parquet or JSONL file of path,label; a file ' +
    'of pairs (a,b,same) or triplets (anchor,positive,negative); or images without labels, which learn from two ' +
    'varied views of each (SimCLR). By default a linear head is trained on the features of the bundled mini-cnn, which ' +
    'takes a minute; --train all adapts the whole network, and --random starts one from nothing. Progress is ' +
    'checkpointed; --resume goes on after a break. Exit codes: 0 done, 1 the run failed, 2 wrong usage, 130 interrupted.',
  options: {
    ...DATA_OPTIONS,
    backbone: {
      type: 'string',
      short: 'm',
      value: 'NAME',
      group: 'model',
      help: 'the network under the head: any model that embeds; with --random an architecture (conv4, resnet18, …)',
    },
    random: { type: 'boolean', group: 'model', help: 'start the backbone from random weights' },
    width: {
      type: 'number',
      value: 'FACTOR',
      group: 'model',
      help: 'factor on the channels of a network with random weights (1 by default)',
    },
    size: {
      type: 'integer',
      group: 'model',
      help: 'height and width of the images; by default the backbone’s own',
    },
    from: {
      type: 'string',
      value: 'OUTPUT',
      group: 'model',
      help: 'the output of the backbone under the head',
    },
    'no-head': {
      type: 'boolean',
      group: 'model',
      help: 'put no head on the backbone: its own vector is the embedding, and --train says what adapts',
    },
    train: {
      type: 'string',
      value: 'WHAT',
      group: 'model',
      help: 'head (by default), all (by default with --random), or layers by the beginning of their names: layer3,layer4',
    },
    'backbone-rate': {
      type: 'number',
      value: 'FACTOR',
      group: 'training',
      help: 'factor on the learning rate of the backbone (1 by default)',
    },
    'freeze-batch-norm': {
      type: 'boolean',
      group: 'training',
      help: 'keep the statistics of batch normalisation in layers that are trained',
    },
    ...METRIC_OPTIONS,
    ...IMAGE_OPTIONS,
    ...LOOP_OPTIONS,
    offline: { type: 'boolean', group: 'model', help: 'use only what is on this machine' },
  },
  arity: [1, 1],
  examples: [
    ['afterimage train siamese products/ --out my-model', 'a head on the bundled mini-cnn'],
    [
      'afterimage train siamese products/ -o mine -m resnet18 --train layer4',
      'the last stage of a published network, too',
    ],
    [
      'afterimage train siamese signs.zip -o mine --random -m conv4 --size 28',
      'a small network from random weights',
    ],
    ['afterimage embed photos/ --model my-model -o vectors.npy', 'its vectors'],
  ],
  async run(values, [data], argv) {
    const { trainSiamese } = await import('../../../training/index.js');
    const options = {
      ...loopOptions(values),
      ...dataOptions(values),
      ...imageOptions(values),
      ...metricOptions(values),
      data: data!,
      backbone: values.backbone,
      random: values.random,
      width: values.width,
      size: values.size,
      ...(values['no-head'] ? { dimension: null } : {}),
      from: values.from as Parameters<typeof trainSiamese>[0]['from'],
      train: layers(values.train),
      backboneRate: values['backbone-rate'],
      freezeBatchNorm: values['freeze-batch-norm'],
      offline: values.offline,
    };
    const next = (folder: string) => `embed photos/ --model ${folder} --out vectors.npy`;
    return showTraining({ command: 'train siamese', argv, values, next }, (hooks) =>
      trainSiamese(options, hooks),
    );
  },
});

function layers(text: string | undefined): 'head' | 'all' | string[] | undefined {
  if (text === undefined || text === 'head' || text === 'all') return text;
  return text.split(',').filter((name) => name !== '');
}
