/** @file Classifiers of whole sets: honest validation, what a head keeps and refuses, and what it has never seen. */
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  crossValidate,
  evaluateHead,
  type FilledColumn,
  fitHead,
  labelsOf,
  loadHead,
  type Prediction,
  type PredictOptions,
  predict,
  splitOf,
  VectorSet,
} from '#src/analysis/index.js';
import { saveFitted } from '#src/analysis/saved.js';
import { FormatError, IdentityError, UsageError } from '#src/errors.js';
import { Random } from '#src/random.js';
import { classificationReport, cosineSimilarity } from '#src/vectors/index.js';
import { scratch } from '../cli/run.js';

const { folder, remove } = scratch();
afterAll(remove);

const DIMENSION = 16;
const NAMES = ['boot', 'coat', 'hat'];

interface SetOptions {
  seed?: number;
  model?: string;
  /** How far the classes are apart, in standard deviations of the noise. */
  apart?: number;
  /** The part of each id that stands before its class. */
  part?: (row: number) => string;
  dimension?: number;
}

/** Vectors of these classes around centres that are the same for every seed. */
function makeSet(classes: readonly string[], options: SetOptions = {}): VectorSet {
  const { seed = 1, model = 'planted', apart = 2, part = () => 'all', dimension = DIMENSION } = options;
  const random = new Random(seed, 'items');
  const data = new Float32Array(classes.length * dimension);
  for (const [row, name] of classes.entries()) {
    const centre = new Random(7, name);
    for (let i = 0; i < dimension; i++)
      data[row * dimension + i] = (apart * centre.normal()) / 2 + random.normal();
  }
  const ids = classes.map((name, row) => `${String(row).padStart(4, '0')}/${part(row)}/${name}/x.jpg`);
  const identity = {
    model,
    revision: null,
    weights: 'a'.repeat(64),
    dtype: 'fp32' as const,
    transform: null,
    output: 'pooled',
    normalized: false,
    dimension,
  };
  const refuse = async () => {
    throw new UsageError('there is none');
  };
  return new VectorSet(
    {
      source: model,
      kind: 'file',
      identity,
      columns: [],
      read: async () => ({}),
      fileOf: (id) => id,
      embedder: refuse,
      save: refuse,
      close: async () => undefined,
    },
    ids,
    data,
    dimension,
  );
}

const cycle = (count: number, names: readonly string[] = NAMES) =>
  Array.from({ length: count }, (_, i) => names[i % names.length]!);

function column(name: string, cells: FilledColumn['cells']): FilledColumn {
  return { name, type: typeof cells[0] === 'number' ? 'integer' : 'text', cells };
}

async function all(...[head, set, options]: Parameters<typeof predict>): Promise<Prediction[]> {
  const found: Prediction[] = [];
  for await (const prediction of predict(head, set, options as PredictOptions)) found.push(prediction);
  return found;
}

