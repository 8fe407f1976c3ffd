/** @file Duplicates that were planted among the sample pictures: found, told apart, remembered, moved and brought back. */
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Duplicates,
  findDuplicates,
  moveDuplicates,
  movesScript,
  openVectorSet,
  planMoves,
  rememberNotDuplicates,
  rootOf,
  undoMoves,
  type VectorSet,
  writeDuplicatesPage,
} from '#src/analysis/index.js';
import { run, scratch } from '../cli/run.js';
import { jsonLines } from './vectors-file.js';

const { folder, remove } = scratch();
const samples = path.resolve(import.meta.dirname, '../../samples');
const photos = path.join(folder, 'photos');
const at = (...parts: string[]) => path.join(photos, ...parts);
/** Quotes of three shells, a variable, a command, a line's end. */
const ODD = `it's "so" $HOME \`id\`\n;.jpg`;
let set: VectorSet;
let found: Duplicates;

beforeAll(async () => {
  mkdirSync(at('train'), { recursive: true });
  mkdirSync(at('test'));
  const names = readdirSync(samples).filter((name) => /\.(jpg|png)$/.test(name));
  for (const name of names) copyFileSync(path.join(samples, name), at('train', name));
  copyFileSync(at('train', 'cat-portrait.jpg'), at('test', ODD));
  copyFileSync(at('train', 'emoji-bus.png'), at('train', 'bus again.png'));
  utimesSync(at('train', 'emoji-bus.png'), 1e9, 1e9);
  await sharp(at('train', 'coffee-cup.jpg')).resize({ width: 150 }).webp().toFile(at('test', 'small.webp'));
  await sharp(at('train', 'boats-nagasaki.jpg'))
    .modulate({ brightness: 1.2 })
    .jpeg({ quality: 30 })
    .toFile(at('train', 'bright.jpg'));
  const { width, height } = await sharp(at('train', 'river-canyon.jpg')).metadata();
  const window = { left: 20, top: 20, width: Math.round(0.85 * width), height: Math.round(0.85 * height) };
  await sharp(at('train', 'river-canyon.jpg')).extract(window).toFile(at('train', 'cropped.jpg'));
  expect((await run(['index', photos, '--quiet'], { cwd: folder })).code).toBe(0);
  set = await openVectorSet(photos);
  found = await findDuplicates(set);
}, 120_000);
afterAll(async () => {
  await set.close();
  remove();
});

const groupsOf = ({ groups }: Duplicates) =>
  groups.map(({ members }) => members.map(({ id, kind }) => `${id} ${kind ?? 'keep'}`)).sort();

describe('findDuplicates', () => {
  it('finds copies of every kind and nothing else, and keeps the better file', () => {
    expect(groupsOf(found)).toEqual([
      ['train/boats-nagasaki.jpg keep', 'train/bright.jpg same-picture'],
      ['train/cat-portrait.jpg keep', `test/${ODD} exact`],
      ['train/coffee-cup.jpg keep', 'test/small.webp same-picture'],
      ['train/emoji-bus.png keep', 'train/bus again.png exact'],
      ['train/river-canyon.jpg keep', 'train/cropped.jpg cropped'],
    ]);
    expect(found.failures).toEqual([]);
    const reasons = found.groups.map(({ members, reason }) => [members[0]!.id, reason]);
    expect(reasons).toContainEqual(['train/emoji-bus.png', 'alike in all, and the oldest']);
    expect(reasons.find(([id]) => id === 'train/coffee-cup.jpg')![1]).toMatch(
      /^the largest picture, \d+ × \d+$/,
    );
  });

  it('says in sentences what a duplicate is and what that rests on', () => {
    expect(found.explanation).toHaveLength(3);
    expect(found.explanation[0]).toMatch(/^Two pictures are duplicates when at most \d+ of 256 bits/);
    expect(found.explanation[1]).toContain(`of the ${set.count} items`);
    expect(found.explanation[2]).toMatch(/\d+ % of the compressed/);
  });

  it('is the same when asked again, from what was kept, without a picture', async () => {
    const before = existsSync(path.join(set.source, 'duplicates', 'pictures-1.tsv'));
    let pictures = 0;
    const again = await findDuplicates(set, {
      onProgress: ({ stage }) => {
        pictures += Number(stage === 'pictures');
      },
    });
    expect([before, pictures]).toEqual([true, 0]);
    expect(groupsOf(again)).toEqual(groupsOf(found));
  });

  it('finds equal files alone, or by a cosine that is given', async () => {
    const exact = await findDuplicates(set, { what: 'exact' });
    expect(exact.groups).toHaveLength(2);
    expect(exact.rule).toBeNull();
    const strict = await findDuplicates(set, { what: 'near', threshold: 0.99999 });
    expect(strict.groups).toHaveLength(2);
    const loose = await findDuplicates(set, { threshold: 0.6 });
    expect(loose.groups.length).toBeGreaterThan(5);
    await expect(findDuplicates(set, { threshold: 1.5 })).rejects.toThrow(/at most 1, but received 1.5/);
  });

  it('finds leaks between splits', async () => {
    const { groups } = await findDuplicates(set, { leaks: true });
    const keepers = groups.map(({ members }) => members[0]!.id);
    expect(keepers).toEqual(['train/cat-portrait.jpg', 'train/coffee-cup.jpg']);
    for (const { splits } of groups) expect(splits).toEqual(['test', 'train']);
    await expect(findDuplicates(set, { split: 'flder' })).rejects.toThrow(/no column "flder"/);
    await expect(findDuplicates(set, { split: 'path:2' })).rejects.toThrow(/no item has a path:2/);
  });

  it('remembers what is none, by content', async () => {
    await rememberNotDuplicates(set, 'train/river-canyon.jpg', at('train', 'cropped.jpg'));
    const { groups } = await findDuplicates(set);
    expect(groups).toHaveLength(4);
    const bytes = rememberNotDuplicates(set, 'train/emoji-bus.png', 'train/bus again.png');
    await expect(bytes).rejects.toThrow(/the same bytes/);
    await expect(
      rememberNotDuplicates(set, 'train/river-canyon.jpg', 'train/cropped.jgp'),
    ).rejects.toMatchObject({
      hint: 'did you mean "train/cropped.jpg"?',
    });
    rmSync(path.join(set.source, 'duplicates', 'not.tsv'));
  });

  it('goes by the vectors alone where the pictures are gone, and says so', async () => {
    const rows = Array.from(set.ids, (_, i) => ({ id: `gone/${i}.jpg`, vector: [...set.vector(i)] }));
    rows.push({ id: 'gone/copy.jpg', vector: rows[3]!.vector.map((x, i) => x + (i % 2 ? 1e-3 : -1e-3)) });
    await using other = await openVectorSet(jsonLines(path.join(folder, 'vectors.jsonl'), rows));
    const result = await findDuplicates(other);
    expect(result.explanation.join(' ')).toContain('the vectors alone decide');
    const copies = result.groups.find(({ members }) => members.some(({ id }) => id === 'gone/copy.jpg'));
    expect(copies?.members.map(({ id, kind }) => kind && id)).toContainEqual(
      expect.stringMatching(/gone\/(3|copy)/),
    );
    expect(result.failures[0]).toMatchObject({ stage: 'read' });
    await expect(rememberNotDuplicates(other, 'gone/1.jpg', 'gone/2.jpg')).rejects.toThrow(
      /remembered in collections/,
    );
  });
});

