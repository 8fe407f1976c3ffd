// That training learns: real data, three seeds, the same runs in PyTorch beside ours. The data (AFTERIMAGE_DATA, or
// ../shared) is not part of the project; without it the section is skipped.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { loadEmbedder } from '../dist/embedding/index.js';
import { Random } from '../dist/random.js';
import { openDataSet } from '../dist/training/data/dataset.js';
import { loadAutoencoder, trainAutoencoder, trainSiamese } from '../dist/training/index.js';
import { fewShotAccuracy, nearestNeighbourAccuracy, retrievalMetrics } from '../dist/vectors/index.js';
import { here, python, pythonHas, scratch, threads } from './lib.mjs';

export const title = 'Learning on real data, beside PyTorch';

const shared = process.env.AFTERIMAGE_DATA ?? path.join(here, '..', '..', 'shared');
const data = (...names) => path.join(shared, 'data', ...names);
const VIT = path.join(shared, 'weights', 'vit_tiny_patch16_224');
/** Both sides run at the same time and share the cores. */
const each = Math.max(1, threads >> 1);
const SEEDS = (process.env.BENCH_SEEDS ?? '0,1,2').split(',').map(Number);
/** Seeds of the peer, where time is short. */
const PEER_SEEDS = process.env.BENCH_PEER_SEEDS?.split(',').map(Number) ?? SEEDS;

/** What is trained how; the scripts in peers/learn do the same. Schedules: cosine to zero. */
const RECIPES = {
  omniglot: {
    random: true,
    backbone: 'conv4',
    size: 32,
    dimension: 128,
    batchSize: 128,
    samplesPerClass: 4,
    validation: 0,
    loss: { name: 'supcon' },
    optimizer: { name: 'adamw', lr: 2e-3, weightDecay: 0.05 },
    augment: {
      affine: {
        degrees: 15,
        translate: [0.08, 0.08],
        scale: [0.8, 1.2],
        shear: 15,
        interpolation: 'bilinear',
        fill: 255,
      },
    },
    epochs: 5,
  },
  clothing: {
    dimension: 128,
    batchSize: 250,
    samplesPerClass: 25,
    loss: { name: 'supcon' },
    optimizer: { name: 'adamw', lr: 1e-3, weightDecay: 1e-4 },
    epochs: 10,
  },
  autoencoder: { batchSize: 32, validation: 0, optimizer: { name: 'adam', lr: 3e-3 }, epochs: 8 },
  bottleneck: {
    channels: [16, 32, 64, 128],
    batchNorm: true,
    latent: 128,
    variational: { beta: 0.12288 },
    batchSize: 32,
    optimizer: { name: 'adam', lr: 2e-3 },
    augment: { randomResizedCrop: { scale: [0.4, 1], ratio: [0.8, 1.25] }, horizontalFlip: 0.5 },
    epochs: 8,
  },
};

/** Vectors of images, in their order. */
async function embedded(model, items) {
  const embedder = await loadEmbedder(model, { normalize: false });
  const { dimension } = embedder;
  const vectors = new Float32Array(items.length * dimension);
  for await (const result of embedder.streamImages(items.map(({ id, input }) => ({ id, input }))))
    vectors.set(result.vector, result.index * dimension);
  await embedder.close();
  return { data: vectors, dimension };
}

/** Part of a data set that comes with a split of its own. */
function part(set, name) {
  const chosen = set.items.map((_, i) => i).filter((i) => set.given[i] === name);
  return {
    items: chosen.map((i) => set.items[i]),
    labels: Int32Array.from(chosen, (i) => set.labels[i]),
  };
}

/** Trains with the recipe; the model's folder. */
async function trained(train, name, seed, options) {
  const out = path.join(scratch, `learn-${name}-${seed}`);
  rmSync(out, { recursive: true, force: true });
  const started = performance.now();
  await train({ ...options, seed, threads: each, workers: each, out, overwrite: true });
  return { out, seconds: (performance.now() - started) / 1000 };
}

