/** @file Whole runs, as a library user starts them: what they leave behind, and going on after a break. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { embedToFile, loadEmbedder, loadProjection, readEmbeddings } from '#src/embedding/index.js';
import { FormatError } from '#src/errors.js';
import { openWeights, readTensor } from '#src/models/index.js';
import { type RunEvent, trainAutoencoder, trainProjection, trainSiamese } from '#src/training/index.js';
import { scratch, writePictures } from './pictures.js';

const { folder, remove } = scratch();
const pictures = path.join(folder, 'pictures');
const at = (...names: string[]) => path.join(folder, ...names);
let names: string[];

beforeAll(async () => {
  names = await writePictures(pictures, { classes: 4, each: 12 });
});
afterAll(remove);

/** Few threads, so that many test files side by side do not starve. */
const SMALL = { data: pictures, threads: 1, workers: 1 };

/** Events of a run, and a signal that the `step`-th step aborts. */
function watch(step = Number.POSITIVE_INFINITY) {
  const events: RunEvent[] = [];
  const controller = new AbortController();
  const onEvent = (event: RunEvent) => {
    events.push(event);
    if (event.type === 'step' && event.step === step) controller.abort();
  };
  return { events, hooks: { onEvent, signal: controller.signal } };
}

describe('trainAutoencoder', () => {
  const tiny = { ...SMALL, size: 16, channels: [4, 8], batchSize: 8, epochs: 3, seed: 3 };

  it('learns, tells what it does, and leaves a model that embeds', async () => {
    const out = at('ae');
    const { events, hooks } = watch();
    const result = await trainAutoencoder(
      { ...tiny, out, epochs: 12, optimizer: { name: 'adam', lr: 0.02 } },
      hooks,
    );
    expect(result.ended).toBe('finished');
    expect(result.steps).toBe(12 * 5); // 43 images to train on, 8 a step
    const [first] = result.history;
    expect(result.metrics.psnr).toBeGreaterThan(first!.metrics.psnr! + 1);
    expect(result.history.at(-1)!.loss).toBeLessThan(first!.loss / 2);
    const data = events.find((e) => e.type === 'data');
    expect(data?.report.parts).toEqual({ train: 43, validation: 5, test: 0 });
    const log = readFileSync(path.join(out, 'training', 'log.jsonl'), 'utf8')
      .trim()
      .split('\n');
    expect(log.filter((line) => JSON.parse(line).type === 'step')).toHaveLength(60);
    expect(existsSync(path.join(out, 'training', 'curves.svg'))).toBe(true);
    expect(existsSync(path.join(out, 'training', 'curves.png'))).toBe(true);

    await using embedder = await loadEmbedder(out);
    expect(embedder.identity).toMatchObject({ model: 'ae', output: 'latent', dimension: 8 * 4 * 4 });
    const [vector] = await embedder.embedImages([path.join(pictures, names[0]!)]);
    expect(Math.hypot(...vector!)).toBeCloseTo(1, 5);
  });

  it.each([
    ['reference', {}],
    [
      'variational with batch norm, denoised, in two parts',
      {
        latent: 6,
        variational: { beta: 1 },
        batchNorm: true,
        denoising: 0.1,
        loss: { ssim: 0.84, l1: 0.16 },
        accumulate: 2,
        augment: 'light',
      },
    ],
  ] as const)('goes on after an interruption to the same bits: %s', async (kind, more) => {
    const options = { ...tiny, ...more };
    const whole = at(`whole ${kind}`);
    const broken = at(`broken ${kind}`);
    await trainAutoencoder({ ...options, out: whole });
    const { hooks } = watch(7);
    const first = await trainAutoencoder({ ...options, out: broken }, hooks);
    expect(first.ended).toBe('interrupted');
    expect(first.steps).toBeGreaterThanOrEqual(7);
    expect(first.steps).toBeLessThan(15);
    expect(existsSync(path.join(broken, 'model.safetensors'))).toBe(false);
    const second = await trainAutoencoder({ ...options, out: broken, resume: true }, watch(11).hooks);
    expect(second).toMatchObject({ ended: 'interrupted', history: [{ epoch: 1 }, { epoch: 2 }] });
    const { events, hooks: again } = watch();
    await trainAutoencoder({ ...options, out: broken, resume: true }, again);
    expect(events.find((e) => e.type === 'resumed')).toMatchObject({ step: second.steps });
    const read = (out: string) => readFileSync(path.join(out, 'model.safetensors'));
    expect(read(broken).equals(read(whole))).toBe(true);
  });

  it('does not let two runs write to one folder', async () => {
    let second: Promise<unknown> = Promise.resolve();
    const run = trainAutoencoder(
      { ...tiny, out: at('locked'), epochs: 40 }, // long enough for the second to start
      {
        onEvent: (event) => {
          if (event.type === 'step' && event.step === 1)
            second = trainAutoencoder({ ...tiny, out: at('locked'), epochs: 40, resume: true }).catch(
              (e) => e,
            );
        },
      },
    );
    await run;
    expect(await second).toMatchObject({ code: 'USAGE', message: expect.stringContaining('is writing') });
  });

  it('refuses to resume with other options, and to replace what is there', async () => {
    const out = at('resumed');
    await trainAutoencoder({ ...tiny, out, epochs: 1 });
    await expect(trainAutoencoder({ ...tiny, out, epochs: 1 })).rejects.toThrow(/a model is there already/);
    await expect(
      trainAutoencoder({ ...tiny, out, epochs: 1, channels: [4, 16], seed: 9, resume: true }),
    ).rejects.toThrow(/channels .*\[4,8\] then, \[4,16\] now.*seed .*3 then, 9 now/);
    await expect(trainAutoencoder({ ...tiny, out: at('nothing'), resume: true })).rejects.toThrow(
      /no run was begun/,
    );
    await trainAutoencoder({ ...tiny, out, epochs: 1, overwrite: true });
  });

  it('stops when the loss is no number, and keeps what was good', async () => {
    const out = at('diverged');
    const optimizer = { name: 'sgd', lr: 1e30 } as const;
    await expect(
      trainAutoencoder({ ...tiny, out, optimizer, loss: 'mse', batchNorm: true }),
    ).rejects.toMatchObject({
      code: 'TRAINING',
      message: expect.stringMatching(/^step \d+ \(epoch 1\): the (loss is|gradients are) (NaN|Infinity)/),
      hint: expect.stringContaining('lower learning rate'),
    });
  });
});

