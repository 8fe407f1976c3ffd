/** @file Where a model is looked for, and which of a repository's files are fetched. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HubError, ModelError, WeightsError } from '#src/errors.js';
import { locateModel } from '#src/models/locate.js';
import { HubServer } from './hub-server.js';

it.each([
  ['acme/pictures@v2', undefined, 'v2'],
  ['acme/pictures@v2', 'v3', 'v3'],
  ['acme/pictures', 'v3', 'v3'],
])('%s with the revision %s is looked up at %s', async (name, revision, expected) => {
  const cacheDir = mkdtempSync(path.join(tmpdir(), 'locate-'));
  try {
    const error = await locateModel(name, { offline: true, cacheDir, revision }).catch((e: Error) => e);
    expect(error).toBeInstanceOf(HubError);
    expect((error as HubError).message).toMatch(`acme/pictures at revision "${expected}"`);
  } finally {
    rmSync(cacheDir, { recursive: true, force: true });
  }
});

describe('of a repository that the catalogue does not know', () => {
  let server: HubServer;
  let cacheDir: string;
  beforeAll(async () => {
    server = await new HubServer().start();
    cacheDir = mkdtempSync(path.join(tmpdir(), 'locate-'));
  });
  afterAll(async () => {
    await server.stop();
    rmSync(cacheDir, { recursive: true, force: true });
  });
  const locate = (name: string) => locateModel(name, { endpoint: server.endpoint, cacheDir, offline: false });

  it('the data beside an .onnx file comes along', async () => {
    server.publish('acme/onnx', { 'model.onnx': 'graph', 'model.onnx_data': 'numbers', 'other.txt': '' });
    const { path: folder } = await locate('acme/onnx');
    expect(readdirSync(folder).sort()).toEqual(['model.onnx', 'model.onnx_data']);
  });

  it('a network in the folder onnx is found', async () => {
    server.publish('acme/web', {
      'config.json': '{}',
      'onnx/model.onnx': 'graph',
      'onnx/model_quantized.onnx': 'q',
    });
    const { path: folder } = await locate('acme/web');
    expect(readdirSync(folder, { recursive: true }).sort()).toEqual([
      'config.json',
      'onnx',
      'onnx/model.onnx',
    ]);
  });

  it('the shards that an index names come along', async () => {
    const weight_map = { a: 'one.safetensors', b: 'two.safetensors', c: 'one.safetensors' };
    const index = JSON.stringify({ weight_map });
    const shards = { 'one.safetensors': '1', 'two.safetensors': '2' };
    server.publish('acme/shards', { 'model.safetensors.index.json': index, ...shards });
    const { path: folder } = await locate('acme/shards');
    expect(readdirSync(folder).sort()).toEqual(['model.safetensors.index.json', ...Object.keys(shards)]);
  });

  it.each([['not JSON'], ['{}'], ['{"weight_map": {"a": 1}}']])(
    'an index of %s is refused',
    async (content) => {
      const repo = `acme/broken${content.length}`;
      server.publish(repo, { 'model.safetensors.index.json': content });
      await expect(locate(repo)).rejects.toThrow(WeightsError);
    },
  );

  it('several weight files are not guessed between', async () => {
    server.publish('acme/two', { 'a.safetensors': '1', 'b.safetensors': '2' });
    const error = await locate('acme/two').catch((e: Error) => e);
    expect(error).toBeInstanceOf(ModelError);
    expect((error as ModelError).message).toBe(
      'acme/two: several weight files to choose from: a.safetensors, b.safetensors',
    );
  });
});
