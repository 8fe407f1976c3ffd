/** @file Probabilities beside scikit-learn's (test/fixtures/vectors/make_classify.py). */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fitSigmoid, fitTemperature } from '#src/vectors/classify/calibration.js';
import { logitsOf, probabilities } from '#src/vectors/classify/link.js';
import { couple, pairsOf } from '#src/vectors/classify/pairs.js';
import { difference, fitClassifier, train, two, unseen } from './items.js';

const FOUR = { width: 4, of: 'classes' } as const;
const ONE = { width: 1, of: 'classes' } as const;
const golden = (
  JSON.parse(readFileSync('test/fixtures/vectors/classify.json', 'utf8')) as {
    calibration: Record<'scores' | 'pair' | 'sigmoids' | 'pairSigmoid' | 'probabilities', number[]> &
      Record<'factor' | 'pairFactor', number>;
  }
).calibration;
const labels = [...unseen.labels];
const pairLabels = [...two(unseen).labels];

describe('Platt scaling', () => {
  it('has the sigmoids and the probabilities of CalibratedClassifierCV', async () => {
    const parameters: number[] = [];
    for (let c = 0; c < 4; c++) {
      const column = golden.scores.filter((_, i) => i % 4 === c);
      const { slope, intercept } = await fitSigmoid(
        column,
        labels.map((label) => label === c),
      );
      parameters.push(slope, intercept);
    }
    expect(difference(parameters, golden.sigmoids)).toBeLessThan(1e-4);
    const found = probabilities(Float32Array.from(golden.scores), FOUR, 4, { kind: 'sigmoid', parameters });
    expect(difference(found, golden.probabilities)).toBeLessThan(1e-5);
  });

  it('has one sigmoid for two classes', async () => {
    const { slope, intercept } = await fitSigmoid(
      golden.pair,
      pairLabels.map((label) => label === 1),
    );
    expect(difference([slope, intercept], golden.pairSigmoid)).toBeLessThan(1e-4);
    const scores = Float32Array.from(golden.pair);
    const found = probabilities(scores, ONE, 2, { kind: 'sigmoid', parameters: [slope, intercept] });
    golden.pair.forEach((score, i) => {
      expect(found[2 * i + 1]).toBeCloseTo(1 / (1 + Math.exp(-slope * score - intercept)), 6);
      expect(found[2 * i]! + found[2 * i + 1]!).toBeCloseTo(1, 6);
    });
  });

  it('stays finite for scores without an error, large ones too', async () => {
    const { slope, intercept } = await fitSigmoid([-900, -800, 700, 1000], [false, false, true, true]);
    expect(slope).toBeGreaterThan(0);
    expect(Number.isFinite(intercept)).toBe(true);
  });
});

describe('temperature scaling', () => {
  it('finds the factor of greatest likelihood', async () => {
    const pair = logitsOf(Float32Array.from(golden.pair), ONE, 2, 'softmax');
    expect(await fitTemperature(Float64Array.from(golden.scores), labels)).toBeCloseTo(golden.factor, 4);
    expect(await fitTemperature(pair, pairLabels)).toBeCloseTo(golden.pairFactor, 4);
  });

  it('leaves shares of votes as they are when they are right', async () => {
    const votes = Float32Array.from({ length: 40 }, (_, i) => ([0.7, 0.3, 0.3, 0.7] as const)[i % 4]!);
    const truth = Array.from({ length: 20 }, (_, i) => (i < 6 ? 1 - (i % 2) : i % 2));
    const logits = logitsOf(votes, { width: 2, of: 'classes' }, 2, 'power');
    expect(await fitTemperature(logits, truth)).toBeCloseTo(1, 3);
    const found = probabilities(votes, { width: 2, of: 'classes' }, 2, { kind: 'power', parameters: [1] });
    expect(difference(found, [...votes])).toBeLessThan(1e-6);
  });

  it('stays finite for scores without an error', async () => {
    const factor = await fitTemperature(Float64Array.of(3, -3, -2, 2), [0, 1]);
    expect(factor).toBeGreaterThan(1);
    expect(Number.isFinite(factor)).toBe(true);
  });
});

describe('coupling', () => {
  /** Of the second class of each pair. */
  const against = (p: readonly number[]) => pairsOf(p.length).map(([a, b]) => p[b]! / (p[a]! + p[b]!));

  it('finds the probabilities that all pairs agree on', () => {
    for (const p of [
      [0.5, 0.3, 0.15, 0.05],
      [0.98, 0.01, 0.01],
      Array.from({ length: 40 }, (_, i) => (i + 1) / 820),
    ])
      expect(difference(couple(against(p), p.length), p)).toBeLessThan(1e-5);
  });

  it('finds the least sum of squares where pairs do not agree', () => {
    const second = [0.9, 0.2, 0.6, 0.8, 0.3, 0.5];
    const p = couple(second, 4);
    const cost = (q: ArrayLike<number>) =>
      pairsOf(4).reduce((sum, [a, b], i) => sum + (second[i]! * q[a]! - (1 - second[i]!) * q[b]!) ** 2, 0);
    expect(p.reduce((a, b) => a + b)).toBeCloseTo(1, 6);
    for (let from = 0; from < 4; from++)
      for (let to = 0; to < 4; to++)
        if (from !== to)
          expect(cost(p.map((v, c) => v + (c === to ? 1e-3 : 0) - (c === from ? 1e-3 : 0)))).toBeGreaterThan(
            cost(p),
          );
  });
});

describe('a calibrated classifier', () => {
  const logLoss = (found: Float32Array) =>
    labels.reduce((sum, label, i) => sum - Math.log(Math.max(found[4 * i + label]!, 1e-9)), 0) /
    labels.length;

  it.each(['svm', 'rbf-svm', 'knn'] as const)('is nearer to the truth than without: %s', async (method) => {
    const losses: number[] = [];
    for (const calibration of ['none', method === 'knn' ? 'temperature' : undefined] as const) {
      const classifier = await fitClassifier(train.vectors, train.labels, 4, { method, calibration });
      const found = await classifier.predict(unseen.vectors);
      for (let i = 0; i < labels.length; i++)
        expect(found.subarray(4 * i, 4 * i + 4).reduce((a, b) => a + b)).toBeCloseTo(1, 5);
      losses.push(logLoss(found));
      await classifier.close();
    }
    expect(losses[1]).toBeLessThan(losses[0]!);
  });

  it('holds out whole groups, and says so when that leaves a class without items', async () => {
    const options = { method: 'svm', calibration: 'temperature' } as const;
    const groups = Int32Array.from(train.labels, (_, i) => i % 7);
    const classifier = await fitClassifier(train.vectors, train.labels, 4, { ...options, groups });
    await classifier.close();
    await expect(
      fitClassifier(train.vectors, train.labels, 4, { ...options, groups: train.labels }),
    ).rejects.toThrow(/calibration: expected two items/);
  });
});
