/**
 * @file Calibration: what makes scores into probabilities, fitted on items that were not trained on.
 *
 * Platt scaling (Platt, 1999, with the targets of Lin, Lin & Weng, "A note on Platt's probabilistic outputs for support
 * vector machines", 2007) fits a sigmoid for each score. Temperature scaling (Guo et al., 2017) fits one factor before
 * the softmax, which leaves the order of the classes as it is.
 */
import { UsageError } from '../../errors.js';
import { lbfgs } from '../lbfgs.js';
import type { FitInput } from './classifier.js';
import { type Link, logitsOf, sidesOf, sigmoid } from './link.js';
import type { Scorer } from './scorer.js';
import { partOf, rowsOf, splitsOf } from './splits.js';

export type Calibration = 'platt' | 'temperature' | 'none';

/** A weak pull of the factor to 1, so that scores without a single error do not send it to infinity. */
const HOLD = 1e-9;

/**
 * Fits the link on out-of-fold scores: every item is scored by a method that was fitted without its fold.
 * @throws UsageError when no fold leaves items of every class to train on.
 */
export async function fitLink(
  input: FitInput,
  calibration: Exclude<Calibration, 'none'>,
  fitOne: (input: FitInput) => Promise<Scorer>,
): Promise<Link> {
  const { scores, layout, labels } = await outOfFold(input, fitOne);
  const { classes } = input;
  if (calibration === 'temperature') {
    const kind = input.options.method === 'knn' ? 'power' : 'softmax';
    return { kind, parameters: [await fitTemperature(logitsOf(scores, layout, classes, kind), labels)] };
  }
  const parameters: number[] = [];
  for (const [column, { speaksOf, positive }] of sidesOf(layout, classes).entries()) {
    const items = [...labels.keys()].filter((i) => speaksOf(labels[i]!));
    const { slope, intercept } = await fitSigmoid(
      items.map((i) => scores[i * layout.width + column]!),
      items.map((i) => labels[i] === positive),
    );
    parameters.push(slope, intercept);
  }
  return { kind: 'sigmoid', parameters };
}

/** The scores of the items, each from the part that it is not in, and their labels. */
async function outOfFold(
  input: FitInput,
  fitOne: (input: FitInput) => Promise<Scorer>,
): Promise<{ scores: Float32Array; layout: Pick<Scorer, 'width' | 'of'>; labels: number[] }> {
  const scores: number[] = [];
  const labels: number[] = [];
  let layout: Pick<Scorer, 'width' | 'of'> | undefined;
  for (const { train, test } of splitsOf(input, input.options.calibrationFolds ?? 5)) {
    const scorer = await fitOne(partOf(input, train));
    try {
      layout = scorer;
      for (const score of await scorer.score(rowsOf(input.vectors, test))) scores.push(score);
      for (const item of test) labels.push(input.labels[item]!);
    } finally {
      await scorer.close();
    }
  }
  if (!layout)
    throw new UsageError('calibration: expected two items of a class to spare but there are too few', {
      hint: "give more items of each class, or calibration 'none'",
    });
  return { scores: Float32Array.from(scores), layout, labels };
}

/** The sigmoid 1 / (1 + exp(−(slope · score + intercept))) that says best which scores are of positive items. */
export async function fitSigmoid(
  scores: readonly number[],
  positive: readonly boolean[],
): Promise<{ slope: number; intercept: number }> {
  if (scores.length === 0) return { slope: 1, intercept: 0 };
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
 * The factor (1 / temperature) of logits with which their softmax gives the labels the greatest likelihood.
 * @param logits `[n × classes]`.
 */
export async function fitTemperature(logits: Float64Array, labels: readonly number[]): Promise<number> {
  const classes = logits.length / labels.length;
  const { x } = await lbfgs(
    ([logFactor], gradient) => {
      const factor = Math.exp(logFactor!);
      let loss = 0;
      let slope = 0;
      labels.forEach((label, item) => {
        const row = logits.subarray(item * classes, (item + 1) * classes);
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
      gradient[0] = (slope * factor) / labels.length + 2 * HOLD * logFactor!;
      return loss / labels.length + HOLD * logFactor! ** 2;
    },
    [0],
    { gradientTolerance: 1e-10 },
  );
  return Math.exp(x[0]!);
}

/** log(1 + exp(x)) without overflow. */
const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
