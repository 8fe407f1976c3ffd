/** @file Ready-made ONNX files as models: what is refused at once, what belongs to their identity, how rows are scaled. */
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadEmbedder } from '#src/embedding/index.js';
import { ModelError } from '#src/errors.js';
import { type Dim, Graph, ops, type Value } from '#src/graph/index.js';
import { type Binding, encodeModel, prune } from '#src/graph/onnx.js';

const SIZE = 16;
const CHANNELS = 4;
let folder: string;
const picture = { data: new Uint8Array(20 * 30 * 3).map((_, i) => (i * 7) % 256), width: 30, height: 20 };

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'onnx-model-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Variant {
  batch?: Dim;
  size?: number;
  /** What becomes of the pooled features [N, 4, 1, 1]. */
  head?(pooled: Value): Value;
  /** Bytes of the weights, kept in a file of their own. */
  external?: Float32Array;
}

const weights = Float32Array.from({ length: CHANNELS * 3 }, (_, i) => Math.sin(i + 1));

/** A model folder with a 1 × 1 convolution and the mean over the picture. */
function write(name: string, variant: Variant): string {
  const { batch = 'N', size = SIZE, head = (v) => ops.flatten(v), external } = variant;
  const where = path.join(folder, name);
  mkdirSync(where, { recursive: true });
  const graph = new Graph('tiny');
  const x = graph.input('pixel_values', [batch, 3, size, size]);
  const y = ops.conv(x, graph.parameter('w', [CHANNELS, 3, 1, 1]), null);
  graph.output('pooled', head(ops.mean(y, [2, 3], true)));
  if (external) writeFileSync(path.join(where, 'model.onnx_data'), external);
  const binding: Binding = external
    ? { file: 'model.onnx_data', offset: 0, length: external.byteLength, dtype: 'float32' }
    : { data: weights, dtype: 'float32' };
  const bytes = encodeModel('tiny', prune(graph), { bind: () => binding, locate: (f) => f });
  writeFileSync(path.join(where, 'model.onnx'), bytes);
  const side = { height: SIZE, width: SIZE };
  const preprocessor = { do_resize: true, size: side, resample: 2, do_center_crop: false, do_rescale: true };
  writeFileSync(
    path.join(where, 'preprocessor_config.json'),
    JSON.stringify({
      ...preprocessor,
      do_normalize: true,
      image_mean: [0.5, 0.5, 0.5],
      image_std: [0.5, 0.5, 0.5],
    }),
  );
  return where;
}

const options = { threads: 1, workers: 0, inline: true } as const;

async function vectorOf(where: string): Promise<Float32Array> {
  await using embedder = await loadEmbedder(where, options);
  return (await embedder.embedImages([picture]))[0]!;
}

it('a network in a folder of its own has its preprocessing beside that folder', async () => {
  const plain = await loadEmbedder(write('plain', {}), { inline: true, workers: 0 });
  const where = write('web', {});
  mkdirSync(path.join(where, 'onnx'));
  renameSync(path.join(where, 'model.onnx'), path.join(where, 'onnx', 'model.onnx'));
  const web = await loadEmbedder(where, { inline: true, workers: 0 });
  expect(await web.embedImages([picture])).toEqual(await plain.embedImages([picture]));
  await Promise.all([plain.close(), web.close()]);
});

describe('ready-made ONNX files', () => {
  it('of four axes give one unit vector an image, as those of two', async () => {
    const flat = await vectorOf(write('flat', {}));
    const four = await vectorOf(write('four', { head: (v) => v }));
    expect(Math.hypot(...four)).toBeCloseTo(1, 6);
    expect([...four]).toEqual([...flat]);
  });

  it('with weights in a file beside them are told apart by those weights', async () => {
    const other = weights.map((w) => -w);
    const places = [write('one', { external: weights }), write('two', { external: other })];
    const [one, two] = await Promise.all(
      places.map(async (place) => {
        await using embedder = await loadEmbedder(place, options);
        return { identity: embedder.identity.weights, vector: (await embedder.embedImages([picture]))[0]! };
      }),
    );
    expect([...two!.vector]).toEqual([...one!.vector].map((v) => -v));
    expect(two!.identity).not.toBe(one!.identity);
  });

  it('for one image at a time are run one at a time', async () => {
    await using embedder = await loadEmbedder(write('single', { batch: 1 }), { ...options, batchSize: 8 });
    expect(embedder.batchSize).toBe(1);
    const vectors = await embedder.embedImages([picture, picture, picture]);
    expect(vectors.map((v) => [...v])).toEqual([[...vectors[0]!], [...vectors[0]!], [...vectors[0]!]]);
  });

  it.each<[string, Variant, RegExp]>([
    ['exactly four images', { batch: 4 }, /takes exactly 4 images at a time/],
    [
      'another size than is prepared',
      { size: 12 },
      /\[N, 3, 12, 12\], but its preprocessing makes \[3, 16, 16\]/,
    ],
    [
      'half-precision results',
      { head: (v) => ops.cast(ops.flatten(v), 'float16') },
      /expected float32 numbers in "pooled" but it holds float16/,
    ],
  ])('with %s are refused before an image is read', async (name, variant, message) => {
    const error = await loadEmbedder(write(name, variant), options).catch((e: Error) => e);
    expect(error).toBeInstanceOf(ModelError);
    expect((error as ModelError).message).toMatch(message);
    expect((error as ModelError).hint).toBeTruthy();
  });
});
