/**
 * @file Metrics against pytorch-metric-learning, scikit-learn and scikit-image (fixtures/training/metrics/make_metrics.py).
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { UsageError } from '#src/errors.js';
import { Random } from '#src/random.js';
import { psnr, ssim } from '#src/training/image-metrics.js';
import {
  adjustedMutualInformation,
  kMeans,
  nearest,
  nearestNeighbourAccuracy,
  nmi,
  normalizedMutualInformation,
  pairMetrics,
  retrieval,
  retrievalMetrics,
  tripletMetrics,
  type Vectors,
} from '#src/vectors/index.js';
import { type Packed, unpack } from '../../training/losses/compute.js';

interface RetrievalCase {
  name: string;
  queries: Packed;
  labels: number[];
  reference?: Packed;
  referenceLabels?: number[];
  expected: { precision_at_1: number; r_precision: number; mean_average_precision_at_r: number };
  recall: Record<string, number>;
  accuracy?: number;
}
const fixtures = JSON.parse(
  readFileSync(new URL('../../fixtures/training/metrics/metrics.json', import.meta.url), 'utf8'),
) as {
  retrieval: RetrievalCase[];
  partitions: { x: number[]; y: number[]; nmi: number; ami: number }[];
  clusters: { vectors: Packed; labels: number[]; clusters: number; inertia: number; nmi: number };
  images: { a: Packed; b: Packed; psnr: number; ssim: number; ssim255: number }[];
  pairs: { vectors: Packed; same: number[]; auc: number; accuracy: number };
};
const vectors = (p: Packed): Vectors => ({ data: unpack(p), dimension: p.shape[1]! });
const session = { inline: true, threads: 1 };

describe.each(fixtures.retrieval.map((c) => [c.name, c] as const))('retrieval, %s', (_, c) => {
  const reference = c.reference && { vectors: vectors(c.reference), labels: c.referenceLabels! };
  it('equals AccuracyCalculator', async () => {
    const k = Object.keys(c.recall).map(Number);
    const options = { reference, k, distance: 'euclidean', session } as const;
    const found = await retrieval(vectors(c.queries), c.labels, options);
    expect(found.precisionAtOne).toBeCloseTo(c.expected.precision_at_1, 12);
    expect(found.rPrecision).toBeCloseTo(c.expected.r_precision, 12);
    expect(found.mapAtR).toBeCloseTo(c.expected.mean_average_precision_at_r, 12);
    for (const n of k) expect(found.recallAtK[n]).toBeCloseTo(c.recall[n]!, 12);
  });
});

it.each(fixtures.retrieval.filter((c) => c.reference))(
  'nearest-neighbour accuracy, $name: equals KNeighborsClassifier(1)',
  async (c) => {
    const reference = { vectors: vectors(c.reference!), labels: c.referenceLabels! };
    const options = { reference, distance: 'euclidean', session } as const;
    expect(await nearestNeighbourAccuracy(vectors(c.queries), c.labels, options)).toBeCloseTo(
      c.accuracy!,
      12,
    );
  },
);

describe('nearest neighbours', () => {
  /** Numbers on a small grid: many distances are equal, and exact in float32. */
  const grid = (n: number, seed: number): Vectors => {
    const random = new Random(seed, 'grid');
    return { data: Float32Array.from({ length: n * 3 }, () => random.integer(4)), dimension: 3 };
  };
  const byDefinition = (queries: Vectors, reference: Vectors, k: number, own: boolean): number[] => {
    const row = (v: Vectors, i: number) => v.data.subarray(i * v.dimension, (i + 1) * v.dimension);
    const among = Array.from({ length: reference.data.length / 3 }, (_, j) => j);
    return Array.from({ length: queries.data.length / 3 }, (_, i) =>
      among
        .filter((j) => !own || j !== i)
        .map(
          (j) => [row(queries, i).reduce((s, x, d) => s + (x - row(reference, j)[d]!) ** 2, 0), j] as const,
        )
        .sort((a, b) => a[0] - b[0] || a[1] - b[1])
        .slice(0, k)
        .map(([, j]) => j),
    ).flat();
  };

  it('come in order, the first of equals first, none its own', async () => {
    const [queries, reference] = [grid(70, 1), grid(90, 2)];
    const own = await nearest(queries, { k: 12, distance: 'euclidean', session });
    expect([...own]).toEqual(byDefinition(queries, queries, 12, true));
    const other = await nearest(queries, { k: 90, reference, distance: 'euclidean', session });
    expect([...other]).toEqual(byDefinition(queries, reference, 90, false));
  });

  it('leave out the query itself where more copies of it come first than are asked for', async () => {
    const data = new Float32Array(20 * 4).fill(0.3);
    const found = await nearest({ data, dimension: 4 }, { k: 3, session });
    for (let i = 0; i < 20; i++) {
      const row = [...found.subarray(i * 3, i * 3 + 3)];
      expect(row).toEqual([0, 1, 2, 3].filter((j) => j !== i).slice(0, 3));
    }
  });

  it('by cosine do not depend on length', async () => {
    const data = Float32Array.of(1, 0, 0, 1, 9, 1, 0.1, 0.9);
    expect([...(await nearest({ data, dimension: 2 }, { k: 1, session }))]).toEqual([2, 3, 0, 1]);
  });

  it('of ten thousand vectors, and their clusters, take seconds of one core', async () => {
    const random = new Random(3, 'many');
    const [n, d] = [10_000, 128];
    const data = Float32Array.from({ length: n * d }, () => random.normal());
    const labels = Int32Array.from({ length: n }, () => random.integer(100));
    for (let i = 0; i < n; i++) data[i * d + (labels[i]! % d)]! += 6;
    const start = process.cpuUsage();
    const found = await retrievalMetrics(data, d, labels, { session: { inline: true } });
    const { user, system } = process.cpuUsage(start);
    expect(found['precision@1']).toBeGreaterThan(0.9);
    expect(found.nmi).toBeGreaterThan(0.8);
    expect((user + system) / 1e6).toBeLessThan(10);
  });
});

