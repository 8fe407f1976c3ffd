/** @file How far a run is, what it tells while it trains, and how it ended. */
import type { Losses } from './divergence.js';
import type { Metrics, TrainingSummary } from './task.js';

/** What the loop tells while it runs. */
export type TrainingEvent =
  | {
      type: 'step';
      epoch: number;
      epochs: number;
      step: number;
      steps: number;
      /** Mean over the epoch so far. */
      loss: number;
      lr: number;
      itemsPerSecond: number;
      secondsLeft: number;
    }
  | {
      type: 'epoch';
      epoch: number;
      epochs: number;
      loss: number;
      metrics: Metrics;
      best: boolean;
      seconds: number;
    }
  | { type: 'baseline'; metrics: Metrics }
  /** `epoch` is the one under way: above `epochs` when all are done. */
  | { type: 'resumed'; epoch: number; epochs: number; step: number };

/** How a run ended. */
export interface LoopResult extends TrainingSummary {
  /** `interrupted`: a checkpoint was written and nothing else. */
  ended: 'finished' | 'early' | 'interrupted';
  history: readonly EpochRecord[];
}

/** One epoch's figures. */
export interface EpochRecord {
  epoch: number;
  loss: number;
  metrics: Metrics;
}

/** Where a run stands; what a checkpoint keeps besides numbers. */
export interface Progress extends Losses {
  /** The epoch under way, from 1. */
  epoch: number;
  /** Steps done in it. */
  batch: number;
  step: number;
  /** Sum of the losses of the epoch's steps. */
  lossSum: number;
  bestEpoch: number;
  /** Epochs since the best. */
  stale: number;
  seconds: number;
  history: EpochRecord[];
  /** What was there without training. */
  baseline?: Metrics;
}

/** Of a run that begins. */
export function noProgress(): Progress {
  return {
    epoch: 1,
    batch: 0,
    step: 0,
    lossSum: 0,
    first: { sum: 0, count: 0 },
    recent: [],
    bestEpoch: 0,
    stale: 0,
    seconds: 0,
    history: [],
  };
}
