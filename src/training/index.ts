/** @file The training room's public names. */

export { type ContactSheetOptions, writeContactSheet } from './contact-sheet.js';
export {
  AUGMENT_PRESETS,
  type AugmentOptions,
  type AugmentPreset,
} from './data/augment.js';
export { type DataReport, formatDataReport } from './data/check.js';
export type { DataSetKind, DataSetOptions } from './data/types.js';
export { type ImageShape, psnr, ssim } from './image-metrics.js';
export {
  METRIC_LOSSES,
  type MetricLossOptions,
  RECONSTRUCTION_LOSSES,
  type ReconstructionLoss,
  TRIPLETS,
} from './losses/index.js';
export type { OptimizerOptions } from './optim/optimizer.js';
export type { ScheduleOptions } from './optim/schedule.js';
export type {
  AutoencoderTrainOptions,
  ProjectionTrainOptions,
  SiameseTrainOptions,
  TrainOptions,
} from './options.js';
export type { EpochRecord, LoopResult, TrainingEvent } from './progress.js';
export { Autoencoder, type AutoencoderOptions, loadAutoencoder, type Reconstruction } from './reconstruct.js';
export { type ReconstructOptions, type ReconstructSummary, reconstructFiles } from './reconstruct-files.js';
export type { RunEvent, RunResult } from './run.js';
export type { Metrics, TrainingSummary } from './task.js';
export { type TrainHooks, trainAutoencoder, trainProjection, trainSiamese } from './train.js';
