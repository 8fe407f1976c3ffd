/**
 * @file From scores to probabilities, by numbers that calibration fits (see calibration.ts).
 */
import { couple, pairsOf, votes } from './pairs.js';
import type { Scorer } from './scorer.js';

/** How probabilities are made of scores; plain JSON. */
export interface Link {
  /**
   * - `identity`: the scores are probabilities.
   * - `softmax` of the scores times the parameter; scores of pairs become votes before.
   * - `power`: the scores are probabilities, and raised to the power of the parameter.
   * - `sigmoid`: for each score a slope and an intercept; several classes are then scaled to sum to 1 (Zadrozny & Elkan,
   *   2002), as scikit-learn's `CalibratedClassifierCV` does, and pairs of classes coupled, as LIBSVM does.
   */
  readonly kind: (typeof LINKS)[number];
  readonly parameters: readonly number[];
}

export const LINKS = ['identity', 'softmax', 'power', 'sigmoid'] as const;

/** The least probability whose logarithm is taken. */
const LEAST = 1e-6;

/** Probabilities `[n × classes]` of scores `[n × width]`. */
export function probabilities(
  scores: Float32Array,
  { width, of }: Pick<Scorer, 'width' | 'of'>,
  classes: number,
  link: Link,
): Float32Array {
  const count = scores.length / width;
  const result = new Float32Array(count * classes);
  const logits = link.kind === 'sigmoid' ? undefined : logitsOf(scores, { width, of }, classes, link.kind);
  for (let item = 0; item < count; item++) {
    const row = logits
      ? logits.subarray(item * classes, (item + 1) * classes)
      : sigmoids(scores.subarray(item * width, (item + 1) * width), of, classes, link.parameters);
    if (logits && link.kind !== 'identity') softmax(row, link.parameters[0]!);
    result.set(row, item * classes);
  }
  return result;
}

/** One number for each class, `[n × classes]`, of which the softmax is taken. */
export function logitsOf(
  scores: Float32Array,
  { width, of }: Pick<Scorer, 'width' | 'of'>,
  classes: number,
  kind: Link['kind'],
): Float64Array {
  if (kind === 'power') return Float64Array.from(scores, (p) => Math.log(Math.max(p, LEAST)));
  if (width > 1) return Float64Array.from(of === 'pairs' ? votes(scores, classes) : scores);
  return Float64Array.from({ length: 2 * scores.length }, (_, i) => (i % 2 === 0 ? 0 : scores[(i - 1) / 2]!));
}

function softmax(row: Float64Array, factor: number): void {
  const most = row.reduce((a, b) => Math.max(a, b));
  let sum = 0;
  for (let c = 0; c < row.length; c++) {
    row[c] = Math.exp(factor * (row[c]! - most));
    sum += row[c]!;
  }
  for (let c = 0; c < row.length; c++) row[c]! /= sum;
}

function sigmoids(
  scores: Float32Array,
  of: Scorer['of'],
  classes: number,
  parameters: readonly number[],
): Float64Array {
  const each = Float64Array.from(scores, (s, i) => sigmoid(parameters[2 * i]! * s + parameters[2 * i + 1]!));
  if (each.length === 1) return Float64Array.of(1 - each[0]!, each[0]!);
  if (of === 'pairs') return couple(each, classes);
  const sum = each.reduce((a, b) => a + b);
  return each.map((p) => (sum > 0 ? p / sum : 1 / classes));
}

export const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** The classes that each score sets against each other: of those that it speaks of, the ones for which it is positive. */
export function sidesOf({ width, of }: Pick<Scorer, 'width' | 'of'>, classes: number): Side[] {
  if (width === 1) return [{ speaksOf: () => true, positive: 1 }];
  if (of === 'classes')
    return Array.from({ length: width }, (_, c) => ({ speaksOf: () => true, positive: c }));
  return pairsOf(classes).map(([a, b]) => ({ speaksOf: (c) => c === a || c === b, positive: b }));
}

interface Side {
  speaksOf(label: number): boolean;
  positive: number;
}
