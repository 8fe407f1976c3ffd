/** @file `afterimage outliers`, `uniqueness`, `representative`, `mistakes` and `reduce`, on a collection of samples. */
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mistakes } from '#src/cli/commands/mistakes.js';
import { outliers } from '#src/cli/commands/outliers.js';
import { reduce } from '#src/cli/commands/reduce.js';
import { representative } from '#src/cli/commands/representative.js';
import { uniqueness } from '#src/cli/commands/uniqueness.js';
import { indexFolder, openCollection } from '#src/collection/index.js';
import { readEmbeddings, SAMPLES } from '#src/embedding/index.js';
import { capture } from './capture.js';
import { scratch } from './run.js';

const { folder, remove } = scratch();
afterAll(remove);
const photos = path.join(folder, 'photos');
const cats = ['cat-portrait.jpg', 'emoji-cat.png'];
const others = ['boats-nagasaki.jpg', 'coffee-cup.jpg', 'mountains-alpine.jpg'];

beforeAll(async () => {
  for (const [kind, names] of Object.entries({ cats, others })) {
    mkdirSync(path.join(photos, kind), { recursive: true });
    for (const name of names) copyFileSync(path.join(SAMPLES, name), path.join(photos, kind, name));
  }
  await using collection = await openCollection(path.join(photos, '.afterimage'), {
    create: true,
    root: photos,
  });
  await indexFolder(collection, {});
}, 60_000);

describe('items of a collection', () => {
  it('are ranked as lines, as JSON, as a table, as a page and as a column', async () => {
    const [csv, page] = [path.join(folder, 'all.csv'), path.join(folder, 'page.html')];
    const { code, stdout, stderr } = await capture(uniqueness, [
      ...[photos, '--top', '2', '--out', csv, '--sheet', page, '--save', 'own'],
    ]);
    expect(code).toBe(0);
    const lines = stdout.trim().split('\n');
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(/^.*photos\/\w+\/[\w-]+\.\w+\t1\t[\d.]+\t\w+\//);
    expect(stderr).toContain('2 of 5 items shown');
    expect(readFileSync(csv, 'utf8').trim().split('\n')).toHaveLength(6);
    expect(readFileSync(page, 'utf8').match(/<li>/g)).toHaveLength(2);
    const json = await capture(outliers, [photos, '--where', 'own > 0', '--json', '-q', '-k', '2']);
    const rows = json.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { id: string; score: number });
    expect(rows.length).toBeLessThan(5);
    expect(rows[0]!.score).toBeGreaterThan(rows.at(-1)!.score);
  });

  it('stand for others', async () => {
    const { stdout } = await capture(representative, ['2', photos]);
    const counts = stdout
      .trim()
      .split('\n')
      .map((line) => Number(line.split('\t')[1]));
    expect(counts.reduce((a, b) => a + b, 0)).toBe(5);
    await expect(capture(representative, [photos])).rejects.toThrow(/expected a number of items/);
    await expect(capture(representative, ['9', photos])).rejects.toThrow(/from 1 to 5/);
  });

  it('are asked for their label', async () => {
    const { code, stderr } = await capture(mistakes, [photos, '--folds', '2']);
    expect(code).toBe(0);
    expect(stderr).toMatch(/labels? of 5 in doubt, by a classifier that is right for/);
    await expect(capture(mistakes, [photos, '--label', 'fodler'])).rejects.toThrow(
      expect.objectContaining({ hint: expect.stringContaining('"folder"') }),
    );
  });

  it('become smaller', async () => {
    const [small, way] = [path.join(folder, 'small.parquet'), path.join(folder, 'way')];
    const done = await capture(reduce, [photos, '-d', '3', '--out', small, '--projection', way]);
    expect(done.stdout).toMatch(/^5 vectors, 256 → 3 numbers; [\d.]+ % of the variance/);
    expect((await readEmbeddings(small)).dimension).toBe(3);
    expect(existsSync(path.join(way, 'projection.safetensors'))).toBe(true);
    const table = await capture(reduce, [photos]);
    expect(table.stdout).toContain('binary, 4 × as many re-ranked');
    await expect(capture(reduce, [photos, '--quantize', 'int8'])).rejects.toThrow(/--out FILE.npy/);
    await expect(capture(reduce, [photos, '-d', '9'])).rejects.toThrow(/from 1 to 5/);
  });
});
