/**
 * @file From scores to probabilities.
 *
 * Platt scaling (Platt, 1999, with the targets of Lin, Lin & Weng, "A note on Platt's probabilistic outputs for support
 * vector machines", 2007): a sigmoid for each class, scaled to sum to 1 (Zadrozny & Elkan, 2002), which is what
 * scikit-learn's `CalibratedClassifierCV` does. Temperature scaling (Guo et al., 2017): one factor before the softmax,
 * which leaves the order of the classes as it is.
 */
import { UsageError } from '../../errors.js';
import { lbfgs } from '../lbfgs.js';
import type { FitInput } from './classifier.js';
import type { Scorer } from './scorer.js';
import { partOf, rowsOf, splitsOf } from './splits.js';

export type Calibration = 'platt' | 'temperature' | 'none';

/** How probabilities are made of scores; plain JSON. */
export interface Link {
  /**
   * `softmax` and `power` take the scores times the parameter: logits, or logarithms of probabilities; `sigmoid` takes
   * slope and intercept for each score; `identity` takes probabilities as they are.
   */
  readonly kind: (typeof LINKS)[number];
  readonly parameters: readonly number[];
}

export const LINKS = ['softmax', 'power', 'sigmoid', 'identity'] as const;

/** The least probability whose logarithm is taken. */
const LEAST = 1e-6;

/** Probabilities `[n × classes]` of scores `[n × width]`; a single score for two classes is that of the second one. */
export function probabilities(scores: Float32Array, width: number, link: Link): Float32Array {
  if (link.kind === 'identity') return scores;
  const classes = Math.max(2, width);
  const count = scores.length / width;
  const result = new Float32Array(count * classes);
  const row = new Float64Array(classes);
  for (let item = 0; item < count; item++) {
    if (width === 1) row[1] = scores[item]!;
    else for (let c = 0; c < classes; c++) row[c] = scores[item * width + c]!;
    row[0] = width === 1 ? 0 : row[0]!;
    if (link.kind === 'sigmoid') sigmoids(row, link.parameters);
    else softmax(row, link);
    result.set(row, item * classes);
  }
  return result;
}

function softmax(row: Float64Array, { kind, parameters: [factor] }: Link): void {
  let most = Number.NEGATIVE_INFINITY;
  for (let c = 0; c < row.length; c++) {
    row[c] = factor! * (kind === 'power' ? Math.log(Math.max(row[c]!, LEAST)) : row[c]!);
    most = Math.max(most, row[c]!);
  }
  let sum = 0;
  for (let c = 0; c < row.length; c++) {
    row[c] = Math.exp(row[c]! - most);
    sum += row[c]!;
  }
  for (let c = 0; c < row.length; c++) row[c]! /= sum;
}

/** Slope and intercept of each class, or of the second of two. */
function sigmoids(row: Float64Array, parameters: readonly number[]): void {
  if (parameters.length === 2) {
    row[1] = sigmoid(parameters[0]! * row[1]! + parameters[1]!);
    row[0] = 1 - row[1]!;
    return;
  }
  let sum = 0;
  for (let c = 0; c < row.length; c++) {
    row[c] = sigmoid(parameters[2 * c]! * row[c]! + parameters[2 * c + 1]!);
    sum += row[c]!;
  }
  for (let c = 0; c < row.length; c++) row[c] = sum > 0 ? row[c]! / sum : 1 / row.length;
}

/**
 * Fits the link on out-of-fold scores: every item is scored by a method that was fitted without its fold.
 * @throws UsageError when no fold leaves items of every class to train on.
 */
export async function fitLink(
  input: FitInput,
  calibration: Exclude<Calibration, 'none'>,
  fitOne: (input: FitInput) => Promise<Scorer>,
): Promise<Link> {
  const { scores, width, labels } = await outOfFold(input, fitOne);
  if (calibration === 'temperature') {
    const kind = input.options.method === 'knn' ? 'power' : 'softmax';
    return { kind, parameters: [await fitTemperature(scores, width, labels, kind)] };
  }
  const parameters: number[] = [];
  for (let column = 0; column < width; column++) {
    const own = labels.map((_, i) => i * width + column);
    const positive = labels.map((label) => label === (width === 1 ? 1 : column));
    const { slope, intercept } = await fitSigmoid(
      own.map((at) => scores[at]!),
      positive,
    );
    parameters.push(slope, intercept);
  }
  return { kind: 'sigmoid', parameters };
}

