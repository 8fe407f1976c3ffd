// Image features: neighbours and linear probes on clothes, agreement with the teacher, and the network of likeness.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { npyHeader } from '../../dist/embedding/formats/npy.js';
import { here, inTurn, python, pythonHas, scratch, threads } from '../lib.mjs';
import { bootstrap, shown } from './bootstrap.mjs';
import { clothing, photographs, TEACHER } from './data.mjs';
import { bundled, neighbours, pixelsOf, vectorsOf } from './vectors.mjs';

const PARTS = ['train', 'validation', 'test'];
const students = () => ['mini-vit', 'mini-cnn'].map(bundled).filter(Boolean);
const ratio = (own, teachers) => bootstrap([own, teachers], (a, b) => a / b);

/** 1-NN accuracy and linear probe on clothes. */
export async function clothes() {
  const sets = await Promise.all(PARTS.map(clothing));
  const sources = [
    { name: 'pixels 32 × 32', vectors: await Promise.all(sets.map(pixelsOf)) },
    ...(await inTurn([TEACHER, ...students()], async (model) => ({
      name: model.name,
      vectors: await inTurn(sets, (set) => vectorsOf(model, set)),
    }))),
  ];
  const [train, , test] = sets;
  for (const source of sources) {
    const [gallery, , queries] = source.vectors;
    const found = await neighbours(queries, 1, gallery);
    source.nearest = found.map(([first], i) => Number(train.labels[first] === test.labels[i]));
  }
  const probed = probe(sources, sets);
  return [
    ...compared(sources, 'nearest', 'clothing test, 1-NN accuracy (cosine, gallery: train)'),
    ...(probed ? compared(sources, 'probe', 'clothing test, linear probe') : []),
  ];
}

/** A row for each student, beside the teacher and the pixels. */
function compared([pixels, teacher, ...own], key, measure) {
  const beside = [teacher, pixels].map(({ name, [key]: right }) => `${name} ${shown(bootstrap([right]))}`);
  return own.map(({ name, [key]: right }) => [
    name,
    measure,
    shown(bootstrap([right])),
    beside.join('; '),
    `${shown(ratio(right, teacher[key]))} × ${teacher.name}`,
    '0.90 ×',
  ]);
}

/** Adds to each source whether each test image is told right by logistic regression; false without scikit-learn. */
function probe(sources, sets) {
  if (!pythonHas('sklearn')) return false;
  const folder = mkdtempSync(path.join(scratch, 'probe-'));
  try {
    sets.forEach(({ labels }, i) => {
      writeFileSync(path.join(folder, `labels-${PARTS[i]}.json`), JSON.stringify([...labels]));
    });
    sources.forEach(({ vectors }, s) => {
      vectors.forEach(({ data, dimension }, i) => {
        const matrix = [npyHeader(data.length / dimension, dimension), Buffer.from(data.buffer)];
        writeFileSync(path.join(folder, `${s}-${PARTS[i]}.npy`), Buffer.concat(matrix));
      });
    });
    const script = path.join(here, 'peers', 'bundled', 'probe.py');
    const args = [script, folder, String(sources.length), String(threads)];
    const lines = execFileSync(python, args, { encoding: 'utf8', maxBuffer: 1e8 }).trim().split('\n');
    sources.forEach((source, s) => {
      const { right, C } = JSON.parse(lines[s]);
      source.probe = right;
      console.error(`${source.name}: linear probe with C ${C}`);
    });
    return true;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** How many of the teacher's ten nearest photographs are the student's, too. */
export async function agreement() {
  const set = photographs();
  const k = 10;
  const theirs = await neighbours(await vectorsOf(TEACHER, set), k);
  const recalled = (found) =>
    found.map((own, i) => own.filter((place) => theirs[i].includes(place)).length / k);
  const pixels = bootstrap([recalled(await neighbours(await pixelsOf(set), k))]);
  return inTurn(students(), async (model) => [
    model.name,
    `${set.items.length} Flickr8k photographs, recall@10 of ${TEACHER.name}'s top 10`,
    shown(bootstrap([recalled(await neighbours(await vectorsOf(model, set), k))])),
    `pixels 32 × 32 ${shown(pixels)}; chance ${(k / (set.items.length - 1)).toFixed(3)}`,
    '',
    '0.50',
  ]);
}

/** Whether clothes of a class find each other better after the Siamese head than before it. */
export async function siamese() {
  const models = ['mini-siamese', 'mini-cnn'].map(bundled);
  if (models.includes(undefined)) return [];
  const set = await clothing('test');
  const [own, features, teacher] = await inTurn([...models, TEACHER], async (model) =>
    retrieved(await vectorsOf(model, set), set.labels),
  );
  return ['precision@1', 'MAP@R'].map((measure, m) => [
    'mini-siamese',
    `clothing test among itself, ${measure}`,
    shown(bootstrap([own[m]])),
    `mini-cnn ${shown(bootstrap([features[m]]))}; ${TEACHER.name} ${shown(bootstrap([teacher[m]]))}`,
    `${shown(bootstrap([own[m], features[m]], (a, b) => a - b))} over mini-cnn`,
    'higher',
  ]);
}

/** Precision@1 and average precision over the R nearest of each query, all others the gallery (Musgrave et al., 2020). */
async function retrieved(vectors, labels) {
  const found = await neighbours(vectors, labels.length - 1);
  const first = found.map(([place], i) => Number(labels[place] === labels[i]));
  const average = found.map((places, i) => {
    const r = labels.filter((label) => label === labels[i]).length - 1;
    let [hits, sum] = [0, 0];
    for (let n = 0; n < r; n++) if (labels[places[n]] === labels[i]) sum += ++hits / (n + 1);
    return r > 0 ? sum / r : 0;
  });
  return [first, average];
}
