/** @file `afterimage classify`, as a user does it: from files of vectors, and from and into a collection. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { evaluate } from '#src/cli/commands/classify/evaluate.js';
import { fit } from '#src/cli/commands/classify/fit.js';
import { predict } from '#src/cli/commands/classify/predict.js';
import { openCollection } from '#src/collection/collection.js';
import { importVectors } from '#src/collection/index.js';
import { IdentityError, UsageError } from '#src/errors.js';
import { Random } from '#src/random.js';
import { capture } from './capture.js';
import { run, scratch } from './run.js';

const { folder, remove } = scratch();
const known = path.join(folder, 'known.jsonl');
const others = path.join(folder, 'others.jsonl');
const head = path.join(folder, 'kinds.head');
const NAMES = ['boot', 'coat', 'hat'];
const DIMENSION = 12;

/** Writes vectors around a centre for each class, which are the same for every seed, with the identity beside. */
function write(file: string, seed: number, classes: readonly string[], model = 'planted'): void {
  const random = new Random(seed, 'vectors');
  const lines = classes.map((name, i) => {
    const centres = NAMES.map((kind) => new Random(4, kind));
    const vector = Array.from({ length: DIMENSION }, () => {
      const along = centres.map((centre) => 0.9 * centre.normal());
      const away = -10 * along.reduce((sum, x) => sum + x, 0); // a sofa is what no other kind is
      return (along[NAMES.indexOf(name)] ?? away) + random.normal();
    });
    const id = `${i % 4 === 0 ? 'test' : 'train'}/${name}/${String(i).padStart(3, '0')}.jpg`;
    return JSON.stringify({ id, vector, metadata: { kind: name, owner: `owner ${i % 20}` } });
  });
  writeFileSync(file, `${lines.join('\n')}\n`);
  const identity = {
    model,
    revision: null,
    weights: 'b'.repeat(64),
    dtype: 'fp32',
    transform: null,
    output: 'pooled',
    normalized: false,
    dimension: DIMENSION,
  };
  writeFileSync(`${file}.identity.json`, JSON.stringify(identity));
}

const cycle = (count: number, names = NAMES) =>
  Array.from({ length: count }, (_, i) => names[i % names.length]!);

beforeAll(async () => {
  write(known, 1, cycle(120));
  write(others, 2, [...cycle(60), 'sofa', 'sofa']);
  const { code } = await run(['classify', 'fit', known, '--out', head, '--quiet'], { cwd: folder });
  expect(code).toBe(0);
}, 60_000);
afterAll(remove);

describe('classify fit', () => {
  it('prints what was tried, and how good the best is', async () => {
    const options = ['--method', 'svm', '--regularization', '0.5', '--regularization', '5', '--folds', '2'];
    const out = path.join(folder, 'svm.head');
    const { code, stdout, stderr } = await capture(fit, [known, ...options, '--out', out, '--split', 'id']);
    expect(code).toBe(0);
    expect(stdout).toContain('90 images of 3 classes (folder)');
    expect(stdout).toMatch(/svm, C = 0\.5 +[01]\.\d{3} .*\n +svm, C = 5 /);
    expect(stdout.match(/taken$/gm)).toHaveLength(1);
    expect(stdout).toMatch(/on the items kept for the test\n +of 30 images +value +95 % interval/);
    expect(stdout).toMatch(/accuracy +[01]\.\d{3} +[01]\.\d{3} to [01]\.\d{3}/);
    expect(stdout).toMatch(/boot +30 +/);
    expect(stdout).toMatch(/of held-out images \d\.\d % are called so/);
    expect(stderr).toContain('classify predict');
  });

  it('prints the same as JSON, with columns of labels and groups', async () => {
    const words = ['--label', 'kind', '--group', 'owner', '--class-weights', 'boot=2', '--json', '-q'];
    const { stdout } = await capture(fit, [known, ...words, '--out', head]);
    const found = JSON.parse(stdout) as {
      group: string;
      classWeights: Record<string, number>;
      score: string;
      tried: { accuracy: number }[];
      crossValidated: { confusion: number[][]; accuracy: { low: number } };
    };
    expect(found).toMatchObject({ group: 'owner', label: 'kind', classWeights: { boot: 2 }, names: NAMES });
    expect(found.crossValidated.confusion.flat().reduce((a, b) => a + b, 0)).toBe(120);
    expect(found.crossValidated.accuracy.low).toBeGreaterThan(0.7);
  });

  it('refuses what cannot be meant', async () => {
    await expect(capture(fit, [known])).rejects.toThrow('should the classifier be written');
    await expect(capture(fit, [known, '-o', head, '--class-weights', 'heavy'])).rejects.toThrow(UsageError);
    await expect(capture(fit, [known, '-o', head, '--label', 'knd'])).rejects.toThrow('no column "knd"');
    await expect(capture(fit, [known, '-o', head, '--method', 'svn'])).rejects.toThrow(/svm/);
    const ended = await run(['classify', 'fit', known, '-o', head, '--group', 'ownr'], { cwd: folder });
    expect([ended.code, ended.stdout]).toEqual([2, '']);
    expect(ended.stderr).toContain('did you mean "owner"?');
  });
});

