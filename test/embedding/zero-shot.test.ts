/** @file Zero-shot labels and captions: the arithmetic against PyTorch and SciPy, and the bundled model on the samples. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Embedder, loadEmbedder, SAMPLES } from '#src/embedding/index.js';
import {
  type Choice,
  captionBank,
  classify,
  labelBank,
  meanDirection,
  noneOfThese,
  type TextBank,
} from '#src/embedding/zero-shot.js';
import { normalProbability, normalQuantile } from '#src/vectors/normal.js';

const fixture = JSON.parse(
  readFileSync(path.join(import.meta.dirname, '..', 'fixtures', 'embedding', 'zero-shot.json'), 'utf8'),
) as {
  scale: number;
  sentences: number[][][];
  background: number[][];
  images: number[][];
  labels: number[][];
  cosines: number[][];
  among: number[][];
  unlike: number;
  deviations: number;
  none: number[];
  withNone: number[][];
};
const vectors = (rows: number[][]) => rows.map((row) => Float32Array.from(row));

/** What a choice of each text says, in the order of the texts. */
function inOrder(choices: readonly Choice[], texts: readonly (string | null)[], of: 'score' | 'probability') {
  return texts.map((text) => choices.find((choice) => choice.text === text)![of]);
}

function expectClose(found: ArrayLike<number>, expected: readonly number[], tolerance: number): void {
  expect(found.length).toBe(expected.length);
  for (const [i, x] of expected.entries()) expect(Math.abs(found[i]! - x)).toBeLessThan(tolerance);
}

describe('the arithmetic, as PyTorch and SciPy have it', () => {
  const texts = fixture.labels.map((_, i) => `label ${i}`);
  const labels = fixture.sentences.map((sentences) => meanDirection(vectors(sentences)));
  const bank: TextBank = { texts, vectors: labels, scale: fixture.scale };
  const images = vectors(fixture.images);

  it('takes the mean direction of a label’s sentences', () => {
    for (const [i, label] of labels.entries()) expectClose(label, fixture.labels[i]!, 1e-6);
  });

  it('gives cosines, and shares by softmax', () => {
    for (const [i, choices] of classify(images, bank).entries()) {
      expectClose(inOrder(choices, texts, 'score'), fixture.cosines[i]!, 1e-6);
      expectClose(inOrder(choices, texts, 'probability'), fixture.among[i]!, 1e-5);
      expect(choices.map(({ score }) => score)).toEqual(
        choices.map(({ score }) => score).sort((a, b) => b - a),
      );
    }
  });

  it('lets "none of these" compete', () => {
    const none = noneOfThese(labels, vectors(fixture.background));
    expect(none.background.length).toBe(fixture.unlike);
    expect(none.deviations).toBeCloseTo(fixture.deviations, 9);
    for (const [i, choices] of classify(images, { ...bank, none }).entries()) {
      expect(choices.find(({ text }) => text === null)!.score).toBeCloseTo(fixture.none[i]!, 5);
      expectClose(inOrder(choices, [...texts, null], 'probability'), fixture.withNone[i]!, 1e-5);
    }
  });

  it('cuts to the best without changing their shares', () => {
    const all = classify(images, bank);
    expect(classify(images, bank, { topK: 2 })).toEqual(all.map((choices) => choices.slice(0, 2)));
    const flat = classify(images, bank, { scale: 0 })[0]!;
    for (const { probability } of flat) expect(probability).toBeCloseTo(1 / texts.length, 12);
  });

  it.each([
    [0.5, 0],
    [0.9, 1.2815515655446004],
    [0.975, 1.959963984540054],
    [0.999999, 4.753424308822899],
    [0.01, -2.3263478740408408],
  ])('knows the normal quantile of %d', (p, x) => {
    expect(normalQuantile(p)).toBeCloseTo(x, 8);
    expect(normalProbability(x)).toBeCloseTo(p, 12);
  });
});

describe('the bundled model on the samples', () => {
  let embedder: Embedder;
  let images: Map<string, Float32Array>;

  beforeAll(async () => {
    embedder = await loadEmbedder(undefined, { workers: 0, threads: 1 });
    const names = readdirSync(SAMPLES).filter((name) => /\.(jpg|png)$/.test(name));
    const found = await embedder.embedImages(names.map((name) => path.join(SAMPLES, name)));
    images = new Map(names.map((name, i) => [path.parse(name).name, found[i]!]));
  });
  afterAll(() => embedder.close());

  const best = (bank: TextBank, name: string) => classify([images.get(name)!], bank, { topK: 1 })[0]![0]!;

  it('finds the labels that fit, and none for what has none', async () => {
    const bank = await labelBank(embedder, ['cat', 'mountains', 'boats'], { none: true });
    expect(best(bank, 'cat-portrait')).toMatchObject({ text: 'cat' });
    expect(best(bank, 'boats-nagasaki')).toMatchObject({ text: 'boats' });
    expect(best(bank, 'mountains-alpine')).toMatchObject({ text: 'mountains' });
    for (const name of ['coffee-cup', 'astronaut-portrait', 'emoji-strawberry', 'plant-allium', 'emoji-bus'])
      expect(best(bank, name).text).toBeNull();
    const without = await labelBank(embedder, ['cat', 'mountains', 'boats']);
    expect(best(without, 'coffee-cup').text).not.toBeNull();
  });

  it('takes for a label the mean over its sentences, each with one article', async () => {
    const { vectors: found } = await labelBank(embedder, ['an owl', 'cat'], {
      templates: ['a photo of a {}.', 'the {}'],
    });
    const sentences = ['a photo of an owl.', 'an owl', 'a photo of a cat.', 'the cat'];
    const [a, b, c, d] = await embedder.embedTexts(sentences);
    expectClose(found[0]!, [...meanDirection([a!, b!])], 1e-6);
    expectClose(found[1]!, [...meanDirection([c!, d!])], 1e-6);
  });

  it('finds the best caption', async () => {
    const bank = await captionBank(embedder, [
      'boats lie in a harbour',
      'a dog runs over the grass',
      'a high mountain behind a forest',
      'boats lie in a harbour',
    ]);
    expect(bank.texts).toHaveLength(3);
    expect(best(bank, 'boats-nagasaki').text).toBe('boats lie in a harbour');
    expect(best(bank, 'mountains-alpine').text).toBe('a high mountain behind a forest');
  });

  it('refuses what cannot be a bank', async () => {
    await expect(labelBank(embedder, ['', ' '])).rejects.toThrow('expected at least one but received none');
    await expect(labelBank(embedder, ['cat'], { templates: ['a photo'] })).rejects.toThrow(
      'expected a sentence with {} but received "a photo"',
    );
    await expect(labelBank(embedder, ['cat'], { none: ['a thing'] })).rejects.toThrow('ten or more');
  });
});
