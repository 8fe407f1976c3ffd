/**
 * @file Weights in safetensors: one file, or shards with an index, opened without reading the tensors.
 *
 * Only headers are read at opening; tensors stay on disk until the graph asks for them, so no second copy of a network
 * lives in JavaScript. Pickled PyTorch files are refused: reading one runs code of whoever wrote it.
 */
import { open, readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, extname, isAbsolute, join } from 'node:path';
import { nearestName, WeightsError } from '../../errors.js';
import { toFloat32 } from './dtype.js';
import { sha256OfWeights } from './hash.js';
import { readHeader, type TensorInfo } from './header.js';

export type { Dtype } from './dtype.js';
export type { TensorInfo } from './header.js';

/** The tensors of one model, wherever its files are. */
export interface WeightSource {
  /** The files, in the order of their names. */
  readonly files: string[];
  /** Every tensor by name. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /** The files' own notes (`__metadata__`), merged. */
  readonly metadata: Readonly<Record<string, string>>;
  /**
   * sha256 (hex) of the weights: that of the file, or, for shards, of the sorted list of the shards' hashes joined by
   * newlines. Remembered in the cache; for a link into the hub cache the blob's name is taken.
   */
  sha256(): Promise<string>;
}

const PICKLED = new Set(['.bin', '.pth', '.pt', '.ckpt', '.pkl', '.tar']);
const INDEX = /\.safetensors\.index\.json$/;

/** One read call moves at most this much. */
const READ_BYTES = 1 << 28;

/**
 * Opens the weights at `path`.
 *
 * @param path a `.safetensors` file; a `.safetensors.index.json`; or a folder, where `model.safetensors` comes first,
 *   then `model.safetensors.index.json`, then the only `.safetensors` file or index there is
 * @throws WeightsError when there are none, when they are pickled, damaged or cut short
 */
export async function openWeights(path: string): Promise<WeightSource> {
  const info = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    throw new WeightsError(path, 'no such file or folder', { cause });
  });
  const file = info.isDirectory() ? await findInFolder(path) : path;
  if (PICKLED.has(extname(file).toLowerCase())) throw pickled(file);
  return INDEX.test(file) ? openShards(file) : source([file], [await readHeader(file)]);
}

/**
 * One tensor as float32, with the values of PyTorch's `.float()`: f16 and bf16 widen exactly, f64 rounds to nearest,
 * 8-bit integers are multiplied by their factors where the file has any.
 *
 * @throws WeightsError when there is no such tensor (the nearest name is suggested) or its format is no number
 */
export async function readTensor(source: WeightSource, name: string): Promise<Float32Array> {
  const tensor = findTensor(source, name);
  const { dtype, file, scale } = tensor;
  const numbers = toFloat32(await bytesOf(tensor), dtype, `${file} (${name})`);
  if (!scale) return numbers;
  const factors = toFloat32(await bytesOf(scale), scale.dtype, `${file} (${scale.name})`);
  const row = numbers.length / factors.length;
  for (let i = 0; i < numbers.length; i++) numbers[i]! *= factors[Math.floor(i / row)]!;
  return numbers;
}

/** The bytes of one tensor, as they are in the file (little-endian, row-major). */
async function bytesOf({ file, offset, length }: TensorInfo): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  const handle = await open(file, 'r');
  try {
    await readFully(handle, bytes, offset, file);
  } finally {
    await handle.close();
  }
  return bytes;
}

/** Where the tensor called `name` lies; throws a WeightsError that suggests the nearest name when there is none. */
export function findTensor(source: WeightSource, name: string): TensorInfo {
  const tensor = source.tensors.get(name);
  if (tensor !== undefined) return tensor;
  const near = nearestName(name, source.tensors.keys());
  throw new WeightsError(
    source.files[0] ?? 'weights',
    `has no tensor "${name}"${near === undefined ? '' : `; the nearest is "${near}"`}`,
    { hint: 'The weights may belong to another architecture or another layout of names.' },
  );
}

/** Fills `bytes` from `offset` of an open file. */
export async function readFully(
  handle: Awaited<ReturnType<typeof open>>,
  bytes: Uint8Array,
  offset: number,
  file: string,
): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const want = Math.min(READ_BYTES, bytes.length - done);
    const { bytesRead } = await handle.read(bytes, done, want, offset + done);
    if (bytesRead === 0)
      throw new WeightsError(file, `ended ${bytes.length - done} bytes early while it was read`);
    done += bytesRead;
  }
}

