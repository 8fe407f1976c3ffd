/** @file `afterimage evaluate` and `afterimage compare`, run as a user runs them. */
import { cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { run, scratch } from './run.js';

const { folder, remove } = scratch();
afterAll(remove);
const photos = path.join(folder, 'photos');

beforeAll(() => {
  const sorted = {
    cat: ['cat-portrait.jpg', 'cat-running-1.jpg', 'cat-running-2.jpg'],
    other: ['coffee-cup.jpg', 'boats-nagasaki.jpg', 'airplane-from-above.jpg'],
  };
  for (const [name, files] of Object.entries(sorted)) {
    mkdirSync(path.join(photos, name), { recursive: true });
    for (const file of files) cpSync(path.resolve('samples', file), path.join(photos, name, file));
  }
});

it('evaluate prints tables, and the same as JSON', async () => {
  const { code, stdout } = await run(['evaluate', 'photos', '-q'], { cwd: folder });
  expect(code).toBe(0);
  expect(stdout).toContain('6 vectors of 256 numbers · mini-clip · 2 classes (folder)');
  expect(stdout).toMatch(
    /1-nn +[01]\.\d{3} +[01]\.\d{3} – [01]\.\d{3} +6 +the nearest other image has the class/,
  );
  const json = await run(['evaluate', 'photos', '-q', '--json'], { cwd: folder });
  const { scores } = JSON.parse(json.stdout) as { scores: { name: string; value: number; each?: unknown }[] };
  const vote = scores.find(({ name }) => name === '1-nn')!;
  expect(stdout).toContain(vote.value.toFixed(3));
  expect(vote.each).toBeUndefined();
}, 60_000);

it('evaluate says what is wrong and what to do', async () => {
  const { code, stderr } = await run(['evaluate', 'photos', '--label', 'fodler'], { cwd: folder });
  expect([code, stderr]).toEqual([2, expect.stringContaining('did you mean "folder"?')]);
}, 60_000);

it('compare prints a table and a verdict, writes a page, and does not embed twice', async () => {
  const words = ['compare', 'mini-clip', 'mini-cnn', 'nothing', '--images', 'photos', '-o', 'page.html'];
  const { code, stdout, stderr } = await run(words, { cwd: folder });
  expect(code).toBe(1); // one could not be measured
  expect(stderr).toContain('left out: nothing');
  expect(stdout).toMatch(/^mini-clip +[01]\.\d{3}[*≈ ]/m);
  expect(stdout).toMatch(/^By linear probe mini-/m);
  expect(readFileSync(path.join(folder, 'page.html'), 'utf8')).toContain('<svg');
  expect(existsSync(path.join(folder, '.cache', 'compare'))).toBe(true);
  const again = await run(['compare', 'mini-clip', '--images', 'photos', '--json', '-q'], { cwd: folder });
  const { models } = JSON.parse(again.stdout) as { models: { kept: boolean }[] };
  expect(models.map(({ kept }) => kept)).toEqual([true]);
}, 120_000);

it('compare fails where no model can be used or none is named', async () => {
  const none = await run(['compare', 'nothing', '--images', 'photos'], { cwd: folder });
  expect([none.code, none.stderr]).toEqual([2, expect.stringContaining('none of 1 models could be used')]);
  expect((await run(['compare', '--images', 'photos'], { cwd: folder })).code).toBe(2);
  expect((await run(['compare', 'mini-clip'], { cwd: folder })).stderr).toContain('--images');
}, 60_000);
