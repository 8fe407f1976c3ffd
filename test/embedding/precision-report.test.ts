/** @file What the precision report says, against vectors computed one by one; and nearest neighbours by hand. */
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { comparePrecisions, loadEmbedder } from '#src/embedding/index.js';
import { nearestNeighbours } from '#src/vectors/index.js';
import { makeImages, makeModel } from '../cli/images.js';
import { scratch } from '../cli/run.js';

const { folder, remove } = scratch();
afterAll(remove);

describe('nearestNeighbours', () => {
  const vectors = [
    [1, 0],
    [0, 2],
    [3, 3],
    [-1, 0],
    [0, 1],
  ].map((v) => Float32Array.from(v));

  it('orders by cosine, then by position, without the query', () => {
    const half = Math.SQRT1_2;
    expect(nearestNeighbours(vectors, 3, [0, 1])).toEqual([
      [
        { index: 2, score: expect.closeTo(half, 12) },
        { index: 1, score: 0 },
        { index: 4, score: 0 },
      ],
      [
        { index: 4, score: 1 },
        { index: 2, score: expect.closeTo(half, 12) },
        { index: 0, score: 0 },
      ],
    ]);
    expect(nearestNeighbours(vectors, 99).map((n) => n.length)).toEqual([4, 4, 4, 4, 4]);
  });
});

describe('comparePrecisions', () => {
  it('states cosines and neighbours as computed one by one', async () => {
    await makeImages(path.join(folder, 'photos'), 12);
    const model = makeModel(path.join(folder, 'net'), 'cnn/resnet-basic', 64);
    const progress: string[] = [];
    const report = await comparePrecisions([path.join(folder, 'photos'), path.join(folder, 'gone.jpg')], {
      model,
      limit: 11,
      embedder: { workers: 1, output: 'logits' }, // the classifier: int8 leaves convolutions as they are
      onProgress: (dtype, { done }) => progress.push(`${dtype} ${done}`),
    });
    expect(report).toMatchObject({ model: 'net', output: 'logits', images: 11, failed: 0 });
    expect(report.rows.map((r) => r.dtype)).toEqual(['fp32', 'fp16', 'int8']);
    expect(progress.filter((p) => p.endsWith(' 11'))).toEqual(['fp32 11', 'fp16 11', 'int8 11']);
    const [fp32, fp16, int8] = report.rows;
    expect(fp32).toMatchObject({
      meanCosine: expect.closeTo(1, 6),
      minCosine: expect.closeTo(1, 6),
      sameNeighbour: 1,
    });
    expect(fp16!.minCosine).toBeGreaterThan(0.99999);
    expect(int8!.minCosine).toBeGreaterThan(0.9);
    expect(int8!.minCosine).toBeLessThan(fp16!.minCosine);

    const paths = [...Array(11).keys()].map((i) =>
      path.join(folder, 'photos', `${String(i).padStart(3, '0')}.jpg`),
    );
    const embed = async (dtype: 'fp32' | 'int8') => {
      await using embedder = await loadEmbedder(model, {
        dtype,
        output: 'logits',
        inline: true,
        workers: 0,
        batchSize: 8,
      });
      return await embedder.embedImages(paths); // before it is closed
    };
    const [a, b] = [await embed('fp32'), await embed('int8')];
    const cosines = a.map((v, i) => v.reduce((sum, x, j) => sum + x * b[i]![j]!, 0)); // unit vectors
    expect(int8!.meanCosine).toBeCloseTo(cosines.reduce((s, c) => s + c, 0) / 11, 6);
    expect(int8!.minCosine).toBeCloseTo(Math.min(...cosines), 6);
    expect(int8!.worst).toBe(paths[cosines.indexOf(Math.min(...cosines))]);
  });

  it('refuses when nothing can be read', async () => {
    await expect(
      comparePrecisions([path.join(folder, 'gone.jpg')], { model: path.join(folder, 'net') }),
    ).rejects.toThrow(/none of the images/);
  });
});