describe('trainSiamese', () => {
  const head = { ...SMALL, epochs: 5, dimension: 8, seed: 1, optimizer: { name: 'adam', lr: 0.01 } } as const;

  it('keeps the last epoch where too little is held out to measure', async () => {
    // One image of each class: none has another to be found by.
    const result = await trainSiamese({ ...head, out: at('unmeasured'), epochs: 2, validation: 1 / 12 });
    expect(result.metrics['map@r']).toBeNaN();
    expect(result.bestEpoch).toBe(2);
  });

  it('trains a head on the bundled mini-cnn; the folder holds both', async () => {
    const out = at('siamese');
    const { events, hooks } = watch();
    const result = await trainSiamese({ ...head, out }, hooks);
    expect(Object.keys(result.metrics)).toEqual(expect.arrayContaining(['precision@1', 'map@r', 'nmi']));
    expect(result.baseline).toBeDefined();
    expect(events.filter((e) => e.type === 'features').at(-1)).toMatchObject({ done: 48, total: 48 });

    // The embedding is the head's linear map of the backbone's pooled features.
    const files = names.slice(0, 3).map((name) => path.join(pictures, name));
    await using embedder = await loadEmbedder(out, { normalize: false });
    await using backbone = await loadEmbedder('mini-cnn', { normalize: false });
    const vectors = await embedder.embedImages(files);
    const features = await backbone.embedImages(files);
    const weights = await openWeights(out);
    const [weight, bias] = await Promise.all(
      ['head.weight', 'head.bias'].map((name) => readTensor(weights, name)),
    );
    vectors.forEach((vector, i) => {
      const width = features[i]!.length;
      vector!.forEach((value, row) => {
        const dot = features[i]!.reduce((sum, x, k) => sum + x * weight![row * width + k]!, bias![row]!);
        expect(value).toBeCloseTo(dot, 4);
      });
    });
  });

  it('trains a network from random weights, whole, and goes on to the same bits', async () => {
    const options = {
      ...SMALL,
      random: true,
      backbone: 'conv4',
      width: 0.125,
      size: 16,
      epochs: 2,
      batchSize: 16,
      dimension: 8,
      augment: 'light',
      loss: { name: 'triplet', triplets: 'batch-hard' },
    } as const;
    await trainSiamese({ ...options, out: at('conv4') });
    const { hooks } = watch(3);
    await trainSiamese({ ...options, out: at('conv4 broken') }, hooks);
    await trainSiamese({ ...options, out: at('conv4 broken'), resume: true });
    const read = (out: string) => readFileSync(at(out, 'model.safetensors'));
    expect(read('conv4 broken').equals(read('conv4'))).toBe(true);
    await using embedder = await loadEmbedder(at('conv4'));
    expect(embedder.dimension).toBe(8);
  });

  it('trains the last layers of a network and leaves the others as they are', async () => {
    const out = at('partly');
    await trainSiamese({ ...head, out, train: ['blocks.6'], epochs: 1, batchSize: 16, size: 32 });
    const tuned = await openWeights(out);
    const before = await openWeights(path.join(import.meta.dirname, '..', '..', 'models', 'mini-cnn'));
    const same = async (name: string) => {
      const [a, b] = [await readTensor(tuned, `backbone.${name}`), await readTensor(before, name)];
      return a.every((x, i) => x === b[i]);
    };
    expect(await same('conv_stem.weight')).toBe(true);
    expect(await same('blocks.5.0.bn1.running_mean')).toBe(true);
    expect(await same('blocks.6.0.conv_pwl.weight')).toBe(false);
    expect(await same('blocks.6.0.bn1.running_mean')).toBe(false);
    await expect(trainSiamese({ ...head, out: at('no layer'), train: ['stage9'] })).rejects.toThrow(
      /no layer of the backbone begins with "stage9"/,
    );
  });

  it('learns from pairs, from triplets and from images alone', async () => {
    const rows = names.flatMap((a, i) => [
      [a, names[(i + 1) % 12 === 0 ? i : i + 1] ?? a, 1],
      [a, names[(i + 12) % names.length]!, 0],
    ]);
    const pairs = at('pictures', 'pairs.csv');
    writeFileSync(pairs, `a,b,same\n${rows.map((r) => r.join()).join('\n')}\n`);
    const byPairs = await trainSiamese({ ...head, data: pairs, out: at('pairs'), epochs: 2, batchSize: 16 });
    expect(byPairs.metrics.auc).toBeGreaterThan(0.5);

    const triplets = at('pictures', 'triplets.csv');
    const lines = names.map((a, i) => [
      a,
      names[i - (i % 12) + ((i + 5) % 12)],
      names[(i + 12) % names.length],
    ]);
    writeFileSync(triplets, `anchor,positive,negative\n${lines.map((r) => r.join()).join('\n')}\n`);
    const byTriplets = await trainSiamese({
      ...head,
      data: triplets,
      out: at('triplets'),
      epochs: 2,
      batchSize: 12,
    });
    expect(byTriplets.metrics.accuracy).toBeGreaterThan(0.5);

    const alone = { ...SMALL, random: true, backbone: 'conv4', width: 0.125, size: 16, batchSize: 16 };
    const byViews = await trainSiamese({
      ...alone,
      dataSet: { kind: 'unlabelled' },
      augment: 'simclr',
      out: at('views'),
      epochs: 2,
    });
    expect(byViews.metrics['precision@1']).toBeGreaterThan(0);
  });
});

