/** @file Convolutions and their gradients in every form that lowering chooses, against loops in float64. */
import { describe, expect, it } from 'vitest';
import { Graph, gradients, openSession, ops, type Tensor, type Value } from '#src/graph/index.js';
import { blockSize } from '#src/graph/lowering/block-size.js';
import { lower } from '#src/graph/lowering/lower.js';
import { encodeModel, prune } from '#src/graph/onnx.js';
import { LocalSession } from '#src/graph/runtime.js';

interface Case {
  n: number;
  c: number;
  o: number;
  size: readonly [number, number];
  kernel: readonly [number, number];
  stride?: number;
  pad?: number | readonly [number, number];
  dilation?: number;
  groups?: number;
  bias?: boolean;
  /** Whether the gradient of the input is computed by phases of the stride. */
  phases?: boolean;
}

const CASES: Record<string, Case> = {
  'many pixels, in blocks': { n: 2, c: 32, o: 16, size: [9, 7], kernel: [3, 3], pad: 1, bias: true },
  'few pixels, one product': { n: 2, c: 32, o: 64, size: [3, 4], kernel: [3, 3], pad: 1, bias: true },
  'stride 2': { n: 2, c: 16, o: 32, size: [9, 8], kernel: [3, 3], stride: 2, pad: 1 },
  'stride 2, few pixels': { n: 1, c: 32, o: 64, size: [4, 4], kernel: [3, 3], stride: 2, pad: 1 },
  'stride 2, even map': {
    n: 3,
    c: 16,
    o: 32,
    size: [10, 8],
    kernel: [3, 3],
    stride: 2,
    pad: 1,
    phases: true,
  },
  'stride 2, four taps': {
    n: 2,
    c: 16,
    o: 16,
    size: [8, 8],
    kernel: [4, 4],
    stride: 2,
    pad: 1,
    phases: true,
  },
  'stride 3, no tap in some phases': {
    n: 2,
    c: 16,
    o: 16,
    size: [9, 6],
    kernel: [2, 3],
    stride: 3,
    phases: true,
  },
  'one tap, stride 2': { n: 2, c: 16, o: 32, size: [8, 8], kernel: [1, 1], stride: 2 },
  'one tap': { n: 2, c: 48, o: 16, size: [5, 5], kernel: [1, 1], bias: true },
  'three channels': { n: 2, c: 3, o: 16, size: [14, 12], kernel: [7, 7], stride: 2, pad: 3 },
  'three channels, wide filter': { n: 1, c: 3, o: 32, size: [12, 12], kernel: [4, 4], stride: 4 },
  dilated: { n: 2, c: 16, o: 16, size: [9, 9], kernel: [3, 3], pad: 2, dilation: 2 },
  'not square': { n: 2, c: 16, o: 32, size: [8, 11], kernel: [1, 5], pad: [0, 2], bias: true },
  'channels that fill no block': { n: 2, c: 5, o: 7, size: [6, 6], kernel: [3, 3], pad: 1, bias: true },
  'wide padding': { n: 1, c: 16, o: 16, size: [5, 5], kernel: [2, 2], pad: 2 },
  'in groups': { n: 2, c: 8, o: 12, size: [6, 5], kernel: [3, 3], stride: 2, pad: 1, groups: 4 },
  depthwise: { n: 2, c: 32, o: 32, size: [7, 7], kernel: [3, 3], pad: 1, groups: 32 },
  'one image, one pixel': { n: 1, c: 16, o: 16, size: [1, 1], kernel: [3, 3], pad: 1 },
};

function noise(n: number, seed: number): Float32Array {
  let s = seed;
  return Float32Array.from({ length: n }, () => {
    s = (Math.imul(s, 1664525) + 1013904223) | 0;
    return s / 2 ** 31;
  });
}

/** Calls `visit` with the places in x, w and y of every product of a convolution. */
function everyProduct(
  k: Case,
  out: readonly number[],
  visit: (x: number, w: number, y: number) => void,
): void {
  const { n, c, o, size, kernel, stride = 1, dilation = 1, groups = 1 } = k;
  const [ph, pw] = padOf(k);
  const [ci, oi] = [c / groups, o / groups];
  for (let b = 0; b < n; b++)
    for (let f = 0; f < o; f++)
      for (let oy = 0; oy < out[0]!; oy++)
        for (let ox = 0; ox < out[1]!; ox++)
          for (let a = 0; a < ci; a++)
            for (let i = 0; i < kernel[0]; i++)
              for (let j = 0; j < kernel[1]; j++) {
                const y = oy * stride + i * dilation - ph;
                const x = ox * stride + j * dilation - pw;
                if (y < 0 || x < 0 || y >= size[0] || x >= size[1]) continue;
                const channel = Math.floor(f / oi) * ci + a;
                visit(
                  ((b * c + channel) * size[0] + y) * size[1] + x,
                  ((f * ci + a) * kernel[0] + i) * kernel[1] + j,
                  ((b * o + f) * out[0]! + oy) * out[1]! + ox,
                );
              }
}

const padOf = ({ pad = 0 }: Case) => (typeof pad === 'number' ? [pad, pad] : pad) as [number, number];

