// Exact search of 100,000 vectors of 512 numbers, and the nearest-neighbour graph of 50,000 of them, beside a plain loop
// and Python, in turns. BENCH_EXACT_ROWS takes other numbers of vectors.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { ExactSearch, neighbourGraph } from '../../dist/vectors/index.js';
import { inTurn, median, Peer, python, pythonHas, rounds, scratch, threads } from '../lib.mjs';

const D = 512;
const K = 10;
const ROWS = Number(process.env.BENCH_EXACT_ROWS ?? 100_000);
const GRAPH_ROWS = ROWS >> 1;
const TIMES = 9;

/** Unit vectors: clusters of differing sizes, with noise half as long as what they have in common. */
function unitVectors(rows) {
  let state = 5;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32 - 0.5;
  };
  const centres = Float32Array.from({ length: 200 * D }, random);
  const data = new Float32Array(rows * D);
  for (let row = 0; row < rows; row++) {
    const centre = Math.floor((random() + 0.5) ** 2 * 200) * D;
    let sum = 0;
    for (let i = row * D; i < (row + 1) * D; i++) {
      data[i] = centres[centre + (i % D)] + random() / 2;
      sum += data[i] ** 2;
    }
    for (let i = row * D; i < (row + 1) * D; i++) data[i] /= Math.sqrt(sum);
  }
  return data;
}

/** The loop that one writes without a library, with four sums; JavaScript adds in float64, so it is the truth too. */
function plainLoop(vectors, query) {
  const scores = new Float64Array(K).fill(-Infinity);
  const indices = new Int32Array(K);
  for (let row = 0, o = 0; o < vectors.length; row++, o += D) {
    let a = 0;
    let b = 0;
    let c = 0;
    let d = 0;
    for (let i = 0; i < D; i += 4) {
      a += query[i] * vectors[o + i];
      b += query[i + 1] * vectors[o + i + 1];
      c += query[i + 2] * vectors[o + i + 2];
      d += query[i + 3] * vectors[o + i + 3];
    }
    const score = a + b + c + d;
    if (score <= scores[K - 1]) continue;
    let place = K - 1;
    for (; place > 0 && scores[place - 1] < score; place--) {
      scores[place] = scores[place - 1];
      indices[place] = indices[place - 1];
    }
    scores[place] = score;
    indices[place] = row;
  }
  return indices;
}

/** Part of what should be found that was, `k` at a time. */
function recall(found, truth, k) {
  let hits = 0;
  for (let i = 0; i < truth.length; i++)
    if (found.slice(i - (i % k), i - (i % k) + k).includes(truth[i])) hits++;
  return hits / truth.length;
}

const seconds = async (work) => {
  const start = performance.now();
  const found = await work();
  return { seconds: (performance.now() - start) / 1000, found };
};

/** The median of each contender, which take turns. */
async function race(contenders, times) {
  const taken = new Map(Object.keys(contenders).map((name) => [name, []]));
  const found = {};
  await inTurn(
    Array.from({ length: times }, (_, i) => i),
    (i) =>
      inTurn(Object.entries(contenders), async ([name, work]) => {
        const result = await work(i);
        taken.get(name).push(result.seconds);
        if (i === 0) found[name] = result.found;
      }),
  );
  return Object.entries(contenders).map(([name]) => ({
    name,
    found: found[name],
    seconds: median(taken.get(name)),
  }));
}

export async function exact({ log }) {
  const vectors = unitVectors(ROWS);
  const peer = pythonHas('numpy') ? await numpy(vectors) : undefined;
  const opening = await seconds(() => ExactSearch.open(vectors, D, { session: { threads } }));
  const search = opening.found;
  const rows = [];
  for (const many of [1, 16]) {
    const first = (round) => ((round * 977) % (ROWS >> 5)) * 16;
    const queries = (round) => vectors.slice(first(round) * D, (first(round) + many) * D);
    const loop = (batch) =>
      Array.from({ length: many }, (_, i) => [
        ...plainLoop(vectors, batch.subarray(i * D, (i + 1) * D)),
      ]).flat();
    const contenders = {
      ours: async (round) => {
        const batch = queries(round);
        const result = await seconds(() => search.search(batch, K));
        return { ...result, found: [...result.found.indices] };
      },
      'plain loop': async (round) => {
        const batch = queries(round);
        return seconds(() => loop(batch));
      },
    };
    if (peer) contenders.NumPy = (round) => peer.ask({ kind: 'search', first: first(round), many, k: K });
    const results = await race(contenders, Math.max(rounds, TIMES));
    const truth = results.find((r) => r.name === 'plain loop').found;
    for (const { name, found, seconds: s } of results) {
      const row = [
        `top ${K} of ${ROWS} × ${D}, ${many > 1 ? `${many} at once` : 'one query'}`,
        name,
        `${((s * 1000) / many).toFixed(2)} ms a query`,
        (s / results[0].seconds).toFixed(2),
        recall(found, truth, K).toFixed(3),
      ];
      log(row.join('  '));
      rows.push(row);
    }
  }
  await search.close();

  const part = vectors.subarray(0, GRAPH_ROWS * D);
  const contenders = {
    ours: async () => {
      const result = await seconds(() => neighbourGraph(part, D, K, { session: { threads } }));
      return { ...result, found: [...result.found.indices.subarray(0, 64 * K)] };
    },
  };
  for (const [name, module] of [
    ['faiss', 'faiss'],
    ['scikit-learn', 'sklearn'],
  ])
    if (peer && pythonHas(module)) contenders[name] = () => peer.ask({ kind: name, rows: GRAPH_ROWS, k: K });
  const graphs = await race(contenders, 2);
  const truth = Array.from({ length: 64 }, (_, i) => nearestOthers(part, i)).flat();
  for (const { name, found, seconds: s } of graphs) {
    const row = [
      `graph of the ${K} nearest of ${GRAPH_ROWS} × ${D}`,
      name,
      `${s.toFixed(1)} s`,
      (s / graphs[0].seconds).toFixed(2),
      recall(found, truth, K).toFixed(3),
    ];
    log(row.join('  '));
    rows.push(row);
  }
  await peer?.end();
  return {
    head: ['exact search', 'by', 'median', "of ours' time", 'recall'],
    rows,
    note: `${threads} ${threads > 1 ? 'threads' : 'thread'} for ours and for Python; the plain loop has one, as JavaScript has. The truth is float64. Opening took ours ${opening.seconds.toFixed(1)} s. faiss: IndexFlatIP; scikit-learn: NearestNeighbors(algorithm="brute").${peer ? '' : ' Python with NumPy was not found (AFTERIMAGE_PYTHON): its rows are missing.'}`,
  };
}

/** The nearest others of one vector, by the loop, which finds it first. */
function nearestOthers(vectors, self) {
  const query = vectors.slice(self * D, (self + 1) * D);
  const own = vectors.subarray(self * D, (self + 1) * D);
  const kept = own.slice();
  own.fill(0);
  const found = [...plainLoop(vectors, query)];
  own.set(kept);
  return found;
}

/** Python with the same vectors and as many threads. */
async function numpy(vectors) {
  const file = path.join(scratch, 'exact.f32');
  writeFileSync(file, new Uint8Array(vectors.buffer));
  for (const name of ['OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS'])
    process.env[name] = String(threads);
  const script = path.join(import.meta.dirname, '..', 'peers', 'search-exact.py');
  const peer = new Peer(python, [script, file, String(D), String(threads)]);
  await peer.answer();
  return peer;
}