describe('trainProjection', () => {
  it('maps vectors to fewer numbers, and refuses other vectors', async () => {
    const vectors = at('vectors.npy');
    await embedToFile({ inputs: [pictures] }, vectors, { expand: { include: ['*.png'] } });
    const result = await trainProjection({
      data: vectors,
      out: at('map'),
      dimension: 8,
      epochs: 5,
      threads: 1,
    });
    expect(result.metrics['precision@1']).toBeGreaterThan(0.5);
    await using map = await loadProjection(at('map'));
    const { vectors: numbers, identity } = await readEmbeddings(vectors);
    const projected = await map.project(numbers, identity!);
    expect(projected).toHaveLength(48 * 8);
    await expect(map.project(numbers, { ...identity!, model: 'other' })).rejects.toMatchObject({
      code: 'IDENTITY',
    });
  });
});

describe('data that cannot be trained on', () => {
  it('is refused before anything is computed, and nothing is left behind', async () => {
    const one = at('one class');
    await writePictures(one, { classes: 1, each: 4 });
    const single = at('single');
    await writePictures(single, { classes: 5, each: 1 });
    const cases: [() => Promise<unknown>, RegExp][] = [
      [
        () => trainSiamese({ ...SMALL, data: single, out: at('x'), validation: 0 }),
        /two or more training images in some classes/,
      ],
      [() => trainSiamese({ ...SMALL, out: at('x'), batchSize: 400 }), /batch/],
      [() => trainAutoencoder({ ...SMALL, out: at('x'), batchSize: 400 }), /expected at most the 43 images/],
      [() => trainAutoencoder({ ...SMALL, out: at('x'), size: 30 }), /divisible by 4/],
      [
        () => trainAutoencoder({ ...SMALL, out: at('x'), epochs: 0 }),
        /epochs: expected a whole number of at least 1/,
      ],
      [() => trainAutoencoder({ ...SMALL, data: at('nowhere'), out: at('x') }), /nowhere/],
      [() => trainSiamese({ ...SMALL, out: at('x'), backbone: 'resnet19', random: true }), /resnet19/],
      [
        () => trainSiamese({ ...SMALL, out: at('x'), loss: { name: 'supcon', margin: 1 } as never }),
        /there is no option "margin"/,
      ],
    ];
    for (const [run, message] of cases) await expect(run()).rejects.toThrow(message);
    await expect(
      trainSiamese({ ...SMALL, data: one, dataSet: { kind: 'labelled' }, out: at('x'), validation: 0 }),
    ).rejects.toThrow(/at least two classes/);
    expect(existsSync(at('x'))).toBe(false);
    mkdirSync(at('labels'));
    writeFileSync(at('labels', 'l.csv'), `path,label\n${pictures}/${names[0]},a\nmissing.png,b\n`);
    await expect(trainSiamese({ ...SMALL, data: at('labels', 'l.csv'), out: at('x') })).rejects.toThrow(
      /missing\.png/,
    );
  });
});

