/** @file Commands without a named model: which one they use, what they say of it, what they do when it is damaged. */
import { cpSync, existsSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadEmbedder } from '#src/embedding/index.js';
import { bundledFolder, catalogue, defaultModel } from '#src/models/catalogue.js';
import { makeImages, makeModel } from './images.js';
import { run, scratch } from './run.js';

const { folder, remove } = scratch();
const root = path.join(import.meta.dirname, '..', '..');
const file = (...parts: string[]) => path.join(folder, ...parts);
const at = { cwd: folder };
const NOTE = new RegExp(
  `^using the bundled ${defaultModel}, .*"afterimage models pull clip-vit-b32" \\(605 MB\\), .*\\n`,
);
const entry = catalogue.find(({ name }) => name === defaultModel)!;
const length = (row: string) => (JSON.parse(row) as { embedding: number[] }).embedding.length;

beforeAll(async () => {
  await makeImages(file('photos'), 3);
  makeModel(file('net'), 'cnn/resnet-basic', 64);
});
afterAll(remove);

describe('the line about the default', () => {
  it.each<[string[], boolean]>([
    [['embed', 'photos/000.jpg'], true],
    [['embed', 'photos', '--out', 'a.npy'], true],
    [['embed', 'photos', '--out', 'b.npy', '--json'], false],
    [['embed', 'photos/000.jpg', '--quiet'], false],
    [['embed', 'photos/000.jpg', '--model', 'net'], false],
    [['embed', 'photos/000.jpg', '--model', defaultModel], false],
    [['precision', 'photos'], true],
    [['precision', 'photos', '--json'], false],
    [['precision', 'photos', '--model', 'net'], false],
  ])('%j: %s', async (words, told) => {
    const { code, stderr } = await run(words, at);
    expect({ code, stderr }).toEqual({ code: 0, stderr: told ? expect.stringMatching(NOTE) : '' });
    expect(stderr.split('using the bundled')).toHaveLength(told ? 2 : 1);
  });

  it('names a model of the catalogue', () => {
    expect(catalogue.find(({ name }) => name === 'clip-vit-b32')).toMatchObject({
      bundled: false,
      megabytes: 605,
    });
  });
});

it('no cache is needed', async () => {
  const { code, stdout } = await run(['embed', 'photos/000.jpg'], {
    ...at,
    env: { AFTERIMAGE_CACHE: '/dev/null/nowhere', HF_HOME: '/dev/null/nowhere' },
  });
  expect(code).toBe(0);
  expect(length(stdout)).toBe(entry.outputs[entry.defaultOutput]);
  expect(existsSync(file('.hf'))).toBe(false);
});

it('no bundled model asks the network for anything', async () => {
  let asked = 0;
  const hub = createServer((_, response) => {
    asked++;
    response.statusCode = 404;
    response.end();
  });
  await new Promise<void>((resolve) => hub.listen(0, '127.0.0.1', resolve));
  const endpoint = `http://127.0.0.1:${(hub.address() as AddressInfo).port}`;
  const env = { HF_HUB_OFFLINE: '', HF_ENDPOINT: endpoint };
  try {
    for (const { name, bundled, text, outputs, defaultOutput } of catalogue) {
      if (!bundled) continue;
      await using embedder = await loadEmbedder(name, { endpoint, offline: false, cacheDir: file('.hf') });
      const vectors = [
        ...(await embedder.embedImages([file('photos', '000.jpg')])),
        ...(text ? await embedder.embedTexts(['a cat']) : []),
      ];
      for (const vector of vectors) expect([name, vector.length]).toEqual([name, outputs[defaultOutput]]);
    }
    for (const words of [
      ['embed', 'photos/000.jpg'],
      ['models', 'pull', defaultModel],
      ['models', 'list'],
    ])
      expect(await run(words, { ...at, env })).toMatchObject({ code: 0 });
    expect(asked).toBe(0);
    const remote = await run(['embed', 'photos/000.jpg', '--model', 'resnet18'], { ...at, env });
    expect([remote.code, asked > 0]).toEqual([1, true]); // the server is the one that would be asked
  } finally {
    hub.closeAllConnections();
    hub.close();
  }
});

describe('a damaged package', () => {
  const copy = file('package');
  const model = path.join(copy, 'models', defaultModel);
  const weights = path.join(model, 'model.safetensors');
  const config = path.join(model, 'config.json');
  beforeAll(() => {
    for (const part of ['dist', 'package.json'])
      cpSync(path.join(root, part), path.join(copy, part), { recursive: true });
    symlinkSync(path.join(root, 'node_modules'), path.join(copy, 'node_modules'), 'junction');
  });

  it.each<[string, string, () => void]>([
    [
      'one changed byte of a weight',
      weights,
      () => {
        const bytes = readFileSync(weights);
        bytes[bytes.length - 1000]! ^= 1;
        writeFileSync(weights, bytes);
      },
    ],
    ['weights cut short', weights, () => truncateSync(weights, 100_000)],
    ['a missing file', config, () => rmSync(config)],
  ])('%s: an error names the file, the model and the remedy', async (_, damaged, damage) => {
    rmSync(path.join(copy, 'models'), { recursive: true, force: true });
    cpSync(path.join(bundledFolder(defaultModel), '..'), path.join(copy, 'models'), { recursive: true });
    damage();
    const bin = path.join(copy, 'dist', 'cli', 'bin.js');
    const { code, stdout, stderr } = await run(['embed', 'photos', '--quiet'], { ...at, bin });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(`${damaged}: this file of the bundled model ${defaultModel} is `);
    expect(stderr).toContain('npm install afterimage');
    expect((await run(['models', 'list'], { ...at, bin })).code).toBe(0);
  });
});
