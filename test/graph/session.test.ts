/** @file Sessions: weights from files, worker threads, precisions, the cache of compiled graphs, clear refusals. */
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GraphError, RuntimeError } from '#src/errors.js';
import {
  type Bind,
  Graph,
  type GraphSessionOptions,
  openSession,
  ops,
  runtimeInfo,
  Session,
} from '#src/graph/index.js';

const WIDTH = 64;
let folder: string;
let file: string;
const numbers = new Map<string, { offset: number; values: Float32Array }>();

/** Reproducible numbers in −1..1. */
function noise(n: number, seed: number): Float32Array {
  let s = seed;
  return Float32Array.from({ length: n }, () => {
    s = (Math.imul(s, 1664525) + 1013904223) | 0;
    return s / 2 ** 31;
  });
}

function network(layers = 3): Graph {
  const g = new Graph('chain');
  let x = g.input('x', ['N', WIDTH]);
  for (let i = 0; i < layers; i++) {
    x = ops.linear(x, g.parameter(`${i}.weight`, [WIDTH, WIDTH]), g.parameter(`${i}.bias`, [WIDTH]));
    g.output(`after${i}`, x);
    x = ops.tanh(x);
  }
  g.output('y', x);
  return g;
}

const bind: Bind = (p) => ({
  file,
  offset: numbers.get(p.name)!.offset,
  length: numbers.get(p.name)!.values.byteLength,
  dtype: 'float32',
});

/** The same network in float64. */
function reference(x: Float32Array, weights: (name: string) => ArrayLike<number>, layers = 3): Float64Array {
  let row = Float64Array.from(x);
  for (let i = 0; i < layers; i++) {
    const w = weights(`${i}.weight`);
    const b = weights(`${i}.bias`);
    row = row.map((_, o) => {
      let sum = b[o]!;
      for (let k = 0; k < WIDTH; k++) sum += row[k]! * w[o * WIDTH + k]!;
      return Math.tanh(sum);
    });
  }
  return row;
}

function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    ab += a[i]! * b[i]!;
    aa += a[i]! * a[i]!;
    bb += b[i]! * b[i]!;
  }
  return ab / Math.sqrt(aa * bb);
}

async function compute(options: GraphSessionOptions, x = noise(WIDTH, 99)): Promise<Float32Array> {
  const session = await openSession(network(), bind, {
    outputs: ['y'],
    threads: 1,
    inline: true,
    ...options,
  });
  const { y } = await session.run({ x: { data: Float32Array.from(x), dims: [1, WIDTH] } });
  await session.release();
  return y!.data as Float32Array;
}

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'graph-'));
  file = path.join(folder, 'weights.bin');
  const parts: Uint8Array[] = [new Uint8Array(16)];
  let offset = 16;
  for (let i = 0; i < 3; i++)
    for (const [name, n] of [
      [`${i}.weight`, WIDTH * WIDTH],
      [`${i}.bias`, WIDTH],
    ] as const) {
      const values = noise(n, parts.length).map((v) => v / 4);
      numbers.set(name, { offset, values });
      parts.push(new Uint8Array(values.buffer));
      offset += values.byteLength;
    }
  writeFileSync(file, Buffer.concat(parts));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('weights', () => {
  it('are read from the file they lie in', async () => {
    const expected = reference(noise(WIDTH, 99), (n) => numbers.get(n)!.values);
    const y = await compute({});
    expect(Math.max(...y.map((v, i) => Math.abs(v - expected[i]!)))).toBeLessThan(1e-6);
  });

  it('of outputs that are not asked for need not exist', async () => {
    const only: Bind = (p) => (p.name.startsWith('0.') ? bind(p) : expect.unreachable(p.name));
    const session = await openSession(network(), only, { outputs: ['after0'], inline: true });
    expect(session.outputs).toEqual([{ name: 'after0', type: 'float32', shape: ['N', WIDTH] }]);
    await session.release();
  });

  it('that do not fill their shape are refused', async () => {
    const short: Bind = (p) => ({ ...bind(p), length: 8 }) as ReturnType<Bind>;
    await expect(openSession(network(), short, { inline: true })).rejects.toThrow(
      /8 bytes do not fill float32 \[64, 64\]/,
    );
  });

  it('may lie beyond the 2 GB of a protobuf message', async () => {
    const large = path.join(folder, 'large.bin'); // sparse: takes no room on the disk
    const offset = 3 * 2 ** 30;
    const handle = openSync(large, 'w');
    for (const { offset: at, values } of numbers.values())
      writeSync(handle, values, 0, values.byteLength, offset + at);
    closeSync(handle);
    const far: Bind = (p) => ({ ...bind(p), file: large, offset: offset + numbers.get(p.name)!.offset });
    const session = await openSession(network(), far, { outputs: ['y'], threads: 1, inline: true });
    const { y } = await session.run({ x: { data: noise(WIDTH, 99), dims: [1, WIDTH] } });
    await session.release();
    expect(y!.data).toEqual(await compute({}));
  });

  it('rounded to half precision equal a float64 reference over rounded weights', async () => {
    const half = (n: string) => numbers.get(n)!.values.map(toHalf);
    const expected = reference(noise(WIDTH, 99), half);
    const y = await compute({ precision: 'fp16' });
    expect(Math.max(...y.map((v, i) => Math.abs(v - expected[i]!)))).toBeLessThan(1e-6);
    const full = reference(noise(WIDTH, 99), (n) => numbers.get(n)!.values);
    expect(Math.max(...y.map((v, i) => Math.abs(v - full[i]!)))).toBeGreaterThan(1e-6);
  });

  it('as 8-bit integers stay close, but are not the same', async () => {
    const expected = reference(noise(WIDTH, 99), (n) => numbers.get(n)!.values);
    const c = cosine(await compute({ precision: 'int8' }), expected);
    expect(c).toBeGreaterThan(0.999);
    expect(c).toBeLessThan(0.9999999);
  });
});

