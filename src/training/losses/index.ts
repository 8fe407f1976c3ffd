/** @file The losses' public names. */
export type { ArcFaceOptions } from './arcface.js';
export { type ContrastiveOptions, pairContrastive } from './contrastive.js';
export type { LossParameter, MetricLoss } from './loss.js';
export { METRIC_LOSSES, type MetricLossOptions, metricLoss } from './metric-loss.js';
export type { MultiSimilarityOptions } from './multi-similarity.js';
export type { NTXentOptions } from './ntxent.js';
export type { ProxyAnchorOptions } from './proxy-anchor.js';
export {
  klDivergence,
  lossWeights,
  RECONSTRUCTION_LOSSES,
  type ReconstructionLoss,
  type ReconstructionLossName,
  reconstructionErrors,
  reconstructionLoss,
} from './reconstruction.js';
export { SSIM_WINDOW } from './ssim.js';
export type { SupConOptions } from './supcon.js';
export { TRIPLETS, type TripletOptions, type TripletRowsOptions, tripletRows } from './triplet.js';
