/** @file Clusters and their scores against SciPy and scikit-learn (fixtures/vectors/make_cluster.py). */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Random } from '#src/random.js';
import { agglomerative, cutTree, type Linkage } from '#src/vectors/cluster/agglomerative.js';
import { kMeans } from '#src/vectors/cluster/kmeans.js';
import { adjustedRandIndex, purity, vMeasure } from '#src/vectors/metrics/clustering.js';
import { calinskiHarabasz, daviesBouldin } from '#src/vectors/metrics/clustering-shape.js';
import { silhouette } from '#src/vectors/metrics/silhouette.js';

const fixture = JSON.parse(
  readFileSync(new URL('../../fixtures/vectors/cluster.json', import.meta.url), 'utf8'),
) as {
  dimension: number;
  vectors: number[];
  kmeans: {
    start: number[];
    iterations: number;
    clusters: number[];
    inertia: number;
    centroids: number[];
  };
  trees: {
    linkage: Linkage;
    distance: 'euclidean' | 'cosine';
    heights: number[];
    sizes: number[];
    clusters: number[];
    at: number;
    cut: number[];
  }[];
  partitions: {
    labels: number[];
    clusters: number[];
    ari: number;
    homogeneity: number;
    completeness: number;
    v: number;
    purity: number;
  }[];
  shapes: {
    clusters: number[];
    euclidean: number[];
    cosine: number[];
    daviesBouldin: number;
    calinskiHarabasz: number;
  }[];
};
const vectors = { data: Float32Array.from(fixture.vectors), dimension: fixture.dimension };
const session = { inline: true, threads: 1 };

/** So many vectors around so many centres, far enough apart. */
function blobs(count: number, centres: number, dimension = 8) {
  const random = new Random(3, 'blobs');
  const middle = Float64Array.from({ length: centres * dimension }, () => 6 * random.normal());
  const labels = Int32Array.from({ length: count }, (_, i) => i % centres);
  const data = Float32Array.from(
    { length: count * dimension },
    (_, i) =>
      middle[labels[Math.floor(i / dimension)]! * dimension + (i % dimension)]! + 0.5 * random.normal(),
  );
  return { vectors: { data, dimension }, labels };
}

describe('k-means', () => {
  it.each([true, false])('equals scikit-learn from the same start (inline: %s)', async (inline) => {
    const { start, iterations, ...expected } = fixture.kmeans;
    const found = await kMeans(vectors, {
      clusters: 6,
      start: Float32Array.from(start),
      maxIterations: iterations,
      tolerance: 0,
      session: { inline, threads: 1 },
    });
    expect(Array.from(found.assignments)).toEqual(expected.clusters);
    expect(found.inertia / expected.inertia).toBeCloseTo(1, 6);
    for (const [i, x] of found.centroids.entries()) expect(x).toBeCloseTo(expected.centroids[i]!, 4);
  });

  it.each([false, 256])('finds separate blobs, the seed alone deciding (batch: %s)', async (batch) => {
    const { vectors: all, labels } = blobs(3000, 12);
    const options = { clusters: 12, seed: 4, batch, session } as const;
    const found = await kMeans(all, options);
    expect(adjustedRandIndex(found.assignments, labels)).toBe(1);
    expect(await kMeans(all, options)).toEqual(found);
  });

  it('stops early when the centroids hardly move', async () => {
    const { vectors: all } = blobs(2000, 3);
    const few = await kMeans(all, { clusters: 40, restarts: 1, tolerance: 1e-2, session });
    const many = await kMeans(all, { clusters: 40, restarts: 1, tolerance: 0, session });
    expect(few.iterations).toBeLessThan(many.iterations);
    expect(few.inertia / many.inertia).toBeLessThan(1.05);
  });

  it('by direction, has centroids of unit length and does not see lengths', async () => {
    const { vectors: all } = blobs(400, 5);
    const found = await kMeans(all, { clusters: 5, spherical: true, session });
    const scaled = all.data.map((x, i) => x * (1 + (Math.floor(i / 8) % 7)));
    const again = await kMeans({ ...all, data: scaled }, { clusters: 5, spherical: true, session });
    expect(again.assignments).toEqual(found.assignments);
    for (let c = 0; c < 5; c++)
      expect(Math.hypot(...found.centroids.subarray(8 * c, 8 * c + 8))).toBeCloseTo(1, 5);
  });

  it('fills clusters that lost all their vectors', async () => {
    const { vectors: all } = blobs(300, 3);
    const start = new Float32Array(3 * 8).fill(1e3); // all nearest to the first
    start.fill(0, 0, 8);
    const { assignments } = await kMeans(all, { clusters: 3, start, session });
    expect(new Set(assignments).size).toBe(3);
  });

  it('takes vectors that are all equal', async () => {
    const found = await kMeans(
      { data: new Float32Array(80).fill(3), dimension: 8 },
      { clusters: 2, session },
    );
    expect(found.inertia).toBe(0);
  });
});

