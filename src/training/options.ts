/**
 * @file What can be said about a training run, as plain JSON: the same object is written beside the checkpoint, and a
 * resumed run must say the same.
 */
import type { OutputName } from '../models/index.js';
import type { AugmentOptions, AugmentPreset } from './data/augment.js';
import type { DataSetOptions } from './data/dataset.js';
import type { MetricLossOptions, ReconstructionLoss } from './losses/index.js';
import type { OptimizerOptions } from './optim/optimizer.js';
import type { ScheduleOptions } from './optim/schedule.js';

/** What every run can be told. */
export interface TrainOptions {
  /** Images or a file that lists them; see {@link DataSetOptions} for what may be there. */
  data: string;
  /** How `data` is read: kind, label column, class depth. */
  dataSet?: DataSetOptions | undefined;
  /** The model folder to make. Checkpoint, log and curves go to `training` in it. */
  out: string;
  /** Replace a finished model or an unfinished run. @default false */
  overwrite?: boolean | undefined;
  /** Go on from the last checkpoint in `out`. @default false */
  resume?: boolean | undefined;
  /** Everything random follows from it. @default 0 */
  seed?: number | undefined;
  /** Passes over the training data. @default 20; more of little data, up to 100 */
  epochs?: number | undefined;
  /** Items of one step of the optimiser. @default 32, fewer of little data; about 128 where a head alone is trained */
  batchSize?: number | undefined;
  /** Micro-batches in which a step is computed one after the other: less memory, the same gradient. @default 1 */
  accumulate?: number | undefined;
  /** @default Adam with PyTorch's defaults (lr 0.001) */
  optimizer?: OptimizerOptions | undefined;
  /** @default cosine to zero, over all steps */
  schedule?: ScheduleOptions | undefined;
  /** Largest Euclidean norm of all gradients together; longer ones are shortened to it. @default no limit */
  clipGradNorm?: number | undefined;
  /**
   * Part of the data that is held out to choose the best epoch; 0 keeps the last.
   * @default 0.1; where classes are compared and small, up to 0.3, for two images of each
   */
  validation?: number | undefined;
  /**
   * What is held out: single images of every class (`stratified`), single images (`random`), whole groups of the group
   * column (`group`) or whole classes (`classes`), which measures what a metric is worth for classes it never saw.
   * @default group where there are groups, classes where there are many with few images, and otherwise stratified; random for autoencoders
   */
  split?: 'stratified' | 'random' | 'group' | 'classes' | undefined;
  /** How training images are varied; a preset or single steps. @default 'none'; 'simclr' for a Siamese network without labels */
  augment?: AugmentPreset | AugmentOptions | undefined;
  /** Stop after so many epochs in a row without a better one. @default never */
  patience?: number | undefined;
  /** Threads of the numeric engine. A resumed run is equal to the bit only with the same number. @default the cores */
  threads?: number | undefined;
  /** Threads that decode and vary images ahead of the step. @default the cores, at most 8 */
  workers?: number | undefined;
  /** Memory for decoded images that are kept between epochs, in bytes. @default 1 GiB */
  cacheBytes?: number | undefined;
  /** Seconds between checkpoints within an epoch; one is written after each epoch in any case. @default 60 */
  checkpointSeconds?: number | undefined;
}

/** What {@link trainAutoencoder} can be told. */
export interface AutoencoderTrainOptions extends TrainOptions {
  /** Height and width of the images; each halving of the encoder must divide it. @default 64 */
  size?: number | readonly [height: number, width: number] | undefined;
  /** Channels after each halving of the encoder. @default [16, 32], the reference */
  channels?: readonly number[] | undefined;
  /** Length of a linear bottleneck; null: the latent is the last feature map. @default null */
  latent?: number | null | undefined;
  /** Side of the kernels: 3, or 4, which avoids a checkerboard in the reconstruction. @default 3 */
  kernel?: 3 | 4 | undefined;
  /** Batch normalisation after every convolution but the last. @default false */
  batchNorm?: boolean | undefined;
  /**
   * A variational autoencoder (Kingma & Welling, 2014): the bottleneck is a normal distribution. `beta` weighs its
   * distance from the standard normal (Higgins et al., 2017), per pixel value. Needs `latent`.
   * @default not variational
   */
  variational?: { beta: number } | undefined;
  /** Standard deviation of the noise that is added to what the encoder sees (Vincent et al., 2008). @default 0 */
  denoising?: number | undefined;
  /** What is minimised between image and reconstruction; several by their weights. @default 'mse' */
  loss?: ReconstructionLoss | undefined;
}

/** What {@link trainSiamese} can be told. */
export interface SiameseTrainOptions extends TrainOptions {
  /**
   * The network under the head: any model that `loadEmbedder` opens, or the name of an architecture that starts from
   * random weights (`random: true`).
   * @default the bundled mini-cnn
   */
  backbone?: string | undefined;
  /** Start from random weights: `backbone` names an architecture (`resnet18`, `conv4`, …). @default false */
  random?: boolean | undefined;
  /** Factor on the channels of a network with random weights. @default 1 */
  width?: number | undefined;
  /** Height and width of the images. @default the backbone's own */
  size?: number | undefined;
  /** The output of the backbone that the head takes. @default the backbone's own embedding */
  from?: OutputName | undefined;
  /** Length of the embedding; null: no head, the embedding is the backbone's vector. @default 128 */
  dimension?: number | null | undefined;
  /** Length of a hidden layer with ReLU in the head, as SimCLR's projection. @default none: the head is linear */
  hidden?: number | undefined;
  /**
   * What of the backbone is trained: nothing (`head`; its features are computed once and kept), everything (`all`), or
   * the layers whose names start with one of these.
   * @default head, or all with random weights
   */
  train?: 'head' | 'all' | readonly string[] | undefined;
  /** Factor on the learning rate of the backbone's layers. @default 1 */
  backboneRate?: number | undefined;
  /** Keep the statistics of batch normalisation as they are in layers that are trained. @default false */
  freezeBatchNorm?: boolean | undefined;
  /** @default supervised contrastive; NT-Xent for images without labels; contrastive for pairs, triplet for triplets */
  loss?: MetricLossOptions | undefined;
  /** Use only what is on this machine for a backbone from the hub. @default false */
  offline?: boolean | undefined;
  /** Images of each class in a batch. @default 4 */
  samplesPerClass?: number | undefined;
}

/** What {@link trainProjection} can be told; `data` is a file of embeddings. */
export interface ProjectionTrainOptions
  extends Omit<TrainOptions, 'augment' | 'workers' | 'cacheBytes' | 'dataSet'> {
  /** A CSV, Parquet or JSONL file with the label of each id. @default the name of the folder in the id */
  labels?: string | undefined;
  /** The column of ids in it. @default as for the paths of a data set */
  idColumn?: string | undefined;
  /** The column of the label. @default as for the labels of a data set */
  labelColumn?: string | undefined;
  /** Length of the projected vectors. @default 128 */
  dimension?: number | undefined;
  /** Length of a hidden layer with ReLU. @default none: it is linear */
  hidden?: number | undefined;
  loss?: MetricLossOptions | undefined;
  /** Vectors of each class in a batch. @default 4 */
  samplesPerClass?: number | undefined;
}
