/** @file The options of training that learns which images are alike. */
import { UsageError } from '../errors.js';
import {
  METRIC_LOSSES,
  type MetricLossOptions,
  type ProjectionTrainOptions,
  TRIPLETS,
} from '../training/index.js';
import type { OptionSpecs, OptionValues } from './command.js';

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
    help: 'items of each class in a batch (4 by default; more of few classes)',
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