describe('int8 convolutions', () => {
  it('stay as they are', async () => {
    const g = new Graph();
    const w = g.constant(noise(16 * 8 * 9, 1), [16, 8, 3, 3], 'float32');
    g.output('y', ops.conv(g.input('x', ['N', 8, 12, 12]), w, null, { pad: 1, stride: 2 }));
    const results = await Promise.all(
      (['fp32', 'int8'] as const).map(async (precision) => {
        const s = await openSession(g, () => expect.unreachable(), { precision, inline: true });
        const out = await s.run({ x: { data: noise(2 * 8 * 144, 6), dims: [2, 8, 12, 12] } });
        await s.release();
        return out.y!;
      }),
    );
    expect(results[1]).toEqual(results[0]);
  });
});

describe('worker threads', () => {
  it('give the same numbers and leave the event loop free', async () => {
    const here = await compute({});
    expect(await compute({ inline: false })).toEqual(here);

    const size = 1024;
    const g = new Graph();
    let x = g.input('x', ['N', size]);
    const w = g.constant(
      noise(size * size, 5).map((v) => v / 16),
      [size, size],
      'float32',
    );
    for (let i = 0; i < 8; i++) x = ops.tanh(ops.matmul(x, w));
    g.output('y', x);
    const session = await openSession(g, () => expect.unreachable(), { threads: 1 });
    let ticks = 0;
    const timer = setInterval(() => ticks++, 5);
    const start = performance.now();
    await session.run({ x: { data: noise(1024 * size, 1), dims: [1024, size] } });
    const elapsed = performance.now() - start;
    clearInterval(timer);
    await session.release();
    expect(elapsed).toBeGreaterThan(40); // some 17 GFLOP: long enough to tell
    expect(ticks).toBeGreaterThan(3); // on this thread there would be none
  });

  it('answer concurrent runs in order and refuse after release', async () => {
    const session = await openSession(network(), bind, { outputs: ['y'] });
    const inputs = [1, 2, 3, 4].map((s) => noise(WIDTH, s));
    const outputs = await Promise.all(
      inputs.map((x) => session.run({ x: { data: Float32Array.from(x), dims: [1, WIDTH] } })),
    );
    inputs.forEach((x, i) => {
      const expected = reference(x, (n) => numbers.get(n)!.values);
      expect(cosine(outputs[i]!.y!.data as Float32Array, expected)).toBeGreaterThan(0.999999);
    });
    await session.release();
    await session.release();
    await expect(session.run({})).rejects.toThrow(/released/);
  });

  it('report what the network refuses and go on', async () => {
    const session = await openSession(network(), bind, { outputs: ['y'] });
    await expect(session.run({ x: { data: new Float32Array(3), dims: [1, 3] } })).rejects.toThrow(
      RuntimeError,
    );
    await expect(session.run({ z: { data: new Float32Array(3), dims: [1, 3] } })).rejects.toThrow(
      /no input "z"; the network has x/,
    );
    const { y } = await session.run({ x: { data: noise(WIDTH, 1), dims: [1, WIDTH] } });
    expect(y!.dims).toEqual([1, WIDTH]);
    await session.release();
  });

  it('refuse arrays that were moved away or cannot be moved, instead of waiting for ever', async () => {
    const session = await openSession(network(), bind, { outputs: ['y'] });
    const x = { data: noise(WIDTH, 1), dims: [1, WIDTH] };
    await session.run({ x });
    const error = await session.run({ x }).catch((e: RuntimeError) => e);
    expect(error).toBeInstanceOf(RuntimeError);
    expect(error).toMatchObject({
      message: 'input "x": 0 numbers do not fill [1, 64]',
      hint: expect.stringContaining('empty afterwards'),
    });
    const shared = new Float32Array(new SharedArrayBuffer(WIDTH * 4)) as unknown as Float32Array<ArrayBuffer>;
    await expect(session.run({ x: { data: shared, dims: [1, WIDTH] } })).rejects.toThrow(/cannot be moved/);
    expect((await session.run({ x: { data: noise(WIDTH, 1), dims: [1, WIDTH] } })).y!.dims).toEqual([
      1,
      WIDTH,
    ]);
    await session.release();
  });

  it('refuse a wrong element type with the same class of error as without a thread', async () => {
    for (const inline of [true, false]) {
      const session = await openSession(network(), bind, { outputs: ['y'], inline });
      const wrong = { data: new Int32Array(WIDTH), dims: [1, WIDTH] };
      await expect(session.run({ x: wrong }), `inline: ${inline}`).rejects.toThrow(RuntimeError);
      await session.release();
    }
  });
});

