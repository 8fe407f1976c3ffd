/**
 * @file What the loop trains: the three tasks (autoencoder, Siamese network, projection) look the same to it.
 */
import type { Bind, Tensor } from '../graph/index.js';
import type { StepProgram } from './step.js';

/** Numbers by the name of their metric: `precision@1`, `map@r`, `psnr`, … */
export type Metrics = Readonly<Record<string, number>>;

/** One step's input: what is fed, as one part or as several (gradient accumulation). */
export interface StepInput {
  feeds: Readonly<Record<string, Tensor>>[];
  /** Images (or vectors) in the step, for the rate that is shown. */
  items: number;
}

/** What a run trains. */
export interface Task {
  /** What the data is, as plain JSON that changes when the data does. */
  data: Readonly<Record<string, unknown>>;
  /** Forward and loss for one micro-batch. */
  program(): StepProgram;
  /** The starting numbers of every parameter of the program. */
  bind: Bind;
  /** Factors and exceptions by tensor, as PyTorch's parameter groups. */
  groups(name: string): { lrFactor?: number; weightDecay?: number };
  /** Steps in every epoch. */
  stepsPerEpoch: number;
  /** The steps of an epoch from step `from` on, the same for every run with this configuration. */
  steps(epoch: number, from: number): AsyncIterable<StepInput>;
  /** Measures what is there without training, where that says something: a frozen backbone's own vectors. */
  baseline?(): Promise<Metrics>;
  /** Measures the network as it is now on the images held out. */
  validate(tensors: ReadonlyMap<string, Float32Array>): Promise<Metrics>;
  /** The metric by which the best epoch is told; more of it is better. */
  criterion: string;
  /** Writes the model folder. Called once, with the best numbers. */
  save(tensors: ReadonlyMap<string, Float32Array>, summary: TrainingSummary): Promise<void>;
  /** Ends threads and sessions. */
  close(): Promise<void>;
}

/** What a model card says about how its model was trained. */
export interface TrainingSummary {
  epochs: number;
  steps: number;
  bestEpoch: number;
  metrics: Metrics;
  /** The same without training, where that says something. */
  baseline?: Metrics;
  seconds: number;
}
