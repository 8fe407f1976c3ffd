/** @file Clusters of whole sets where the answer was planted; names by the bundled model; columns, page and command. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  clusterColumns,
  clusterSet,
  nameClusters,
  openVectorSet,
  type VectorSet,
  writeClusters,
} from '#src/analysis/index.js';
import { labelBank, loadEmbedder } from '#src/embedding/index.js';
import { Random } from '#src/random.js';
import { adjustedRandIndex, chooseK, cosineSimilarity } from '#src/vectors/index.js';
import { run, scratch } from '../cli/run.js';

const { folder, remove } = scratch();
afterAll(remove);

const [crowds, each, dimension] = [5, 30, 12];
const random = new Random(5, 'cluster set');
const centres = Array.from({ length: crowds }, () =>
  Array.from({ length: dimension }, () => 2 * random.normal()),
);
const truth = Int32Array.from({ length: crowds * each }, (_, row) => Math.floor(row / each));
const file = path.join(folder, 'vectors.jsonl');
const lines = Array.from(truth, (crowd, row) => {
  const embedding = centres[crowd]!.map((x) => x + 0.3 * random.normal());
  const odd = row === 7 ? embedding.map((x) => x + 2 * random.normal()) : embedding; // hardly fits
  return {
    id: `k${crowd}/${String(row).padStart(3, '0')}.jpg`,
    caption: `a thing of kind${crowd}`,
    embedding: odd,
  };
});
writeFileSync(file, lines.map((line) => JSON.stringify(line)).join('\n'));
const session = { inline: true, threads: 1 };

describe.each([
  ['kmeans', { clusters: 5 }],
  ['kmeans', { clusters: 'auto' }],
  ['kmeans', { clusters: 5, reduce: { method: 'pca', dimensions: 4 } }],
  ['agglomerative', { clusters: 5 }],
  ['agglomerative', { distance: 0.35, linkage: 'average' }],
  ['hdbscan', { reduce: 'none', minClusterSize: 10 }],
] as const)('%s with %o', (method, options) => {
  it('finds what was planted, and describes it', async () => {
    await using set = await openVectorSet(file);
    const report = await clusterSet(set, { method, ...options, label: 'folder', session });
    const kept = Array.from(truth.keys()).filter((row) => report.assignments[row]! >= 0 && row !== 7);
    expect(kept.length).toBeGreaterThan(140);
    const index = adjustedRandIndex(
      kept.map((row) => report.assignments[row]!),
      kept.map((row) => truth[row]!),
    );
    expect(index).toBe(1);
    expect(report.agreement!.ari).toBeGreaterThan(0.95);
    expect(report.quality!.silhouette).toBeGreaterThan(0.7);
    const large = report.clusters.filter(({ rows }) => rows.length > 10);
    expect(large).toHaveLength(5);
    for (const cluster of large) expectDescribed(set, report.assignments, report.distances, cluster);
  });
});

function expectDescribed(
  set: VectorSet,
  assignments: Int32Array,
  distances: Float32Array,
  cluster: Awaited<ReturnType<typeof clusterSet>>['clusters'][number],
): void {
  const rows = Array.from(cluster.rows);
  expect(rows.every((row) => assignments[row] === cluster.id)).toBe(true);
  expect(cluster.label!.share).toBe(1);
  const cosine = (a: number, b: number) => cosineSimilarity(set.vector(a), set.vector(b));
  const total = (row: number) => rows.reduce((sum, other) => sum + cosine(row, other), 0);
  const medoid = rows.reduce((a, b) => (total(b) > total(a) ? b : a));
  expect(cluster.representatives[0]).toBe(medoid);
  expect(new Set(cluster.representatives).size).toBe(Math.min(12, cluster.representatives.length));
  const mean =
    rows.reduce((sum, row) => sum + cosineSimilarity(set.vector(row), cluster.centre), 0) / rows.length;
  expect(cluster.cohesion).toBeCloseTo(mean, 5);
  for (const row of rows)
    expect(distances[row]).toBeCloseTo(1 - cosineSimilarity(set.vector(row), cluster.centre), 5);
  if (rows.includes(7)) expect(cluster.outliers[0]).toBe(7);
}

describe('the number of clusters', () => {
  it('is the planted one, and the table says why', async () => {
    await using set = await openVectorSet(file);
    const choice = await chooseK(set.unit(), { spherical: true, session, pairs: 3 });
    expect(choice.clusters).toBe(5);
    expect(choice.table.find(({ clusters }) => clusters === 5)!.stability).toBeGreaterThan(0.95);
    expect(choice.why).toMatch(/^5 clusters have the best silhouette/);
  });

  it('is doubted where there are no clusters', async () => {
    const noise = new Random(2, 'noise');
    const data = Float32Array.from({ length: 400 * 16 }, () => noise.normal());
    const choice = await chooseK({ data, dimension: 16 }, { candidates: [4, 6, 8], pairs: 2, session });
    expect(choice.why).toMatch(/no number of clusters comes back/);
  });
});

it('names by what tells clusters apart, each name once', async () => {
  const embedder = await loadEmbedder(undefined, { inline: true, workers: 0 });
  const vectors = path.join(folder, 'words.jsonl');
  const words = ['a dog', 'a car', 'a beach'];
  const bank = await labelBank(embedder, words);
  writeFileSync(
    vectors,
    words
      .map((id, i) => JSON.stringify({ id, caption: 'my zorble', embedding: Array.from(bank.vectors[i]!) }))
      .join('\n'),
  );
  await using set = await openVectorSet(vectors, { model: embedder });
  const named = await nameClusters(set, bank.vectors);
  expect(named.map((name) => name?.text)).toEqual(words);
  const twice = await nameClusters(set, [bank.vectors[0]!, bank.vectors[0]!, bank.vectors[1]!]);
  expect(new Set(twice.map((name) => name?.text)).size).toBe(3);
  const only = await nameClusters(set, bank.vectors, { names: ['a puppy', 'a sports car'], only: true });
  expect(only[0]?.text).toBe('a puppy');
  expect(only[1]?.text).toBe('a sports car');
  expect(only[2]).toBeNull();
  await embedder.close();
}, 60_000);

it('keeps columns, and draws a page without scripts', async () => {
  await using set = await openVectorSet(file);
  const report = await clusterSet(set, { method: 'hdbscan', reduce: 'none', minClusterSize: 10, session });
  const [name, id, distance] = clusterColumns(report, 'kind');
  expect([name!.name, id!.name, distance!.name]).toEqual(['kind', 'kind_id', 'kind_distance']);
  for (const [row, cluster] of report.assignments.entries()) {
    expect(id!.cells[row]).toBe(cluster < 0 ? null : cluster);
    expect(name!.cells[row]).toBe(cluster < 0 ? null : `cluster ${cluster}`);
    expect(distance!.cells[row] === null).toBe(cluster < 0);
  }
  const page = path.join(folder, 'page.html');
  report.clusters[0]!.name = { text: '<b>"odd"</b>', margin: 1 };
  await writeClusters(page, set, report);
  const html = readFileSync(page, 'utf8');
  expect(html.match(/<section /g)).toHaveLength(report.clusters.length);
  expect(html).not.toMatch(/<script|<b>"odd"/);
  expect(html).toContain('&#60;b>'.replace('>', '&#62;'));
});

describe('what cannot be', () => {
  it.each([
    [{ clusters: 151 }, /whole number from 1 to 150 but received 151/],
    [{ method: 'hdbscan', clusters: 3 }, /clusters is for kmeans and agglomerative, and not for hdbscan/],
    [{ method: 'agglomerative', clusters: 3, distance: 1 }, /expected one of them/],
    [{ clusters: 3, label: 'foldr' }, /no column "foldr"/],
    [{ clusters: 3, names: { captions: 'kaption' } }, /no column "kaption"/],
    [{ clusters: 3, names: { names: ['dog'] } }, /does not say which model/],
  ] as const)('%o', async (options, message) => {
    await using set = await openVectorSet(file);
    await expect(clusterSet(set, { ...options, session })).rejects.toThrow(message);
  });

  it('vectors that are all equal', async () => {
    const equal = path.join(folder, 'equal.jsonl');
    writeFileSync(
      equal,
      ['a', 'b', 'c'].map((id) => JSON.stringify({ id, embedding: [1, 2, 3] })).join('\n'),
    );
    await using set = await openVectorSet(equal);
    await expect(clusterSet(set, { clusters: 2 })).rejects.toThrow(/all 3 vectors are equal/);
  });
});

describe('afterimage cluster', () => {
  it('prints a table, writes CSV and a page, and says it as JSON', async () => {
    const [csv, page] = [path.join(folder, 'out.csv'), path.join(folder, 'out.html')];
    const words = ['cluster', file, '-k', '5', '--label', 'folder', '-o', csv, '--sheet', page];
    const printed = await run(words, { cwd: folder });
    expect(printed.stderr).toMatch(/the clusters have no names/);
    expect(printed.code).toBe(0);
    expect(printed.stdout).toMatch(/cluster 0 .* k\d \(100 %\)/);
    expect(printed.stdout).toMatch(/ARI 1\.000/);
    const rows = readFileSync(csv, 'utf8').trim().split('\n');
    expect(rows[0]).toBe('id,cluster,cluster_id,cluster_distance');
    expect(rows).toHaveLength(151);
    expect(readFileSync(page, 'utf8')).toContain('5 clusters of 150 images');
    const { stdout } = await run(['cluster', file, '-k', '5', '--no-names', '--json'], { cwd: folder });
    const said = JSON.parse(stdout) as { clusters: { size: number }[]; items: { cluster: number }[] };
    expect(said.clusters.reduce((sum, { size }) => sum + size, 0)).toBe(150);
    expect(said.items).toHaveLength(150);
  }, 60_000);

  it.each([
    [['-k', 'many'], /--k: expected/],
    [['-k', '2', '--save', 'kind'], /columns are kept in collections/],
    [['--dimensions', '5'], /--reduce/],
    [['--names', 'none.txt'], /cannot be read/],
  ])(
    'refuses %o',
    async (words, message) => {
      const { code, stderr } = await run(['cluster', file, ...words], { cwd: folder });
      expect(stderr).toMatch(message);
      expect(code).toBe(2);
    },
    60_000,
  );
});
