/** @file The bundled models' files: whole ones are known by their checksums, damaged ones are named. */
import { createHash } from 'node:crypto';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WeightsError } from '#src/errors.js';
import { checkBundled } from '#src/models/bundle.js';
import { type BundledModel, bundledFolder, catalogue } from '#src/models/catalogue.js';
import { listModels } from '#src/models/inventory.js';
import { loadModel } from '#src/models/load.js';
import { openWeights } from '#src/models/weights/index.js';

const bundled = catalogue.filter((model): model is BundledModel => model.bundled);
const sha256 = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex');

describe.each(bundled.map((model) => [model.name, model] as const))('%s', (name, entry) => {
  const folder = bundledFolder(name);
  const files = readdirSync(folder);

  it('has the checksum of every file in the list (node scripts/checksums.mjs writes it)', () => {
    const made = files.filter((file) => !['README.md', 'golden.json'].includes(file));
    const expected = made.map((file) => [file, sha256(readFileSync(path.join(folder, file)))]);
    expect(checkBundled(folder)).toEqual(Object.fromEntries(expected));
  });

  it('is what the catalogue says', async () => {
    const model = await loadModel(name);
    const { architecture, defaultOutput, licence, text } = entry;
    expect(model).toMatchObject({
      name,
      revision: null,
      architecture,
      defaultOutput,
      licence,
      hasText: text,
    });
    const dimensions = [...model.network!.graph.outputs]
      .filter(([output]) => output in entry.outputs)
      .map(([output, value]) => [output, value.shape.at(-1)]);
    expect(Object.fromEntries(dimensions)).toEqual(entry.outputs);
    expect(await model.weightsHash()).toBe(sha256(readFileSync(path.join(folder, 'model.safetensors'))));
    const { tensors } = await openWeights(folder);
    let parameters = 0;
    for (const [tensor, { shape }] of tensors)
      if (!/\.running_(mean|var)$/.test(tensor)) parameters += shape.reduce((n, d) => n * d, 1);
    expect(entry.parameters).toBe(parameters);
  });

  it('is listed with the bytes that it has, and has a card', async () => {
    const { models } = await listModels({ cacheDir: path.join(tmpdir(), 'no such cache') });
    const sizes = files.map((file) => readFileSync(path.join(folder, file)).length);
    const found = models.find((model) => model.name === name)!;
    expect(found).toMatchObject({ state: 'bundled', bytes: sizes.reduce((sum, n) => sum + n) });
    expect(files).toContain('README.md');
  });
});

it('all bundled models together stay small', async () => {
  const { models } = await listModels({ cacheDir: path.join(tmpdir(), 'no such cache') });
  const bytes = models.filter((m) => m.state === 'bundled').reduce((sum, m) => sum + m.bytes, 0);
  expect(bytes).toBeLessThan(30e6);
});

describe('a damaged bundle', () => {
  let home: string;
  let models = 0;
  beforeAll(() => {
    home = mkdtempSync(path.join(tmpdir(), 'bundle-'));
  });
  afterAll(() => rmSync(home, { recursive: true, force: true }));

  /** A model of its own, since a model that was found whole is not read again. */
  function makeModel(): { folder: string; file: (name: string) => string } {
    const folder = path.join(home, `${models++}`, 'net');
    mkdirSync(folder, { recursive: true });
    const content = { 'config.json': '{}', 'model.safetensors': 'numbers' };
    const sums: Record<string, string> = {};
    for (const [name, text] of Object.entries(content)) {
      writeFileSync(path.join(folder, name), text);
      sums[name] = sha256(text);
    }
    writeFileSync(path.join(folder, '..', 'checksums.json'), JSON.stringify({ net: sums }));
    return { folder, file: (name) => path.join(folder, name) };
  }
  /** The error that a call ends in. */
  function thrownBy(call: () => unknown): WeightsError {
    try {
      call();
    } catch (error) {
      expect(error).toBeInstanceOf(WeightsError);
      return error as WeightsError;
    }
    throw new Error('expected an error');
  }
  type Damage = (file: (name: string) => string) => string;

  it.each<[string, Damage, RegExp]>([
    [
      'one changed byte',
      (file) => {
        writeFileSync(file('model.safetensors'), 'numbest');
        return file('model.safetensors');
      },
      /bundled model net is damaged \(sha256 \w{8}…, expected \w{8}…\)/,
    ],
    [
      'a file cut short',
      (file) => {
        truncateSync(file('model.safetensors'), 3);
        return file('model.safetensors');
      },
      /bundled model net is damaged/,
    ],
    [
      'a file that is missing',
      (file) => {
        rmSync(file('config.json'));
        return file('config.json');
      },
      /bundled model net is missing/,
    ],
    [
      'checksums that are missing',
      (file) => {
        rmSync(file('../checksums.json'));
        return file('../checksums.json');
      },
      /bundled model net is missing/,
    ],
    [
      'checksums that are damaged',
      (file) => {
        truncateSync(file('../checksums.json'), 20);
        return file('../checksums.json');
      },
      /expected JSON with the checksums of the bundled model net/,
    ],
  ])('%s', (_, damage, message) => {
    const { folder, file } = makeModel();
    const damaged = damage(file);
    const error = thrownBy(() => checkBundled(folder));
    expect(error.file).toBe(damaged);
    expect(error.message).toMatch(message);
    expect(error.hint).toContain('npm install afterimage');
  });

  it('is looked at again once it is repaired, and not again once it was whole', () => {
    const { folder, file } = makeModel();
    writeFileSync(file('config.json'), 'x');
    thrownBy(() => checkBundled(folder));
    writeFileSync(file('config.json'), '{}');
    const sums = checkBundled(folder);
    expect(sums).toEqual({ 'config.json': sha256('{}'), 'model.safetensors': sha256('numbers') });
    rmSync(file('config.json'));
    expect(checkBundled(folder)).toBe(sums);
  });
});