it('retrieval takes more queries than a call takes arguments', async () => {
  const count = 150_000;
  const queries = { data: Float32Array.from({ length: count }, (_, i) => i % 2), dimension: 1 };
  const labels = Int32Array.from({ length: count }, (_, i) => i % 2);
  const reference = { vectors: { data: Float32Array.of(0, 1), dimension: 1 }, labels: [0, 1] };
  const found = await retrieval(queries, labels, { reference, k: [1], distance: 'euclidean', session });
  expect(found).toMatchObject({ precisionAtOne: 1, mapAtR: 1, queries: count });
});

describe('partitions', () => {
  it.each(fixtures.partitions)('equal scikit-learn: nmi $nmi, ami $ami', ({ x, y, ...expected }) => {
    expect(normalizedMutualInformation(x, y)).toBeCloseTo(expected.nmi, 12);
    expect(normalizedMutualInformation(y, x)).toBeCloseTo(expected.nmi, 12);
    expect(adjustedMutualInformation(x, y)).toBeCloseTo(expected.ami, 10);
  });

  it('k-means finds as good a clustering as scikit-learn, the same for a seed', async () => {
    const { clusters, labels, inertia } = fixtures.clusters;
    const all = vectors(fixtures.clusters.vectors);
    const found = await kMeans(all, { clusters, restarts: 20, session });
    expect(found.inertia / inertia).toBeCloseTo(1, 5);
    expect(normalizedMutualInformation(labels, found.assignments)).toBeCloseTo(fixtures.clusters.nmi, 3);
    const again = await kMeans(all, { clusters, restarts: 20, session });
    expect(again.assignments).toEqual(found.assignments);
    expect(await nmi(all, labels, { distance: 'euclidean', restarts: 20, session })).toBeCloseTo(
      fixtures.clusters.nmi,
      3,
    );
  });

  it('k-means copes with fewer different vectors than clusters', async () => {
    const data = Float32Array.from({ length: 24 }, (_, i) => (i < 12 ? 1 : 2));
    const { assignments, inertia } = await kMeans({ data, dimension: 2 }, { clusters: 5, session });
    expect(inertia).toBe(0);
    expect(new Set(assignments.subarray(0, 6))).not.toContain(assignments[6]);
  });
});

