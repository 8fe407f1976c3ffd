// Maps: what they cost for 50,000 × 512 vectors beside umap-js, each in a process of its own, in turns; and how faithful
// they are on real pictures beside umap-learn and scikit-learn's t-SNE, copies included. BENCH_MAP_ROWS takes another number
// of vectors, BENCH_MAP_ROUNDS another number of rounds; BENCH_MAP_REAL=0 leaves the pictures out.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { openVectorSet } from '../../dist/analysis/index.js';
import { embedToFile } from '../../dist/embedding/index.js';
import { mapQuality, tsneDivergence } from '../../dist/vectors/index.js';
import { here, inTurn, median, pythonHas, scratch, table, threads } from '../lib.mjs';
import { sheets } from './synthetic.mjs';

const D = 512;
const ROWS = Number(process.env.BENCH_MAP_ROWS ?? 50_000);
const ROUNDS = Number(process.env.BENCH_MAP_ROUNDS ?? 1);
const SEEDS = [0, 1, 2];
const cache = path.join(tmpdir(), 'afterimage-bench-maps');
const run = promisify(execFile);

const floats = (file) => {
  const bytes = readFileSync(file);
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
};
const mean = (list, pick) => list.reduce((sum, one) => sum + pick(one), 0) / list.length;

/** One map in a process of its own, and how faithful it is. */
async function mapped(command, script, kind, file, vectors, seed) {
  const out = path.join(scratch, `map-${kind}.f32`);
  const args = [path.join(here, 'peers', script), kind, file, vectors.dimension, out, seed];
  if (script === 'map.mjs') args.push(threads);
  const { stdout } = await run(command, args.map(String), {
    env: { ...process.env, OMP_NUM_THREADS: String(threads), NUMBA_NUM_THREADS: String(threads) },
  });
  const map = floats(out);
  const count = vectors.data.length / vectors.dimension;
  const quality = await mapQuality(vectors, map, 2, { sample: count > 10_000 ? 1000 : count });
  return { map, ...JSON.parse(stdout.trim().split('\n').at(-1)), ...quality };
}

async function cost(log) {
  const vectors = { data: sheets(ROWS, D), dimension: D };
  const file = path.join(scratch, 'map-vectors.f32');
  writeFileSync(file, vectors.data);
  const contenders = { ours: 'UMAP', 'umap-js': 'umap-js 1.4.0' };
  const runs = { ours: [], 'umap-js': [], tsne: [] };
  for (let round = 0; round < ROUNDS; round++)
    await inTurn(Object.keys(contenders), async (kind) => {
      log(`umap: ${kind}, ${ROWS} vectors, round ${round + 1} of ${ROUNDS}`);
      runs[kind].push(await mapped(process.execPath, 'map.mjs', kind, file, vectors, round));
    });
  log(`umap: t-SNE, ${ROWS} vectors`);
  runs.tsne.push(await mapped(process.execPath, 'map.mjs', 'tsne', file, vectors, 0));
  const middle = (kind, what) => median(runs[kind].map((one) => one[what]));
  const rows = Object.entries({ ...contenders, tsne: 't-SNE, 1,000 rounds' }).map(([kind, label]) => [
    label,
    middle(kind, 'cpu').toFixed(1),
    middle(kind, 'seconds').toFixed(1),
    middle(kind, 'megabytes').toFixed(0),
    middle(kind, 'trustworthiness').toFixed(3),
    middle(kind, 'neighbourhoodPreservation').toFixed(3),
  ]);
  const ratio = middle('ours', 'cpu') / middle('umap-js', 'cpu');
  return {
    head: [`maps of ${ROWS} × ${D}`, 'CPU s', 's', 'peak MB', 'trust@15', 'kept@15'],
    rows,
    note: `${threads} threads, each in a process of its own, finding neighbours included; the vectors themselves are ${((ROWS * D * 4) / 1e6).toFixed(0)} MB. Our UMAP takes ${ratio.toFixed(2)} × the CPU time of umap-js (asked: ≤ 0.15).`,
  };
}

/** Real vectors by name: made once by a bundled and a published model, kept between runs. */
async function realSets(data, log) {
  mkdirSync(cache, { recursive: true });
  const images = path.join(data, 'flickr8k', 'images');
  const sets = {};
  const models = {
    'Flickr8k, mini-clip': 'mini-clip',
    'Flickr8k, ViT-Ti/16': path.join(data, '..', 'weights', 'vit_tiny_patch16_224'),
  };
  await inTurn(Object.entries(models), async ([name, model]) => {
    if (!existsSync(images)) return;
    const file = path.join(cache, `${path.basename(model)}.parquet`);
    if (!existsSync(file)) {
      log(`umap: embedding ${images} by ${model}`);
      await embedToFile({ inputs: [images] }, file, { model, resume: true });
    }
    const set = await openVectorSet(file);
    sets[name] = set.unit();
    await set.close();
  });
  const copies = path.join(data, 'clip_vectors', 'image_embeddings.npy');
  if (existsSync(copies)) {
    const set = await openVectorSet(copies);
    sets['CLIP, 50 pictures, 5 copies each'] = set.unit();
    await set.close();
  }
  return sets;
}

async function faithfulness(data, python, log) {
  const sets = await realSets(data, log);
  if (Object.keys(sets).length === 0) return `Real pictures: skipped, no ${data}.`;
  const learn = pythonHas('umap', 'sklearn');
  if (!learn) log('umap: no umap-learn: set AFTERIMAGE_PYTHON');
  const rows = [];
  await inTurn(Object.entries(sets), async ([name, vectors]) => {
    const file = path.join(scratch, 'map-real.f32');
    writeFileSync(file, vectors.data);
    const makers = [
      ['UMAP', process.execPath, 'map.mjs', 'ours', SEEDS],
      ['t-SNE', process.execPath, 'map.mjs', 'tsne', [0]],
      ...(learn
        ? [
            ['umap-learn', python, 'map.py', 'umap', SEEDS],
            ['scikit-learn t-SNE', python, 'map.py', 'tsne', [0]],
          ]
        : []),
    ];
    await inTurn(makers, async ([label, command, script, kind, seeds]) => {
      log(`umap: ${name} by ${label}`);
      const maps = await inTurn(seeds, (seed) => mapped(command, script, kind, file, vectors, seed));
      const divergence = kind === 'tsne' ? (await tsneDivergence(vectors, maps[0].map)).toFixed(3) : '';
      rows.push([
        `${name} (${vectors.data.length / vectors.dimension} × ${vectors.dimension})`,
        label,
        mean(maps, (m) => m.cpu).toFixed(1),
        mean(maps, (m) => m.trustworthiness).toFixed(4),
        mean(maps, (m) => m.continuity).toFixed(4),
        mean(maps, (m) => m.neighbourhoodPreservation).toFixed(3),
        divergence,
      ]);
    });
  });
  const head = ['vectors', 'map', 'CPU s', 'trust@15', 'continuity', 'kept@15', 'KL'];
  return `${table(head, rows)}\n\nBy cosine, against all vectors; UMAP's are means of ${SEEDS.length} seeds. KL is the divergence that t-SNE makes small.`;
}

export async function umap({ data, python, log }) {
  const { head, rows, note } = await cost(log);
  const real = process.env.BENCH_MAP_REAL === '0' ? undefined : await faithfulness(data, python, log);
  return { head, rows, note: [note, real].filter(Boolean).join('\n\n') };
}
