// Classes of 3,781 photographs of clothes (10 kinds; learned from train and validation, tested on test): k-NN, logistic
// regression and SVMs on four kinds of vectors, beside scikit-learn on the same vectors with the same settings.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { crossValidate, labelsOf, openVectorSet, splitOf } from '../../dist/analysis/index.js';
import { embedToFile } from '../../dist/embedding/index.js';
import { fitClassifier } from '../../dist/vectors/classify/classifier.js';
import { classificationReport } from '../../dist/vectors/index.js';
import { inTurn, pythonHas, scratch } from '../lib.mjs';

const cache = path.join(tmpdir(), 'afterimage-bench-classes');
const METHODS = ['knn', 'logistic', 'svm', 'rbf-svm'];
const SKLEARN = `
import json, sys, time, warnings
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC, LinearSVC
warnings.filterwarnings("ignore")
job = json.load(sys.stdin)
x = np.fromfile(job["file"], np.float32).reshape(-1, job["dimension"])
y = np.array(job["labels"])
train, test = np.array(job["train"]), np.array(job["test"])
results = []
for run in job["runs"]:
    c, k = run.get("regularization"), run.get("neighbours")
    model = {
        "knn": lambda: KNeighborsClassifier(k, metric="cosine", weights="distance"),
        "logistic": lambda: LogisticRegression(C=c, max_iter=10000),
        "svm": lambda: LinearSVC(C=c, dual=False),
        "rbf-svm": lambda: SVC(C=c),
    }[run["method"]]()
    start = time.perf_counter()
    said = model.fit(x[train], y[train]).predict(x[test])
    results.append({"said": said.tolist(), "seconds": time.perf_counter() - start})
print(json.dumps(results))
`;

/** Vectors of a model, embedded once and kept between runs. */
async function embedded(images, name, model) {
  const file = path.join(cache, `${name}.parquet`);
  if (!existsSync(file)) await embedToFile({ inputs: [images] }, file, { model, resume: true });
  return file;
}

/** Square roots of the shares of the pixels in 8 × 8 × 8 colours: unit vectors whose cosine is Bhattacharyya's. */
async function histograms(images) {
  const file = path.join(cache, 'histograms.jsonl');
  if (existsSync(file)) return file;
  const lines = await inTurn(
    readdirSync(images, { recursive: true }).filter((name) => /\.webp$/.test(name)),
    async (name) => {
      const place = path.join(images, name);
      const pixels = await sharp(place).toColourspace('srgb').removeAlpha().raw().toBuffer();
      const counts = new Array(512).fill(0);
      for (let i = 0; i < pixels.length; i += 3)
        counts[((pixels[i] >> 5) << 6) | ((pixels[i + 1] >> 5) << 3) | (pixels[i + 2] >> 5)]++;
      const vector = counts.map((n) => Math.sqrt((n * 3) / pixels.length));
      return JSON.stringify({ id: place, vector });
    },
  );
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}

/** One row for each method. */
async function measure(name, file, python, log) {
  const set = await openVectorSet(file);
  const labels = await labelsOf(set);
  const { train, test } = await splitOf(set, 'id');
  const unit = set.unit();
  const rows = (some) => {
    const data = new Float32Array(some.length * set.dimension);
    some.forEach((row, i) => {
      data.set(unit.data.subarray(row * set.dimension, (row + 1) * set.dimension), i * set.dimension);
    });
    return { data, dimension: set.dimension };
  };
  const labelled = (some) => Int32Array.from(some, (row) => labels.labels[row]);
  const learned = {
    ...labels,
    labels: labels.labels.map((label, row) => (train.includes(row) ? label : -1)),
  };
  const classes = labels.names.length;
  const ours = await inTurn(METHODS, async (method) => {
    log(`${name}: ${method}`);
    // What to use is chosen on the training part alone.
    const { best } = await crossValidate(set, learned, { method, calibration: 'none', resamples: 0 });
    const start = performance.now();
    const options = { ...best, calibration: 'none' };
    const classifier = await fitClassifier(rows(train), labelled(train), classes, options);
    const said = await classifier.predict(rows(test));
    const seconds = (performance.now() - start) / 1000;
    await classifier.close();
    return { best, said, seconds, report: classificationReport(labelled(test), said, classes) };
  });
  let theirs;
  if (pythonHas('sklearn')) {
    const raw = path.join(scratch, `${name.replaceAll(/\W/g, '-')}.f32`);
    writeFileSync(raw, unit.data);
    const job = {
      file: raw,
      dimension: set.dimension,
      labels: [...labels.labels],
      train: [...train],
      test: [...test],
      runs: ours.map(({ best }) => best),
    };
    const input = JSON.stringify(job);
    theirs = JSON.parse(execFileSync(python, ['-c', SKLEARN], { input, maxBuffer: 1 << 28 }));
  }
  await set.close();
  return ours.map(({ best, said, seconds, report }, i) => {
    const { value, low, high } = report.accuracy;
    const found = Array.from(test, (_, t) => {
      const row = said.subarray(t * classes, (t + 1) * classes);
      return row.indexOf(Math.max(...row));
    });
    const other = theirs?.[i];
    const agreed = (a, b) => a.filter((label, t) => label === b[t]).length / a.length;
    return [
      `${name} (${set.dimension})`,
      best.method === 'knn' ? `k-NN, k = ${best.neighbours}` : `${best.method}, C = ${best.regularization}`,
      `${value.toFixed(3)} (${low.toFixed(3)} to ${high.toFixed(3)})`,
      report.macro.f1.value.toFixed(3),
      other ? agreed(other.said, [...labelled(test)]).toFixed(3) : '',
      other ? `${(100 * agreed(found, other.said)).toFixed(1)} %` : '',
      seconds.toFixed(2),
      other ? other.seconds.toFixed(2) : '',
    ];
  });
}

export async function classes({ data, python, log }) {
  const images = path.join(data, 'clothing');
  if (!existsSync(images)) return { skipped: `no ${images}` };
  mkdirSync(cache, { recursive: true });
  const vit = path.join(data, '..', 'weights', 'vit_tiny_patch16_224');
  const kinds = [
    ['mini-clip', () => embedded(images, 'mini-clip', 'mini-clip')],
    ['mini-vit', () => embedded(images, 'mini-vit', 'mini-vit')],
    ...(existsSync(vit) ? [['ViT-Ti/16', () => embedded(images, 'vit-ti', vit)]] : []),
    ['colour histogram', () => histograms(images)],
  ];
  const rows = await inTurn(kinds, async ([name, make]) => measure(name, await make(), python, log));
  return {
    head: [
      'vectors',
      'classifier',
      'accuracy, 95 %',
      'macro F1',
      'scikit-learn',
      'same',
      's',
      'scikit-learn, s',
    ],
    rows: rows.flat(),
    note:
      'Clothing dataset small, 10 kinds: 3,409 photographs of train and validation to learn from, 372 of test. k and C by ' +
      '5-fold cross-validation on the former, for both. "same": test images given the same class by both. Histograms are of 8 × 8 × 8 ' +
      'RGB colours, under the square root. Times are for fitting on train and predicting test, once.',
  };
}
