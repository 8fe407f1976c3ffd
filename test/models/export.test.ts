/** @file One `.onnx` file of a model: the same vectors here and in Python, the preparation inside, nothing lost. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadEmbedder } from '#src/embedding/index.js';
import { ModelError, UsageError } from '#src/errors.js';
import { Graph, ops } from '#src/graph/index.js';
import { exportOnnx, loadModel } from '#src/models/index.js';
import { readOnnxMetadata } from '#src/models/onnx-file.js';
import { makeModel, seeded } from '../cli/images.js';
import { missing, runPython } from './python.js';

const options = { threads: 1, workers: 0, inline: true } as const;
let folder: string;
const at = (...parts: string[]) => path.join(folder, ...parts);

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'export-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Noise of a few sizes, which resizing and cropping must treat alike. */
function pictures() {
  const random = seeded(7);
  return [
    [70, 64],
    [64, 90],
    [120, 130],
  ].map(([width, height]) => ({
    width: width!,
    height: height!,
    data: Uint8Array.from({ length: width! * height! * 3 }, () => Math.floor(random() * 256)),
  }));
}

async function vectors(name: string, normalize = true, output?: string): Promise<Float32Array[]> {
  await using embedder = await loadEmbedder(name, { ...options, normalize, output });
  return await embedder.embedImages(pictures());
}

function difference(a: Float32Array[], b: Float32Array[]): number {
  const largest = Math.max(...b.flatMap((v) => [...v].map(Math.abs)));
  return Math.max(...a.flatMap((v, i) => [...v].map((x, j) => Math.abs(x - b[i]![j]!)))) / largest;
}

describe('exportOnnx', () => {
  it.each([
    ['cnn/resnet-basic', 64, 'logits'],
    ['cnn/autoencoder', 64, undefined],
    ['cnn/siamese', 64, undefined],
    ['transformers/vit-timm', 48, undefined],
    ['transformers/clip', 32, undefined],
  ])('of %s gives the same vectors when it is opened again', async (fixture, size, output) => {
    const name = fixture.replace('/', '-');
    const source = makeModel(at(name), fixture, size);
    const { file, shape } = await exportOnnx(source, at(`${name}.onnx`), { output });
    const again = await vectors(file);
    expect(shape).toEqual([again[0]!.length]);
    expect(difference(again, await vectors(source, true, output))).toBeLessThan(1e-6);
    expect(Math.hypot(...(await vectors(file, false))[0]!), 'unit length in the file itself').toBeCloseTo(
      1,
      5,
    );
  });

  it('knows how images are prepared although nothing lies beside it', async () => {
    const source = makeModel(at('alone'), 'cnn/resnet-basic', 64);
    writeFileSync(path.join(source, 'README.md'), '---\nlicense: cc0-1.0\n---\n');
    await exportOnnx(source, at('elsewhere', 'alone.onnx'), { normalize: false });
    const [before, after] = await Promise.all([loadModel(source), loadModel(at('elsewhere', 'alone.onnx'))]);
    expect(after.transform).toEqual(before.transform);
    expect(after.licence).toBe('cc0-1.0');
    const metadata = await readOnnxMetadata(at('elsewhere', 'alone.onnx'));
    expect(metadata.get('afterimage.model')).toBe('alone');
    expect(metadata.get('afterimage.weights')).toBe(await before.weightsHash());
    expect(existsSync(at('elsewhere', 'preprocessor_config.json'))).toBe(false);
  });

  it('says that a network is too large for one file before it reads it', async () => {
    const source = await loadModel(makeModel(at('large'), 'cnn/autoencoder', 64));
    const graph = new Graph('large');
    const pixels = ops.flatten(graph.input('pixel_values', ['N', 3, 64, 64]));
    const [out, width] = [60_000, 12_288];
    graph.output('latent', ops.linear(pixels, graph.parameter('w', [out, width]), null));
    const bind = () => ({
      file: at('absent'),
      offset: 0,
      length: 4 * out * width,
      dtype: 'float32' as const,
    });
    const large = { ...source, network: { ...source.network!, graph, bind } };
    await expect(exportOnnx(large, at('large.onnx'))).rejects.toThrow(
      /large: 2\.9 GB of weights do not fit into one \.onnx file/,
    );
  });

  it('replaces nothing unless it is told to', async () => {
    const source = makeModel(at('careful'), 'cnn/autoencoder', 64);
    writeFileSync(at('precious.onnx'), 'precious');
    await expect(exportOnnx(source, at('precious.onnx'))).rejects.toThrow(UsageError);
    await exportOnnx(source, at('precious.onnx'), { overwrite: true, preprocessor: true });
    expect(existsSync(at('preprocessor_config.json'))).toBe(true);
    await expect(exportOnnx(at('precious.onnx'), at('copy.onnx'))).rejects.toThrow(/ready-made ONNX file/);
    await expect(exportOnnx(source, at('x.onnx'), { output: 'latnet' })).rejects.toThrow(
      /no output "latnet"; did you mean "latent"/,
    );
    await expect(exportOnnx(source, at('x.bin'))).rejects.toThrow(/ends in \.onnx/);
    await expect(exportOnnx(source, at('x.onnx'), { output: 'nothing' })).rejects.toThrow(ModelError);
  });
});

