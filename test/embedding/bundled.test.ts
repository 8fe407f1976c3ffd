/**
 * @file The bundled models as they are shipped: the vectors that PyTorch computes from the same files, and how well they
 * find what belongs together among the sample images.
 *
 * The fixture is made by tools/train/golden.py. What the models reach on photographs held out of training is measured by
 * `npm run bench -- bundled`; the bounds here lie a little below what they reach on the samples, so that a model that got
 * worse is noticed.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type Embedder, loadEmbedder, SAMPLES } from '#src/embedding/index.js';
import type { RawImage } from '#src/image/index.js';
import { catalogue } from '#src/models/catalogue.js';
import { loadAutoencoder } from '#src/training/index.js';
import { cosineSimilarity } from '#src/vectors/index.js';

type Vectors = Record<string, number[]>;
const fixture = JSON.parse(
  readFileSync(path.join(import.meta.dirname, '..', 'fixtures', 'models', 'bundled.json'), 'utf8'),
) as Record<string, Vectors> & { teacher: Record<string, string[]> };

/** What each sample image shows, in words. */
const CAPTIONS: Record<string, string> = {
  'airplane-from-above.jpg': 'an old airplane in the air',
  'astronaut-portrait.jpg': 'a woman in an orange space suit',
  'boats-nagasaki.jpg': 'boats in a harbor',
  'cat-portrait.jpg': 'the face of a cat',
  'cat-running-1.jpg': 'a cat walking',
  'cat-running-2.jpg': 'a cat running',
  'coffee-cup.jpg': 'a cup of coffee on a table',
  'emoji-apple-green.png': 'a green apple',
  'emoji-apple-red.png': 'a red apple',
  'emoji-bus.png': 'a bus',
  'emoji-car-oncoming.png': 'the front of a red car',
  'emoji-car.png': 'a red car',
  'emoji-cat-face.png': 'a drawing of the face of a cat',
  'emoji-cat.png': 'a drawing of an orange cat',
  'emoji-dog-face.png': 'a drawing of the face of a dog',
  'emoji-dog.png': 'a drawing of a dog',
  'emoji-face-angry.png': 'an angry red face',
  'emoji-face-crying.png': 'a crying face',
  'emoji-face-happy.png': 'a happy face',
  'emoji-face-smiling.png': 'a smiling face',
  'emoji-house-with-garden.png': 'a house with a tree',
  'emoji-house.png': 'a small house',
  'emoji-lemon.png': 'a lemon',
  'emoji-office-building.png': 'a tall building',
  'emoji-sailboat.png': 'a sailboat',
  'emoji-sheep.png': 'a drawing of a sheep',
  'emoji-strawberry.png': 'a strawberry',
  'emoji-tangerine.png': 'an orange',
  'emoji-taxi.png': 'a yellow taxi',
  'galaxies-deep-field.jpg': 'stars in the night sky',
  'house-abandoned.jpg': 'an old wooden house in a field',
  'mountains-alpine.jpg': 'mountains and trees',
  'plant-acanthus.jpg': 'a plant with leaves',
  'plant-allium.jpg': 'a flower',
  'river-canyon.jpg': 'a river between mountains',
  'rocket-launch.jpg': 'a rocket at night',
  'sheep-pasture.jpg': 'sheep in a field',
};
const FILES = Object.keys(CAPTIONS);

/** Kinds of which there are several samples. */
const KINDS: Record<string, RegExp> = {
  face: /face-(angry|crying|happy|smiling)/,
  fruit: /apple|lemon|strawberry|tangerine/,
  vehicle: /bus|car|taxi/,
  cat: /^cat-running/,
  house: /emoji-(house|office)/,
  plant: /^plant/,
};
const kindOf = (file: string) => Object.keys(KINDS).find((kind) => KINDS[kind]!.test(file));

/** The picture that golden.py draws: slanted ramps, checks and a disc, in whole numbers. */
function rendered(): RawImage {
  const [width, height] = [200, 160];
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      data.set(
        [
          (x * 7 + y * 3) % 256,
          (((x >> 4) ^ (y >> 4)) * 16) % 256,
          (x - 110) ** 2 + (y - 70) ** 2 < 2500 ? 220 : 0,
        ],
        3 * (y * width + x),
      );
  return { data, width, height, channels: 3 };
}

