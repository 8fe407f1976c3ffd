import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { likenessChance, likenessNull, textChance, textNull } from '#src/collection/chance-null.js';
import { Random } from '#src/random.js';
import { normalizeRows } from '#src/vectors/vectors.js';

// Made by test/fixtures/collection/make_chance.py with NumPy.
const golden = JSON.parse(readFileSync('test/fixtures/collection/chance.json', 'utf8')) as {
  text: { mean: number; deviation: number; level: number; width: number };
  chances: number[];
  likeness: { level: number; width: number; growth: number };
};

/** As `numbers` of make_chance.py. */
function minimalStandard(count: number, dimension: number, seed: number): Float32Array {
  let state = seed;
  const rows = Float64Array.from({ length: count * dimension }, () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647 - 0.4;
  });
  return Float32Array.from(rows, (x, at) => {
    const start = at - (at % dimension);
    return x / Math.hypot(...rows.subarray(start, start + dimension));
  });
}

const DIMENSION = 64;

/** Unit vectors around `centre`, drawn at random; `spread` 0 gives copies of it. */
function cloud(random: Random, count: number, centre?: Float32Array, spread = 1): Float32Array {
  const rows = Float32Array.from(
    { length: count * DIMENSION },
    (_, at) => (centre?.[at % DIMENSION] ?? 0) + (spread * random.normal()) / Math.sqrt(DIMENSION),
  );
  normalizeRows(rows, DIMENSION);
  return rows;
}

const rowOf = (rows: Float32Array, i: number) => rows.subarray(i * DIMENSION, (i + 1) * DIMENSION);
const count = (rows: Float32Array) => rows.length / DIMENSION;
const join = (...parts: Float32Array[]) => Float32Array.from(parts.flatMap((part) => [...part]));

function cosine(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, x, d) => sum + x * b[d]!, 0);
}

/** The probabilities of all items, best first. */
function searched(query: Float32Array, items: Float32Array, bank: Float32Array, sample = items): number[] {
  const known = textNull(bank, sample, DIMENSION);
  return Array.from({ length: count(items) }, (_, i) => rowOf(items, i))
    .map((item) => textChance(known, cosine(query, item), item, count(items)))
    .sort((a, b) => b - a);
}

describe('what texts score by chance', () => {
  it('is what NumPy computes', () => {
    const bank = minimalStandard(40, 8, 1);
    const sample = minimalStandard(60, 8, 2);
    const known = textNull(bank, sample, 8);
    for (const key of ['mean', 'deviation', 'level', 'width'] as const)
      expect(known[key], key).toBeCloseTo(golden.text[key], 6);
    const query = bank.subarray(24, 32);
    golden.chances.forEach((chance, i) => {
      const item = sample.subarray(8 * i, 8 * (i + 1));
      expect(textChance(known, cosine(query, item), item, 5000), `item ${i}`).toBeCloseTo(chance, 4);
    });
  });

  it('lets one in five queries of pure noise pass, in a small sample of many items as in all of them', () => {
    const random = new Random('chance', 1);
    const items = cloud(random, 3000);
    const bank = cloud(random, 250);
    const queries = cloud(random, 200);
    for (const sample of [items, items.slice(0, 300 * DIMENSION)]) {
      const known = textNull(bank, sample, DIMENSION);
      const passed = Array.from({ length: 200 }, (_, q) => rowOf(queries, q)).filter((query) => {
        const cosines = Array.from({ length: 3000 }, (_, i) => cosine(query, rowOf(items, i)));
        const top = cosines.indexOf(Math.max(...cosines));
        return textChance(known, cosines[top]!, rowOf(items, top), 3000) >= 0.5;
      });
      // The greatest of independent numbers is Gumbel's: beyond 1.19 widths of its lower half it has 0.195.
      expect(passed.length / 200).toBeGreaterThan(0.08);
      expect(passed.length / 200).toBeLessThan(0.32);
    }
  }, 60_000);

  it.each([
    ['one item of 600', 1],
    ['a third of them', 200],
    ['all of them', 600],
  ])('finds what is in %s', (_, fitting) => {
    const random = new Random('chance', fitting);
    const query = cloud(random, 1);
    const others = cloud(random, 600 - fitting);
    const bank = cloud(random, 250);
    const chances = searched(query, join(cloud(random, fitting, query, 0.8), others), bank);
    expect(chances.filter((chance) => chance > 0.9).length).toBeGreaterThan(0.95 * fitting);
    expect(chances.filter((chance) => chance > 0.5).length).toBeLessThanOrEqual(fitting + 1);
  });

  it('believes an item that is near to every text less, for the same score', () => {
    const random = new Random('chance', 4);
    const common = cloud(random, 1);
    const bank = cloud(random, 250, common, 1.5);
    const items = join(cloud(random, 400), cloud(random, 1, common, 1.5));
    const known = textNull(bank, items, DIMENSION);
    const at = (item: number) => textChance(known, 0.5, rowOf(items, item), 401);
    for (let plain = 0; plain < 50; plain++) expect(at(400)).toBeLessThan(at(plain));
  });

  it('rises with the score and falls with the number of items', () => {
    const random = new Random('chance', 5);
    const items = cloud(random, 500);
    const known = textNull(cloud(random, 250), items, DIMENSION);
    const at = (score: number, total: number) => textChance(known, score, rowOf(items, 0), total);
    const scores = [-1, 0, 0.2, 0.4, 0.45, 0.5, 0.6, 1].map((score) => at(score, 500));
    expect(scores).toEqual(scores.toSorted((a, b) => a - b));
    expect(scores.every((p) => p >= 0 && p <= 1)).toBe(true);
    const totals = [0, 1, 10, 500, 100_000, 1_000_000].map((total) => at(0.5, total));
    expect(totals).toEqual(totals.toSorted((a, b) => b - a));
    expect(at(0.9, 1_000_000)).toBeGreaterThan(0.99);
  });

  it('says 0 where nothing can be told: no items, a bank of one text, equal scores', () => {
    const random = new Random('chance', 6);
    const item = cloud(random, 1);
    const bank = cloud(random, 250);
    expect(textChance(textNull(bank, new Float32Array(0), DIMENSION), 1, item, 0)).toBe(0);
    expect(textChance(textNull(item, cloud(random, 50), DIMENSION), 1, item, 50)).toBe(0);
    const copies = cloud(random, 250, item, 0);
    expect(textChance(textNull(copies, copies, DIMENSION), 1, item, 250)).toBe(0);
  });
});