function close(actual: ArrayLike<number>, expected: Float64Array, what: string): void {
  const scale = Math.max(...expected.map(Math.abs), 1e-30);
  const worst = Math.max(...expected.map((x, i) => Math.abs(x - actual[i]!)));
  expect(actual.length, what).toBe(expected.length);
  expect(worst / scale, what).toBeLessThan(2e-6);
}

/** Runs a graph after lowering for blocks of a size. */
async function runLowered(graph: Graph, block: number, feeds: Record<string, Tensor>) {
  const cut = lower(prune(graph), { block, channelsLast: new Set() });
  const model = encodeModel('test', cut, {
    bind: () => ({ data: new Float32Array(), dtype: 'float32' }),
    locate: (f) => f,
  });
  const session = await LocalSession.create({ model, device: 'cpu', threads: 2 });
  const results = await session.run(feeds);
  await session.release();
  return { results, operators: cut.nodes.map((n) => `${n.domain}:${n.op}`) };
}

describe.each([0, await blockSize()])('with blocks of %d', (block) => {
  it.each(Object.entries(CASES))('%s', async (_, k) => {
    const { n, c, o, size, kernel, groups = 1 } = k;
    const graph = new Graph('conv');
    const x = graph.input('x', [n, c, ...size]);
    const w = graph.input('w', [o, c / groups, ...kernel]);
    const b = graph.input('b', [o]);
    const y = ops.conv(x, w, k.bias ? b : null, k);
    const g = graph.input('g', y.shape);
    const loss = ops.sum(ops.mul(y, g), [0, 1, 2, 3]);
    const wrt: Value[] = k.bias ? [x, w, b] : [x, w];
    graph.output('y', y);
    gradients(loss, wrt).forEach((v, i) => {
      graph.output(`d${wrt[i]!.name}`, v);
    });
    const feed = (v: Value, seed: number) => {
      const dims = v.shape as number[];
      return {
        data: noise(
          dims.reduce((p, d) => p * d, 1),
          seed,
        ),
        dims,
      };
    };
    const feeds: Record<string, Tensor> = { x: feed(x, 1), w: feed(w, 2), g: feed(g, 3) };
    if (k.bias) feeds.b = feed(b, 4);
    const { results, operators } = await runLowered(graph, block, feeds);

    const out = y.shape.slice(2) as number[];
    const [xs, ws, gs] = [feeds.x, feeds.w, feeds.g].map((t) => t!.data as Float32Array) as Float32Array[];
    const [ey, ex, ew] = [gs, xs, ws].map((a) => new Float64Array(a!.length)) as Float64Array[];
    const eb = new Float64Array(o);
    const area = out[0]! * out[1]!;
    if (k.bias)
      for (let i = 0; i < ey!.length; i++) ey![i] = feeds.b!.data[Math.floor(i / area) % o] as number;
    for (let i = 0; i < gs!.length; i++) eb[Math.floor(i / area) % o]! += gs![i]!;
    everyProduct(k, out, (ix, iw, iy) => {
      ey![iy]! += xs![ix]! * ws![iw]!;
      ex![ix]! += gs![iy]! * ws![iw]!;
      ew![iw]! += xs![ix]! * gs![iy]!;
    });
    const numbers = (name: string) => results[name]!.data as Float32Array;
    close(numbers('y'), ey!, 'y');
    close(numbers('dx'), ex!, 'dx');
    close(numbers('dw'), ew!, 'dw');
    if (k.bias) close(numbers('db'), eb, 'db');
    if (block === 0) expect(operators.join()).not.toContain('nchwc');
    if (block > 0 && k.phases) expect(operators).not.toContain(':ConvTranspose');
  });
});

describe('a session', () => {
  it('gives and takes weights with their channels last', async () => {
    const graph = new Graph('last');
    const x = graph.input('x', [1, 2, 3, 3]);
    const w = graph.parameter('w', [4, 2, 2, 3]);
    const y = ops.conv(x, w, null);
    graph.output('y', y);
    graph.output('dw', gradients(ops.sum(ops.square(y), [0, 1, 2, 3]), [w])[0]!);
    const [dx, dw] = [noise(18, 1), noise(48, 2)];
    const bind = () => ({ data: dw, dtype: 'float32' as const });
    const feeds = () => ({ x: { data: dx.slice(), dims: [1, 2, 3, 3] } });
    const plain = await openSession(graph, bind, { inline: true });
    const turned = await openSession(graph, bind, {
      inline: true,
      fed: [w],
      channelsLast: new Set(['w', 'dw']),
    });
    const turn = (a: Float32Array) => {
      const at = (o: number, t: number, c: number) => a[(o * 2 + c) * 6 + t]!;
      return Float32Array.from({ length: 48 }, (_, i) =>
        at(Math.floor(i / 12), Math.floor(i / 2) % 6, i % 2),
      );
    };
    const expected = await plain.run(feeds());
    const weights = { data: turn(dw), dims: [4, 2, 3, 2] };
    const actual = await turned.run({ ...feeds(), w: weights });
    close(actual.y!.data as Float32Array, Float64Array.from(expected.y!.data as Float32Array), 'y');
    expect(actual.dw!.dims).toEqual([4, 2, 3, 2]);
    close(actual.dw!.data as Float32Array, Float64Array.from(turn(expected.dw!.data as Float32Array)), 'dw');
    await plain.release();
    await turned.release();
  });
});
