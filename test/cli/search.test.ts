/** @file `afterimage search` and `similar` as a user types them, in processes of their own. */
import { copyFileSync, mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Ended, run, scratch } from './run.js';

const samples = fileURLToPath(new URL('../../samples/', import.meta.url));
const { folder, remove } = scratch();
const photos = path.join(folder, 'photos');
let first: Ended;

beforeAll(async () => {
  mkdirSync(photos);
  for (const name of readdirSync(samples).filter((n) => n.endsWith('.jpg')))
    copyFileSync(path.join(samples, name), path.join(photos, name));
  first = await run(['search', 'a cat', '-t', '2'], { cwd: photos });
}, 120_000);
afterAll(remove);

const lines = (text: string) => text.trimEnd().split('\n');

describe('search', () => {
  it('makes a collection where there is none, and prints cosines and paths', () => {
    expect(first.code, first.stderr).toBe(0);
    expect(first.stderr).toMatch(/no collection yet; making one/);
    const rows = lines(first.stdout).map((line) => line.split('\t') as [string, string]);
    expect(rows).toHaveLength(2);
    for (const [score, file] of rows) {
      expect(score).toMatch(/^0\.\d{3}$/);
      expect(path.dirname(file)).toBe(photos);
      expect(path.basename(file)).toMatch(/^cat-/);
    }
  });

  it('takes sums and differences as typed, in any order with options', async () => {
    const n = ['-n', '-f', '-t', '20'];
    const typed = ['2:dog', '+', './sheep-pasture.jpg', '-', 'snow'];
    const results = await Promise.all(
      [
        ['search', ...typed, ...n],
        ['search', ...n, '2:dog', '-a', './sheep-pasture.jpg', '- snow'],
        ['search', '2:dog + ./sheep-pasture.jpg - snow', ...n].map((word) =>
          word.replace('./', `${photos}/`),
        ),
        ['search', '2:dog', '--sub', 'snow', ...n, '--add', './sheep-pasture.jpg'],
      ].map((words) => run(words, { cwd: photos })),
    );
    for (const { stdout, code, stderr } of results) {
      expect(code, stderr).toBe(0);
      expect(stdout).toBe(results[0]!.stdout);
    }
    expect(lines(results[0]!.stdout)).toHaveLength(14);
    expect(results[0]!.stdout).not.toContain('sheep-pasture');
  });

  it('prints JSON, and finds the likes of an image and of an item', async () => {
    const [byPath, byId] = await Promise.all(
      [path.join(photos, 'cat-running-1.jpg'), 'cat-running-1.jpg'].map((image) =>
        run(['similar', image, '-n', '--json', '-t', '3', '-c', photos], { cwd: folder }),
      ),
    );
    expect(byPath!.stdout).toBe(byId!.stdout);
    const hits = lines(byId!.stdout).map((line) => JSON.parse(line));
    expect(hits[0]).toMatchObject({
      id: 'cat-running-2.jpg',
      path: path.join(photos, 'cat-running-2.jpg'),
      values: { format: 'jpeg' },
    });
    expect(hits[0].probability).toBeLessThanOrEqual(1);
  });

  it('says what is wrong', async () => {
    const cases: [string[], number, RegExp][] = [
      [['search', 'x', '-n', '--where', 'widht > 3'], 2, /did you mean "width"\?\n {2}widht > 3\n {2}\^{5}/],
      [['search', 'dog', '+', '-n'], 2, /expected a term after "\+"/],
      [['search', 'x', '--nera', '1,2,3'], 2, /did you mean --near/],
      [['search', 'x', '-n', '--near', '1,2'], 2, /LATITUDE,LONGITUDE,KILOMETRES/],
      [['search', './nothing.jpg', '-n'], 1, /nothing\.jpg: no such file/],
      [['similar', 'nothing.jpg', '-n'], 1, /no such item/],
      [['search', 'x', '-n', '-c', 'elsewhere'], 2, /no collection in "elsewhere"/],
    ];
    const ended = await Promise.all(cases.map(([words]) => run(words, { cwd: photos })));
    ended.forEach(({ code, stderr, stdout }, i) => {
      expect(stderr).toMatch(cases[i]![2]);
      expect([code, stdout]).toEqual([cases[i]![1], '']);
    });
  }, 120_000);
});
