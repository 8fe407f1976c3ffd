// k-means of 50,000 × 512 into 100 clusters: ten iterations from the same start beside scikit-learn and ml-kmeans, in turns;
// then with k-means++ as it comes. BENCH_KMEANS_ROWS takes another number of vectors.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { kMeans } from '../../dist/vectors/index.js';
import { here, inTurn, median, Peer, pythonHas, rounds, scratch, threads } from '../lib.mjs';

const D = 512;
const K = 100;
const ITERATIONS = 10;
const ROWS = Number(process.env.BENCH_KMEANS_ROWS ?? 50_000);

function generator(state) {
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Unit vectors around 150 centres, with noise that makes neighbouring clusters overlap. */
function unitVectors() {
  const random = generator(5);
  const centres = Float32Array.from({ length: 150 * D }, () => random() - 0.5);
  const data = new Float32Array(ROWS * D);
  for (let row = 0; row < ROWS; row++) {
    const centre = Math.floor(random() ** 2 * 150) * D;
    let sum = 0;
    for (let i = row * D; i < (row + 1) * D; i++) {
      data[i] = centres[centre + (i % D)] + 3 * (random() - 0.5);
      sum += data[i] ** 2;
    }
    for (let i = row * D; i < (row + 1) * D; i++) data[i] /= Math.sqrt(sum);
  }
  return data;
}

async function measured(work) {
  const start = performance.now();
  const before = process.cpuUsage();
  const found = await work();
  const { user, system } = process.cpuUsage(before);
  return { seconds: (performance.now() - start) / 1000, cpu: (user + system) / 1e6, ...found };
}

/** The other library of this world, if it is installed; once, since it takes half a minute. */
async function mlKmeans(data, rows) {
  const { kmeans: run } = await import('ml-kmeans');
  const vectors = Array.from({ length: ROWS }, (_, i) => Array.from(data.subarray(i * D, (i + 1) * D)));
  const initialization = rows.map((row) => vectors[row].slice());
  return measured(() => {
    const { clusters, centroids } = run(vectors, K, { initialization, maxIterations: ITERATIONS });
    let inertia = 0;
    for (let i = 0; i < ROWS; i++)
      for (let d = 0; d < D; d++) inertia += (vectors[i][d] - centroids[clusters[i]][d]) ** 2;
    return { inertia };
  });
}

export async function kmeans({ python, log }) {
  const data = unitVectors();
  const random = generator(11);
  const rows = Array.from({ length: K }, () => Math.floor(random() * ROWS));
  const start = new Float32Array(K * D);
  for (const [c, row] of rows.entries()) start.set(data.subarray(row * D, (row + 1) * D), c * D);
  const file = path.join(scratch, 'kmeans.f32');
  let peer;
  if (pythonHas('sklearn', 'threadpoolctl')) {
    writeFileSync(file, data);
    peer = new Peer(python, [path.join(here, 'peers', 'kmeans.py'), file, D, threads].map(String));
  } else log('no scikit-learn: set AFTERIMAGE_PYTHON');
  const vectors = { data, dimension: D };
  const options = { clusters: K, maxIterations: ITERATIONS, tolerance: 0, restarts: 1, session: { threads } };
  const contenders = {
    ours: () => measured(() => kMeans(vectors, { ...options, start })),
    oursAlone: () => measured(() => kMeans(vectors, { ...options, seed: 1 })),
    ...(peer && { sklearn: () => peer.ask({ clusters: K, iterations: ITERATIONS, start: rows }) }),
  };
  const runs = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]));
  for (let round = 0; round <= rounds; round++) {
    log(`k-means, round ${round} of ${rounds}`);
    await inTurn(Object.entries(contenders), async ([name, work]) => {
      const result = await work();
      if (round > 0) runs[name].push(result); // the first is to warm up
    });
  }
  const sklearnAlone = await peer?.ask({ clusters: K, iterations: ITERATIONS, seed: 1 });
  await peer?.end();
  const middle = (name, what) => median(runs[name].map((run) => run[what]));
  const peerOf = await mlKmeans(data, rows).catch((error) => {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
    log('no ml-kmeans: npm install in bench/');
  });
  const row = (label, run) => [label, run.seconds.toFixed(2), run.cpu.toFixed(2), run.inertia.toFixed(1)];
  const summary = (name) => ({
    seconds: middle(name, 'seconds'),
    cpu: middle(name, 'cpu'),
    inertia: middle(name, 'inertia'),
  });
  const table = [row('Afterimage, same start', summary('ours'))];
  if (peer) table.push(row('scikit-learn, same start', summary('sklearn')));
  if (peerOf) table.push(row('ml-kmeans, same start (once)', peerOf));
  table.push(row('Afterimage with its k-means++', summary('oursAlone')));
  if (peer) table.push(row('scikit-learn with its k-means++ (once)', sklearnAlone));
  const ratio = (a, b) => median(runs[a].map((run, i) => run.seconds / runs[b][i].seconds)).toFixed(2);
  return {
    head: [`k-means, ${ROWS} × ${D}, k = ${K}, ${ITERATIONS} iterations`, 's', 'CPU s', 'inertia'],
    rows: table,
    note: [
      `${threads} threads, median of ${rounds} rounds in turns, opening the engine included.`,
      peer &&
        `Beside scikit-learn ${ratio('ours', 'sklearn')} × the time from the same start (asked: ≤ 1.2), ${(middle('oursAlone', 'seconds') / sklearnAlone.seconds).toFixed(2)} × with k-means++.`,
      peerOf &&
        `ml-kmeans takes ${(peerOf.cpu / middle('ours', 'cpu')).toFixed(1)} × our CPU time (asked: ≥ 15).`,
    ]
      .filter(Boolean)
      .join(' '),
  };
}
