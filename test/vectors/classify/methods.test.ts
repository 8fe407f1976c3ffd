/** @file The methods beside scikit-learn's (test/fixtures/vectors/make_classify.py). */
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import type { Classifier, ClassifierOptions } from '#src/vectors/classify/classifier.js';
import { votes } from '#src/vectors/classify/pairs.js';
import { fitFourierSvm } from '#src/vectors/classify/svm-fourier.js';
import { difference, fitClassifier, type Items, train, two, unseen } from './items.js';

interface Linear {
  weight: number[];
  bias: number[];
  probabilities: number[];
  scores: number[];
}
type Case = 'four' | 'loose' | 'balanced' | 'two' | 'twoBalanced';
const golden = JSON.parse(readFileSync('test/fixtures/vectors/classify.json', 'utf8')) as {
  first: number[];
  knn: Record<'uniform' | 'distance', number[]>;
  logistic: Record<Case, Linear>;
  svm: Record<Case, Linear>;
  rbf: Record<'four' | 'balanced' | 'gamma' | 'two', { gamma: number; scores: number[]; support: number[] }>;
};

const CASES: Record<Case, Partial<ClassifierOptions>> = {
  four: {},
  loose: { regularization: 20 },
  balanced: { regularization: 0.5, classWeights: 'balanced' },
  two: {},
  twoBalanced: { classWeights: 'balanced' },
};

const open: Classifier[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((c) => c.close()));
});

async function fitted(items: Items, options: ClassifierOptions): Promise<Classifier> {
  const classes = Math.max(...items.labels) + 1;
  const classifier = await fitClassifier(items.vectors, items.labels, classes, options);
  open.push(classifier);
  return classifier;
}

const side = (name: string, items: Items) => (name.startsWith('two') ? two(items) : items);

it('has the items of the fixture', () => {
  expect([...train.vectors.data.subarray(0, 16)]).toEqual(golden.first);
});

describe('k-nearest neighbours', () => {
  it.each(['uniform', 'distance'] as const)('vote as KNeighborsClassifier with %s weights', async (votes) => {
    const classifier = await fitted(train, { method: 'knn', neighbours: 7, votes });
    expect(difference(await classifier.predict(unseen.vectors), golden.knn[votes])).toBeLessThan(1e-4);
  });

  it('see a training item again, alone or with its copies, and nothing else', async () => {
    const classifier = await fitted(train, { method: 'knn', neighbours: 9 });
    const found = await classifier.predict(train.vectors);
    train.labels.forEach((label, i) => {
      expect(found[i * 4 + label]).toBe(1);
    });
  });

  it('count votes by the cosine, and by the weight of the class', async () => {
    const corner = { data: Float32Array.of(1, 0, 0.8, 0.6, 0.6, 0.8), dimension: 2 };
    const options: ClassifierOptions = { method: 'knn', neighbours: 3, votes: 'similarity' };
    const classifier = await fitted({ vectors: corner, labels: Int32Array.of(0, 1, 1) }, options);
    const found = await classifier.predict({ data: Float32Array.of(5, 0), dimension: 2 });
    expect(found[0]).toBeCloseTo(1 / 2.4, 6);
    const weighted = await fitted(
      { vectors: corner, labels: Int32Array.of(0, 1, 1) },
      { ...options, classWeights: [1.4, 1] },
    );
    expect((await weighted.predict({ data: Float32Array.of(5, 0), dimension: 2 }))[0]).toBeCloseTo(0.5, 6);
  });
});

describe('logistic regression', () => {
  it.each(Object.keys(CASES) as Case[])('has the coefficients of LogisticRegression: %s', async (name) => {
    const wanted = golden.logistic[name];
    const classifier = await fitted(side(name, train), { method: 'logistic', ...CASES[name] });
    const { tensors } = classifier.save();
    expect(difference(tensors['weight.0']!.data, wanted.weight)).toBeLessThan(1e-3);
    expect(difference(tensors['bias.0']!.data, wanted.bias)).toBeLessThan(1e-3);
    const found = await classifier.predict(side(name, unseen).vectors);
    expect(difference(found, wanted.probabilities)).toBeLessThan(1e-4);
  });

  it('comes to the same far from the origin, where embeddings lie', async () => {
    const far = { ...train, vectors: { ...train.vectors, data: train.vectors.data.map((x) => x + 8) } };
    const { tensors } = (await fitted(far, { method: 'logistic' })).save();
    expect(difference(tensors['weight.0']!.data, golden.logistic.four.weight)).toBeLessThan(1e-3);
  });
});

describe('the linear support vector machine', () => {
  it.each(Object.keys(CASES) as Case[])('has the decision values of LinearSVC: %s', async (name) => {
    const wanted = golden.svm[name];
    const options: ClassifierOptions = { method: 'svm', calibration: 'none', ...CASES[name] };
    const classifier = await fitted(side(name, train), options);
    expect(difference(classifier.save().tensors['weight.0']!.data, wanted.weight)).toBeLessThan(1e-3);
    const found = await classifier.scorer.score(side(name, unseen).vectors);
    expect(difference(found, wanted.scores)).toBeLessThan(1e-3);
  });
});

describe('the Gaussian support vector machine', () => {
  it.each([
    ['four', {}],
    ['balanced', { regularization: 3, classWeights: 'balanced' }],
    ['gamma', { regularization: 0.5, gamma: 0.1 }],
    ['two', {}],
  ] as const)('has the decision values of SVC: %s', async (name, options) => {
    const wanted = golden.rbf[name];
    const classifier = await fitted(side(name, train), {
      method: 'rbf-svm',
      calibration: 'none',
      ...options,
    });
    expect(classifier.scorer.config.gamma).toBeCloseTo(wanted.gamma, 6);
    expect(classifier.scorer.config.support).toEqual(wanted.support);
    const found = await classifier.scorer.score(side(name, unseen).vectors);
    expect(difference(votes(found, classifier.classes), wanted.scores)).toBeLessThan(1e-3);
  });

  it('is approximated by random features above its limit, and says so', async () => {
    const exact = await fitted(train, { method: 'rbf-svm', calibration: 'none' });
    const options: ClassifierOptions = { method: 'rbf-svm', calibration: 'none', kernelLimit: 100 };
    const near = await fitted(train, { ...options, features: 4096 });
    expect(near.scorer.config.kernel).toBe('random Fourier features');
    const [a, b] = [await exact.predict(unseen.vectors), await near.predict(unseen.vectors)];
    const same = [...unseen.labels.keys()].filter((i) => best(a, i) === best(b, i)).length;
    expect(same / unseen.labels.length).toBeGreaterThan(0.85);
    const again = await fitted(train, { ...options, features: 4096 });
    expect(await again.predict(unseen.vectors)).toEqual(b);
    const input = {
      ...train,
      classes: 4,
      weights: new Float64Array(4).fill(1),
      regularization: 1,
      seed: 0,
      options,
    };
    const [held, made] = [await fitFourierSvm(input, 0.1), await fitFourierSvm(input, 0.1, 0)];
    const wanted = await held.score(unseen.vectors);
    expect(difference(await made.score(unseen.vectors), [...wanted])).toBeLessThan(1e-3);
    await Promise.all([held, made].map((scorer) => scorer.close()));
    const other = await fitted(train, { ...options, features: 4096, seed: 1 });
    expect(await other.predict(unseen.vectors)).not.toEqual(b);
  });
});

function best(probabilities: Float32Array, item: number): number {
  const row = [...probabilities.subarray(4 * item, 4 * item + 4)];
  return row.indexOf(Math.max(...row));
}
