/** @file What every classifier promises: the same after loading, the same by seed, clear errors. */
import { describe, expect, it } from 'vitest';
import { UsageError } from '#src/errors.js';
import {
  type Classifier,
  type ClassifierOptions,
  loadClassifier,
  METHODS,
} from '#src/vectors/classify/classifier.js';
import { DIM, draw, fitClassifier, train, two, unseen } from './items.js';

const { vectors, labels } = train;

async function reloaded(classifier: Classifier): Promise<Classifier> {
  const { config, tensors } = classifier.save();
  const numbers = Object.entries(tensors).map(([name, { shape, data }]) => {
    expect(
      shape.reduce((a, b) => a * b),
      name,
    ).toBe(data.length);
    return [name, data.slice()] as const;
  });
  return loadClassifier(JSON.parse(JSON.stringify(config)), Object.fromEntries(numbers), {
    session: { inline: true },
  });
}

const VARIANTS: [string, ClassifierOptions][] = [
  ...METHODS.map((method): [string, ClassifierOptions] => [method, { method, classWeights: 'balanced' }]),
  ['random features', { method: 'rbf-svm', kernelLimit: 10, features: 64, calibration: 'temperature' }],
  ['knn, temperature', { method: 'knn', calibration: 'temperature' }],
];

describe.each(VARIANTS)('%s', (_, options) => {
  it('predicts the same to the bit when it is saved and loaded, and when it is fitted again', async () => {
    const classifier = await fitClassifier(vectors, labels, 4, options);
    const again = await fitClassifier(vectors, labels, 4, options);
    const copy = await reloaded(classifier);
    expect([copy.method, copy.classes, copy.dimension]).toEqual([options.method, 4, DIM]);
    const found = await classifier.predict(unseen.vectors);
    expect(found.length).toBe(unseen.labels.length * 4);
    expect(await copy.predict(unseen.vectors)).toEqual(found);
    expect(await again.predict(unseen.vectors)).toEqual(found);
    const second = await reloaded(copy);
    expect(await second.predict(unseen.vectors)).toEqual(found);
    await Promise.all([classifier, again, copy, second].map((c) => c.close()));
  });

  it('tells two classes apart, and is right more often than the larger one is', async () => {
    const pair = two(train);
    const classifier = await fitClassifier(pair.vectors, pair.labels, 2, options);
    const { vectors: queries, labels: truth } = two(unseen);
    for (const c of [classifier, await reloaded(classifier)]) {
      const found = await c.predict(queries);
      const right = truth.filter((label, i) => Number(found[2 * i + 1]! > found[2 * i]!) === label).length;
      expect(right / truth.length).toBeGreaterThan(0.62);
      await c.close();
    }
  });
});

describe('the network', () => {
  it('learns what no linear classifier can', async () => {
    const corners = Float32Array.from({ length: 800 }, (_, i) => {
      const [item, axis] = [i >> 1, i & 1];
      return ((item >> axis) & 1) * 2 - 1 + ((item * (axis + 7) * 37) % 11) / 40;
    });
    const xor = Int32Array.from({ length: 400 }, (_, item) => (item & 1) ^ ((item >> 1) & 1));
    const right: Record<string, number> = {};
    for (const method of ['mlp', 'logistic'] as const) {
      const c = await fitClassifier({ data: corners, dimension: 2 }, xor, 2, { method, regularization: 10 });
      const found = await c.predict({ data: corners, dimension: 2 });
      right[method] = xor.filter((label, i) => Number(found[2 * i + 1]! > 0.5) === label).length / 400;
      await c.close();
    }
    expect(right.mlp).toBe(1);
    expect(right.logistic).toBeLessThan(0.8);
  });

  it('takes classes of a single item, and another seed gives another network', async () => {
    const lonely = labels.map((label, i) => (i === 0 ? 4 : label));
    const outcomes: Float32Array[] = [];
    for (const seed of [0, 1]) {
      const c = await fitClassifier(vectors, lonely, 5, { method: 'mlp', hidden: 16, seed });
      outcomes.push(await c.predict(unseen.vectors));
      await c.close();
    }
    expect(outcomes[0]).not.toEqual(outcomes[1]);
  });
});