/** Characters of alphabets never seen, from one example each (Lake et al., 2015). */
const omniglot = {
  what: 'Omniglot: conv4 from random weights, 20-way 1-shot on alphabets never seen',
  needs: data('omniglot', 'images_background_small2.zip'),
  columns: ['any alphabets', 'within an alphabet'],
  async run(seed) {
    const options = { classDepth: 2, groupDepth: 1 };
    const [train, test] = ['small2', 'small1'].map((n) => data('omniglot', `images_background_${n}.zip`));
    const seen = await openDataSet(train, options);
    const { out, seconds } = await trained(trainSiamese, 'omniglot', seed, {
      ...RECIPES.omniglot,
      data: await turned(seen, path.join(scratch, 'omniglot-turned')),
      dataSet: options,
    });
    const known = new Set(seen.items.map((item) => item.group));
    const all = await openDataSet(test, options);
    const fresh = all.items.map((_, i) => i).filter((i) => !known.has(all.items[i].group));
    const items = fresh.map((i) => all.items[i]);
    const labels = fresh.map((i) => all.labels[i]);
    const vectors = await embedded(out, items);
    const alphabets = [...new Set(items.map((item) => item.group))];
    const episodes = { ways: 20, shots: 1, episodes: 1000, seed: 0 };
    const across = fewShotAccuracy(vectors, labels, episodes);
    const within = fewShotAccuracy(vectors, labels, {
      ...episodes,
      groups: items.map((item) => alphabets.indexOf(item.group)),
      sources: items.map(({ id }) => Number(/_(\d+)\.png$/.exec(id)[1])),
    });
    return { seconds, values: [across.accuracy, within.accuracy] };
  },
};

/** A folder with every character in eight positions, each a class of its own (after Santoro et al., 2016). */
async function turned(set, folder) {
  if (existsSync(folder)) return folder;
  const making = `${folder}.making`;
  rmSync(making, { recursive: true, force: true });
  for (const { id, input, label } of set.items)
    for (const mirrored of [false, true]) {
      const image = await sharp(input).flop(mirrored).png().toBuffer();
      for (const angle of [0, 90, 180, 270]) {
        const place = path.join(making, `${label}-${mirrored ? 'mirrored-' : ''}${angle}`);
        mkdirSync(place, { recursive: true });
        await sharp(image)
          .rotate(angle)
          .png()
          .toFile(path.join(place, path.basename(id)));
      }
    }
  renameSync(making, folder);
  return folder;
}

/** A head on the frozen features of ViT-Ti/16: do clothes of a class find each other better? */
const clothing = {
  what: 'Clothing: Linear 192 → 128 on frozen ViT-Ti/16, precision@1 and MAP@R of the test part',
  needs: data('clothing'),
  columns: ['precision@1', 'MAP@R'],
  async baseline() {
    return { name: 'the frozen features', values: await this.measure(VIT) };
  },
  async run(seed) {
    const { out, seconds } = await trained(trainSiamese, 'clothing', seed, {
      ...RECIPES.clothing,
      data: data('clothing'),
      backbone: VIT,
      from: 'embedding',
    });
    return { seconds, values: await this.measure(out) };
  },
  async measure(model) {
    const { items, labels } = part(await openDataSet(data('clothing')), 'test');
    const vectors = await embedded(model, items);
    const found = await retrievalMetrics(vectors.data, vectors.dimension, labels);
    return [found['precision@1'], found['map@r']];
  },
};

/** The reference autoencoder: PSNR of photographs that it has not seen. */
const autoencoder = {
  what: 'Flickr8k at 64 × 64: reference autoencoder, PSNR in dB of 600 photographs held out',
  needs: data('flickr8k', 'images'),
  columns: ['PSNR'],
  prepare: () => void flickrLists(),
  async run(seed) {
    const lists = flickrLists();
    const { out, seconds } = await trained(trainAutoencoder, 'autoencoder', seed, {
      ...RECIPES.autoencoder,
      data: `@${lists.train}`,
    });
    const model = await loadAutoencoder(out);
    let sum = 0;
    let count = 0;
    for await (const { psnr } of model.reconstruct(lists.test)) {
      sum += psnr;
      count++;
    }
    await model.close();
    return { seconds, values: [sum / count] };
  },
};

/** A 128-d bottleneck against PCA: the nearest training photograph's class. */
const bottleneck = {
  what: 'Clothing: autoencoder with a 128-d bottleneck, accuracy of the nearest neighbour',
  needs: data('clothing'),
  columns: ['Euclidean', 'cosine'],
  async run(seed) {
    const { out, seconds } = await trained(trainAutoencoder, 'bottleneck', seed, {
      ...RECIPES.bottleneck,
      data: data('clothing'),
    });
    const set = await openDataSet(data('clothing'));
    const [train, test] = ['train', 'test'].map((name) => part(set, name));
    const reference = { vectors: await embedded(out, train.items), labels: train.labels };
    const vectors = await embedded(out, test.items);
    const accuracy = (distance) => nearestNeighbourAccuracy(vectors, test.labels, { reference, distance });
    return { seconds, values: [await accuracy('euclidean'), await accuracy('cosine')] };
  },
};

