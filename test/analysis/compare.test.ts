/** @file Comparing models on a folder: the same images for all, vectors that are kept, a verdict that knows chance. */
import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareScores, verdictOf } from '#src/analysis/compare-scores.js';
import { type Comparison, compareModels, comparisonPage, type Score } from '#src/analysis/index.js';
import { ModelError, UsageError } from '#src/errors.js';
import { Random } from '#src/random.js';
import { scratch } from '../cli/run.js';

const { folder, remove } = scratch();
afterAll(remove);
const photos = path.join(folder, 'photos');
const keep = path.join(folder, 'keep');
const colours = { red: [220, 30, 30], blue: [30, 40, 220] } as const;

async function picture(name: string, colour: readonly number[], seed: number): Promise<void> {
  const random = new Random(seed, 'picture');
  const pixels = Uint8Array.from({ length: 32 * 32 * 3 }, (_, i) =>
    Math.max(0, Math.min(255, colour[i % 3]! + 40 * random.normal())),
  );
  await sharp(pixels, { raw: { width: 32, height: 32, channels: 3 } })
    .png()
    .toFile(path.join(photos, name));
}

beforeAll(async () => {
  for (const [name, colour] of Object.entries(colours)) {
    mkdirSync(path.join(photos, name), { recursive: true });
    for (let i = 0; i < 6; i++) await picture(`${name}/${i}.png`, colour, i);
  }
  writeFileSync(path.join(photos, 'red', 'broken.png'), 'no picture');
});

describe('compareModels', () => {
  let first: Comparison;

  it('measures all on the same images; what fails is told and the others go on', async () => {
    const failures: string[] = [];
    first = await compareModels(['mini-clip', 'no-such-model', 'mini-cnn'], photos, {
      keep,
      onFailure: (model, { id }) => failures.push(`${model} ${path.basename(id)}`),
    });
    expect(failures).toEqual(['mini-clip broken.png', 'mini-cnn broken.png']);
    expect(first.items).toBe(12);
    expect(first.refused).toMatchObject([{ name: 'no-such-model' }]);
    expect(first.models.map(({ name, dimension, failed, kept }) => [name, dimension, failed, kept])).toEqual([
      ['mini-clip', 256, 1, false],
      ['mini-cnn', 1280, 1, false],
    ]);
    for (const { scores, imagesPerSecond, weights, memory } of first.models) {
      expect(scores.find(({ name }) => name === '1-nn')!.value).toBeGreaterThan(0.8); // red and blue
      expect(imagesPerSecond).toBeGreaterThan(0.1);
      expect(weights).toBeGreaterThan(1e6);
      expect(memory).toBeGreaterThan(5e7);
    }
    expect(first.measures.map(({ title }) => title)).toEqual(['linear probe', '1-NN', 'MAP@R', 'zero-shot']);
    expect(first.verdict).toMatch(/^By linear probe mini-c/);
  }, 120_000);

  it('keeps vectors, and embeds what is new or has changed alone', async () => {
    const files = () => readdirSync(keep).filter((name) => name.endsWith('.parquet'));
    expect(files()).toHaveLength(2);
    const times = files().map((name) => statSync(path.join(keep, name)).mtimeMs);
    const again = await compareModels(['mini-clip'], photos, { keep });
    expect(files().map((name) => statSync(path.join(keep, name)).mtimeMs)).toEqual(times);
    expect(again.models.map(({ kept }) => kept)).toEqual([true]);
    expect(again.models[0]!.scores).toEqual(first.models[0]!.scores);
    expect(again.models[0]!.imagesPerSecond).toBe(first.models[0]!.imagesPerSecond);

    rmSync(path.join(photos, 'red', '0.png'));
    expect((await compareModels(['mini-clip'], photos, { keep })).items).toBe(11);
    await picture('red/7.png', colours.red, 7);
    const added = await compareModels(['mini-clip'], photos, { keep });
    expect([added.items, added.models[0]!.kept]).toEqual([12, false]);
    await picture('blue/0.png', colours.red, 70); // another picture under the name of a blue one
    const changed = await compareModels(['mini-clip'], photos, { keep });
    const hits = (c: Comparison) => c.models[0]!.scores.find(({ name }) => name === '1-nn')!.value;
    expect(hits(changed)).toBeLessThan(hits(added));
  }, 120_000);

  it('measures by captions what has text, and says what has none', async () => {
    const captions = path.join(folder, 'captions.csv');
    const rows = Object.keys(colours).flatMap((c) =>
      [1, 2].map((i) => `${photos}/${c}/${i}.png,a ${c} picture`),
    );
    writeFileSync(captions, ['path,caption', ...rows].join('\n'));
    const found = await compareModels(['mini-clip', 'mini-cnn'], photos, { keep, captions });
    expect(found.measures.at(-1)).toMatchObject({ title: 'text → image r@10', best: 'mini-clip', ahead: [] });
    expect(found.models[1]!.notes[0]).toContain('no text tower');
    writeFileSync(captions, 'path,caption\nelsewhere.png,nothing');
    await expect(compareModels(['mini-clip'], photos, { keep, captions })).rejects.toThrow(
      'none of its 1 caption',
    );
  }, 120_000);

  it('refuses what cannot be compared', async () => {
    await expect(compareModels(['no-such-model'], photos, { keep })).rejects.toThrow(ModelError);
    await expect(compareModels(['mini-cnn'], path.join(folder, 'nowhere'), { keep })).rejects.toThrow(
      UsageError,
    );
    await expect(compareModels([], photos, { keep })).rejects.toThrow(UsageError);
    const empty = path.join(folder, 'empty');
    mkdirSync(empty);
    await expect(compareModels(['mini-cnn'], empty, { keep })).rejects.toThrow('no image');
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(compareModels(['mini-cnn'], photos, { keep, signal })).rejects.toThrow('enough');
  }, 60_000);

  it('draws a page with a dot for each model and all numbers', () => {
    const page = comparisonPage(first);
    expect(page.match(/<svg/g)).toHaveLength(2);
    expect(page.match(/<circle/g)).toHaveLength(4);
    expect(page).toContain(first.verdict);
    expect(page).toContain('no-such-model was left out');
    expect(page).not.toMatch(/NaN|undefined|<script/);
  });
});

describe('a verdict', () => {
  const scored = (name: string, values: number[]): { name: string; scores: Score[] } => ({
    name,
    scores: [
      {
        part: 'classification',
        name: 'linear probe',
        value: values.reduce((a, b) => a + b, 0) / values.length,
        low: 0,
        high: 1,
        of: values.length,
        meaning: '',
        each: { values: Float64Array.from(values) },
      },
    ],
  });
  const right = (n: number, of = 200) => Array.from({ length: of }, (_, i) => (i < n ? 1 : 0));

  it('is paired: the same mistakes make a small difference certain, others do not', () => {
    const [nested] = compareScores([scored('a', right(180)), scored('b', right(170))]);
    expect(nested).toMatchObject({ best: 'a', alike: [] });
    expect(nested!.ahead[0]!.value).toBeCloseTo(0.05, 12);
    expect(verdictOf([nested!])).toBe('By linear probe a is best; the other is worse beyond chance.');
    const [apart] = compareScores([scored('a', right(180)), scored('b', right(178).reverse())]);
    expect(apart).toMatchObject({ best: 'a', alike: ['b'] });
    expect(verdictOf([apart!])).toContain('b cannot be told apart from it');
  });
});