describe('a constant feature', () => {
  it.each(METHODS)('does no harm: %s', async (method) => {
    const data = vectors.data.map((x, i) => (i % DIM === 9 ? 1 : x));
    const classifier = await fitClassifier({ data, dimension: DIM }, labels, 4, { method });
    expect((await classifier.predict({ data, dimension: DIM })).every(Number.isFinite)).toBe(true);
    await classifier.close();
  });
});

describe('errors', () => {
  const withNaN = { data: vectors.data.map((x, i) => (i === 40 ? Number.NaN : x)), dimension: DIM };
  const same = { data: new Float32Array(vectors.data.length).fill(0.25), dimension: DIM };
  it.each<[string, () => Promise<Classifier>, RegExp]>([
    [
      'one class',
      () =>
        fitClassifier(
          vectors,
          labels.map(() => 0),
          1,
          { method: 'svm' },
        ),
      /at least 2 but received 1/,
    ],
    [
      'an empty class',
      () => fitClassifier(vectors, labels, 5, { method: 'logistic' }),
      /class 4 of 5 has none/,
    ],
    [
      'an item without class',
      () =>
        fitClassifier(
          vectors,
          labels.map((l, i) => (i === 7 ? -1 : l)),
          4,
          { method: 'knn' },
        ),
      /0 to 3 but received -1 for item 7/,
    ],
    [
      'too few labels',
      () => fitClassifier(vectors, labels.subarray(1), 4, { method: 'knn' }),
      /300 labels but received 299/,
    ],
    ['NaN', () => fitClassifier(withNaN, labels, 4, { method: 'mlp' }), /finite numbers but received NaN/],
    [
      'vectors without difference',
      () => fitClassifier(same, labels, 4, { method: 'rbf-svm' }),
      /all of them are the same/,
    ],
    [
      'k larger than n',
      () => fitClassifier(vectors, labels, 4, { method: 'knn', neighbours: 301 }),
      /at most 300, .* received 301/,
    ],
    [
      'a weight too few',
      () => fitClassifier(vectors, labels, 4, { method: 'svm', classWeights: [1, 2, 3] }),
      /classWeights: expected 4 numbers/,
    ],
    [
      'a regularization of 0',
      () => fitClassifier(vectors, labels, 4, { method: 'svm', regularization: 0 }),
      /above 0 but received 0/,
    ],
    [
      'a missing tensor',
      () =>
        loadClassifier(
          {
            method: 'logistic',
            classes: 4,
            dimension: DIM,
            link: { kind: 'softmax', parameters: [1] },
            scorer: { kind: 'layers', layers: ['linear'], dimension: DIM },
          },
          {},
        ),
      /bias.0 but received none/,
    ],
    [
      'a configuration of something else',
      () => loadClassifier({ method: 'tree' }, {}),
      /expected one of knn, .* received tree/,
    ],
  ])('say what is wrong with %s', async (_, attempt, message) => {
    await expect(attempt()).rejects.toThrow(message);
    await expect(attempt()).rejects.toBeInstanceOf(UsageError);
  });

  it('refuse vectors of another dimension, and stop when told to', async () => {
    const classifier = await fitClassifier(vectors, labels, 4, { method: 'logistic' });
    await expect(classifier.predict({ data: new Float32Array(8), dimension: 8 })).rejects.toThrow(
      /expected 16 numbers each but received 8/,
    );
    await classifier.close();
    const signal = AbortSignal.abort(new Error('enough'));
    for (const method of ['logistic', 'svm', 'rbf-svm', 'mlp'] as const)
      await expect(fitClassifier(vectors, labels, 4, { method, signal })).rejects.toThrow('enough');
  });
});

it('is calibrated on the machine that it fits, though a fold would fit another', async () => {
  const items = draw(11);
  const classifier = await fitClassifier(items.vectors, items.labels, 4, {
    method: 'rbf-svm',
    kernelLimit: items.labels.length - 10,
    features: 64,
    calibration: 'platt',
  });
  const { link } = classifier.save().config as { link: { parameters: number[] } };
  expect(classifier.scorer.of).toBe('classes');
  expect(link.parameters).toHaveLength(2 * classifier.scorer.width);
  await classifier.close();
});
