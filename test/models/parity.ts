/**
 * @file Holds an architecture to a reference implementation: same weights, same input, same numbers.
 *
 * A fixture is a folder made by Python: `model.safetensors` (float16 weights that the reference ran with, rounded),
 * `config.json` where the publisher has one, and `io.safetensors` with tensors named `input.<graph input>` and
 * `output.<OutputName>` — `io.text.safetensors` for a text tower. Inputs stored as bytes stand for byte / 64 − 2. The reader here is a second implementation of the
 * format on purpose, so that these tests do not lean on the code that loads weights.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'vitest';
import { type Binding, type DType, type Graph, openSession, type Tensor } from '#src/graph/index.js';
import type { Architecture, OutputName, PublisherConfig } from '#src/models/architecture.js';

/** Largest difference over largest value, and least cosine of a row, at which two results count as equal. */
export const TOLERANCE = { relative: 1e-4, cosine: 0.999999 };

/** The folder of fixtures: `fixture('cnn', 'resnet-basic')`. */
export const fixture = (...parts: string[]): string =>
  path.join(import.meta.dirname, '..', 'fixtures', 'models', ...parts);

/** Where a tensor lies in a safetensors file. */
export interface StoredTensor {
  dtype: DType;
  shape: number[];
  file: string;
  offset: number;
  length: number;
}

const DTYPE_OF: Readonly<Record<string, DType>> = {
  F32: 'float32',
  F16: 'float16',
  BF16: 'bfloat16',
  I64: 'int64',
  I32: 'int32',
  U8: 'uint8',
};

/** The tensors of a safetensors file, without their numbers. */
export function readHeader(file: string): Map<string, StoredTensor> {
  const bytes = readFileSync(file);
  const length = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + length)) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >;
  const tensors = new Map<string, StoredTensor>();
  for (const [name, t] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const dtype = DTYPE_OF[t.dtype];
    if (!dtype) throw new Error(`${file}: ${name} has the element type ${t.dtype}`);
    const [start, end] = t.data_offsets;
    tensors.set(name, { dtype, shape: t.shape, file, offset: 8 + length + start, length: end - start });
  }
  return tensors;
}

/** The numbers of a float32 or int64 tensor, or float32 numbers in −2..2 that are stored as bytes. */
export function readTensor({ file, offset, length, dtype, shape }: StoredTensor): Tensor {
  const bytes = new Uint8Array(readFileSync(file).subarray(offset, offset + length)); // a copy: aligned
  if (dtype === 'uint8') return { data: Float32Array.from(bytes, (u) => u / 64 - 2), dims: shape };
  const data = dtype === 'int64' ? new BigInt64Array(bytes.buffer) : new Float32Array(bytes.buffer);
  return { data, dims: shape };
}

/** `config.json` of a fixture, or null. */
export function readConfig(folder: string): PublisherConfig {
  const file = path.join(folder, 'config.json');
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as PublisherConfig) : null;
}

/** How far `actual` is from `expected`: `max|a − b| / max|b|`, and the least cosine over the rows of the last axis. */
export function compare(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  width: number,
): { relative: number; cosine: number } {
  let difference = 0;
  let largest = 0;
  let cosine = 1;
  for (let row = 0; row < expected.length; row += width) {
    let ab = 0;
    let aa = 0;
    let bb = 0;
    for (let i = row; i < row + width; i++) {
      const a = actual[i]!;
      const b = expected[i]!;
      difference = Math.max(difference, Number.isFinite(a) ? Math.abs(a - b) : Infinity);
      largest = Math.max(largest, Math.abs(b));
      ab += a * b;
      aa += a * a;
      bb += b * b;
    }
    cosine = Math.min(cosine, ab / Math.sqrt(aa * bb));
  }
  return { relative: difference / largest, cosine };
}

export interface ParityOptions {
  /** @default 'image' */
  tower?: 'image' | 'text';
  /** The file of inputs and outputs. @default 'io.safetensors', or 'io.text.safetensors' for the text tower */
  io?: string;
  /** Instead of the fixture's `config.json`. */
  config?: PublisherConfig;
  /** Tensors of the file to hide from the architecture, as if the file had been saved without them. */
  without?: RegExp;
  /** Only these outputs. @default all that the fixture has */
  outputs?: OutputName[];
  /** @default TOLERANCE.relative */
  relative?: number;
}

/** The architecture's graph for the fixture's weights, and how to bind them. */
export function build<C>(
  architecture: Architecture<C>,
  folder: string,
  options: ParityOptions = {},
): { graph: Graph; bind: (p: { name: string }) => Binding; config: C; tensors: Map<string, StoredTensor> } {
  const tensors = readHeader(path.join(folder, 'model.safetensors'));
  for (const name of [...tensors.keys()]) if (options.without?.test(name)) tensors.delete(name);
  const publisher = options.config === undefined ? readConfig(folder) : options.config;
  const config = architecture.configure(publisher, tensors);
  if (config === undefined) throw new Error(`${architecture.name} does not recognise ${folder}`);
  const tower = options.tower ?? 'image';
  const graph = tower === 'image' ? architecture.image(config) : architecture.text?.(config);
  if (!graph) throw new Error(`${architecture.name} has no ${tower} tower`);
  const bind = (p: { name: string }): Binding => {
    const tensor = tensors.get(p.name);
    if (!tensor) throw new Error(`${folder}: no tensor ${p.name}`);
    return tensor;
  };
  return { graph, bind, config, tensors };
}

/**
 * Asserts that the architecture computes what the reference computed, for every output in the fixture: same shape,
 * relative error and cosine within {@link TOLERANCE}, and rows that differ between the items of the batch (a
 * constant output would agree with anything that is also constant).
 */
export async function expectParity<C>(
  architecture: Architecture<C>,
  folder: string,
  options: ParityOptions = {},
): Promise<void> {
  const { graph, bind } = build(architecture, folder, options);
  const io = readHeader(
    path.join(folder, options.io ?? (options.tower === 'text' ? 'io.text.safetensors' : 'io.safetensors')),
  );
  const named = (prefix: string) =>
    [...io].filter(([n]) => n.startsWith(prefix)).map(([n, t]) => [n.slice(prefix.length), t] as const);
  const expected = named('output.').filter(([n]) => options.outputs?.includes(n as OutputName) ?? true);
  const inputs = named('input.').filter(([n]) => graph.inputs.some((v) => v.name === n));
  expect(expected.length, 'outputs in the fixture').toBeGreaterThan(0);

  const session = await openSession(graph, bind, { outputs: expected.map(([n]) => n), threads: 1 });
  try {
    const results = await session.run(Object.fromEntries(inputs.map(([n, t]) => [n, readTensor(t)])));
    for (const [name, stored] of expected) {
      const result = results[name]!;
      const b = readTensor(stored).data as Float32Array;
      expect(result.dims, name).toEqual(stored.shape);
      const { relative, cosine } = compare(result.data as Float32Array, b, stored.shape.at(-1)!);
      expect(relative, `${name}: max|a − b| / max|b|`).toBeLessThanOrEqual(
        options.relative ?? TOLERANCE.relative,
      );
      expect(cosine, `${name}: least cosine`).toBeGreaterThanOrEqual(TOLERANCE.cosine);
      const perItem = b.length / stored.shape[0]!;
      expect(
        compare(b.subarray(0, perItem), b.subarray(b.length - perItem), perItem).relative,
        `${name}: the fixture's items differ`,
      ).toBeGreaterThan(0.01);
    }
  } finally {
    await session.release();
  }
}
