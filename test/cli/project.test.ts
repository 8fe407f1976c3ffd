/** @file From vectors to fewer numbers on the command line: `train projection`, then `project`. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { project } from '#src/cli/commands/project.js';
import { projection } from '#src/cli/commands/train/projection.js';
import { embedToFile, readEmbeddings } from '#src/embedding/index.js';
import { openWeights, readTensor } from '#src/models/index.js';
import { writePictures } from '../training/pictures.js';
import { capture } from './capture.js';
import { scratch } from './run.js';

const { folder, remove } = scratch();
const at = (...names: string[]) => path.join(folder, ...names);
const vectors = at('vectors.parquet');
const TINY = ['--dimension', '4', '--epochs', '3', '--threads', '1', '-q'];

beforeAll(async () => {
  await writePictures(at('pictures'), { classes: 3, each: 8 });
  const embedder = { threads: 1, workers: 1, inline: true, normalize: false };
  await embedToFile({ inputs: [at('pictures')] }, vectors, { model: 'mini-cnn', embedder });
  await capture(projection, [vectors, '-o', at('map'), ...TINY]);
});
afterAll(remove);

describe('project', () => {
  it('maps every vector, and says what came of it', async () => {
    const out = at('small.npy');
    const { code, stdout } = await capture(project, [vectors, '--with', at('map'), '--out', out]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${out}: 24 vectors of dimension 4\n` });
    const before = await readEmbeddings(vectors);
    const after = await readEmbeddings(out);
    expect(after.ids).toEqual(before.ids);
    expect(after.identity).toMatchObject({
      model: 'mini-cnn',
      output: 'pooled+projection',
      dimension: 4,
      normalized: true,
    });
    // By hand: x·Wᵀ + b, to unit length.
    const weights = await openWeights(at('map', 'projection.safetensors'));
    const [weight, bias] = await Promise.all(
      ['head.weight', 'head.bias'].map((name) => readTensor(weights, name)),
    );
    const width = before.dimension;
    for (let row = 0; row < 24; row += 5) {
      const x = before.vectors.subarray(row * width, (row + 1) * width);
      const y = [0, 1, 2, 3].map((k) =>
        x.reduce((sum, v, i) => sum + v * weight![k * width + i]!, bias![k]!),
      );
      const length = Math.hypot(...y);
      for (const [k, value] of y.entries()) expect(after.vectors[4 * row + k]).toBeCloseTo(value / length, 5);
    }
  });

  it('refuses what does not fit, and writes nothing', async () => {
    const words = ['--with', at('map'), '--out', at('other.npy')];
    const other = at('other.jsonl');
    await embedToFile({ inputs: [at('pictures', 'class0')] }, other, {
      model: 'mini-cnn',
      embedder: { threads: 1, inline: true },
    });
    await expect(capture(project, [other, ...words])).rejects.toMatchObject({ code: 'IDENTITY' });
    const cases: [string[], RegExp][] = [
      [[vectors, '--out', at('other.npy')], /expected --with DIR/],
      [[vectors, '--with', at('map')], /expected --out FILE/],
      [
        [vectors, '--with', at('pictures'), '--out', at('other.npy')],
        /expected a projection but found no config/,
      ],
      [[vectors, '--with', at('map'), '--out', at('other.txt')], /ends in \.npy/],
      [[at('none.npy'), ...words], /no such file/],
    ];
    for (const [given, message] of cases) await expect(capture(project, given)).rejects.toThrow(message);
    expect(existsSync(at('other.npy'))).toBe(false);
    expect(existsSync(at('other.npy.partial'))).toBe(false);
    // Nor does it replace a file unasked.
    const there = [vectors, '--with', at('map'), '--out', at('there.csv')];
    writeFileSync(at('there.csv'), 'mine');
    await expect(capture(project, there)).rejects.toThrow(/there\.csv/);
    expect(readFileSync(at('there.csv'), 'utf8')).toBe('mine');
    expect((await capture(project, [...there, '--overwrite'])).code).toBe(0);
  });
});

describe('train projection', () => {
  it('takes labels from a table by id', async () => {
    const { ids } = await readEmbeddings(vectors);
    const rows = ids.slice(0, 20).map((id, i) => `"${id}",${i % 2 ? 'x' : 'y'}`);
    writeFileSync(at('labels.csv'), `id,label\n${rows.join('\n')}\n`);
    const words = [vectors, '-o', at('by table'), ...TINY, '--labels', at('labels.csv'), '--json'];
    const { code, stdout } = await capture(projection, words);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ ended: 'finished', metrics: { 'map@r': expect.any(Number) } });
    const card = readFileSync(at('by table', 'README.md'), 'utf8');
    expect(card).toMatch(/\| images \| 20 \|/);
    writeFileSync(at('labels.csv'), 'id,label\nnobody,x\n');
    await expect(capture(projection, [...words, '--overwrite'])).rejects.toThrow(
      /a label for none of the 24/,
    );
  });
});