describe('moves', () => {
  const away = path.join(folder, 'away');
  const others = () => found.groups.flatMap(({ members }) => members.slice(1));

  it('are a script that asks, takes any name, overwrites nothing and can be undone', () => {
    const moves = planMoves(found.groups, rootOf(set), away);
    expect(moves).toHaveLength(5);
    const script = path.join(folder, 'moves.sh');
    writeFileSync(script, movesScript(moves, away, 'sh'));
    const sh = (input: string, ...args: string[]) =>
      execFileSync('sh', [script, ...args], { input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'ignore'] });
    expect(() => sh('n\n')).toThrow();
    expect(existsSync(away)).toBe(false);
    mkdirSync(path.join(away, 'train'), { recursive: true });
    writeFileSync(path.join(away, 'train', 'bright.jpg'), 'taken');
    expect(sh('y\n')).toContain('4 moved, 1 left');
    expect(readFileSync(path.join(away, 'train', 'bright.jpg'), 'utf8')).toBe('taken');
    for (const { file, id } of others()) expect(existsSync(file)).toBe(id === 'train/bright.jpg');
    expect(sh('y\n', '--undo')).toContain('4 moved');
    for (const { file } of others()) expect(existsSync(file)).toBe(true);
    rmSync(away, { recursive: true });
  });

  it('are written for PowerShell with its own quotes', () => {
    const text = movesScript(
      [{ from: "C:\\it’s 'a'.jpg", to: 'D:\\x.jpg', keeper: 'C:\\k.jpg' }],
      'D:\\',
      'powershell',
    );
    expect(text).toContain("move_one 'C:\\k.jpg' 'C:\\it’’s ''a''.jpg' 'D:\\x.jpg'");
  });

  it('are made, written down and taken back', async () => {
    const moves = planMoves(found.groups, rootOf(set), away);
    const [first, second] = moves;
    mkdirSync(path.dirname(first!.to), { recursive: true });
    writeFileSync(first!.to, 'taken');
    const done = await moveDuplicates([...moves, { ...second!, from: at('nowhere.jpg') }], away);
    expect(done.moved).toBe(4);
    expect(done.left.map(({ reason }) => reason.split(':')[0])).toEqual([
      'there is a file already',
      'it is not there',
    ]);
    expect(readFileSync(first!.to, 'utf8')).toBe('taken');
    expect(existsSync(second!.from)).toBe(false);
    const gone = { ...first!, keeper: at('nowhere.jpg') };
    expect((await moveDuplicates([gone], away)).left[0]!.reason).toMatch(/would be kept is gone/);
    expect(await undoMoves(away)).toEqual({ moved: 4, left: [] });
    for (const { from } of moves) expect(existsSync(from)).toBe(true);
    expect(await undoMoves(away)).toEqual({ moved: 0, left: [] });
    await expect(undoMoves(photos)).rejects.toThrow(/no record of moves/);
  });
});

describe('the page', () => {
  it('shows every group, and its script is the one that is written here', async () => {
    const file = path.join(folder, 'page.html');
    await writeDuplicatesPage(file, set, found, {
      folder: path.join(folder, 'away'),
      command: 'afterimage duplicates x',
    });
    const html = readFileSync(file, 'utf8');
    expect(html.match(/<section>/g)).toHaveLength(5);
    expect(html.match(/<article/g)).toHaveLength(10);
    expect(html).not.toMatch(/(?:src|href)="https?:/);
    const script = /<script>([\s\S]*?)<\/script>/.exec(html)![1]!;
    const [values] = script.split('const one =');
    const groups = new Function(`${values!.split('function movesScript')[0]}; return groups;`)() as {
      id: string;
    }[][];
    expect(groups.flat().map(({ id }) => id)).toContain(`test/${ODD}`);
    const own = new Function(`${values}; return movesScript;`)() as typeof movesScript;
    const moves = [{ from: '/a', to: '/b/a', keeper: '/c' }];
    for (const shell of ['sh', 'powershell'] as const)
      expect(own(moves, '/b', shell)).toBe(movesScript(moves, '/b', shell));
  });
});
