/** @file A head on a ready-made network, in one file: names that clash, old files, the numbers of onnxruntime. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ModelError } from '#src/errors.js';
import { type Dim, Graph, ops, Session, type Value } from '#src/graph/index.js';
import { type Binding, encodeModel, prune } from '#src/graph/onnx.js';
import { exportOnnx, headGraph, loadModel, saveModel, withHead } from '#src/models/index.js';
import { field, fieldsOf, MODEL } from '#src/models/onnx-file.js';
import { initialise } from '#src/training/initialise.js';
import { makeModel, seeded } from '../cli/images.js';
import { missing, runPython } from './python.js';

const SIZE = 8;
const WIDTH = 6;
let folder: string;
const at = (...parts: string[]) => path.join(folder, ...parts);
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'onnx-head-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Variant {
  batch?: Dim;
  /** The output's name. */
  output?: string;
  /** What becomes of the pooled features [N, 6, 1, 1]. */
  shape?(pooled: Value): Value;
  external?: boolean;
}

/** A 1 × 1 convolution and the mean over the picture, as a file's bytes. */
function network({
  batch = 'N',
  output = 'embedding',
  shape = ops.flatten,
  external,
}: Variant = {}): Uint8Array {
  const graph = new Graph('tiny');
  const x = graph.input('pixel_values', [batch, 3, SIZE, SIZE]);
  const y = ops.relu(ops.conv(x, graph.parameter('w', [WIDTH, 3, 1, 1]), null));
  graph.output(output, shape(ops.mean(y, [2, 3], true)));
  const data = Float32Array.from({ length: WIDTH * 3 }, (_, i) => Math.sin(i + 1));
  const binding: Binding = external
    ? { file: 'w.bin', offset: 0, length: data.byteLength, dtype: 'float32' }
    : { data, dtype: 'float32' };
  return encodeModel('tiny', prune(graph), { bind: () => binding, locate: (f) => f });
}

const linear = { head: 4, hidden: null };
const deep = { head: 4, hidden: 5 };
const options = (from = 'embedding', head: typeof linear | typeof deep = linear) => ({
  file: 'tiny.onnx',
  from,
  head,
  tensors: initialise(headGraph(WIDTH, head).parameters.values(), 5),
});

/** What the network gives for two images. */
async function outputs(model: Uint8Array): Promise<Record<string, Float32Array>> {
  const session = await Session.fromFile(model, { inline: true, threads: 1 });
  const free = typeof session.inputs[0]!.shape[0] !== 'number' || session.inputs[0]!.shape[0] < 0;
  const n = free ? 2 : 1;
  const data = Float32Array.from({ length: n * 3 * SIZE * SIZE }, seeded(1));
  const results = await session.run({ pixel_values: { data, dims: [n, 3, SIZE, SIZE] } });
  await session.release();
  return Object.fromEntries(Object.entries(results).map(([name, t]) => [name, t.data as Float32Array]));
}

/** The head in plain arithmetic. */
function reference(features: Float32Array, { head, tensors }: ReturnType<typeof options>): number[] {
  const layer = (rows: number[][], name: string) => {
    const { shape, data } = tensors.get(`${name}.weight`)!;
    const bias = tensors.get(`${name}.bias`)!.data;
    const width = shape[1]!;
    return rows.map((x) =>
      Array.from(bias, (b, o) => x.reduce((sum, v, i) => sum + v * data[o * width + i]!, b)),
    );
  };
  let rows = Array.from({ length: features.length / WIDTH }, (_, i) => [
    ...features.subarray(i * WIDTH, (i + 1) * WIDTH),
  ]);
  if (head.hidden !== null) rows = layer(rows, 'head.0').map((x) => x.map((v) => Math.max(0, v)));
  return layer(rows, head.hidden === null ? 'head' : 'head.2').flat();
}