describe('classify predict', () => {
  it('prints path, class, probability, and what is unlike', async () => {
    const { code, stdout, stderr } = await run(['classify', 'predict', head, others], { cwd: folder });
    expect(code).toBe(0);
    const rows = stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split('\t'));
    expect(rows).toHaveLength(62);
    const right = rows.filter(([file, label]) => file!.split('/').at(-2) === label);
    expect(right.length).toBeGreaterThan(45);
    for (const [file, , , flag] of rows) if (file!.includes('sofa')) expect(flag).toBe('unlike');
    expect(stderr).toMatch(/images? of 62 unlike anything seen in training/);
  });

  it('prints more of each as JSON, and writes CSV', async () => {
    const { stdout } = await capture(predict, [head, others, '--json', '--top', '2', '--neighbors', '2']);
    const first = JSON.parse(stdout.split('\n')[0]!) as {
      labels: { label: string; probability: number }[];
      neighbours: { id: string; label: string; score: number }[];
      unlike: boolean;
    };
    expect(first.labels[0]!.probability).toBeGreaterThan(first.labels[1]!.probability);
    expect(first.neighbours).toHaveLength(2);
    expect(first.neighbours[0]!.score).toBeGreaterThanOrEqual(first.neighbours[1]!.score);
    const out = path.join(folder, 'out.csv');
    await capture(predict, [head, others, '--out', out, '--neighbors', '1']);
    const lines = readFileSync(out, 'utf8').trim().split('\n');
    expect(lines).toHaveLength(63);
    expect(lines[0]).toBe('path,label,probability,unlike,distance,neighbour_1,neighbour_1_cosine');
    expect(lines[1]!.split(',')).toHaveLength(7);
  });

  it('keeps classes as columns of a collection', async () => {
    const place = path.join(folder, 'photos', '.afterimage');
    mkdirSync(path.dirname(place));
    const collection = await openCollection(place, { create: true, root: path.join(folder, 'photos') });
    try {
      await importVectors(collection, others);
    } finally {
      await collection.close();
    }
    const words = [head, path.join(folder, 'photos'), '--save', 'predicted', '-q'];
    expect((await capture(predict, words)).code).toBe(0);
    const { stdout } = await capture(evaluate, [
      head,
      path.join(folder, 'photos'),
      '--label',
      'predicted',
      '--where',
      'predicted_probability > 0.5 and predicted_unlike = false',
    ]);
    expect(stdout).toMatch(/ accuracy +1\.000 /); // it agrees with itself
  }, 60_000);

  it('refuses vectors of another model, and places that keep no columns', async () => {
    const strange = path.join(folder, 'strange.jsonl');
    write(strange, 3, cycle(9), 'another');
    await expect(capture(predict, [head, strange])).rejects.toThrow(IdentityError);
    await expect(capture(evaluate, [head, strange])).rejects.toThrow(IdentityError);
    await expect(capture(predict, [head, others, '--save', 'kind'])).rejects.toThrow('--save keeps');
  });
});

describe('classify evaluate', () => {
  it('measures on images of known classes', async () => {
    const { stdout, stderr } = await capture(evaluate, [head, others]);
    expect(stdout).toContain(': 60 images');
    expect(stdout).toMatch(/balanced accuracy +0\.[89]/);
    expect(stderr).toContain('2 items without a class that was learned (sofa)');
    const json = JSON.parse((await capture(evaluate, [head, others, '--json'])).stdout) as { count: number };
    expect(json.count).toBe(60);
  });
});
