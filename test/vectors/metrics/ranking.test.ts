/**
 * @file Rankings, ranks of texts and images, votes and probes against pytorch-metric-learning, scikit-learn and NumPy
 * (fixtures/vectors/make_ranking.py).
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { readEmbeddings } from '#src/embedding/formats/index.js';
import { UsageError } from '#src/errors.js';
import { Random } from '#src/random.js';
import { bootstrapMean } from '#src/vectors/metrics/bootstrap.js';
import { crossModalRanks, firstRanks, rankSummary } from '#src/vectors/metrics/cross-modal.js';
import { knnHits, linearProbe } from '#src/vectors/metrics/probe.js';
import { type RankingMeasure, ranking, rankingEstimates } from '#src/vectors/metrics/ranking.js';
import type { Vectors } from '#src/vectors/vectors.js';
import { type Packed, unpack } from '../../training/losses/compute.js';

const fixtures = JSON.parse(
  readFileSync(new URL('../../fixtures/vectors/ranking.json', import.meta.url), 'utf8'),
) as {
  cases: {
    name: string;
    queries: Packed;
    labels: number[];
    reference?: Packed;
    referenceLabels?: number[];
    expected: Record<string, number>;
    each: Record<string, number[]>;
    knn: Record<string, number[]>;
  }[];
  crossModal: {
    images: Packed;
    texts: Packed;
    imageOf: number[];
    textToImage: number[];
    imageToText: number[];
    medians: [number, number];
  };
  probe: { vectors: Packed; labels: number[]; train: number; C: number; predicted: number[] };
};
const vectors = (p: Packed): Vectors => ({ data: unpack(p), dimension: p.shape[1]! });
const session = { inline: true, threads: 1 };
const mean = (values: ArrayLike<number>) => Array.from(values).reduce((a, b) => a + b, 0) / values.length;

describe.each(fixtures.cases.map((c) => [c.name, c] as const))('ranking, %s', (_, c) => {
  const reference = c.reference && { vectors: vectors(c.reference), labels: c.referenceLabels! };
  const found = ranking(vectors(c.queries), c.labels, { reference, session });

  it('equals AccuracyCalculator', async () => {
    const { values } = await found;
    const names: [RankingMeasure, string][] = [
      ['precision@1', 'precision_at_1'],
      ['r-precision', 'r_precision'],
      ['map@r', 'mean_average_precision_at_r'],
      ['map', 'mean_average_precision'],
      ['mrr', 'mean_reciprocal_rank'],
    ];
    for (const [ours, theirs] of names)
      expect(Math.abs(mean(values[ours]!) - c.expected[theirs]!), ours).toBeLessThan(
        ours === 'mrr' ? 1e-7 : 1e-9, // it divides in float32 there; the queries' own are below
      );
  });

  it('equals scikit-learn for each query', async () => {
    const { queries, values } = await found;
    const { queries: expectedQueries, average_precision, ...each } = c.each;
    expect([...queries]).toEqual(expectedQueries);
    for (const [name, expected] of Object.entries({ ...each, map: average_precision! })) {
      const ours = values[name as RankingMeasure]!;
      expected.forEach((value, i) => {
        expect(Math.abs(ours[i]! - value), `${name} of ${queries[i]}`).toBeLessThan(1e-9);
      });
    }
  });

  it('says the same of a part of the ranking, and of a sample', async () => {
    const whole = await found;
    const part = await ranking(vectors(c.queries), c.labels, { reference, session, whole: false });
    expect(part.values['map@r']).toEqual(whole.values['map@r']);
    expect(part.values['ndcg@10']).toEqual(whole.values['ndcg@10']);
    expect(part.values.map).toBeUndefined();
    const sample = await ranking(vectors(c.queries), c.labels, { reference, session, sample: 15, seed: 3 });
    expect(sample.queries.length).toBeGreaterThan(5);
    expect(sample.queries.length).toBeLessThanOrEqual(15);
    sample.queries.forEach((query, i) => {
      expect(sample.values.map![i]).toBe(whole.values.map![whole.queries.indexOf(query)]);
    });
  });

  it.each([1, 5])('votes of %i neighbours equal KNeighborsClassifier', async (k) => {
    const hits = await knnHits(vectors(c.queries), c.labels, { k, reference, session });
    expect([...hits]).toEqual(c.knn[k]!.map((label, i) => (label === c.labels[i] ? 1 : 0)));
  });
});

it('intervals of a ranking are those of the means of its queries', async () => {
  const { queries, labels } = fixtures.cases[0]!;
  const ranked = await ranking(vectors(queries), labels, { session });
  const estimates = rankingEstimates(ranked, { resamples: 200, seed: 5 });
  for (const name of ['map', 'ndcg@5', 'precision@1'] as const) {
    const { value, low, high } = bootstrapMean(ranked.values[name]!, { resamples: 200, seed: 5 });
    expect(estimates[name]!.value).toBeCloseTo(value, 12);
    expect(estimates[name]!.low).toBeCloseTo(low, 12);
    expect(estimates[name]!.high).toBeCloseTo(high, 12);
    expect(low).toBeLessThan(value);
    expect(high).toBeGreaterThan(value);
  }
});

describe('texts and images', () => {
  const { crossModal } = fixtures;
  const [images, texts] = [vectors(crossModal.images), vectors(crossModal.texts)];

  it('rank as NumPy ranks them', async () => {
    const ranks = await crossModalRanks(images, texts, crossModal.imageOf, { session });
    expect([...ranks.textToImage]).toEqual(crossModal.textToImage);
    expect([...ranks.imageToText]).toEqual(crossModal.imageToText);
    const summary = rankSummary(ranks.textToImage, [1, 5], { groups: crossModal.imageOf, resamples: 200 });
    const share = (k: number) => mean(crossModal.textToImage.map((rank) => (rank <= k ? 1 : 0)));
    expect(summary.recallAtK[1]!.value).toBeCloseTo(share(1), 12);
    expect(summary.recallAtK[5]!.value).toBeCloseTo(share(5), 12);
    expect(summary.medianRank.value).toBe(crossModal.medians[0]);
    expect(summary.meanReciprocalRank.value).toBeCloseTo(
      mean(crossModal.textToImage.map((rank) => 1 / rank)),
      12,
    );
    const back = rankSummary(ranks.imageToText, [1], { resamples: 50 });
    expect(back.medianRank.value).toBe(crossModal.medians[1]);
    expect(back.queries).toBe(29); // one image has no text
  });

  it('vectors that are all the same rank by place, not first', async () => {
    const same = { data: new Float32Array(8).fill(1), dimension: 2 };
    expect([...(await firstRanks(same, same, (i) => [i], { session }))]).toEqual([1, 2, 3, 4]);
  });

  const folder = path.join(process.env.AFTERIMAGE_DATA ?? path.resolve('../shared'), 'data', 'clip_vectors');
  it.skipIf(!existsSync(folder))(
    `genuine CLIP vectors find each other as often as NumPy says (${folder})`,
    async () => {
      const [image, text] = await Promise.all(
        ['image', 'text'].map((kind) => readEmbeddings(path.join(folder, `${kind}_embeddings.npy`))),
      );
      const rows = readFileSync(path.join(folder, 'metadata.csv'), 'utf8').trim().split('\n').slice(1);
      const owners = rows.map((row) => row.split(',')[1]!);
      const names = [...new Set(owners)];
      const { dimension } = image!;
      const unique = new Float32Array(names.length * dimension);
      names.forEach((name, i) => {
        const row = owners.indexOf(name);
        unique.set(image!.vectors.subarray(row * dimension, (row + 1) * dimension), i * dimension);
      });
      const ranks = await crossModalRanks(
        { data: unique, dimension },
        { data: text!.vectors, dimension },
        owners.map((name) => names.indexOf(name)),
        { session },
      );
      const within = (all: Int32Array) => [1, 5, 10].map((k) => all.filter((rank) => rank <= k).length);
      expect([within(ranks.textToImage), within(ranks.imageToText)]).toEqual([
        [226, 249, 250],
        [50, 50, 50],
      ]);
    },
  );
});

describe('a linear probe', () => {
  const { probe } = fixtures;
  const { data, dimension } = vectors(probe.vectors);
  const part = (from: number, to?: number) => ({
    vectors: { data: data.slice(from * dimension, to && to * dimension), dimension },
    labels: probe.labels.slice(from, to),
  });

  it('predicts as LogisticRegression does', async () => {
    const test = part(probe.train);
    const { hits, regularization } = await linearProbe(test.vectors, test.labels, 4, {
      train: part(0, probe.train),
      regularization: [probe.C],
      session,
    });
    expect(regularization).toEqual([10]);
    expect([...hits]).toEqual(probe.predicted.map((label, i) => (label === test.labels[i] ? 1 : 0)));
  });

  it('predicts each vector from the others, with a weight chosen there', async () => {
    const { hits, regularization } = await linearProbe({ data, dimension }, probe.labels, 4, {
      folds: 4,
      session,
    });
    expect(regularization).toHaveLength(4);
    expect(mean(hits)).toBeGreaterThan(0.5);
    const shuffled = new Random(1, 'test').shuffle([...probe.labels]);
    const chance = await linearProbe({ data, dimension }, shuffled, 4, { folds: 4, session });
    expect(mean(chance.hits)).toBeLessThan(0.4);
  });

  it('counts what it could not learn as wrong', async () => {
    const test = part(0, 20);
    const train = part(20, probe.train);
    const kept = train.labels.map((label) => (label === 3 ? 2 : label));
    const { hits } = await linearProbe(test.vectors, test.labels, 4, {
      train: { ...train, labels: kept },
      session,
    });
    test.labels.forEach((label, i) => {
      if (label === 3) expect(hits[i]).toBe(0);
    });
  });
});

it.each([
  ['labels', () => ranking({ data: new Float32Array(4), dimension: 2 }, [0])],
  ['k', () => ranking({ data: new Float32Array(4), dimension: 2 }, [0, 0], { k: [0] })],
  ['sample', () => ranking({ data: new Float32Array(4), dimension: 2 }, [0, 0], { sample: 0 })],
  [
    'image',
    () =>
      crossModalRanks(
        { data: new Float32Array(4), dimension: 2 },
        { data: new Float32Array(2), dimension: 2 },
        [2],
      ),
  ],
  [
    'dimension',
    () =>
      firstRanks(
        { data: new Float32Array(4), dimension: 2 },
        { data: new Float32Array(3), dimension: 3 },
        () => [],
      ),
  ],
  ['a single item', () => linearProbe({ data: new Float32Array(6), dimension: 2 }, [0, 0, 1], 2)],
])('refuses %s that do not fit', async (_, call) => {
  await expect(call()).rejects.toThrow(UsageError);
});

describe('groups', () => {
  const [count, dimension] = [40, 6];
  const random = new Random(12, 'groups');
  const labels = Array.from({ length: count }, () => random.integer(3));
  const groups = Array.from({ length: count }, () => random.integer(12));
  const data = new Float32Array(count * dimension).map(() => random.normal());
  const row = (i: number) => data.slice(i * dimension, (i + 1) * dimension);

  it('are not found, counted or asked: as if they were not there', async () => {
    const found = await ranking({ data, dimension }, labels, { groups, session });
    const sampled = await ranking({ data, dimension }, labels, { groups, sample: 15, session });
    const votes = await knnHits({ data, dimension }, labels, { k: 3, groups, session });
    for (let query = 0; query < count; query++) {
      const others = labels.flatMap((_, i) => (groups[i] === groups[query] ? [] : [i]));
      const reference = {
        vectors: { data: Float32Array.from(others.flatMap((i) => [...row(i)])), dimension },
        labels: others.map((i) => labels[i]!),
      };
      const one = { data: row(query), dimension };
      const alone = await ranking(one, [labels[query]!], { reference, session });
      for (const [name, values] of Object.entries(alone.values))
        for (const whole of [found, sampled]) {
          const at = whole.queries.indexOf(query);
          if (at >= 0) expect(whole.values[name as RankingMeasure]![at]).toBeCloseTo(values![0]!, 12);
        }
      const [vote] = await knnHits(one, [labels[query]!], { k: 3, reference, session });
      expect(votes[query]).toBe(vote);
    }
    expect(sampled.queries.length).toBeLessThanOrEqual(15);
  });

  it('do not teach a probe what it is tested on', async () => {
    // Pairs of views of one thing, whose classes are drawn at random.
    const things = Array.from({ length: 40 }, () => Array.from({ length: 96 }, () => random.normal()));
    const views = things.flatMap((thing) => [thing, thing.map((x) => x + 0.01 * random.normal())]);
    const same = Array.from(views, (_, i) => i >> 1);
    const classes = same.map((thing) => (thing * 7) % 2);
    const vectors = { data: Float32Array.from(views.flat()), dimension: 96 };
    const accuracy = async (of: number[] | undefined) =>
      mean((await linearProbe(vectors, classes, 2, { groups: of, session })).hits);
    expect(await accuracy(undefined)).toBeGreaterThan(0.8);
    expect(await accuracy(same)).toBeLessThan(0.7);
  });
});