async function findInFolder(folder: string): Promise<string> {
  const names = (await readdir(folder)).sort();
  for (const name of ['model.safetensors', 'model.safetensors.index.json']) {
    if (names.includes(name)) return join(folder, name);
  }
  const indexes = names.filter((name) => INDEX.test(name));
  const candidates = indexes.length > 0 ? indexes : names.filter((name) => name.endsWith('.safetensors'));
  if (candidates.length === 1) return join(folder, candidates[0]!);
  if (candidates.length > 1) {
    throw new WeightsError(folder, `expected one model but found several: ${candidates.join(', ')}`, {
      hint: 'Name the file itself.',
    });
  }
  const pickle = names.find((name) => PICKLED.has(extname(name).toLowerCase()));
  if (pickle !== undefined) throw pickled(join(folder, pickle));
  throw new WeightsError(folder, 'expected a .safetensors file in this folder but found none');
}

async function openShards(index: string): Promise<WeightSource> {
  const map = await readWeightMap(index);
  const names = [...new Set(map.values())].sort();
  const files = names.map((name) => join(dirname(index), name));
  const headers = [];
  for (const file of files) headers.push(await readHeader(file));
  const all = source(files, headers);
  for (const [tensor, shard] of map) {
    const found = all.tensors.get(tensor);
    if (found === undefined || basename(found.file) !== basename(shard)) {
      throw new WeightsError(index, `says that tensor "${tensor}" is in ${shard}, but it is not there`);
    }
  }
  return all;
}

async function readWeightMap(index: string): Promise<Map<string, string>> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(await readFile(index, 'utf8'));
  } catch (cause) {
    throw new WeightsError(index, 'expected JSON', { cause });
  }
  const map = (parsed as { weight_map?: unknown } | null)?.weight_map;
  if (typeof map !== 'object' || map === null) throw new WeightsError(index, 'expected a "weight_map"');
  for (const [tensor, shard] of Object.entries(map)) {
    const isInside = typeof shard === 'string' && !isAbsolute(shard) && !/[\\:]|(^|\/)\.\.(\/|$)/.test(shard);
    if (!isInside) {
      throw new WeightsError(
        index,
        `expected a file beside the index for "${tensor}" but received ${JSON.stringify(shard)}`,
      );
    }
  }
  return new Map(Object.entries(map as Record<string, string>));
}

function source(files: string[], headers: Awaited<ReturnType<typeof readHeader>>[]): WeightSource {
  const tensors = new Map<string, TensorInfo>();
  for (const header of headers) {
    for (const [name, tensor] of header.tensors) {
      const other = tensors.get(name);
      if (other !== undefined)
        throw new WeightsError(tensor.file, `tensor "${name}" is also in ${other.file}`);
      tensors.set(name, tensor);
    }
  }
  for (const [name, tensor] of tensors) attachScale(tensors, name, tensor);
  const metadata = Object.assign({}, ...headers.map((header) => header.metadata)) as Record<string, string>;
  let hash: Promise<string> | undefined;
  return {
    files,
    tensors,
    metadata,
    sha256() {
      hash ??= sha256OfWeights(files);
      return hash;
    },
  };
}

/**
 * Joins 8-bit weights with their factors: `x.weight` (I8) and `x.weight_scale` (one float for each row), the names of
 * `compressed-tensors`' symmetric per-channel integers. The factors are no tensor of their own any more.
 */
function attachScale(tensors: Map<string, TensorInfo>, name: string, tensor: TensorInfo): void {
  const scale = tensors.get(`${name}_scale`);
  if (tensor.dtype !== 'I8' || !scale) return;
  const count = scale.shape.reduce((n, d) => n * d, 1);
  if (count !== tensor.shape[0] || !/^B?F(16|32)$/.test(scale.dtype))
    throw new WeightsError(
      tensor.file,
      `tensor "${scale.name}" is ${scale.dtype} [${scale.shape}]; expected ${tensor.shape[0]} floats, one for each row of "${name}"`,
    );
  tensors.set(name, { ...tensor, scale });
  tensors.delete(scale.name);
}

function pickled(file: string): WeightsError {
  return new WeightsError(
    file,
    'is a pickled PyTorch file; reading one can run any code that its author put in it',
    {
      hint:
        'Convert it once, in Python, on a machine where you trust the file: ' +
        '`import torch; from safetensors.torch import save_file; ' +
        "state = torch.load('in.bin', map_location='cpu', weights_only=True); " +
        "save_file({k: v.clone().contiguous() for k, v in state.items()}, 'model.safetensors')`.",
    },
  );
}