describe('images', () => {
  const { images } = fixtures;
  it.each(images)('equal scikit-image: $psnr dB, $ssim', (c) => {
    const [channels, height, width] = c.a.shape as [number, number, number];
    const shape = { channels, height, width };
    const [a, b] = [unpack(c.a), unpack(c.b)];
    expect(psnr(a, b, shape)[0]).toBeCloseTo(c.psnr, 9);
    expect(ssim(a, b, shape)[0]).toBeCloseTo(c.ssim, 9);
    expect(ssim(a, b, shape, 255)[0]).toBeCloseTo(c.ssim255, 9);
    expect(psnr(a, a, shape)[0]).toBe(Number.POSITIVE_INFINITY);
    expect(ssim(a, a, shape)[0]).toBeCloseTo(1, 12);
  });

  it('of a batch are those of its images', () => {
    const { a, b } = images[0]!;
    const [channels, height, width] = a.shape as [number, number, number];
    const two = (x: Float32Array, y: Float32Array) => Float32Array.from([...x, ...y]);
    const [first, second] = [two(unpack(a), unpack(b)), two(unpack(b), unpack(b))];
    const values = ssim(first, second, { count: 2, channels, height, width });
    expect(values[0]).toBeCloseTo(images[0]!.ssim, 9);
    expect(values[1]).toBeCloseTo(1, 12);
    const [noise, same] = psnr(first, second, { count: 2, channels, height, width });
    expect(noise).toBeCloseTo(images[0]!.psnr, 9);
    expect(same).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('pairs and triplets', () => {
  it('equal the area under the ROC curve of scikit-learn, ties included', () => {
    const { same, auc, accuracy } = fixtures.pairs;
    const found = pairMetrics(unpack(fixtures.pairs.vectors), 3, same, { distance: 'euclidean' });
    expect(found.auc).toBeCloseTo(auc, 12);
    expect(found.accuracy).toBeCloseTo(accuracy, 12);
    expect(pairMetrics(new Float32Array(8), 2, [1, 1]).auc).toBeNaN();
  });

  it('count the triplets whose positive is nearer', () => {
    const rows = [
      [0, 0, 1, 0, 3, 0],
      [0, 0, 0, 2, 1, 0],
      [0, 0, 1, 0, 0, 1],
    ].flat();
    const found = tripletMetrics(Float32Array.from(rows), 2, { distance: 'euclidean' });
    expect(found).toEqual({ accuracy: 1 / 3, margin: 1 / 3 });
  });
});

describe('refusals', () => {
  const two = { data: Float32Array.of(1, 2, 3, 4), dimension: 2 };
  const bad: [string, () => unknown][] = [
    ['labels', () => retrieval(two, [0])],
    ['NaN', () => retrieval({ data: Float32Array.of(1, Number.NaN), dimension: 1 }, [0, 0])],
    ['k', () => nearest(two, { k: 2 })],
    ['dimension', () => nearest(two, { k: 1, reference: { data: new Float32Array(3), dimension: 3 } })],
    ['recall@k', () => retrieval(two, [0, 0], { k: [0] })],
    ['clusters', () => kMeans(two, { clusters: 3 })],
  ];
  it.each(bad)('%s', async (_, run) => {
    await expect(run()).rejects.toThrow(UsageError);
  });
  it('images and rows', () => {
    const shape = { channels: 1, height: 2, width: 2 };
    expect(() => psnr(new Float32Array(4), new Float32Array(3), shape)).toThrow(UsageError);
    expect(() => ssim(new Float32Array(4), new Float32Array(4), shape)).toThrow(/at least 11 × 11/);
    expect(() => tripletMetrics(new Float32Array(8), 2)).toThrow(/rows of 3/);
    expect(() => normalizedMutualInformation([1], [1, 2])).toThrow(UsageError);
  });
  it('nothing to find is not a number', async () => {
    const found = await retrieval(two, [0, 1], { session });
    expect(found).toMatchObject({ queries: 0, precisionAtOne: Number.NaN, mapAtR: Number.NaN });
  });
});