describe('options that cannot be', () => {
  it.each([
    [{ optimizer: { name: 'sgd', momentum: -1 } }, /^momentum: /],
    [{ schedule: { name: 'step', stepSize: 0 } }, /^stepSize: /],
    [{ hidden: 0 }, /^hidden: /],
    [{ size: Number.NaN }, /^size: /],
    [{ samplesPerClass: 1.5 }, /^samplesPerClass: /],
    [{ backboneRate: Number.NaN }, /^backboneRate: /],
    [{ augment: { erasing: { p: 2 } } }, /augment\.erasing\.p/],
  ] as const)('%j is refused before the images are looked at', async (options, message) => {
    const { events, hooks } = watch();
    const out = at('impossible');
    await expect(trainSiamese({ ...SMALL, out, ...options }, hooks)).rejects.toThrow(message);
    expect(events).toEqual([]);
    expect(existsSync(out)).toBe(false);
  });
});

describe('images that are smaller than the window of ssim', () => {
  const tiny = { ...SMALL, size: 8, channels: [4], epochs: 1 };

  it('are measured without it', async () => {
    const result = await trainAutoencoder({ ...tiny, out: at('eight') });
    expect(Object.keys(result.metrics)).toEqual(['psnr']);
  });

  it('are refused where it is the loss', async () => {
    const run = trainAutoencoder({ ...tiny, out: at('windowless'), loss: { l1: 1, ssim: 1 } });
    await expect(run).rejects.toThrow(/at least 11 × 11 for ssim but received 8 × 8/);
    expect(existsSync(at('windowless'))).toBe(false);
    const unknown = trainAutoencoder({ ...tiny, out: at('windowless'), loss: 'l2' as 'l1' });
    await expect(unknown).rejects.toThrow(/expected mse, l1, ssim/);
    expect(existsSync(at('windowless'))).toBe(false);
  });
});

describe('the caller', () => {
  const tiny = { ...SMALL, size: 16, channels: [4, 8], batchSize: 8, epochs: 3, seed: 3 };

  it('ends the run with what onEvent throws; the checkpoint stands', async () => {
    const out = at('thrown');
    const onEvent = (event: RunEvent) => {
      if (event.type === 'epoch') throw new RangeError('enough');
    };
    await expect(trainAutoencoder({ ...tiny, out }, { onEvent })).rejects.toThrow(new RangeError('enough'));
    const result = await trainAutoencoder({ ...tiny, out, resume: true });
    expect(result.steps).toBe(15);
  });

  it('gets errors of their own classes, and all of them as rejections', async () => {
    const data = at('broken.npy');
    writeFileSync(data, 'no array');
    const failed = trainProjection({ data, out: at('projected') });
    await expect(failed).rejects.toBeInstanceOf(FormatError);
    await expect(failed).rejects.toMatchObject({ name: 'FormatError', code: 'FORMAT', file: data });
    const signal = AbortSignal.abort(new RangeError('too late'));
    const started = trainAutoencoder({ ...tiny, out: at('aborted') }, { signal });
    await expect(started).rejects.toThrow('too late');
  });
});
