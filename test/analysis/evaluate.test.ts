/** @file Measuring a set by its classes and captions, against counts made by hand, and what is refused. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  type Evaluation,
  evaluateSet,
  openVectorSet,
  type VectorOrigin,
  VectorSet,
} from '#src/analysis/index.js';
import { ModelError, UsageError } from '#src/errors.js';
import { Random } from '#src/random.js';
import { mapQuality } from '#src/vectors/index.js';
import { scratch } from '../cli/run.js';

const { folder, remove } = scratch();
afterAll(remove);

const [classes, each, dimension] = [3, 30, 12];
const random = new Random(4, 'evaluate');
const centres = Array.from({ length: classes * dimension }, () => random.normal());
const data = new Float32Array(classes * each * dimension).map(
  (_, i) => centres[Math.floor(i / dimension / each) * dimension + (i % dimension)]! + 1.1 * random.normal(),
);
const ids = Array.from(
  { length: classes * each },
  (_, i) => `${'abc'[Math.floor(i / each)]}/${String(i).padStart(3, '0')}.jpg`,
);
const origin: VectorOrigin = {
  source: 'planted',
  kind: 'file',
  identity: null,
  columns: [],
  read: async () => ({}),
  fileOf: (id) => id,
  embedder: async () => {
    throw new ModelError('the model is not known');
  },
  save: async () => undefined,
  close: async () => undefined,
};
const planted = () => {
  const set = new VectorSet(origin, ids, data, dimension);
  set.add([
    { name: 'side', type: 'text', cells: ids.map((_, i) => (i % 3 === 0 ? 'test' : 'train')) },
    { name: 'same', type: 'text', cells: ids.map(() => 'one') },
    { name: 'burst', type: 'number', cells: ids.map((_, i) => Math.floor(i / 5)) },
    { name: 'rare', type: 'text', cells: ids.map((id, i) => (i === 0 ? 'lone' : id[0]!)) },
  ]);
  return set;
};
const score = ({ scores }: Evaluation, part: string, name: string) =>
  scores.find((s) => s.part === part && s.name === name)!;

function cosine(a: number, b: number): number {
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < dimension; i++) {
    const [x, y] = [data[a * dimension + i]!, data[b * dimension + i]!];
    ab += x * y;
    aa += x * x;
    bb += y * y;
  }
  return ab / Math.sqrt(aa * bb);
}

/** The silhouette of each item in its class, by brute force. */
function silhouettes(): number[] {
  return all.map((item) => {
    const apart = ['a', 'b', 'c'].map((letter) => {
      const others = all.filter((other) => other !== item && ids[other]![0] === letter);
      return { own: ids[item]![0] === letter, mean: mean(others.map((other) => 1 - cosine(item, other))) };
    });
    const within = apart.find(({ own }) => own)!.mean;
    const next = Math.min(...apart.filter(({ own }) => !own).map((a) => a.mean));
    return (next - within) / Math.max(next, within);
  });
}

/** Whether the nearest of `from` has the class of each of `queries`, by brute force. */
function nearestHits(queries: number[], from: number[]): number[] {
  return queries.map((q) => {
    const others = from.filter((other) => other !== q);
    const best = others.reduce((a, b) => (cosine(q, b) > cosine(q, a) ? b : a));
    return ids[best]![0] === ids[q]![0] ? 1 : 0;
  });
}
const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
const all = ids.map((_, i) => i);
const whole = evaluateSet(planted());

describe('by classes', () => {
  it('measures each by the others, within intervals that hold the number', async () => {
    const found = await whole;
    expect(found.labels).toMatchObject({ column: 'folder', names: ['a', 'b', 'c'], items: 90 });
    expect(score(found, 'classification', '1-nn').value).toBeCloseTo(mean(nearestHits(all, all)), 12);
    expect(score(found, 'retrieval', 'precision@1').value).toBeCloseTo(mean(nearestHits(all, all)), 12);
    expect(score(found, 'classification', 'linear probe').value).toBeGreaterThan(0.6);
    expect(score(found, 'clustering', 'ari').value).toBeGreaterThan(0.2);
    expect(score(found, 'clustering', 'silhouette of classes').value).toBeCloseTo(mean(silhouettes()), 6);
    expect(score(found, 'clustering', 'silhouette').value).toBeGreaterThan(0);
    expect(found.scores.length).toBeGreaterThan(15);
    for (const { name, value, low, high, of, each: from } of found.scores) {
      expect(low, name).toBeLessThanOrEqual(high);
      expect(of, name).toBe(90);
      if (from) {
        expect(low, name).toBeLessThanOrEqual(value);
        expect(high, name).toBeGreaterThanOrEqual(value);
        expect(mean([...from.values]), name).toBeCloseTo(value, 12);
      }
    }
    expect(found.notes.join()).toContain('the model is not known');
  });

  it('measures the test side by the training side', async () => {
    const found = await evaluateSet(planted(), { split: 'side' });
    const test = all.filter((i) => i % 3 === 0);
    const train = all.filter((i) => i % 3 !== 0);
    expect(found.labels).toMatchObject({ train: 60, test: 30 });
    expect(score(found, 'classification', '1-nn').value).toBeCloseTo(mean(nearestHits(test, train)), 12);
    expect(score(found, 'retrieval', 'map').of).toBe(30);
  });

  it('is the same for the same seed', async () => {
    expect((await evaluateSet(planted())).scores).toEqual((await whole).scores);
  });

  it('measures items by others than those of their group', async () => {
    const grouped = await evaluateSet(planted(), { group: 'burst' });
    const burst = (i: number) => Math.floor(i / 5);
    const want = all.map(
      (q) =>
        nearestHits(
          [q],
          all.filter((i) => burst(i) !== burst(q)),
        )[0]!,
    );
    expect(score(grouped, 'retrieval', 'precision@1').value).toBeCloseTo(mean(want), 12);
    expect(score(grouped, 'classification', '1-nn').value).toBeCloseTo(mean(want), 12);
  });

  it('leaves out a class of one item, and says so', async () => {
    const found = await evaluateSet(planted(), { label: 'rare' });
    expect(found.labels!.names).toEqual(['a', 'b', 'c']);
    expect(found.notes.join()).toContain('lone');
  });

  it('measures some of the items alone', async () => {
    const found = await evaluateSet(planted(), { ids: new Set(ids.slice(0, 60)) });
    expect(found.labels).toMatchObject({ names: ['a', 'b'], items: 60 });
    expect(found.items).toBe(60);
  });
});