/** Photographs to train on (a list file) and to test on, always the same. */
function flickrLists() {
  const folder = data('flickr8k', 'images');
  const names = new Random(0, 'held out').shuffle(readdirSync(folder).sort());
  const train = path.join(scratch, 'flickr-train.txt');
  writeFileSync(
    train,
    names
      .slice(600)
      .map((name) => path.join(folder, name))
      .join('\n'),
  );
  return { train, test: names.slice(0, 600).map((name) => path.join(folder, name)) };
}

const TASKS = { omniglot, clothing, autoencoder, bottleneck };

/** The same run in PyTorch: one line of JSON with `values` in the order of the task's columns, and `seconds`. */
async function pytorch(name, seed) {
  const more = {
    omniglot: ['omniglot.py'],
    clothing: ['clothing.py', '--model', VIT, '--cache', path.join(scratch, 'features.npz')],
    autoencoder: ['autoencoder.py', '--task', 'reference', '--train', path.join(scratch, 'flickr-train.txt')],
    bottleneck: ['autoencoder.py', '--task', 'bottleneck'],
  };
  const [script, ...args] = more[name];
  const command = [path.join(here, 'peers', 'learn', script), ...args];
  const common = ['--data', path.join(shared, 'data'), '--seed', `${seed}`, '--threads', `${each}`];
  const { stdout } = await promisify(execFile)(python, [...command, ...common], { maxBuffer: 1e8 });
  return JSON.parse(stdout.trim().split('\n').at(-1));
}

const resultFile = (key) => path.join(scratch, `learn-${key}.json`);

/** A result, or the one that an earlier call found in the same BENCH_DIR: a run takes minutes. */
async function remembered(key, find) {
  const file = resultFile(key);
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8'));
  const found = await find();
  console.error(`${key}: ${JSON.stringify(found)}`);
  writeFileSync(file, JSON.stringify(found));
  return found;
}

const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;
/** Mean and standard deviation over the seeds. */
function spread(values) {
  const m = mean(values);
  if (values.length === 1) return m.toFixed(m > 1 ? 2 : 3);
  const deviation = Math.sqrt(
    mean(values.map((v) => (v - m) ** 2)) * (values.length / Math.max(1, values.length - 1)),
  );
  const digits = m > 1 ? 2 : 3;
  return `${m.toFixed(digits)} ± ${deviation.toFixed(digits)}`;
}

export async function run() {
  const names = (process.env.BENCH_LEARN ?? Object.keys(TASKS).join()).split(',');
  if (!names.every((name) => existsSync(TASKS[name].needs)))
    return { skipped: 'the data is not there; name its folder with AFTERIMAGE_DATA' };
  const beside = pythonHas('torch', 'torchvision', 'pytorch_metric_learning', 'sklearn');
  const rows = [];
  for (const name of names) {
    const task = TASKS[name];
    const results = { Afterimage: [], PyTorch: [] };
    for (const seed of SEEDS) {
      await task.prepare?.();
      const [ours, theirs] = await Promise.all([
        remembered(`${name}-${seed}-afterimage`, () => task.run(seed)),
        beside &&
          (PEER_SEEDS.includes(seed) || existsSync(resultFile(`${name}-${seed}-pytorch`))) &&
          remembered(`${name}-${seed}-pytorch`, () => pytorch(name, seed)),
      ]);
      results.Afterimage.push(ours);
      if (theirs) results.PyTorch.push(theirs);
    }
    const baseline = (await task.baseline?.()) ?? results.PyTorch[0]?.baseline;
    if (baseline)
      rows.push(
        row(
          task,
          baseline.name,
          baseline.values.map((v) => v.toFixed(3)),
          '',
        ),
      );
    for (const [who, all] of Object.entries(results))
      if (all.length > 0) {
        const values = task.columns.map((_, i) => spread(all.map((r) => r.values[i])));
        rows.push(row(task, all.length < SEEDS.length ? `${who}, ${all.length} of the seeds` : who, values));
      }
  }
  return {
    head: ['task', 'who', 'measured'],
    rows,
    note:
      `Mean ± standard deviation over the seeds ${SEEDS.join(', ')}; both at the same time, ${each} thread${each > 1 ? 's' : ''} each. ` +
      (beside
        ? 'Both sides have the same network, first-weight rule, optimiser, batch size and augmentation, each with its own random draws; PyTorch reads with its own loader.'
        : 'PyTorch was not measured: Python with torch, torchvision, pytorch_metric_learning and scikit-learn was not found (AFTERIMAGE_PYTHON).'),
  };
}

function row(task, who, values) {
  return [task.what, who, task.columns.map((c, i) => `${c} ${values[i]}`).join(', ')];
}
