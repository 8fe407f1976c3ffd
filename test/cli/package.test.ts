/** @file What runs on the packaged model and samples: demo, doctor, the default model; from a copy of the package. */
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Diagnosis } from '#src/embedding/index.js';
import { readEmbeddings } from '#src/embedding/index.js';
import { defaultModel } from '#src/models/catalogue.js';
import { makeClip, makeModel } from './images.js';
import { run, scratch } from './run.js';

const { folder, remove } = scratch();
const root = path.join(import.meta.dirname, '..', '..');
const at = { cwd: folder };
afterAll(remove);

describe('demo', () => {
  it('indexes the samples, shows a failure, prints neighbours and writes a page', async () => {
    const { code, stdout, stderr } = await run(['demo'], at);
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringMatching(/^using the bundled .*\n$/) });
    const pictures = readdirSync(path.join(root, 'samples')).filter((name) => /\.(jpg|png)$/.test(name));
    expect(stdout).toContain(`${pictures.length} images`);
    expect(stdout).toMatch(/failed: damaged\.jpg: .+ \(decode\)/);
    expect(stdout).toMatch(/^ +cat-running-1 +[01]\.\d\d \S+ +[01]\.\d\d \S+/m);
    expect(stdout.split('\n').filter((line) => [...line].length > 110)).toEqual([]);

    const out = (name: string) => path.join(folder, 'afterimage-demo', name);
    const { ids, identity } = await readEmbeddings(out('vectors.parquet'));
    expect(ids.sort()).toEqual(pictures.sort());
    expect(identity!.model).toBe(defaultModel);
    const page = readFileSync(out('neighbours.html'), 'utf8');
    expect(page.match(/<section><figure>/g)!.length).toBe(pictures.length);
    expect(page).not.toMatch(/<script|src=|href=|https?:/);
    expect(page.length).toBeLessThan(400_000);

    expect((await run(['demo'], at)).code).toBe(0); // once more into the same folder

    const search = ['search', 'boats on the water', '--no-indexing', '-t', '1', '-c', out('photos')];
    expect((await run(search, at)).stdout).toMatch(/^0\.\d{3}\t.*boats-nagasaki\.jpg\n$/);
  });

  it('searches and labels with a model that knows words', async () => {
    makeClip(path.join(folder, 'clip'));
    const { code, stdout } = await run(['demo', '--model', 'clip', '-o', 'words'], at);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^3\. Search[\s\S]*^ +boats on the water +-?0\.\d\d \S+ /m);
    const [, ...shares] = /^ +coffee-cup +(\d+) % .* (\d+) % .* (\d+) % /m.exec(stdout)!.map(Number);
    expect(shares).toEqual([...shares].sort((a, b) => b - a));
    expect(shares.reduce((sum, n) => sum + n, 0)).toBeLessThanOrEqual(101); // each is rounded
    const page = readFileSync(path.join(folder, 'words', 'neighbours.html'), 'utf8');
    expect(page.match(/<section><q>/g)!.length).toBe(5);
  });

  it('does without words where the model knows none, and leaves nothing behind for one that is unknown', async () => {
    makeModel(path.join(folder, 'net'), 'cnn/resnet-basic', 64);
    const { code, stdout, stderr } = await run(['demo', '--model', 'net', '-o', 'plain'], at);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('net knows no words');
    expect(stdout).toMatch(/^3\. What is on the disk/m);

    const unknown = await run(['demo', '--model', 'mini-cln', '-o', 'nothing'], at);
    expect(unknown).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('did you mean') });
    expect(existsSync(path.join(folder, 'nothing'))).toBe(false);
  });

  it('leaves a folder alone that holds something else', async () => {
    mkdirSync(path.join(folder, 'mine'));
    writeFileSync(path.join(folder, 'mine', 'thesis.txt'), 'x');
    const { code, stderr } = await run(['demo', '--out', 'mine'], at);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('thesis.txt') });
    expect(readdirSync(path.join(folder, 'mine'))).toEqual(['thesis.txt']);
  });
});

describe('doctor', () => {
  const copy = path.join(folder, 'package');
  beforeAll(() => {
    for (const part of ['dist', 'samples', 'models', 'package.json'])
      cpSync(path.join(root, part), path.join(copy, part), { recursive: true });
    symlinkSync(path.join(root, 'node_modules'), path.join(copy, 'node_modules'), 'junction');
  });
  const doctor = (...args: string[]) =>
    run(['doctor', ...args], { ...at, bin: path.join(copy, 'dist/cli/bin.js') });

  it('passes on an intact package', async () => {
    const { code, stdout } = await doctor();
    expect(stdout).toContain('all is well');
    expect(stdout).toMatch(/pass {2}embed \S+ with mini-cnn: cosine 1\.000000/);
    expect(stdout).toMatch(/pass {2}embed \S+ with mini-clip: cosine 1\.000000/);
    expect(stdout).toMatch(/pass {2}embed "[^"]+" with mini-clip: cosine 1\.000000/);
    expect(stdout).toMatch(/self-test against .*Pillow \d/);
    expect(code).toBe(0);
    const json = await doctor('--json');
    const found = JSON.parse(json.stdout) as Diagnosis;
    expect(found.healthy).toBe(true);
    expect(found.checks.length).toBeGreaterThanOrEqual(10);
    expect(found.versions.node).toBe(process.versions.node);
    expect(found.devices).toContain('cpu');
    expect(found.hub.offline).toBe(true);
    expect(found.caches.afterimage).toMatchObject({ folder: path.join(folder, '.cache'), writable: true });
  });

  it('tells which step differs', async () => {
    const [first] = (JSON.parse(readFileSync(golden(), 'utf8')) as { samples: { file: string }[] }).samples;
    const changed = path.join(copy, 'samples', first!.file);
    cpSync(path.join(root, 'samples', 'coffee-cup.jpg'), changed);
    const { code, stdout } = await doctor();
    expect(code).toBe(1);
    expect(stdout).toContain(`FAIL  decode ${first!.file}`);
    expect(stdout).toContain(`FAIL  embed ${first!.file}`);
    expect(stdout).toMatch(/\d+ of \d+ checks failed/);
  });

  it('says so when the package is incomplete', async () => {
    appendFileSync(golden(), '}');
    const { code, stdout } = await doctor();
    expect(code).toBe(1);
    expect(stdout).toMatch(/FAIL {2}open mini-cnn: .*JSON/);
  });

  const golden = () => path.join(copy, 'models', 'mini-cnn', 'golden.json');
});
