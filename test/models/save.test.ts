/** @file Model folders: written whole, opened by everything that opens a published model. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadEmbedder } from '#src/embedding/index.js';
import { UsageError, WeightsError } from '#src/errors.js';
import { torchvisionTransform } from '#src/image/index.js';
import {
  type AutoencoderConfig,
  autoencoder,
  autoencoderConfig,
  autoencoderJson,
  backboneConfig,
  loadModel,
  type ModelFolder,
  preprocessorConfig,
  resizedTransform,
  saveModel,
  siamese,
  siameseConfig,
  siameseJson,
  transformTo,
} from '#src/models/index.js';
import { readModelCard } from '#src/models/model-card.js';
import { parseTransform } from '#src/models/preprocessing.js';
import { initialise } from '#src/training/initialise.js';
import { makeImages } from '../cli/images.js';
import { run } from '../cli/run.js';
import { missing, runPython } from './python.js';

let folder: string;
const at = (...parts: string[]) => path.join(folder, ...parts);
const options = { threads: 1, workers: 0, inline: true } as const;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'save-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const card: ModelFolder['card'] = {
  title: 'shapes',
  summary: 'Made by a test | of two lines\nand a bar.',
  licence: 'cc-by-4.0',
  tags: ['autoencoder', 'a: b'],
  network: { input: '3 × 32 × 32', parameters: 12345 },
  data: { images: 40 },
  split: { validation: 0.1 },
  training: { loss: 'mse', 'learning rate': 0.001 },
  metrics: { psnr: 26.123456789 },
  seed: 7,
};

function autoencoderFolder(given: Partial<AutoencoderConfig> = {}): ModelFolder {
  const config = autoencoderConfig({ height: 32, width: 32, channels: [4, 6], latent: 5, ...given });
  return {
    config: autoencoderJson(config),
    tensors: initialise(autoencoder.image(config).parameters.values(), 1),
    transform: transformTo(config),
    card,
  };
}

describe('saveModel', () => {
  it('makes a folder that opens like any published model', async () => {
    await saveModel(at('ae'), autoencoderFolder({ variational: true, batchNorm: true }));
    expect(readdirSync(at('ae')).sort()).toEqual([
      'README.md',
      'config.json',
      'model.safetensors',
      'preprocessor_config.json',
    ]);
    await using embedder = await loadEmbedder(at('ae'), options);
    expect(embedder.identity).toMatchObject({ model: 'ae', output: 'latent', dimension: 5, revision: null });
    expect(embedder.identity.weights).toMatch(/^[0-9a-f]{64}$/);
    expect(embedder.model.transform).toEqual(transformTo({ height: 32, width: 32 }));
    const images = await makeImages(at('images'), 3);
    const vectors = await embedder.embedImages(images.map((name) => at('images', name)));
    expect(new Set(vectors.map((v) => v.join())).size).toBe(3);
    expect(await readModelCard(at('ae'))).toMatchObject({
      licence: 'cc-by-4.0',
      tags: ['autoencoder', 'a: b'],
    });
    const text = readFileSync(at('ae', 'README.md'), 'utf8');
    expect(text).toContain('| psnr | 26.1235 |');
    expect(text).toContain('| seed | 7 |');
    expect(text).toMatch(/\| onnxruntime-node \| \d+\./);
  });

  it('works on the command line: embed, models info', async () => {
    await saveModel(at('cli'), autoencoderFolder());
    await makeImages(at('photos'), 2);
    const embedded = await run(['embed', 'photos', '--model', './cli', '--out', 'v.jsonl'], { cwd: folder });
    expect({ code: embedded.code, stderr: embedded.stderr }).toMatchObject({ code: 0 });
    expect(readFileSync(at('v.jsonl'), 'utf8').trim().split('\n').length).toBeGreaterThanOrEqual(2);
    const { stdout } = await run(['models', 'info', './cli', '--json'], { cwd: folder });
    expect(JSON.parse(stdout)).toMatchObject({
      architecture: 'autoencoder',
      defaultOutput: 'latent',
      licence: 'cc-by-4.0',
      inputSize: [32, 32],
    });
    const exported = await run(['models', 'export', './cli', '--out', 'ae.onnx', '--json'], { cwd: folder });
    expect(JSON.parse(exported.stdout)).toMatchObject({ file: 'ae.onnx', output: 'latent', shape: [5] });
  });

  it('keeps a Siamese network of any size that its backbone can take', async () => {
    const backbone = backboneConfig('resnet18-small', { inputSize: 48, width: 0.125 });
    const config = siameseConfig({ backbone, head: 6, hidden: 10 });
    const graph = siamese.image(config);
    await saveModel(at('siamese'), {
      config: siameseJson(config),
      tensors: initialise(graph.parameters.values(), 2, { scheme: backbone.scheme }),
      transform: transformTo(backbone.inputSize, { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] }),
      card,
    });
    const model = await loadModel(at('siamese'));
    expect(model).toMatchObject({ architecture: 'siamese', outputs: ['embedding', 'pooled'] });
    expect([...model.network!.graph.parameters.keys()]).toEqual([...graph.parameters.keys()]);
    expect(model.inputSize).toEqual({ height: 48, width: 48 });
    expect(model.transform.std).toEqual([0.5, 0.5, 0.5]);
  });

  it('replaces no model unless it is told to, and no other file ever', async () => {
    mkdirSync(at('there', 'training'), { recursive: true });
    writeFileSync(at('there', 'training', 'log.jsonl'), 'kept');
    await saveModel(at('there'), autoencoderFolder());
    const before = readFileSync(at('there', 'model.safetensors'));
    await expect(saveModel(at('there'), autoencoderFolder({ latent: 9 }))).rejects.toThrow(UsageError);
    expect(readFileSync(at('there', 'model.safetensors'))).toEqual(before);
    await saveModel(at('there'), autoencoderFolder({ latent: 9 }), { overwrite: true });
    expect((await loadModel(at('there'))).network!.graph.outputs.get('latent')!.shape).toEqual(['N', 9]);
    expect(readFileSync(at('there', 'training', 'log.jsonl'), 'utf8')).toBe('kept');
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('leaves nothing behind when it cannot write', async () => {
    const bad = autoencoderFolder();
    const tensors = new Map(
      [...('tensors' in bad ? bad.tensors : [])].map(([n, t]) => [n, { ...t, shape: [1] }]),
    );
    await expect(saveModel(at('bad'), { ...bad, tensors })).rejects.toThrow(WeightsError);
    writeFileSync(at('file'), '');
    await expect(saveModel(at('file'), autoencoderFolder())).rejects.toThrow(
      /expected a folder for the model/,
    );
    await expect(saveModel(at('file', 'inside'), autoencoderFolder())).rejects.toThrow();
    expect(existsSync(at('bad'))).toBe(false);
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  const small = process.env.AFTERIMAGE_SMALL_DISK; // a folder on a disk with less than 500 kB left
  it.skipIf(!small)('says that the disk is full (set AFTERIMAGE_SMALL_DISK to a folder on one)', async () => {
    const where = path.join(small!, 'model');
    const large = autoencoderFolder({ latent: 400 });
    await expect(saveModel(where, large)).rejects.toThrow(/no space is left on the disk/);
    expect(readdirSync(small!).filter((name) => name.startsWith('model'))).toEqual([]);
  });
});

describe('preprocessorConfig', () => {
  it.each([
    ['pixels in 0..1', transformTo({ height: 64, width: 64 }), false],
    [
      'a distorted square',
      transformTo({ height: 28, width: 28 }, { fit: 'exact', filter: 'lanczos' }),
      false,
    ],
    ['an oblong crop', transformTo({ height: 32, width: 48 }), true],
    ['torchvision', torchvisionTransform(), true],
  ])('of %s reads back to the same transform', (_, spec, exact) => {
    const json = JSON.parse(JSON.stringify(preprocessorConfig(spec))) as Record<string, unknown>;
    expect(parseTransform(json, 'x')).toEqual(spec);
    expect('afterimage_transform' in json).toBe(exact);
  });

  it('says what is missing in a transform of ours', () => {
    expect(() => parseTransform({ afterimage_transform: { mean: [0, 0, 0] } }, 'x.json')).toThrow(
      /x\.json: expected/,
    );
  });

  it('follows a change of size', () => {
    const spec = resizedTransform(torchvisionTransform(), { height: 64, width: 64 });
    expect(spec.resize!.size).toBe(73); // 256 · 64 / 224
    expect(spec.crop).toMatchObject({ height: 64, width: 64, rounding: 'even' });
  });
});

describe('model folders in Python', () => {
  const lacking = missing('torch', 'safetensors');
  if (lacking) {
    it.skip(`skipped: ${lacking}`);
    return;
  }
  it('are a state_dict of plain PyTorch layers', async () => {
    await saveModel(at('python'), autoencoderFolder({ batchNorm: true, kernel: 4 }));
    const code = `
import sys, json, torch
from torch import nn
from safetensors.torch import load_file
encoder = nn.Sequential(nn.Conv2d(3, 4, 4, 2, 1, bias=False), nn.BatchNorm2d(4), nn.ReLU(),
                        nn.Conv2d(4, 6, 4, 2, 1, bias=False), nn.BatchNorm2d(6), nn.ReLU())
decoder = nn.Sequential(nn.ConvTranspose2d(6, 4, 4, 2, 1, bias=False), nn.BatchNorm2d(4), nn.ReLU(),
                        nn.ConvTranspose2d(4, 3, 4, 2, 1), nn.Sigmoid())
model = nn.ModuleDict({'encoder': encoder, 'encode': nn.Linear(384, 5), 'decode': nn.Linear(5, 384), 'decoder': decoder})
found = model.load_state_dict(load_file(sys.argv[1] + '/model.safetensors'), strict=False)
model.eval()
x = torch.arange(3 * 32 * 32).reshape(1, 3, 32, 32) / 3071
with torch.no_grad():
    z = model['encode'](encoder(x).flatten(1))
print(json.dumps({'missing': [k for k in found.missing_keys if 'num_batches' not in k], 'unexpected': found.unexpected_keys,
                  'latent': z[0].tolist()}))`;
    const result = await runPython<{ latent: number[] }>(code, [at('python')]);
    expect(result).toMatchObject({ missing: [], unexpected: [] });
    const { session } = await (await loadModel(at('python'))).openImage('latent', { inline: true });
    const data = Float32Array.from({ length: 3 * 32 * 32 }, (_, i) => i / 3071);
    const { latent } = await session.run({ pixel_values: { data, dims: [1, 3, 32, 32] } });
    await session.release();
    result.latent.forEach((x, i) => {
      expect((latent!.data as Float32Array)[i]).toBeCloseTo(x, 5);
    });
  });
});
