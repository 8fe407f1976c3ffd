/** @file Projections: the layer that was saved, only for the vectors that it was made for. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type EmbeddingIdentity,
  loadProjection,
  openWriter,
  readEmbeddings,
  saveProjection,
} from '#src/embedding/index.js';
import { projectFile } from '#src/embedding/project-file.js';
import { FormatError, IdentityError, ModelError, UsageError } from '#src/errors.js';
import { headGraph } from '#src/models/index.js';
import { initialise } from '#src/training/initialise.js';
import { seeded } from '../cli/images.js';

let folder: string;
const at = (name: string) => path.join(folder, name);
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'projection-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const input: EmbeddingIdentity = {
  model: 'mini-cnn',
  revision: null,
  weights: 'a'.repeat(64),
  dtype: 'fp32',
  transform: 'b'.repeat(64),
  output: 'pooled',
  normalized: true,
  dimension: 20,
};
const card = {
  title: 't',
  summary: 's',
  network: {},
  data: {},
  split: {},
  training: {},
  metrics: {},
  seed: 0,
};

async function save(name: string, options: { bias?: boolean; normalize?: boolean; seed?: number } = {}) {
  const { bias = true, normalize = true, seed = 1 } = options;
  const head = { head: 3, hidden: null, bias };
  const tensors = initialise(headGraph(20, head).parameters.values(), seed);
  await saveProjection(at(name), { input, head, tensors, normalize, card });
  return tensors;
}

describe('a projection', () => {
  it.each([
    ['with bias, unit length', {}],
    ['without bias, lengths as they come', { bias: false, normalize: false }],
  ])('%s computes its layer', async (name, options) => {
    const tensors = await save(name, options);
    expect(readdirSync(at(name)).sort()).toEqual(['README.md', 'config.json', 'projection.safetensors']);
    await using projection = await loadProjection(at(name));
    expect(projection.identity).toMatchObject({
      model: 'mini-cnn',
      dimension: 3,
      output: 'pooled+projection',
    });
    const rows = 5000; // more than one run
    const vectors = Float32Array.from({ length: rows * 20 }, seeded(3));
    const projected = await projection.project(vectors, input);
    expect(projected.length).toBe(rows * 3);
    const weight = tensors.get('head.weight')!.data;
    const bias = tensors.get('head.bias')?.data ?? [0, 0, 0];
    for (const row of [0, 1, 4095, 4096, 4999]) {
      const y = [0, 1, 2].map((o) =>
        vectors
          .subarray(row * 20, row * 20 + 20)
          .reduce((sum, x, i) => sum + x * weight[o * 20 + i]!, bias[o]!),
      );
      const length = projection.identity.normalized ? Math.hypot(...y) : 1;
      y.forEach((value, o) => {
        expect(projected[row * 3 + o]).toBeCloseTo(value / length, 5);
      });
    }
  });

  it('has an identity of its own weights and those under it', async () => {
    await save('one');
    await save('two', { seed: 2 });
    const [one, two] = await Promise.all([loadProjection(at('one')), loadProjection(at('two'))]);
    expect(one.identity.weights).not.toBe(two.identity.weights);
    expect(one.identity.weights).not.toBe(input.weights);
    await Promise.all([one.close(), two.close()]);
  });

  it('refuses vectors that it was not made for', async () => {
    await save('strict');
    await using projection = await loadProjection(at('strict'));
    const vectors = new Float32Array(40);
    const other = projection.project(vectors, { ...input, model: 'resnet50', normalized: false });
    await expect(other).rejects.toThrow(IdentityError);
    await expect(other).rejects.toThrow(
      /model mini-cnn there, resnet50 here; normalized true there, false here/,
    );
    await expect(projection.project(new Float32Array(41))).rejects.toThrow(UsageError);
    expect((await projection.project(new Float32Array(0))).length).toBe(0);
  });

  it('is told from other folders', async () => {
    await expect(loadProjection(folder)).rejects.toThrow(/expected a projection but found no config\.json/);
    await save('broken');
    writeFileSync(path.join(at('broken'), 'config.json'), '{"model_type": "afterimage-projection"}');
    await expect(loadProjection(at('broken'))).rejects.toThrow(ModelError);
    await expect(save('broken')).rejects.toThrow(/expected no model there but found config\.json/);
  });
});

describe('a file of vectors', () => {
  it('that breaks off leaves nothing behind, and is projected once it is whole', async () => {
    await save('whole');
    const file = at('vectors.jsonl');
    const { writer } = await openWriter(file, 'jsonl', { identity: input });
    const rows = Array.from({ length: 5000 }, (_, i) => ({
      id: `${i}.jpg`,
      vector: Float32Array.from({ length: 20 }, seeded(i)),
    }));
    await writer.append(rows);
    await writer.close();
    const whole = readFileSync(file, 'utf8');
    const before = readdirSync(folder);
    writeFileSync(file, whole.slice(0, -100));
    await expect(projectFile(file, at('whole'), at('projected.npy'))).rejects.toBeInstanceOf(FormatError);
    expect(readdirSync(folder)).toEqual(before);
    writeFileSync(file, whole);
    const summary = await projectFile(file, at('whole'), at('projected.npy'));
    expect(summary).toEqual({ count: 5000, dimension: 3 });
    await using projection = await loadProjection(at('whole'));
    const { vectors } = await readEmbeddings(at('projected.npy'));
    expect(vectors.slice(-3)).toEqual(await projection.project(rows.at(-1)!.vector));
  });
});