describe.each(fixture.trees)('agglomerative, $linkage by $distance', ({ linkage, distance, ...expected }) => {
  it('equals SciPy', async () => {
    const tree = await agglomerative(vectors, { linkage, distance, session });
    for (const [i, height] of expected.heights.entries())
      expect(Math.abs(tree.heights[i]! - height) / height).toBeLessThan(1e-4);
    expect(adjustedRandIndex(cutTree(tree, { clusters: 5 }), expected.clusters)).toBe(1);
    expect(adjustedRandIndex(cutTree(tree, { distance: expected.at }), expected.cut)).toBe(1);
    expect(tree.sizes.at(-1)).toBe(120);
  });
});

it('merges equal vectors at no height', async () => {
  const { vectors: all } = blobs(40, 4);
  const twice = { data: Float32Array.of(...all.data, ...all.data), dimension: 8 };
  const tree = await agglomerative(twice, { linkage: 'average', distance: 'cosine', session });
  expect(Math.max(...tree.heights.subarray(0, 40))).toBeLessThan(1e-6);
});

it.each(fixture.partitions)('agreement with labels equals scikit-learn (ARI $ari)', (p) => {
  expect(adjustedRandIndex(p.clusters, p.labels)).toBeCloseTo(p.ari, 10);
  expect(purity(p.clusters, p.labels)).toBeCloseTo(p.purity, 10);
  const { homogeneity, completeness, v } = vMeasure(p.clusters, p.labels);
  expect(homogeneity).toBeCloseTo(p.homogeneity, 10);
  expect(completeness).toBeCloseTo(p.completeness, 10);
  expect(v).toBeCloseTo(p.v, 10);
});

describe.each(fixture.shapes)('shape of clusters', (shape) => {
  it.each(['euclidean', 'cosine'] as const)('silhouettes by %s equal scikit-learn', async (distance) => {
    const found = await silhouette(vectors, shape.clusters, { distance, session });
    const mean = shape[distance].reduce((a, b) => a + b, 0) / 120;
    expect(Math.abs(found.mean - mean)).toBeLessThan(1e-6);
    for (const [i, value] of found.values.entries())
      expect(Math.abs(value - shape[distance][i]!)).toBeLessThan(5e-6);
  });

  it('the other scores equal scikit-learn', () => {
    expect(daviesBouldin(vectors, shape.clusters)).toBeCloseTo(shape.daviesBouldin, 6);
    expect(calinskiHarabasz(vectors, shape.clusters) / shape.calinskiHarabasz).toBeCloseTo(1, 6);
  });
});

it('a sample of silhouettes is near the mean of all', async () => {
  const { vectors: all, labels } = blobs(1500, 4);
  const whole = await silhouette(all, labels, { session });
  const some = await silhouette(all, labels, { sample: 300, session });
  expect(some.rows.length).toBe(300);
  expect(Math.abs(some.mean - whole.mean)).toBeLessThan(0.02);
  expect(some.values[7]).toBeCloseTo(whole.values[some.rows[7]!]!, 5);
});

describe('what cannot be', () => {
  const two = { data: Float32Array.of(0, 1, 2, 3), dimension: 2 };
  it.each([
    ['more clusters than vectors', () => kMeans(two, { clusters: 3, session }), /from 1 to 2 but received 3/],
    ['NaN', () => kMeans({ ...two, data: two.data.map(() => Number.NaN) }, { clusters: 2 }), /NaN/],
    ['too many to merge', () => agglomerative(two, { most: 1 }), /at most 1 vectors but received 2/],
    ['one vector to merge', () => agglomerative({ data: two.data, dimension: 4 }), /at least 2/],
    ['silhouette of one cluster', () => silhouette(two, [0, 0]), /received 1 of 2/],
    ['silhouette of clusters of one', () => silhouette(two, [0, 1]), /received 2 of 2/],
    ['labels of others', () => silhouette(two, [0, 1, 1]), /expected 2 labels/],
    ['a start of another size', () => kMeans(two, { clusters: 2, start: new Float32Array(3) }), /start/],
  ])('%s', async (_, work, message) => {
    await expect(work()).rejects.toThrow(message);
  });
});

it('k-means stops when it is asked to', async () => {
  const random = new Random(3, 'stop');
  const data = new Float32Array(20_000 * 64).map(() => random.normal());
  const stop = new AbortController();
  const work = kMeans({ data, dimension: 64 }, { clusters: 200, restarts: 50, signal: stop.signal });
  setTimeout(() => stop.abort(new Error('asked to')), 50);
  await expect(work).rejects.toThrow('asked to');
});