describe('crossValidate', () => {
  it('tests every item once, on models that have not seen it', async () => {
    const set = makeSet(cycle(150));
    const labels = await labelsOf(set);
    const found = await crossValidate(set, labels, { method: 'logistic', resamples: 100 });
    expect([...found.rows]).toEqual(Array.from({ length: 150 }, (_, i) => i));
    expect(found.labels).toEqual(labels.labels);
    expect(found.tried.map(({ regularization }) => regularization)).toEqual([1, 10, 100, 1000]);
    const again = classificationReport(labels.labels, found.probabilities, 3, { resamples: 0 });
    expect(found.report.accuracy.value).toBe(again.accuracy.value);
    expect(found.report.accuracy.value).toBeGreaterThan(0.85);
    const best = Math.max(...found.tried.map(({ accuracy }) => accuracy));
    expect(found.tried.find((t) => t.regularization === found.best.regularization)!.accuracy).toBe(best);
  });

  it('finds nothing where there is nothing, and keeps groups together', async () => {
    const random = new Random(3, 'labels');
    const halves = makeSet(cycle(120), { apart: 0 });
    const doubled = makeSet(cycle(240), { apart: 0 });
    doubled.data.set(halves.data);
    doubled.data.set(halves.data, halves.data.length); // every item twice
    const kinds = Array.from({ length: 120 }, () => NAMES[random.integer(3)]!);
    doubled.add([
      column('kind', [...kinds, ...kinds]),
      column(
        'pair',
        Array.from({ length: 240 }, (_, i) => i % 120),
      ),
    ]);
    const labels = await labelsOf(doubled, 'kind');
    const options = { method: 'knn', resamples: 0 } as const;
    const apart = await crossValidate(doubled, labels, { ...options, group: 'pair' });
    const leaking = await crossValidate(doubled, labels, options);
    expect(leaking.report.accuracy.value).toBeGreaterThan(0.75);
    expect(apart.report.accuracy.value).toBeLessThan(0.5);
  });

  it('is repeated with other folds', async () => {
    const set = makeSet(cycle(60), { apart: 1 });
    const labels = await labelsOf(set);
    const found = await crossValidate(set, labels, { regularization: [1], repeats: 2, resamples: 50 });
    expect(found.report.count).toBe(120);
    const width = 60 * 3;
    expect(found.probabilities.subarray(0, width)).not.toEqual(found.probabilities.subarray(width));
    const mean = found.tried[0]!.accuracy;
    expect(found.report.accuracy.value).toBeCloseTo(mean, 12); // nothing to choose among
  });

  it('weighs rare classes as it is told', async () => {
    const set = makeSet([...cycle(15, ['boot']), ...cycle(135, ['coat'])], { apart: 0.8 });
    const labels = await labelsOf(set);
    const recall = async (classWeights?: 'balanced' | Record<string, number>) => {
      const found = await crossValidate(set, labels, { regularization: [10], resamples: 0, classWeights });
      return found.report.classes[0]!.recall.value;
    };
    const plain = await recall();
    expect(await recall('balanced')).toBeGreaterThan(plain);
    expect(await recall({ boot: 9 })).toBeGreaterThan(plain);
    await expect(recall({ boots: 9 })).rejects.toThrow('there is no class "boots"');
  });

  it('asks as many neighbours as a large group leaves, and keeps fewer images than folds', async () => {
    const set = makeSet(Array.from({ length: 60 }, (_, i) => NAMES[i % 3]!));
    set.add([{ name: 'owner', type: 'text', cells: set.ids.map((_, i) => (i < 50 ? 'one' : `o${i}`)) }]);
    await using head = await fitHead(set, {
      method: 'knn',
      group: 'owner',
      folds: 3,
      keep: 3,
      resamples: 50,
    });
    expect(head.summary.crossValidated.count).toBe(60);
    expect(head.images!.ids).toHaveLength(3);
  });

  it('gives a class that only the tested group has no chance', async () => {
    const set = makeSet(cycle(40, ['boot', 'coat', 'hat', 'coat']), { apart: 6 });
    // All hats lie in two groups, and two folds of whole groups may put both into one.
    set.add([
      column(
        'owner',
        Array.from({ length: 40 }, (_, i) => (i % 4 === 2 ? i % 8 : 100 + i)),
      ),
    ]);
    const found = await crossValidate(set, await labelsOf(set), {
      group: 'owner',
      folds: 2,
      regularization: [10],
      resamples: 0,
    });
    for (let i = 0; i < 40; i++) {
      const said = found.probabilities.subarray(i * 3, (i + 1) * 3);
      expect(said.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
    }
    expect(found.report.classes[0]!.recall.value).toBeGreaterThan(0.8);
  });
});

describe('a head', () => {
  const classes = cycle(300);
  const set = makeSet(classes, { part: (row) => (row % 5 === 0 ? 'test' : 'train') });

  it('is compared, fitted, saved, and predicts the same when it is read', async () => {
    const some = makeSet(cycle(90));
    await using head = await fitHead(some, {
      method: 'auto',
      folds: 3,
      resamples: 50,
      regularization: [1, 10],
    });
    expect(new Set(head.summary.tried.map(({ method }) => method))).toEqual(
      new Set(['knn', 'logistic', 'svm', 'rbf-svm']),
    );
    const file = path.join(folder, 'kinds.head');
    await head.save(file);
    await using read = await loadHead(file);
    expect(read.summary).toEqual(head.summary);
    const others = makeSet(cycle(90), { seed: 2 });
    const [before, after] = [
      await all(head, others, { top: 3, neighbours: 2 }),
      await all(read, others, { top: 3, neighbours: 2 }),
    ];
    expect(after).toEqual(before);
    expect(before.filter((p, i) => p.label === NAMES[i % 3]).length).toBeGreaterThan(75);
    const { report } = await evaluateHead(read, others, { resamples: 0 });
    expect(report.accuracy.value).toBe(before.filter((p, i) => p.label === NAMES[i % 3]).length / 90);
  }, 60_000);

  it('shows the nearest training images, and never the image itself', async () => {
    await using head = await fitHead(set, { method: 'knn', neighbours: [5], folds: 3, resamples: 0 });
    const found = await all(head, set, { neighbours: 3 });
    for (const row of [0, 77, 299]) {
      const cosines = set.ids
        .map((id, i) => ({ id, score: cosineSimilarity(set.vector(row), set.vector(i)) }))
        .filter(({ id }) => id !== set.ids[row])
        .sort((a, b) => b.score - a.score);
      for (const [i, near] of found[row]!.neighbours.entries()) {
        expect(Math.abs(near.score - cosines[i]!.score)).toBeLessThan(1e-3); // half precision
        expect(near.label).toBe(near.id.split('/').at(-2));
      }
      expect(found[row]!.distance).toBeCloseTo(1 - cosines[4]!.score, 2);
    }
  });

  it('knows what it has not seen, and cries wolf as rarely as it says', async () => {
    await using head = await fitHead(set, { regularization: [10], folds: 3, resamples: 0, quantile: 0.95 });
    const { novelty } = head.summary;
    expect(novelty!.falseAlarms).toBeGreaterThan(0.01);
    expect(novelty!.falseAlarms).toBeLessThan(0.1);
    const flagged = (found: Prediction[]) => found.filter(({ unlike }) => unlike).length / found.length;
    const seen = makeSet(cycle(300), { seed: 5, apart: 2 });
    const strange = makeSet(cycle(100, ['sofa', 'lamp']), { seed: 6, apart: 12 });
    expect(flagged(await all(head, seen))).toBeLessThan(0.12);
    expect(flagged(await all(head, strange))).toBeGreaterThan(0.9);
  });

  it('learns from one side of a split and is measured on the other', async () => {
    const { train, test } = await splitOf(set, 'id');
    expect([train.length, test.length]).toEqual([240, 60]);
    await using head = await fitHead(set, { split: 'id', regularization: [10], resamples: 50 });
    expect(head.summary.items).toBe(240);
    expect(head.summary.tested!.count).toBe(60);
    const own = (await all(head, set)).filter((p) => p.row % 5 === 0);
    const right = own.filter((p) => p.label === classes[p.row]).length;
    expect(head.summary.tested!.accuracy.value).toBe(right / 60);
    expect(head.images!.ids.every((id) => id.includes('/train/'))).toBe(true);
  });

  it('keeps as many training images as it is told, of every class', async () => {
    await using head = await fitHead(set, { regularization: [10], resamples: 0, keep: 30, folds: 3 });
    expect(head.images!.ids).toHaveLength(30);
    expect(new Set(head.images!.labels).size).toBe(3);
    await using bare = await fitHead(set, { regularization: [10], resamples: 0, keep: 0, folds: 3 });
    const [first] = await all(bare, set);
    expect(first).toMatchObject({ unlike: false, neighbours: [], distance: Number.NaN });
    await expect(all(bare, set, { neighbours: 1 })).rejects.toThrow('it keeps none');
    const file = path.join(folder, 'bare.head');
    await bare.save(file);
    await using read = await loadHead(file);
    expect(read.images).toBeUndefined();
    expect(read.summary.crossValidated.accuracy.low).toBeNaN(); // no resamples, and JSON has no NaN
  });

  it('refuses vectors of another identity or length, and files of something else', async () => {
    await using head = await fitHead(set, { regularization: [10], resamples: 0, folds: 3 });
    await expect(all(head, makeSet(cycle(9), { model: 'other' }))).rejects.toThrow(IdentityError);
    await expect(evaluateHead(head, makeSet(cycle(9), { model: 'other' }))).rejects.toThrow(IdentityError);
    await expect(all(head, makeSet(cycle(9), { dimension: 8 }))).rejects.toThrow(/16|8/);
    const file = path.join(folder, 'no.head');
    await saveFitted(file, { kind: 'regressor', identity: null, dimension: 2, config: {}, tensors: {} });
    await expect(loadHead(file)).rejects.toThrow(FormatError);
  });

  it('is measured on the classes that it knows', async () => {
    await using head = await fitHead(set, { regularization: [10], resamples: 0, folds: 3 });
    const others = makeSet(cycle(40, ['boot', 'coat', 'sofa', 'hat']), { seed: 9 });
    const { report, rows, warnings } = await evaluateHead(head, others, { resamples: 0 });
    expect([report.count, rows.length]).toEqual([30, 30]);
    expect(warnings.join()).toContain('10 items without a class that was learned (sofa)');
    const strange = makeSet(cycle(10, ['sofa', 'lamp']));
    await expect(evaluateHead(head, strange)).rejects.toThrow('no item is of a class that the head knows');
  });
});

describe('what cannot be learned', () => {
  it('is left out and told, or refused', async () => {
    const warnings: string[] = [];
    const onWarning = (message: string) => warnings.push(message);
    const set = makeSet([...cycle(40, ['boot', 'coat']), 'hat', 'sofa', 'sofa']);
    await using head = await fitHead(set, { regularization: [10], resamples: 0, onWarning });
    expect(head.names).toEqual(['boot', 'coat', 'sofa']); // two sofas suffice
    expect(warnings).toEqual(['left out: 1 class with one item alone (hat)']);

    await expect(fitHead(makeSet(cycle(20, ['boot'])))).rejects.toThrow('one class alone');
    await expect(fitHead(makeSet(['boot', 'boot', 'hat']))).rejects.toThrow('two classes with at least two');
    await expect(fitHead(set, { label: 'foldr' })).rejects.toThrow('no column "foldr"');
    await expect(fitHead(set, { folds: 100 })).rejects.toThrow('folds: expected');
    await expect(fitHead(set, { repeats: 0 })).rejects.toThrow('repeats: expected');
    await expect(fitHead(set, { split: 'folder' })).rejects.toThrow('expected train or test in folder');
    await expect(fitHead(set, { method: 'knn', neighbours: [] })).rejects.toThrow(
      'at least one value to try',
    );
  });
});
