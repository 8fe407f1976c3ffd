/** @file `afterimage duplicates`, as a user does it. */
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeImages } from './images.js';
import { run, scratch } from './run.js';

const { folder, remove } = scratch();
const photos = path.join(folder, 'photos');
const duplicates = (...args: string[]) => run(['duplicates', ...args], { cwd: folder });

beforeAll(async () => {
  await makeImages(path.join(photos, 'train'), 30);
  mkdirSync(path.join(photos, 'test'));
  copyFileSync(path.join(photos, 'train', '007.jpg'), path.join(photos, 'test', 'a copy.jpg'));
  copyFileSync(path.join(photos, 'train', '011.jpg'), path.join(photos, 'train', 'again-011.jpg'));
  expect((await run(['index', photos, '--quiet'], { cwd: folder })).code).toBe(0);
}, 60_000);
afterAll(remove);

describe('afterimage duplicates', () => {
  it('lists groups on stdout and explains on stderr', async () => {
    const { code, stdout, stderr } = await duplicates('photos', '--exact');
    expect(code).toBe(0);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => line.split('\t'));
    expect(lines.map(([group, kind]) => `${group} ${kind}`)).toEqual([
      '1 keep',
      '1 exact',
      '2 keep',
      '2 exact',
    ]);
    expect(lines[1]![4]).toBe(path.join(photos, 'test', 'a copy.jpg'));
    expect(stderr).toMatch(/^2 duplicates in 2 groups, [\d.]+ k?B\n/);
  });

  it('moves the files of a folder that was named from here, too', async () => {
    mkdirSync(path.join(folder, 'plain'));
    for (const name of ['a.jpg', 'b.jpg'])
      copyFileSync(path.join(photos, 'train', '003.jpg'), path.join(folder, 'plain', name));
    const { code, stderr } = await duplicates('plain', '--exact', '--move', 'gone', '--yes');
    expect(stderr).toContain('1 file moved into');
    expect(code).toBe(0);
    expect(existsSync(path.join(folder, 'gone', 'b.jpg'))).toBe(true);
    expect(existsSync(path.join(folder, 'plain', 'a.jpg'))).toBe(true);
  });

  it('prints one JSON document, leaks alone, with a page and a script beside', async () => {
    const more = ['--sheet', 'page.html', '--script', 'moves.sh', '--move', 'away'];
    const { code, stdout, stderr } = await duplicates('photos', '--leaks', '--json', ...more);
    expect(code).toBe(0);
    const { groups, rule, explanation } = JSON.parse(stdout);
    expect(groups).toHaveLength(1);
    expect(groups[0].splits).toEqual(['test', 'train']);
    expect(rule.bits).toBeGreaterThan(0);
    expect(explanation).toHaveLength(3);
    expect(stderr).toContain('moves.sh moves 1 file into');
    expect(readFileSync(path.join(folder, 'page.html'), 'utf8')).toContain('in test and train');
    expect(readFileSync(path.join(folder, 'moves.sh'), 'utf8')).toContain("'a copy.jpg'".slice(1));
    const again = await duplicates('photos', '--exact', '--script', 'moves.sh');
    expect([again.code, again.stderr]).toEqual([2, expect.stringContaining('cannot be written')]);
  });

  it('moves only when told so, and back', async () => {
    const asked = await duplicates('photos', '--exact', '--move', 'away');
    expect([asked.code, asked.stderr]).toEqual([2, expect.stringContaining('add --yes')]);
    expect(existsSync(path.join(folder, 'away'))).toBe(false);
    const moved = await duplicates('photos', '--exact', '--move', 'away', '--yes', '--quiet');
    expect([moved.code, moved.stderr]).toEqual([0, expect.stringContaining('2 files moved')]);
    expect(existsSync(path.join(folder, 'away', 'test', 'a copy.jpg'))).toBe(true);
    expect(existsSync(path.join(photos, 'test', 'a copy.jpg'))).toBe(false);
    const back = await duplicates('--undo', 'away');
    expect([back.code, back.stderr]).toEqual([0, '2 files moved back\n']);
    expect(existsSync(path.join(photos, 'test', 'a copy.jpg'))).toBe(true);
  });

  it('remembers what is no duplicate', async () => {
    const { code } = await duplicates('photos', '--not', 'train/001.jpg', 'train/002.jpg');
    expect(code).toBe(0);
    const file = path.join(photos, '.afterimage', 'duplicates', 'not.tsv');
    expect(readFileSync(file, 'utf8')).toMatch(/^[0-9a-f]{64}\t[0-9a-f]{64}\n$/);
    rmSync(file);
    const same = await duplicates('photos', '--not', 'train/007.jpg', 'test/a copy.jpg');
    expect([same.code, same.stderr]).toEqual([2, expect.stringContaining('hold the same bytes')]);
  });

  it.each([
    [['--exact', '--near'], 'exclude each other'],
    [['--yes'], 'expected --move DIR'],
    [['--not', 'a'], 'expected two items'],
    [['--threshold', '2'], 'at most 1'],
    [['--split', 'foldr'], 'no column "foldr"'],
    [['--undo', 'nowhere'], 'no record of moves'],
  ])('refuses %j', async (args, reason) => {
    const positional = args[0] === '--not' || args[0] === '--undo' ? [] : ['photos'];
    const { code, stderr } = await duplicates(...positional, ...args);
    expect([code, stderr]).toEqual([2, expect.stringContaining(reason)]);
  });
});
