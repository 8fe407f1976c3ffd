/** @file Where vectors lie and how far they spread. */
import type { Vectors } from '../vectors.js';

/** The mean vector, and the square root of the mean variance of the numbers around it; 1 where nothing varies. */
export interface Moments {
  mean: Float64Array;
  deviation: number;
}

export function centreOf({ data, dimension }: Vectors): Moments {
  const count = data.length / dimension;
  const mean = new Float64Array(dimension);
  for (let at = 0; at < data.length; at += dimension)
    for (let d = 0; d < dimension; d++) mean[d]! += data[at + d]!;
  for (let d = 0; d < dimension; d++) mean[d]! /= count;
  let squares = 0;
  for (let at = 0; at < data.length; at += dimension)
    for (let d = 0; d < dimension; d++) squares += (data[at + d]! - mean[d]!) ** 2;
  return { mean, deviation: Math.sqrt(squares / data.length) || 1 };
}

/** The variance of all numbers of the vectors around their one mean. */
export function varianceOf({ data }: Vectors): number {
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += data[i]!;
  const mean = sum / data.length;
  let squares = 0;
  for (let i = 0; i < data.length; i++) squares += (data[i]! - mean) ** 2;
  return squares / data.length;
}
