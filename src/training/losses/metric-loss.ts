/** @file The losses over labelled embeddings, by name. */
import { nearestName, UsageError } from '../../errors.js';
import { type ArcFaceOptions, arcfaceLoss } from './arcface.js';
import { type ContrastiveOptions, contrastiveLoss } from './contrastive.js';
import type { MetricLoss } from './loss.js';
import { type MultiSimilarityOptions, multiSimilarityLoss } from './multi-similarity.js';
import { type NTXentOptions, ntxentLoss } from './ntxent.js';
import { type ProxyAnchorOptions, proxyAnchorLoss } from './proxy-anchor.js';
import { type SupConOptions, supconLoss } from './supcon.js';
import { type TripletOptions, tripletLoss } from './triplet.js';

/** A loss and its options, as plain JSON; the defaults are pytorch-metric-learning's. */
export type MetricLossOptions =
  | ({ name: 'contrastive' } & ContrastiveOptions)
  | ({ name: 'triplet' } & TripletOptions)
  | ({ name: 'ntxent' } & NTXentOptions)
  | ({ name: 'supcon' } & SupConOptions)
  | ({ name: 'multi-similarity' } & MultiSimilarityOptions)
  | ({ name: 'proxy-anchor' } & ProxyAnchorOptions)
  | ({ name: 'arcface' } & ArcFaceOptions);

export const METRIC_LOSSES = [
  'contrastive',
  'triplet',
  'ntxent',
  'supcon',
  'multi-similarity',
  'proxy-anchor',
  'arcface',
] as const satisfies readonly MetricLossOptions['name'][];

/**
 * The loss that the options describe, for labels of `classes` classes (which matters to those with learned proxies).
 * @throws UsageError for a name or an option that does not exist, or a value out of range.
 */
export function metricLoss(options: MetricLossOptions, classes: number): MetricLoss {
  const { name } = options;
  if (!Number.isInteger(classes) || classes < 1)
    throw new UsageError(`${name} loss: expected a whole number of classes but received ${classes}`);
  switch (options.name) {
    case 'contrastive':
      return contrastiveLoss(options);
    case 'triplet':
      return tripletLoss(options);
    case 'ntxent':
      return ntxentLoss(options);
    case 'supcon':
      return supconLoss(options);
    case 'multi-similarity':
      return multiSimilarityLoss(options);
    case 'proxy-anchor':
      return proxyAnchorLoss(options, classes);
    case 'arcface':
      return arcfaceLoss(options, classes);
    default: {
      options satisfies never;
      const near = nearestName(String(name), METRIC_LOSSES);
      throw new UsageError(`loss: expected one of ${METRIC_LOSSES.join(', ')} but received ${name}`, {
        hint: near && `did you mean "${near}"?`,
      });
    }
  }
}
