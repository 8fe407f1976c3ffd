/** @file Tells a loss that is no number or explodes from one that merely varies. */
import { TrainingError } from '../errors.js';

/** The losses by which an explosion is told; plain JSON, part of a checkpoint. */
export interface Losses {
  /** Of the run's first steps. */
  first: { sum: number; count: number };
  /** Of as many last ones. */
  recent: number[];
}

/** Steps whose mean loss is held against that of as many first ones, and the factor that counts as an explosion. */
const STEPS = 20;
const FACTOR = 100;

/**
 * Takes down the loss of a step.
 * @param where names the step in messages
 * @throws TrainingError when loss or gradients are not finite, or the mean of the last losses is 100 times that of the
 *   first.
 */
export function takeLoss(
  { first, recent }: Losses,
  { loss, gradNorm }: { loss: number; gradNorm: number },
  where: string,
  hint: string,
): void {
  if (!Number.isFinite(loss) || !Number.isFinite(gradNorm))
    throw new TrainingError(
      `${where}: the ${Number.isFinite(loss) ? `gradients are ${gradNorm}` : `loss is ${loss}`}`,
      { hint },
    );
  if (first.count < STEPS) {
    first.sum += Math.abs(loss);
    first.count++;
    return;
  }
  recent.push(Math.abs(loss));
  if (recent.length > STEPS) recent.shift();
  if (recent.length < STEPS || first.sum === 0) return; // a run whose first batches cost nothing has no measure
  const mean = recent.reduce((a, b) => a + b, 0) / STEPS;
  const before = first.sum / STEPS;
  if (mean > FACTOR * before)
    throw new TrainingError(
      `${where}: the loss explodes: it is ${mean.toPrecision(3)} on average now and was ${before.toPrecision(3)} over the first ${STEPS} steps`,
      { hint },
    );
}