describe('compiled graphs', () => {
  it('are kept when weights are converted, reused, and made anew when damaged', async () => {
    const cacheDir = path.join(folder, 'cache');
    const kept = () => readdirSync(path.join(cacheDir, 'graphs'));
    const first = await compute({ precision: 'int8', cacheDir });
    expect(kept()).toHaveLength(1);
    const model = path.join(cacheDir, 'graphs', kept()[0]!, 'model.onnx');
    const made = statSync(model).mtimeMs;
    expect(await compute({ precision: 'int8', cacheDir })).toEqual(first);
    expect(statSync(model).mtimeMs).toBe(made);
    truncateSync(model, 100);
    expect(await compute({ precision: 'int8', cacheDir })).toEqual(first);
    expect(statSync(model).size).toBeGreaterThan(100);
    await compute({ precision: 'fp16', cacheDir });
    expect(kept()).toHaveLength(2);
  });

  it('that a killed process left half written are removed after a day', async () => {
    const cacheDir = path.join(folder, 'abandoned');
    const graphs = path.join(cacheDir, 'graphs');
    for (const [name, hours] of [
      ['.old', 25],
      ['.new', 1],
      ['kept', 25],
    ] as const) {
      mkdirSync(path.join(graphs, name), { recursive: true });
      const then = Date.now() / 1000 - hours * 3600;
      utimesSync(path.join(graphs, name), then, then);
    }
    await compute({ precision: 'fp16', cacheDir });
    const left = readdirSync(graphs);
    expect(left).toHaveLength(3);
    expect(left).toEqual(expect.arrayContaining(['.new', 'kept']));
  });

  it('are not needed: a folder that cannot be written costs nothing', async () => {
    const blocked = path.join(folder, 'blocked');
    writeFileSync(blocked, '');
    expect(await compute({ precision: 'int8', cacheDir: blocked })).toEqual(
      await compute({ precision: 'int8' }),
    );
  });
});

describe('refusals', () => {
  it('name the outputs that exist', async () => {
    await expect(openSession(network(), bind, { outputs: ['z'] })).rejects.toThrow(
      new GraphError('chain has no output "z"; it has after0, after1, after2, y'),
    );
  });

  it('name the devices that exist', async () => {
    const { devices } = await runtimeInfo();
    expect(devices).toContain('cpu');
    const missing = (['coreml', 'dml'] as const).find((d) => !devices.includes(d))!;
    const error = await openSession(network(), bind, { device: missing }).catch((e: RuntimeError) => e);
    expect(error).toBeInstanceOf(RuntimeError);
    expect(error).toMatchObject({
      message: expect.stringContaining(missing),
      hint: expect.stringContaining('cpu'),
    });
  });

  it('name the file that is no model', async () => {
    await expect(Session.fromFile(file)).rejects.toThrow(/weights\.bin: the runtime refused the model/);
  });

  it('ask for a sensible number of threads', async () => {
    await expect(compute({ threads: 0 })).rejects.toThrow(
      /threads: expected a whole number of at least 1 but received 0/,
    );
  });
});

/** Rounds to the nearest half-precision number, ties to even, by arithmetic (normal range). */
function toHalf(x: number): number {
  if (x === 0) return 0;
  const exponent = Math.max(Math.floor(Math.log2(Math.abs(x))), -14);
  const unit = 2 ** (exponent - 10);
  const q = x / unit;
  const floor = Math.floor(q);
  const even = floor % 2 === 0 ? floor : floor + 1;
  return (q - floor === 0.5 ? even : Math.round(q)) * unit;
}
