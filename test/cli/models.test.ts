/** @file `afterimage models`: listing, describing, checking and removing, over a cache as Python's tools leave it. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeModel } from './images.js';
import { run, scratch } from './run.js';

const { folder, remove } = scratch();
const at = { cwd: folder };
const COMMIT = 'c'.repeat(40);
const repoFolder = (repo: string) => path.join(folder, '.hf', 'hub', `models--${repo.replace('/', '--')}`);
const blobs: Record<string, string> = {};

/** Puts files into the cache: blobs by checksum, and a snapshot of links. */
function cache(repo: string, files: Record<string, Buffer>): void {
  const home = repoFolder(repo);
  const snapshot = path.join(home, 'snapshots', COMMIT);
  for (const part of [path.join(home, 'blobs'), path.join(home, 'refs'), snapshot])
    mkdirSync(part, { recursive: true });
  writeFileSync(path.join(home, 'refs', 'main'), COMMIT);
  for (const [name, content] of Object.entries(files)) {
    const sum = createHash('sha256').update(content).digest('hex');
    blobs[`${repo}/${name}`] = path.join(home, 'blobs', sum);
    writeFileSync(path.join(home, 'blobs', sum), content);
    symlinkSync(path.join('..', '..', 'blobs', sum), path.join(snapshot, name));
  }
}

beforeAll(() => {
  const net = makeModel(path.join(folder, 'net'), 'cnn/resnet-basic', 64);
  const read = (name: string) => readFileSync(path.join(net, name));
  cache('timm/resnet18.tv_in1k', {
    'model.safetensors': read('model.safetensors'),
    'config.json': read('config.json'),
  });
  cache('timm/resnet34.tv_in1k', { 'config.json': read('config.json') });
  cache('someone/else', { 'model.safetensors': read('model.safetensors') });
});
afterAll(remove);

describe('models list', () => {
  it('shows every short name once, with its state', async () => {
    const { code, stdout } = await run(['models', 'list'], at);
    expect(code).toBe(0);
    const lines = stdout.trim().split('\n');
    expect(lines[0]).toMatch(/^name +family +dimension/);
    const state = (name: string) =>
      lines
        .find((line) => line.startsWith(`${name} `))
        ?.split(/ +/)
        .at(-1);
    for (const name of ['mini-clip', 'mini-vit', 'mini-cnn', 'mini-siamese', 'mini-autoencoder'])
      expect(state(name)).toBe('bundled');
    expect(state('resnet18')).toBe('cached');
    expect(state('resnet34')).toBe('incomplete');
    expect(state('clip-vit-b32')).toBe('remote');
    expect(lines.find((l) => l.startsWith('resnet50 '))).toMatch(/cnn +2,048 +102 MB +BSD-3-Clause/);
    expect(stdout).not.toContain('someone/else');
    expect((await run(['models', 'list', '--all'], at)).stdout).toContain('someone/else');
  });

  it('speaks JSON', async () => {
    const { stdout } = await run(['models', 'list', '--json'], at);
    const { models } = JSON.parse(stdout) as { models: { name: string; state: string; dimension: number }[] };
    expect(new Set(models.map((m) => m.name)).size).toBe(models.length);
    expect(models).toContainEqual(
      expect.objectContaining({ name: 'clip-vit-l14', dimension: 768, text: true }),
    );
  });
});

describe('models info', () => {
  it('describes a model by any of its names', async () => {
    const { code, stdout } = await run(['models', 'info', 'ViT-B/32'], at);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^name +clip-vit-b32$/m);
    expect(stdout).toMatch(/^outputs +projection 512 \(default\)/m);
    expect(stdout).toMatch(/^source +https:\/\/huggingface\.co\/openai\/clip-vit-base-patch32/m);
    expect(stdout).toMatch(/^licence +MIT$/m);
  });

  it('names the licence and the card of a bundled model', async () => {
    const { stdout } = await run(['models', 'info', 'mini-clip'], at);
    expect(stdout).toMatch(/^outputs +projection 256 \(default\)/m);
    expect(stdout).toMatch(/^texts +yes/m);
    expect(stdout).toMatch(/^licence +Apache-2\.0$/m);
    expect(stdout).toMatch(/^model card +\S.*models.mini-clip.README\.md$/m);
  });

  it('reads a local folder', async () => {
    const { stdout } = await run(['models', 'info', './net', '--json'], at);
    expect(JSON.parse(stdout)).toMatchObject({
      name: 'net',
      state: 'local',
      architecture: 'resnet',
      defaultOutput: 'pooled',
      inputSize: [64, 64],
    });
  });

  it('suggests the nearest name', async () => {
    const { code, stderr } = await run(['models', 'info', 'dinov2-smal'], at);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringContaining('did you mean "dinov2-small"'),
    });
  });
});

describe('models verify and remove', () => {
  it('finds whole files whole', async () => {
    const { code, stdout } = await run(['models', 'verify', 'resnet18'], at);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^whole {2}timm\/resnet18\.tv_in1k \(2 files\)$/m);
  });

  it('finds one changed byte, and says how to repair', async () => {
    const blob = blobs['timm/resnet18.tv_in1k/model.safetensors']!;
    const bytes = readFileSync(blob);
    bytes[bytes.length - 5]! ^= 1;
    writeFileSync(blob, bytes);
    const { code, stdout, stderr } = await run(['models', 'verify'], at);
    expect(code).toBe(1);
    expect(stdout).toMatch(/DAMAGED {2}timm\/resnet18\.tv_in1k[\s\S]*model\.safetensors: checksum/);
    expect(stdout).toMatch(/whole {2}someone\/else/);
    expect(stderr).toContain('models pull timm/resnet18.tv_in1k');
  });

  it('removes one repository and no other', async () => {
    const { code, stdout } = await run(['models', 'remove', 'resnet18'], at);
    expect(code).toBe(0);
    expect(stdout).toMatch(/removed timm\/resnet18\.tv_in1k \(\d/);
    expect(existsSync(repoFolder('timm/resnet18.tv_in1k'))).toBe(false);
    expect(existsSync(repoFolder('someone/else'))).toBe(true);
    expect((await run(['models', 'remove', 'resnet18'], at)).code).toBe(1);
    expect(await run(['models', 'remove', 'mini-cnn'], at)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('part of the package'),
    });
  });

  it('cannot pull without network, and says so', async () => {
    const { code, stderr } = await run(['models', 'pull', 'resnet50'], at);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('offline') });
  });
});