describe('exported files in Python', () => {
  const lacking = missing('onnx', 'onnxruntime', 'numpy');
  if (lacking) {
    it.skip(`skipped: ${lacking}`);
    return;
  }
  it.each([
    ['cnn/siamese', 64],
    ['cnn/autoencoder-bottleneck', [32, 48]],
    ['transformers/vit-timm', 48],
  ])('%s: the checker accepts it and onnxruntime gives the same vectors', async (fixture, size) => {
    const name = `py-${fixture.replace('/', '-')}`;
    const [height, width] = typeof size === 'number' ? [size, size] : (size as [number, number]);
    const source = makeModel(at(name), fixture, size as number);
    if (height !== width) {
      const config = {
        image_processor_type: 'ViTImageProcessor',
        size: { height, width },
        do_normalize: false,
      };
      writeFileSync(path.join(source, 'preprocessor_config.json'), JSON.stringify(config));
    }
    const { file } = await exportOnnx(source, at(`${name}.onnx`));
    const model = await loadModel(source);
    const random = seeded(3);
    const data = Float32Array.from({ length: 2 * 3 * height! * width! }, random);
    const { session } = await model.openImage(model.defaultOutput, { inline: true, threads: 1 });
    const dims = [2, 3, height!, width!];
    const expected = (await session.run({ pixel_values: { data: data.slice(), dims } }))[
      model.defaultOutput
    ]!;
    await session.release();
    writeFileSync(at(`${name}.f32`), data);
    const code = `
import sys, json, numpy as np, onnx, onnxruntime
model = onnx.load(sys.argv[1])
onnx.checker.check_model(model, full_check=True)
session = onnxruntime.InferenceSession(sys.argv[1], providers=['CPUExecutionProvider'])
x = np.fromfile(sys.argv[2], '<f4').reshape(${JSON.stringify(dims)})
[y] = session.run(None, {'pixel_values': x})
print(json.dumps({'batch': session.get_inputs()[0].shape[0], 'rows': y.tolist()}))`;
    const result = await runPython<{ batch: string; rows: number[][] }>(code, [file, at(`${name}.f32`)]);
    expect(result.batch).toBe('N');
    const rows = expected.data as Float32Array;
    const unit = result.rows.map((_, i) => {
      const row = rows.slice((i * rows.length) / 2, ((i + 1) * rows.length) / 2);
      const length = Math.hypot(...row);
      return row.map((x) => x / length);
    });
    expect(
      difference(
        result.rows.map((r) => Float32Array.from(r)),
        unit,
      ),
    ).toBeLessThan(1e-6);
  });
});
