/** @file The running statistics of batch normalisation (Ioffe & Szegedy, 2015), as PyTorch averages them. */
import type { BatchStatistics } from '../graph/index.js';

/**
 * The running averages after a batch: `(1 − momentum) · running + momentum · measured`, by name. A new map; what is
 * given stays as it is. A normalisation that ran twice in the batch counts twice.
 * @param measured the mean and the unbiased variance that the i-th of `statistics` found.
 */
export function applyStatistics(
  running: ReadonlyMap<string, Float32Array>,
  statistics: readonly BatchStatistics[],
  measured: (i: number) => { mean: Float32Array; variance: Float32Array },
): Map<string, Float32Array> {
  const next = new Map([...running].map(([name, numbers]) => [name, numbers.slice()]));
  statistics.forEach(({ runningMean, runningVariance, momentum }, i) => {
    const { mean, variance } = measured(i);
    average(next.get(runningMean)!, mean, momentum);
    average(next.get(runningVariance)!, variance, momentum);
  });
  return next;
}

function average(to: Float32Array, measured: Float32Array, momentum: number): void {
  for (let i = 0; i < to.length; i++) to[i] = (1 - momentum) * to[i]! + momentum * measured[i]!;
}
