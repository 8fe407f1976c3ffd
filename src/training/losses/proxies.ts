/** @file What losses with a learned vector for each class share. */
import { ops, type Value } from '../../graph/index.js';
import type { Random } from '../../random.js';
import type { LossParameter } from './loss.js';

/** bool [B, classes]: true at each item's label. */
export function oneHot(labels: Value, classes: number): Value {
  const column = ops.reshape(labels, [labels.shape[0]!, 1]);
  return ops.equal(column, ops.reshape(ops.arange(labels.graph, classes), [1, classes]));
}

/** Numbers drawn from a normal distribution with mean 0. */
export function normal(shape: number[], deviation: number, random: Random): LossParameter {
  const data = new Float32Array(shape.reduce((n, d) => n * d, 1));
  for (let i = 0; i < data.length; i++) data[i] = random.normal() * deviation;
  return { shape, data };
}
