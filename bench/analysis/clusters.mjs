// Clusters of the clothing pictures beside their ten classes: by k-means, Ward's linkage and HDBSCAN, of two models' vectors,
// beside scikit-learn on the same vectors.
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { clusterSet, labelsOf, openVectorSet } from '../../dist/analysis/index.js';
import { here, inTurn, Peer, pythonHas, scratch } from '../lib.mjs';

/** Each with our options and scikit-learn's name. */
const METHODS = [
  ['k-means', { method: 'kmeans', clusters: 10 }, 'kmeans'],
  ['Ward', { method: 'agglomerative', clusters: 10 }, 'ward'],
  ['HDBSCAN', { method: 'hdbscan', reduce: 'none', minClusterSize: 19 }, 'hdbscan'],
  ['HDBSCAN after UMAP', { method: 'hdbscan', minClusterSize: 19 }, undefined],
];

const timed = async (work) => {
  const start = performance.now();
  const found = await work();
  return { ...found, seconds: (performance.now() - start) / 1000 };
};

/** BENCH_CLUSTER_FILES names files of embeddings, `model=file` with commas between, instead of embedding the pictures. */
function sources(data, pictures) {
  const files = process.env.BENCH_CLUSTER_FILES;
  if (files === undefined)
    return [
      ['mini-clip', pictures, undefined],
      ['ViT-Ti/16', pictures, path.join(data, '..', 'weights', 'vit_tiny_patch16_224')],
    ];
  return files.split(',').map((pair) => pair.split('='));
}

export async function clusters({ data, python, log }) {
  const pictures = path.join(data, 'clothing');
  if (process.env.BENCH_CLUSTER_FILES === undefined && !existsSync(pictures))
    return { skipped: `no ${pictures}` };
  const peers = pythonHas('sklearn');
  if (!peers) log('no scikit-learn: set AFTERIMAGE_PYTHON');
  const rows = [];
  await inTurn(sources(data, pictures), async ([name, source, model]) => {
    log(`clusters of ${name} …`);
    const set = await openVectorSet(source, { model });
    const file = path.join(scratch, 'clusters.f32');
    const { labels } = await labelsOf(set);
    writeFileSync(file, set.unit().data);
    const peer =
      peers && new Peer(python, [path.join(here, 'peers', 'clusters.py'), file, String(set.dimension)]);
    const line = (what, found) =>
      rows.push([
        name,
        what,
        String(found.clusters),
        String(found.noise),
        ...['ari', 'nmi', 'ami', 'purity'].map((key) => found[key].toFixed(3)),
        found.silhouette.toFixed(3),
        found.seconds.toFixed(1),
      ]);
    await inTurn(METHODS, async ([method, options, theirs]) => {
      const ours = await timed(() => clusterSet(set, { ...options, label: 'folder', names: false }));
      const { agreement, quality, noise } = ours;
      line(method, {
        ...agreement,
        silhouette: quality?.silhouette ?? Number.NaN,
        noise,
        clusters: ours.clusters.length,
        seconds: ours.seconds,
      });
      if (peer && theirs)
        line(`${method}, scikit-learn`, await peer.ask({ method: theirs, labels: Array.from(labels) }));
    });
    await peer?.end?.();
    await set.close();
  });
  return {
    head: ['vectors', 'method', 'clusters', 'noise', 'ARI', 'NMI', 'AMI', 'purity', 'silhouette', 's'],
    rows,
    note:
      'Pictures of clothing in ten classes, without being told them. Silhouettes by cosine; noise is one more cluster in the ' +
      'agreement. Seconds of our rows include medoids and all scores, those of scikit-learn the clustering alone.',
  };
}