const opened = new Map<string, Promise<Embedder>>();
function embedder(name: string): Promise<Embedder> {
  const found = opened.get(name) ?? loadEmbedder(name, { inline: true, workers: 0, normalize: true });
  opened.set(name, found);
  return found;
}
const vectors = new Map<string, Promise<Float32Array[]>>();
function samples(name: string): Promise<Float32Array[]> {
  const found =
    vectors.get(name) ?? embedder(name).then((e) => e.embedImages(FILES.map((f) => path.join(SAMPLES, f))));
  vectors.set(name, found);
  return found;
}
afterAll(async () => {
  for (const e of opened.values()) await (await e).close();
});

/** Indices of the vectors nearest to `query` first, itself left out. */
function ranking(query: Float32Array, among: Float32Array[], itself = -1): number[] {
  const similar = among.map((v) => cosineSimilarity(query, v));
  const order = among.map((_, i) => i).filter((i) => i !== itself);
  return order.sort((a, b) => similar[b]! - similar[a]!);
}

it('the captions name every sample', () => {
  expect(FILES).toEqual(
    readdirSync(SAMPLES)
      .filter((f) => /\.(jpg|png)$/.test(f))
      .sort(),
  );
});

const bundled = catalogue.filter((model) => model.bundled).map((model) => model.name);
it('every bundled model has its vectors pinned', () => {
  expect(Object.keys(fixture).sort()).toEqual([...bundled, 'teacher'].sort());
});

describe.each(bundled)('%s', (name) => {
  it('gives the vectors of PyTorch, from files, from pixels and from texts', async () => {
    const e = await embedder(name);
    for (const [what, expected] of Object.entries(fixture[name]!)) {
      const [vector] =
        what === 'rendered'
          ? await e.embedImages([rendered()])
          : /\.(jpg|png)$/.test(what)
            ? await e.embedImages([path.join(SAMPLES, what)])
            : await e.embedTexts([what]);
      const away = Math.max(...expected.map((x, i) => Math.abs(x - vector![i]!)));
      expect({ what, near: away < 1e-3, cosine: cosineSimilarity(vector!, expected) > 0.99999 }).toEqual({
        what,
        near: true,
        cosine: true,
      });
    }
  });
});

/** Of the samples that have others of their kind: the share whose nearest sample is one of them. */
async function sameKind(name: string): Promise<number> {
  const all = await samples(name);
  const kinds = FILES.map(kindOf);
  const queries = FILES.map((_, i) => i).filter((i) => kinds[i]);
  const right = queries.filter((i) => kinds[ranking(all[i]!, all, i)[0]!] === kinds[i]);
  return right.length / queries.length;
}

describe('among the sample images', () => {
  it.each([
    ['mini-cnn', 0.8],
    ['mini-vit', 0.8],
    ['mini-clip', 0.8],
    ['mini-siamese', 0.8],
  ])('the nearest for %s is of the same kind', async (name, least) => {
    expect(await sameKind(name)).toBeGreaterThanOrEqual(least);
  });

  it.each([
    ['mini-cnn', 0.5],
    ['mini-vit', 0.5],
  ])('%s finds the neighbours of its teacher', async (name, least) => {
    const all = await samples(name);
    const shares = FILES.map((file, i) => {
      const found = ranking(all[i]!, all, i)
        .slice(0, 5)
        .map((j) => FILES[j]!);
      return fixture.teacher[file]!.filter((other) => found.includes(other)).length / 5;
    });
    expect(shares.reduce((a, b) => a + b) / shares.length).toBeGreaterThanOrEqual(least);
  });

  it('mini-clip finds what a text describes', async () => {
    const all = await samples('mini-clip');
    const texts = await (await embedder('mini-clip')).embedTexts(Object.values(CAPTIONS));
    const ranks = texts.map((text, i) => ranking(text, all).indexOf(i));
    const recall = (k: number) => ranks.filter((rank) => rank < k).length / ranks.length;
    expect(recall(1)).toBeGreaterThanOrEqual(0.25);
    expect(recall(5)).toBeGreaterThanOrEqual(0.6);
  });

  it.each([
    ['mini-autoencoder', 24],
    ['mini-autoencoder-128', 15],
  ])('%s gives the photographs back', async (name, least) => {
    const photographs = FILES.filter((f) => f.endsWith('.jpg')).map((f) => path.join(SAMPLES, f));
    const autoencoder = await loadAutoencoder(name);
    const found: number[] = [];
    for await (const result of autoencoder.reconstruct(photographs)) {
      if ('failure' in result) throw result.failure;
      found.push(result.psnr);
    }
    await autoencoder.close();
    expect(found.reduce((a, b) => a + b) / found.length).toBeGreaterThanOrEqual(least);
  });
});
