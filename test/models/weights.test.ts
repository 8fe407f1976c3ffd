/** @file Safetensors read, checked, converted and written, against values that PyTorch wrote. */
import { createHash } from 'node:crypto';
import {
  copyFile,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WeightsError } from '#src/errors.js';
import { Graph, openSession, ops } from '#src/graph/index.js';
import { bindWeights } from '#src/models/index.js';
import { toFloat16 } from '#src/models/weights/dtype.js';
import { sha256OfFile } from '#src/models/weights/hash.js';
import { openWeights, readTensor, writeSafetensors } from '#src/models/weights/index.js';

const fixtures = new URL('../fixtures/weights/', import.meta.url).pathname;
const values = join(fixtures, 'values.safetensors');

let folder: string;
let expected: Record<string, { shape: number[]; float: string; half: string; sha256: string }>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'afterimage-weights-'));
  process.env.AFTERIMAGE_CACHE = join(folder, 'cache');
  expected = JSON.parse(await readFile(join(fixtures, 'expected.json'), 'utf8'));
});
afterAll(() => rm(folder, { recursive: true }));

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const bytesOf = (array: NodeJS.TypedArray) => Buffer.from(array.buffer, array.byteOffset, array.byteLength);

describe('reading', () => {
  it('finds the tensors, their places and the metadata that Python wrote', async () => {
    const source = await openWeights(values);
    expect(source.metadata).toEqual({ format: 'pt', note: 'golden' });
    expect(source.tensors.size).toBe(13);
    expect(source.tensors.get('named "oddly" \\ é')).toMatchObject({ dtype: 'F32', shape: [2], length: 8 });
    expect(source.tensors.get('scalar')!.shape).toEqual([]);
  });

  it.each(['f32', 'f16', 'bf16', 'f64', 'i64', 'i32', 'i8', 'u8', 'bool', 'scalar', 'empty'])(
    'gives the bits of .float() for %s',
    async (name) => {
      const source = await openWeights(values);
      const floats = await readTensor(source, name);
      expect(source.tensors.get(name)!.shape).toEqual(expected[name]!.shape);
      expect(bytesOf(floats).toString('base64')).toBe(expected[name]!.float);
    },
  );

  it('widens all 65,536 half-precision numbers as PyTorch does', async () => {
    const path = join(folder, 'halves.safetensors');
    const all = Uint16Array.from({ length: 65536 }, (_, i) => i);
    await writeSafetensors(path, { all: { dtype: 'F16', shape: [256, 256], data: all } });
    const floats = await readTensor(await openWeights(path), 'all');
    const bits = new Uint32Array(floats.buffer);
    for (let i = 0; i < bits.length; i++) if (Number.isNaN(floats[i]!)) bits[i] = 0x7fc00000;
    expect(sha256(bytesOf(bits))).toBe(expected['all halves']!.sha256);
  });

  it('suggests the nearest tensor when one is missing', async () => {
    await expect(readTensor(await openWeights(values), 'scaler')).rejects.toThrow(
      /no tensor "scaler".*"scalar"/,
    );
  });
});

describe('folders and shards', () => {
  it('opens shards through their index', async () => {
    const source = await openWeights(join(fixtures, 'sharded'));
    expect([...source.tensors.keys()].sort()).toEqual(['f16', 'f32', 'i8', 'scalar']);
    expect(source.files).toHaveLength(2);
    const half = await readTensor(source, 'f16');
    expect(bytesOf(half).toString('base64')).toBe(expected.f16!.float);
  });

  it('takes model.safetensors first, or the only file, and asks when there are several', async () => {
    const place = join(folder, 'several');
    await mkdir(place);
    await copyFile(values, join(place, 'open_clip_model.safetensors'));
    expect((await openWeights(place)).files).toEqual([join(place, 'open_clip_model.safetensors')]);
    await copyFile(values, join(place, 'other.safetensors'));
    await expect(openWeights(place)).rejects.toThrow(
      /several: open_clip_model.safetensors, other.safetensors/,
    );
    await copyFile(values, join(place, 'model.safetensors'));
    expect((await openWeights(place)).files).toEqual([join(place, 'model.safetensors')]);
  });

  it('refuses an index that points out of its folder or at a shard without the tensor', async () => {
    const place = join(folder, 'index');
    await mkdir(place);
    const index = join(place, 'model.safetensors.index.json');
    for (const shard of ['../values.safetensors', '/etc/passwd', 'C:\\x', 5]) {
      await writeFile(index, JSON.stringify({ weight_map: { f32: shard } }));
      await expect(openWeights(place)).rejects.toThrow(/beside the index/);
    }
    await copyFile(values, join(place, 'a.safetensors'));
    await writeFile(index, JSON.stringify({ weight_map: { absent: 'a.safetensors' } }));
    await expect(openWeights(place)).rejects.toThrow(/"absent" is in a.safetensors, but it is not/);
  });

  it('refuses pickled files and says how to convert them', async () => {
    const place = join(folder, 'pickled');
    await mkdir(place);
    await writeFile(join(place, 'pytorch_model.bin'), 'PK');
    const error = await openWeights(place).catch((e: unknown) => e as WeightsError);
    expect(error).toBeInstanceOf(WeightsError);
    expect((error as WeightsError).message).toMatch(/pytorch_model.bin: is a pickled PyTorch file/);
    expect((error as WeightsError).hint).toMatch(/save_file/);
    await expect(openWeights(join(place, 'missing.pth'))).rejects.toThrow(/no such file/);
  });
});

