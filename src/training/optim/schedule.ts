/**
 * @file How the learning rate changes over a run, as a factor on it; equal to PyTorch's `lr_scheduler`s.
 *
 * With a warm-up it is `SequentialLR([LinearLR(start_factor, total_iters=warmupSteps), main], [warmupSteps])`: the main
 * schedule begins when the warm-up is over. Closed forms, so that a resumed run needs no state.
 */
import { UsageError } from '../../errors.js';

/** A linear warm-up before any schedule. */
export interface Warmup {
  /** Steps until the full learning rate is reached. @default 0 */
  warmupSteps?: number | undefined;
  /** The factor of the first step (`LinearLR`'s `start_factor`). @default 1/3 */
  warmupFactor?: number | undefined;
}

/** Which schedule, in steps of the optimiser. */
export type ScheduleOptions = Warmup &
  (
    | {
        /** The learning rate stays as it is. */
        name: 'constant';
      }
    | {
        /** `CosineAnnealingLR` over all steps after the warm-up (Loshchilov & Hutter, 2017). */
        name: 'cosine';
        /** Where it ends (`eta_min` / `lr`). @default 0 */
        minFactor?: number | undefined;
      }
    | {
        /** `StepLR`: times `gamma` after every `stepSize` steps. */
        name: 'step';
        stepSize: number;
        /** @default 0.1 */
        gamma?: number | undefined;
      }
    | {
        /** `MultiStepLR`: times `gamma` at each milestone, a number of steps after the warm-up. */
        name: 'multi-step';
        milestones: readonly number[];
        /** @default 0.1 */
        gamma?: number | undefined;
      }
    | {
        /** `ExponentialLR`: times `gamma` after every step. */
        name: 'exponential';
        gamma: number;
      }
  );

/**
 * The factor on the learning rate for each step, from step 0.
 * @param totalSteps of the run, warm-up included.
 * @throws UsageError for a number out of its range and for a warm-up that is as long as the run.
 */
export function schedule(options: ScheduleOptions, totalSteps: number): (step: number) => number {
  const { warmupSteps = 0, warmupFactor = 1 / 3 } = options;
  count('warmupSteps', warmupSteps, 0);
  within('warmupFactor', warmupFactor, 0, 1);
  if (warmupSteps > 0 && warmupSteps >= totalSteps)
    throw new UsageError(
      `warmupSteps: expected fewer than the run's ${totalSteps} steps but received ${warmupSteps}`,
    );
  const main = mainSchedule(options, totalSteps - warmupSteps);
  return (step) =>
    step < warmupSteps ? warmupFactor + ((1 - warmupFactor) * step) / warmupSteps : main(step - warmupSteps);
}

function mainSchedule(options: ScheduleOptions, steps: number): (step: number) => number {
  switch (options.name) {
    case 'constant':
      return () => 1;
    case 'cosine': {
      const { minFactor = 0 } = options;
      within('minFactor', minFactor, 0, 1);
      return (step) => minFactor + ((1 - minFactor) * (1 + Math.cos((Math.PI * step) / steps))) / 2;
    }
    case 'step': {
      const { stepSize, gamma = 0.1 } = options;
      count('stepSize', stepSize, 1);
      within('gamma', gamma, 0, 1);
      return (step) => gamma ** Math.floor(step / stepSize);
    }
    case 'multi-step': {
      const { milestones, gamma = 0.1 } = options;
      for (const milestone of milestones) count('milestones', milestone, 0);
      within('gamma', gamma, 0, 1);
      return (step) => gamma ** milestones.filter((milestone) => milestone <= step).length;
    }
    case 'exponential': {
      const { gamma } = options;
      within('gamma', gamma, 0, 1);
      return (step) => gamma ** step;
    }
    default: {
      const { name } = options satisfies never as { name: unknown };
      throw new UsageError(
        `schedule: expected constant, cosine, step, multi-step or exponential but received ${String(name)}`,
      );
    }
  }
}

function count(name: string, value: number, least: number): void {
  if (!Number.isInteger(value) || value < least)
    throw new UsageError(`${name}: expected a whole number of at least ${least} but received ${value}`);
}

function within(name: string, value: number, low: number, high: number): void {
  if (!(value >= low && value <= high))
    throw new UsageError(`${name}: expected a number from ${low} to ${high} but received ${value}`);
}