describe('withHead', () => {
  it.each([
    ['an output called embedding', {}, options()],
    ['another name, a hidden layer', { output: 'pooled' }, options('pooled', deep)],
    ['one image at a time', { batch: 1 }, options()],
    ['a vector of four axes', { shape: (v: Value) => v }, options('embedding', deep)],
  ] as [string, Variant, ReturnType<typeof options>][])('on %s', async (_, variant, head) => {
    const before = await outputs(network(variant));
    const after = await outputs(withHead(network(variant), head));
    const from = head.from === 'embedding' ? 'backbone.embedding' : head.from;
    expect(Object.keys(after)).toEqual(['embedding', from]);
    expect(after[from]).toEqual(before[head.from]);
    const expected = reference(before[head.from]!, head);
    expect(after.embedding!.length).toBe(expected.length);
    after.embedding!.forEach((x, i) => {
      expect(x).toBeCloseTo(expected[i]!, 5);
    });
  });

  it('can be put on a file that has one already', async () => {
    const once = withHead(network(), options());
    const second = { ...linear, head: 3 };
    const tensors = initialise(headGraph(4, second).parameters.values(), 6);
    const twice = await outputs(withHead(once, { file: 'x', from: 'embedding', head: second, tensors }));
    expect(Object.keys(twice)).toEqual(['embedding', 'backbone.embedding_', 'backbone.embedding']);
    expect(twice['backbone.embedding_']).toEqual((await outputs(once)).embedding);
    expect(twice.embedding!.length).toBe(6);
  });

  it('keeps one graph in the file, and everything that it does not know', () => {
    const unknown = Buffer.concat([network(), field(14, Buffer.concat([field(1, 'key'), field(2, 'kept')]))]);
    const parts = [...fieldsOf(withHead(unknown, options()))];
    expect(parts.filter((f) => f.number === MODEL.graph).length).toBe(1);
    expect(Buffer.from(parts.at(-1)!.raw).includes('kept')).toBe(true);
  });

  it('takes files from before initialisers could stand alone, and refuses those before that', async () => {
    const aged = (ir: number, opset: number) =>
      Buffer.concat([
        Uint8Array.of(8, ir),
        ...[...fieldsOf(network())].flatMap((f) =>
          f.number === MODEL.irVersion
            ? []
            : f.number === MODEL.opset
              ? [field(8, Uint8Array.of(16, opset))]
              : [f.raw],
        ),
      ]);
    const [first] = fieldsOf(withHead(aged(3, 13), options()));
    expect([...first!.raw]).toEqual([8, 4]);
    expect(() => withHead(aged(3, 6), options())).toThrow(/expected opset 7 or later but it is of opset 6/);
  });

  it('is opened from a model folder, with the head for its default', async () => {
    const transform = (await loadModel(makeModel(at('any'), 'cnn/resnet-basic', SIZE * 8))).transform;
    const exact = { ...transform, resize: { ...transform.resize!, size: [SIZE, SIZE] as [number, number] } };
    await saveModel(at('frozen'), {
      config: { model_type: 'afterimage-siamese', from: 'embedding' },
      onnx: withHead(network(), options()),
      transform: exact,
      card: {
        title: 't',
        summary: 's',
        network: {},
        data: {},
        split: {},
        training: {},
        metrics: {},
        seed: 0,
      },
    });
    const model = await loadModel(at('frozen'));
    expect(model).toMatchObject({
      architecture: 'onnx',
      defaultOutput: 'embedding',
      outputs: ['embedding', 'backbone.embedding'],
    });
  });

  it.each<[string, Uint8Array, Partial<ReturnType<typeof options>>, RegExp]>([
    ['an output that is not there', network(), { from: 'pooled' }, /no output "pooled"/],
    [
      'a head of another width',
      network(),
      { tensors: options('', deep).tensors },
      /24 numbers for "head\.weight"/,
    ],
    ['numbers in another file', network({ external: true }), {}, /numbers inside the file/],
    ['what is no model', new Uint8Array(), {}, /found no graph/],
    [
      'a free number of vectors',
      network({ shape: (v) => ops.mean(v, [1, 2, 3]) }),
      {},
      /one vector an image in "embedding" but its shape is \[-1\]/,
    ],
  ])('refuses %s', (_, model, change, message) => {
    const refused = () => withHead(model, { ...options(), ...change });
    expect(refused).toThrow(ModelError);
    expect(refused).toThrow(message);
  });
});

describe('a head on a real network in Python', () => {
  const lacking = missing('onnx', 'onnxruntime', 'numpy');
  if (lacking) {
    it.skip(`skipped: ${lacking}`);
    return;
  }
  it('passes the checker and gives the same numbers', async () => {
    const { file } = await exportOnnx(makeModel(at('vit'), 'transformers/vit-timm', 48), at('vit.onnx'), {
      normalize: false,
    });
    const plain = await loadModel(file);
    const from = plain.defaultOutput;
    const { shape, session } = await plain.openImage(from, { inline: true });
    const tensors = initialise(headGraph(shape[0]!, deep).parameters.values(), 9);
    writeFileSync(at('headed.onnx'), withHead(readFileSync(file), { file, from, head: deep, tensors }));
    const data = Float32Array.from({ length: 3 * 48 * 48 }, seeded(2));
    writeFileSync(at('x.f32'), data);
    await session.release();
    const own = await Session.fromFile(at('headed.onnx'), { inline: true });
    const { embedding } = await own.run({ pixel_values: { data, dims: [1, 3, 48, 48] } });
    await own.release();
    const code = `
import sys, json, numpy as np, onnx, onnxruntime
onnx.checker.check_model(onnx.load(sys.argv[1]), full_check=True)
session = onnxruntime.InferenceSession(sys.argv[1], providers=['CPUExecutionProvider'])
x = np.fromfile(sys.argv[2], '<f4').reshape(1, 3, 48, 48)
print(json.dumps({'names': [o.name for o in session.get_outputs()], 'y': session.run(['embedding'], {'pixel_values': x})[0][0].tolist()}))`;
    const result = await runPython<{ names: string[]; y: number[] }>(code, [at('headed.onnx'), at('x.f32')]);
    expect(result.names).toEqual(['embedding', from]);
    result.y.forEach((x, i) => {
      expect((embedding!.data as Float32Array)[i]).toBeCloseTo(x, 6);
    });
  });
});
