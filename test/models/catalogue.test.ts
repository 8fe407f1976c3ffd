/** @file The catalogue against what timm, open_clip and transformers say of the same models; names and aliases. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { ModelError } from '#src/errors.js';
import { architectures } from '#src/models/architectures.js';
import { catalogue, defaultModel, type PublishedModel, resolveModel } from '#src/models/catalogue.js';

interface Published {
  licence?: string;
  open_clip?: string;
  size?: number[];
  filter?: string;
  crop?: number;
  mean?: number[];
  std?: number[];
  features: number;
  parameters: number;
}
const published: Record<string, Published> = JSON.parse(
  await readFile(new URL('../fixtures/catalogue/published.json', import.meta.url), 'utf8'),
);
const onHub = catalogue.filter((model): model is PublishedModel => !model.bundled);

describe('the records', () => {
  it.each(onHub.map((model) => [model.name, model] as const))('%s is what its publisher says', (_, model) => {
    const { preprocessing } = model;
    const golden = published[model.repo]!;
    expect(model.parameters).toBe(golden.parameters);
    expect(model.megabytes).toBe(Math.round((golden.parameters * 4) / 1e6));
    const embedding = model.outputs[model.architecture === 'vgg' ? 'pooled' : model.defaultOutput];
    expect(embedding).toBe(golden.features);
    if (golden.size) {
      const { size, filter, mean, std } = preprocessing;
      expect({ size, filter, mean, std }).toEqual({
        size: golden.size,
        filter: golden.filter,
        mean: golden.mean,
        std: golden.std,
      });
    }
    if (golden.licence) expect(model.licence.toLowerCase()).toBe(golden.licence);
    if (golden.crop) expect(preprocessing.resize).toBe(Math.floor(preprocessing.size[0] / golden.crop));
    if (golden.open_clip) expect(model.aliases).toContain(golden.open_clip);
  });

  it('cover every model that the fixture was made for', () => {
    expect(onHub.map((model) => model.repo).sort()).toEqual(Object.keys(published).sort());
  });

  it('are frozen, named once, and have a builder and their default output', () => {
    const seen = new Set<string>();
    for (const model of catalogue) {
      expect(Object.isFrozen(model) && Object.isFrozen(model.outputs)).toBe(true);
      expect(model.outputs[model.defaultOutput]).toBeGreaterThan(0);
      expect(architectures.map(({ name }) => name)).toContain(model.architecture);
      for (const name of [model.name, ...model.aliases]) {
        expect(seen.has(name.toLowerCase()), name).toBe(false);
        seen.add(name.toLowerCase());
      }
    }
  });
});

describe('names', () => {
  it.each([
    ['resnet50', 'resnet50'],
    ['ResNet-50', 'resnet50'],
    ['ViT-B/32', 'clip-vit-b32'],
    ['ViT-B-32::openai', 'clip-vit-b32'],
    ['ViT-B-32__openai', 'clip-vit-b32'],
    ['open_clip:ViT-B-32/openai', 'clip-vit-b32'],
    ['open_clip:ViT-B-32/laion2b_s34b_b79k', 'clip-vit-b32-laion2b'],
    ['ViT-B-32__laion2b_s34b_b79k', 'clip-vit-b32-laion2b'],
    ['openai/clip-vit-base-patch32', 'clip-vit-b32'],
    ['hf_clip:openai/clip-vit-large-patch14', 'clip-vit-l14'],
    ['timm/inception_v3.tv_in1k', 'inception-v3'],
    ['hf-hub:laion/CLIP-ViT-B-16-laion2B-s34B-b88K', 'clip-vit-b16-laion2b'],
  ])('%s is %s', async (name, expected) => {
    expect(await resolveModel(name)).toMatchObject({ kind: 'catalogue', entry: { name: expected } });
  });

  it.each([
    ['someone/some-model', { kind: 'hub', repo: 'someone/some-model' }],
    ['hf_clip:someone/clip', { kind: 'hub', repo: 'someone/clip' }],
    ['someone/model.v1@refs/pr/3', { kind: 'hub', repo: 'someone/model.v1', revision: 'refs/pr/3' }],
    [
      'google/vit-base-patch16-224@3f49326',
      { kind: 'hub', repo: 'google/vit-base-patch16-224', revision: '3f49326' },
    ],
  ])('%s is a repository', async (name, expected) => {
    expect(await resolveModel(name)).toEqual(expected);
  });

  it('the default is bundled, in the package', async () => {
    const resolved = await resolveModel(defaultModel);
    expect(resolved).toMatchObject({ kind: 'bundled', entry: { name: 'mini-clip', text: true } });
    expect((resolved as { path: string }).path.endsWith(join(sep, 'models', 'mini-clip'))).toBe(true);
  });

  it('folders and files on this machine', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'afterimage-catalogue-'));
    await mkdir(join(folder, 'my-model'));
    await writeFile(join(folder, 'net.onnx'), '');
    for (const name of ['my-model', 'net.onnx']) {
      const path = join(folder, name);
      expect(await resolveModel(path)).toEqual({ kind: 'local', path });
      expect(await resolveModel(pathToFileURL(path).href)).toEqual({ kind: 'local', path });
    }
    for (const name of ['./missing', join(folder, 'absent'), 'absent.onnx', '~/absent-model']) {
      await expect(resolveModel(name)).rejects.toThrow(/no such file or folder/);
    }
    await rm(folder, { recursive: true });
  });

  it('suggests the nearest name', async () => {
    await expect(resolveModel('resnt50')).rejects.toThrow(
      'unknown model "resnt50"; did you mean "resnet50"?',
    );
    await expect(resolveModel('clip-vitb32')).rejects.toThrow(/did you mean "clip-vit-b32"/);
    await expect(resolveModel('open_clip:ViT-B-32/laion2b_s34b_b79')).rejects.toThrow(
      /"ViT-B-32\/laion2b_s34b_b79k"/,
    );
    const error = await resolveModel('completely different').catch((e: unknown) => e as ModelError);
    expect(error).toBeInstanceOf(ModelError);
    expect((error as ModelError).message).toBe('unknown model "completely different"');
  });
});