describe('damage', () => {
  /** A file with the given header and data. */
  async function make(header: string, dataBytes: number): Promise<string> {
    const path = join(folder, `bad-${sha256(Buffer.from(header + dataBytes)).slice(0, 8)}.safetensors`);
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(Buffer.byteLength(header)));
    await writeFile(path, Buffer.concat([length, Buffer.from(header), Buffer.alloc(dataBytes)]));
    return path;
  }
  const f32 = (begin: number, end: number, shape = [(end - begin) / 4]) =>
    `{"dtype":"F32","shape":[${shape}],"data_offsets":[${begin},${end}]}`;

  it('says how much of a cut file is there', async () => {
    const whole = await readFile(values);
    const path = join(folder, 'cut.safetensors');
    await writeFile(path, whole.subarray(0, whole.length - 10));
    await expect(openWeights(path)).rejects.toThrow(
      `truncated: header says ${whole.length} bytes, file has ${whole.length - 10}; delete it or run \`afterimage models verify\``,
    );
    await writeFile(path, whole.subarray(0, 100));
    await expect(openWeights(path)).rejects.toThrow(
      /truncated: header says at least \d+ bytes, file has 100/,
    );
    await writeFile(path, '');
    await expect(openWeights(path)).rejects.toThrow(/truncated: header says at least 8 bytes, file has 0/);
    await writeFile(path, Buffer.concat([whole, Buffer.alloc(3)]));
    await expect(openWeights(path)).rejects.toThrow(/bytes follow the last tensor/);
  });

  it.each([
    ['a hole', `{"a":${f32(0, 8)},"b":${f32(12, 16)}}`, 16, /"b" leaves a hole/],
    ['a hole at the start', `{"a":${f32(4, 8)}}`, 8, /"a" leaves a hole/],
    ['an overlap', `{"a":${f32(0, 8)},"b":${f32(4, 12)}}`, 12, /"b" overlaps/],
    ['a wrong size', `{"a":${f32(0, 8, [3])}}`, 8, /F32 \[3\] needs 12 bytes, data_offsets give 8/],
    ['a name twice', `{"a":${f32(0, 8)},"a":${f32(0, 8)}}`, 8, /"a" is listed twice/],
    ['an escaped name twice', `{"\\u0061\\"":${f32(0, 8)},"a\\"":${f32(0, 8)}}`, 8, /listed twice/],
    ['an unknown format', `{"a":{"dtype":"F7","shape":[1],"data_offsets":[0,4]}}`, 4, /unknown format "F7"/],
    ['a negative side', `{"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}}`, 1, /whole numbers/],
    ['a backward range', `{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,0]}}`, 1, /data_offsets/],
    ['no JSON', `{"a":`, 4, /expected JSON/],
    ['no object', `["a"]`, 0, /begin with "\{"/],
    ['odd metadata', `{"__metadata__":{"a":1}}`, 0, /strings to strings/],
  ])('refuses %s', async (_, header, bytes, message) => {
    await expect(openWeights(await make(header, bytes))).rejects.toThrow(message);
  });

  it('accepts padding and names inside metadata or nested keys', async () => {
    const path = await make(
      `{"__metadata__":{"a":"a","shape":"x"},"a":${f32(0, 8)},"shape":${f32(8, 12)}}   `,
      12,
    );
    expect([...(await openWeights(path)).tensors.keys()]).toEqual(['a', 'shape']);
  });

  it.each([
    [Buffer.from('version https://git-lfs.github.com/spec/v1\n'), /Git LFS pointer/],
    [Buffer.from('<!doctype html>'), /web page/],
    [Buffer.from('PK\x03\x04 a zip archive'), /zip archive/],
  ])('tells what a file is that is not safetensors (%#)', async (content, message) => {
    const path = join(folder, 'not.safetensors');
    await writeFile(path, content);
    await expect(openWeights(path)).rejects.toThrow(message);
  });
});