describe('by captions, with the bundled model', () => {
  const samples = ['cat-portrait', 'coffee-cup', 'boats-nagasaki', 'airplane-from-above'];
  const file = path.join(folder, 'captions.csv');
  writeFileSync(
    file,
    [
      'image,caption',
      'cat-portrait.jpg,a photo of a cat',
      'cat-portrait.jpg,the face of a cat',
      'coffee-cup.jpg,a cup of coffee',
      'boats-nagasaki.jpg,boats in a harbour',
      'airplane-from-above.jpg,an airplane',
      'nowhere.jpg,a picture that is not there',
    ].join('\n'),
  );

  it('ranks images for texts and texts for images', async () => {
    await using set = await openVectorSet('samples');
    const found = await evaluateSet(set, { captions: file, label: undefined });
    expect(found.captions).toEqual({ texts: 5, images: 4 });
    expect(score(found, 'text → image', 'recall@1').value).toBeGreaterThanOrEqual(0.6);
    expect(score(found, 'text → image', 'recall@5').value).toBe(1); // of four images
    expect(score(found, 'image → text', 'recall@1').of).toBe(samples.length);
    expect(found.notes.join()).toContain('1 of 6 captions');
  }, 60_000);

  it('refuses captions that are about no image, and columns that are not there', async () => {
    const wrong = path.join(folder, 'wrong.csv');
    writeFileSync(wrong, 'image,caption\nnowhere.jpg,nothing\n');
    await using set = await openVectorSet('samples');
    await expect(evaluateSet(set, { captions: wrong })).rejects.toThrow('none of its 1 caption');
    await expect(evaluateSet(set, { captions: file, captionColumn: 'captoin' })).rejects.toMatchObject({
      hint: 'did you mean "caption"?',
    });
  }, 60_000);
});

it.each([
  ['one class', { label: 'same' }],
  ['a column that is not there', { label: 'sides' }],
  ['a split that says neither', { split: 'folder' }],
])('refuses %s', async (_, options) => {
  await expect(evaluateSet(planted(), options)).rejects.toThrow(UsageError);
});

it('refuses images in one folder without captions, and says what to name', async () => {
  const flat = new VectorSet(
    origin,
    ids.map((id) => id.slice(2)),
    data,
    dimension,
  );
  await expect(evaluateSet(flat)).rejects.toThrow('neither classes nor captions');
});

describe('a map', () => {
  it('is that which is kept, measured as any other', async () => {
    const set = planted();
    const random = new Random(9, 'map');
    const points = Float32Array.from({ length: 2 * ids.length }, () => random.normal());
    const axis = (k: number) => ids.map((_, i) => points[2 * i + k]!);
    set.add([
      { name: 'projection_x', type: 'number', cells: axis(0) },
      { name: 'projection_y', type: 'number', cells: axis(1) },
    ]);
    const found = await evaluateSet(set, { map: true });
    const want = await mapQuality(set.unit(), points, 2);
    expect(score(found, 'map', 'trustworthiness@15').value).toBeCloseTo(want.trustworthiness, 12);
    expect(score(found, 'map', 'continuity@15').value).toBeCloseTo(want.continuity, 12);
    const kept = score(found, 'map', 'neighbours kept@15');
    expect(kept.value).toBeCloseTo(want.neighbourhoodPreservation, 12);
    expect(kept.low).toBeLessThan(kept.value);
    expect(kept.high).toBeGreaterThan(kept.value);
  });

  it('is made where none is kept, and needs no classes', async () => {
    const flat = new VectorSet(origin, ids.map((id) => id.slice(2)).sort(), data, dimension);
    const found = await evaluateSet(flat, { map: true });
    expect(new Set(found.scores.map(({ part }) => part))).toEqual(new Set(['map']));
    expect(score(found, 'map', 'trustworthiness@15').value).toBeGreaterThan(0.7);
  });
});