describe('how near the items are to each other', () => {
  it('is what NumPy computes', () => {
    const known = likenessNull(minimalStandard(60, 8, 2), 8);
    for (const key of ['level', 'width', 'growth'] as const)
      expect(known[key], key).toBeCloseTo(golden.likeness[key], 6);
  });

  /** Kinds of 20 items each, around centres of their own. */
  function kinds(random: Random, number: number): Float32Array {
    return join(...Array.from({ length: number }, () => cloud(random, 20, cloud(random, 1).slice(), 0.6)));
  }

  it('finds the kind of an image that has one, and nothing for one that has none', () => {
    const random = new Random('chance', 7);
    const all = kinds(random, 41);
    const [items, last] = [all.slice(0, 800 * DIMENSION), all.slice(800 * DIMENSION)];
    const known = likenessNull(items, DIMENSION);
    const nearest = (query: Float32Array, skip = -1) =>
      Math.max(...Array.from({ length: 800 }, (_, i) => (i === skip ? -1 : cosine(query, rowOf(items, i)))));
    const found = Array.from({ length: 100 }, (_, i) => nearest(rowOf(items, 8 * i), 8 * i));
    expect(found.filter((c) => likenessChance(known, c, 800) >= 0.5).length).toBeGreaterThanOrEqual(85);
    const strangers = Array.from({ length: 20 }, (_, i) => nearest(rowOf(last, i)));
    expect(strangers.filter((c) => likenessChance(known, c, 800) >= 0.5)).toHaveLength(0);
  });

  it('does not count copies, and is sure of the same picture', () => {
    const random = new Random('chance', 8);
    const items = kinds(random, 10);
    const doubled = likenessNull(join(items, items), DIMENSION);
    expect(doubled.level).toBeCloseTo(likenessNull(items, DIMENSION).level, 1);
    expect(likenessChance(doubled, 1, 400)).toBe(1);
  });

  it('expects nearer neighbours among more items', () => {
    const random = new Random('chance', 9);
    const items = cloud(random, 2000);
    const part = likenessNull(items.slice(0, 250 * DIMENSION), DIMENSION);
    const all = likenessNull(items, DIMENSION);
    expect(
      part.level + part.growth * (Math.sqrt(2 * Math.log(2000)) - Math.sqrt(2 * Math.log(250))),
    ).toBeCloseTo(all.level, 1);
    expect(likenessChance(part, 0.4, 1_000_000)).toBeLessThan(likenessChance(part, 0.4, 250));
    expect(likenessChance(part, 0.9999, 1_000_000)).toBe(1);
  });

  it('says 0 for fewer than ten items, and where all are equal', () => {
    const random = new Random('chance', 10);
    expect(likenessChance(likenessNull(cloud(random, 9), DIMENSION), 0.9, 9)).toBe(0);
    expect(likenessChance(likenessNull(new Float32Array(0), DIMENSION), 0.9, 0)).toBe(0);
    const copies = cloud(random, 20, cloud(random, 1), 0);
    expect(likenessChance(likenessNull(copies, DIMENSION), 0.9, 20)).toBe(0);
  });
});