/** The scores of the items, each from the part that it is not in, and their labels. */
async function outOfFold(
  input: FitInput,
  fitOne: (input: FitInput) => Promise<Scorer>,
): Promise<{ scores: number[]; width: number; labels: number[] }> {
  const scores: number[] = [];
  const labels: number[] = [];
  let width = 0;
  for (const { train, test } of splitsOf(input, input.options.calibrationFolds ?? 5)) {
    const scorer = await fitOne(partOf(input, train));
    try {
      width = scorer.width;
      for (const score of await scorer.score(rowsOf(input.vectors, test))) scores.push(score);
      for (const item of test) labels.push(input.labels[item]!);
    } finally {
      await scorer.close();
    }
  }
  if (labels.length === 0)
    throw new UsageError('calibration: expected two items of a class to spare but there are too few', {
      hint: "give more items of each class, or calibration 'none'",
    });
  return { scores, width, labels };
}

/** The sigmoid 1 / (1 + exp(−(slope · score + intercept))) that says best which scores are of positive items. */
export async function fitSigmoid(
  scores: readonly number[],
  positive: readonly boolean[],
): Promise<{ slope: number; intercept: number }> {
  const positives = positive.filter(Boolean).length;
  const negatives = positive.length - positives;
  const high = (positives + 1) / (positives + 2);
  const low = 1 / (negatives + 2);
  const scale = scores.reduce((most, s) => Math.max(most, Math.abs(s)), 0) || 1;
  const { x } = await lbfgs(
    ([slope, intercept], gradient) => {
      gradient.fill(0);
      let loss = 0;
      scores.forEach((score, i) => {
        const f = (slope! * score) / scale + intercept!;
        const target = positive[i] ? high : low;
        loss += softplus(f) - target * f;
        const d = (sigmoid(f) - target) / scores.length;
        gradient[0]! += (d * score) / scale;
        gradient[1]! += d;
      });
      return loss / scores.length;
    },
    [0, Math.log((positives + 1) / (negatives + 1))],
    { gradientTolerance: 1e-10 },
  );
  return { slope: x[0]! / scale, intercept: x[1]! };
}

/**
 * The factor (1 / temperature) of the scores with which the softmax gives the labels the greatest likelihood.
 * @param scores `[n × width]`: logits, or probabilities for `power`.
 */
export async function fitTemperature(
  scores: readonly number[],
  width: number,
  labels: readonly number[],
  kind: 'softmax' | 'power' = 'softmax',
): Promise<number> {
  const classes = Math.max(2, width);
  const logits = Float64Array.from(
    kind === 'power' ? scores.map((p) => Math.log(Math.max(p, LEAST))) : scores,
  );
  const row = new Float64Array(classes);
  const { x } = await lbfgs(
    ([logFactor], gradient) => {
      const factor = Math.exp(logFactor!);
      let loss = 0;
      let slope = 0;
      labels.forEach((label, item) => {
        if (width === 1) row[1] = logits[item]!;
        else row.set(logits.subarray(item * width, (item + 1) * width));
        const most = row.reduce((a, b) => Math.max(a, b));
        let sum = 0;
        let mean = 0;
        for (let c = 0; c < classes; c++) {
          const e = Math.exp(factor * (row[c]! - most));
          sum += e;
          mean += e * row[c]!;
        }
        loss += Math.log(sum) + factor * (most - row[label]!);
        slope += mean / sum - row[label]!;
      });
      gradient[0] = (slope * factor) / labels.length;
      // A weak hold on the factor, so that scores without a single error do not send it to infinity.
      gradient[0]! += 2e-9 * logFactor!;
      return loss / labels.length + 1e-9 * logFactor! * logFactor!;
    },
    [0],
    { gradientTolerance: 1e-9 },
  );
  return Math.exp(x[0]!);
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** log(1 + exp(x)) without overflow. */
const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