describe('writing and converting', () => {
  it('narrows to half precision as PyTorch does, ties, subnormals and overflow included', async () => {
    const floats = await readTensor(await openWeights(values), 'narrow.input');
    expect(bytesOf(toFloat16(floats)).toString('base64')).toBe(expected['narrow.output']!.half);
  });

  it('writes what it reads back, aligned, atomically', async () => {
    const path = join(folder, 'sub', 'written.safetensors');
    const written = await writeSafetensors(
      path,
      {
        small: { shape: [3], data: new Int8Array([1, -2, 3]) },
        weights: { shape: [2, 2], data: new Float32Array([1, 2, 3, 4]) },
        half: { dtype: 'F16', shape: [2], data: toFloat16(new Float32Array([0.5, -2])) },
      },
      { format: 'pt' },
    );
    const source = await openWeights(path);
    expect([...source.tensors.values()]).toEqual([...written.values()]);
    expect(source.tensors.get('weights')!.offset % 8).toBe(0);
    expect([...(await readTensor(source, 'half'))]).toEqual([0.5, -2]);
    expect([...(await readTensor(source, 'small'))]).toEqual([1, -2, 3]);
    expect(await readdir(join(folder, 'sub'))).toEqual(['written.safetensors']);
    await expect(writeSafetensors(path, { a: { shape: [3], data: new Float32Array(2) } })).rejects.toThrow(
      /needs 12 bytes but received 8/,
    );
    expect((await openWeights(path)).tensors.size).toBe(3);
  });

  it('multiplies 8-bit integers by the factor of their row', async () => {
    const path = join(folder, 'quantised.safetensors');
    const integers = { shape: [2, 3], data: new Int8Array([1, -2, 127, 3, 4, -127]) };
    const factors = { dtype: 'F16' as const, shape: [2, 1], data: toFloat16(new Float32Array([0.5, 2])) };
    await writeSafetensors(path, { 'a.weight': integers, 'a.weight_scale': factors, plain: integers });
    const source = await openWeights(path);
    expect([...source.tensors.keys()].sort()).toEqual(['a.weight', 'plain']);
    expect([...(await readTensor(source, 'a.weight'))]).toEqual([0.5, -1, 63.5, 6, 8, -254]);

    const graph = new Graph('linear');
    const x = graph.input('x', ['N', 3]);
    graph.output('y', ops.linear(x, graph.parameter('a.weight', [2, 3]), null));
    const feeds = () => ({ x: { data: Float32Array.of(1, 10, 100), dims: [1, 3] } });
    for (const precision of ['fp32', 'fp16', 'int8'] as const) {
      const session = await openSession(graph, bindWeights(source), { inline: true, precision });
      const [low, high] = (await session.run(feeds())).y!.data as Float32Array;
      await session.release();
      const within = precision === 'int8' ? 0.01 : 1e-6;
      expect(Math.abs(low! / 6340.5 - 1)).toBeLessThan(within);
      expect(Math.abs(high! / -25314 - 1)).toBeLessThan(within);
    }
    expect(() => bindWeights(source)({ ...graph.parameters.get('a.weight')!, name: 'plain' })).toThrow(
      /"plain" holds I8; expected F32, F16, BF16, F64, or I8 with "plain_scale"/,
    );

    const wrong = {
      'a.weight': integers,
      'a.weight_scale': { ...factors, shape: [1], data: factors.data.slice(1) },
    };
    await writeSafetensors(path, wrong);
    await expect(openWeights(path)).rejects.toThrow(
      /"a.weight_scale" is F16 \[1\]; expected 2 floats, one for each row of "a.weight"/,
    );
  });
});

describe('sha256', () => {
  it('is the file’s own for one file and that of the sorted hashes for shards', async () => {
    expect(await (await openWeights(values)).sha256()).toBe(sha256(await readFile(values)));
    const shards = await Promise.all(
      ['1', '2'].map((n) => readFile(join(fixtures, 'sharded', `model-0000${n}-of-00002.safetensors`))),
    );
    const joined = shards.map(sha256).sort().join('\n');
    expect(await (await openWeights(join(fixtures, 'sharded'))).sha256()).toBe(sha256(Buffer.from(joined)));
  });

  it('remembers a hash until size or time of the file changes', async () => {
    const path = join(folder, 'hashed.bin');
    const memo = join(folder, 'memo');
    await writeFile(path, 'aaaa');
    await utimes(path, 1e9, 1e9);
    const first = await sha256OfFile(path, memo);
    expect(first).toBe(sha256(Buffer.from('aaaa')));
    await writeFile(path, 'bbbb');
    await utimes(path, 1e9, 1e9);
    expect(await sha256OfFile(path, memo)).toBe(first); // same size and time: taken from memory, not read
    await utimes(path, 2e9, 2e9);
    expect(await sha256OfFile(path, memo)).toBe(sha256(Buffer.from('bbbb')));
    const handle = await open(join(memo, (await readdir(memo))[0]!), 'w');
    await handle.write('{"broken');
    await handle.close();
    expect(await sha256OfFile(path, memo)).toBe(sha256(Buffer.from('bbbb')));
  });

  it('takes the name of a blob of the hub cache', async () => {
    const repo = join(folder, 'models--org--name');
    const name = 'c'.repeat(64);
    await mkdir(join(repo, 'blobs'), { recursive: true });
    await mkdir(join(repo, 'snapshots', 'abc'), { recursive: true });
    await copyFile(values, join(repo, 'blobs', name));
    const link = join(repo, 'snapshots', 'abc', 'model.safetensors');
    await symlink(`../../blobs/${name}`, link);
    expect(await (await openWeights(link)).sha256()).toBe(name);
    // Not a link: its bytes are what counts.
    expect(await sha256OfFile(join(repo, 'blobs', name))).toBe(sha256(await readFile(values)));
  });
});
