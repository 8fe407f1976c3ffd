/** @file `afterimage regress`, as a user does it: several images of an item, a table of the items, a collection. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCollection } from '#src/collection/collection.js';
import { importVectors } from '#src/collection/index.js';
import { Random } from '#src/random.js';
import { run, scratch } from './run.js';

const { folder, remove } = scratch();
afterAll(remove);
const vectors = path.join(folder, 'houses.jsonl');
const table = path.join(folder, 'houses.csv');
const learned = path.join(folder, 'price.regression');
const ITEM = String.raw`(\d+)_(\w+)\.jpg$`;
const beside = ['--table', table, '--id-column', 'house', '--item', ITEM];

beforeAll(async () => {
  const random = new Random(2, 'houses');
  const rows: string[] = [];
  const lines = ['house,price,area,zip'];
  for (let i = 1; i <= 60; i++) {
    const along = random.normal();
    const area = Math.round(100 + 20 * random.normal());
    lines.push(`${i},${Math.round(1000 * Math.exp(along / 2 + area / 100))},${area},${1000 + (i % 3)}`);
    for (const role of ['front', 'kitchen']) {
      const vector = Array.from({ length: 6 }, (_, d) => 0.3 * random.normal() + (d === 0 ? along : 1));
      rows.push(JSON.stringify({ id: `houses/${i}_${role}.jpg`, vector }));
    }
  }
  lines.push('999,1,1,1');
  writeFileSync(vectors, `${rows.join('\n')}\n`);
  const identity = {
    model: 'planted',
    revision: null,
    weights: 'b'.repeat(64),
    dtype: 'fp32',
    transform: null,
    output: 'pooled',
    normalized: false,
    dimension: 6,
  };
  writeFileSync(`${vectors}.identity.json`, JSON.stringify(identity));
  writeFileSync(table, `${lines.join('\n')}\n`);
  const fit = ['regress', 'fit', vectors, ...beside, '--target', 'price', '--log'];
  const given = ['--with', 'area', '--category', 'zip', '--permutations', '4', '--out', learned];
  const { code, stdout, stderr } = await run([...fit, ...given], { cwd: folder });
  expect(stderr).toContain('1 of 61 rows are about no item, such as "999"');
  expect(stderr).toContain('afterimage regress predict');
  expect(code).toBe(0);
  expect(stdout).toContain('price of 60 items with 120 images');
  for (const name of ['images and columns', 'images alone', 'columns alone', 'mean (of logarithms)'])
    expect(stdout).toContain(name);
  expect(stdout).toMatch(/with images dealt to other items \(4 times\), R² of log is/);
  expect(stdout).toMatch(/intervals of 90\.0 % hold \d/);
}, 60_000);

describe('regress predict', () => {
  it('prints item, number and interval, and what the item is like', async () => {
    const { code, stdout } = await run(
      ['regress', 'predict', learned, vectors, '--table', table, '--id-column', 'house', '-n', '1', '-q'],
      { cwd: folder },
    );
    expect(code).toBe(0);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => line.split('\t'));
    expect(lines).toHaveLength(60);
    for (const [item, value, low, high, cosine, price, near] of lines) {
      expect(Number(low)).toBeLessThan(Number(value));
      expect(Number(value)).toBeLessThan(Number(high));
      expect(Number(cosine)).toBeLessThanOrEqual(1);
      expect(Number(price)).toBeGreaterThan(0);
      expect(near).not.toBe(item);
    }
  });

  it('writes CSV and JSON', async () => {
    const out = path.join(folder, 'said.csv');
    const predict = ['regress', 'predict', learned, vectors, '--table', table, '--id-column', 'house'];
    await run([...predict, '-o', out], { cwd: folder });
    const [head, first] = readFileSync(out, 'utf8').split('\n');
    expect(head).toBe('item,price,low,high');
    expect(first!.split(',')).toHaveLength(4);
    const { stdout } = await run([...predict, '--json', '-q'], { cwd: folder });
    const one = JSON.parse(stdout.split('\n')[0]!) as { item: string; images: string[] };
    expect(one.item).toBe('1');
    expect(one.images).toHaveLength(2);
  });

  it('keeps numbers as columns of a collection', async () => {
    const place = path.join(folder, 'collection');
    await using collection = await openCollection(place, { create: true });
    await importVectors(collection, vectors);
    const { code } = await run(
      ['regress', 'predict', learned, place, '--table', table, '--id-column', 'house', '--save', 'said'],
      { cwd: folder },
    );
    expect(code).toBe(0);
    await collection.refresh();
    const { items } = await collection.tablesOf(collection.space());
    const names = (await items.columns()).map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['said', 'said_low', 'said_high']));
  });
});

describe('regress evaluate', () => {
  it('measures what was learned', async () => {
    const { code, stdout } = await run(
      ['regress', 'evaluate', learned, vectors, '--table', table, '--id-column', 'house', '--json'],
      { cwd: folder },
    );
    expect(code).toBe(0);
    const found = JSON.parse(stdout) as { report: { metrics: { r2: { value: number } } } };
    expect(found.report.metrics.r2.value).toBeGreaterThan(0.7);
  });
});

describe('mistakes', () => {
  it.each([
    [['fit', vectors], 'name a column with --target'],
    [['fit', vectors, ...beside, '--target', 'prize'], 'did you mean "price"?'],
    [['fit', vectors, '--item', '(', '--target', 'price'], '--item: '],
    [
      ['fit', vectors, ...beside, '--target', 'price', '--level', '2'],
      'level: expected a number between 0 and 1',
    ],
    [
      ['fit', vectors, '--target', 'price', '--table', table, '--id-column', 'house'],
      'none of its 61 rows is about an item',
    ],
    [['predict', vectors, vectors], 'houses.jsonl'],
    [['predict', learned, vectors], 'there is no column "area"'],
  ])('are told clearly: regress %j', async (words, message) => {
    const { code, stderr } = await run(['regress', ...words], { cwd: folder });
    expect(code).not.toBe(0);
    expect(stderr).toContain(message);
    expect(stderr).not.toContain('    at ');
  });
});
