/**
 * @file A ready-made `.onnx` file as a model: its outputs are what the file declares, its preprocessing is what the file
 * itself says (one that was exported here does), else the `preprocessor_config.json` beside it or, for a file in a
 * folder `onnx`, beside that folder.
 */
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { ModelError } from '../errors.js';
import { type Port, Session } from '../graph/index.js';
import { outputSize } from '../image/index.js';
import type { OutputName } from './architecture.js';
import { parseJson, readJson } from './json.js';
import { type LoadedModel, noOutput } from './loaded-model.js';
import type { Located } from './locate.js';
import { readOnnxMetadata } from './onnx-file.js';
import { parseTransform, readTransform } from './preprocessing.js';
import { sha256OfWeights } from './weights/hash.js';

/** Where an exported file says how images are prepared for it: the content of a `preprocessor_config.json`. */
export const PREPROCESSING_KEY = 'afterimage.preprocessor';
/** Where it says under which licence its weights are. */
export const LICENCE_KEY = 'afterimage.licence';

/** In this order one of them is the default output; otherwise the file's first. */
const PREFERRED = ['embedding', 'image_embeds', 'projection', 'pooled', 'cls', 'pooler_output'];

/**
 * Describes the file without keeping it open.
 * @throws ModelError when the folder holds several such files or the network does not take one image,
 *   RuntimeError when the runtime refuses the file.
 */
export async function openOnnxModel(located: Located, file: string): Promise<LoadedModel> {
  const own = path.dirname(file);
  const folder = path.basename(own) === 'onnx' ? path.dirname(own) : own;
  const config = await readJson(path.join(folder, 'config.json'));
  const metadata = await readOnnxMetadata(file);
  const inside = metadata.get(PREPROCESSING_KEY);
  const transform =
    inside === undefined
      ? await readTransform(folder, config, located.transform, located.path)
      : parseTransform(parseJson(inside, file), file);
  const inputSize = outputSize(transform);
  const { inputs, ports } = await readPorts(file);
  const input = imageInput(inputs, file);
  const batch = input.shape[0];
  if (typeof batch === 'number' && batch > 1)
    throw new ModelError(`${file}: the network takes exactly ${batch} images at a time`, {
      hint: 'export it with a free batch dimension, or with one of 1',
    });
  const given = `[${input.shape.join(', ')}]`;
  const wanted = [3, inputSize.height, inputSize.width];
  if (input.shape.slice(1).some((d, i) => typeof d === 'number' && d > 0 && d !== wanted[i]))
    throw new ModelError(
      `${file}: the network takes images of ${given}, but its preprocessing makes [3, ${inputSize.height}, ${inputSize.width}]`,
      { hint: 'correct the preprocessor_config.json beside it' },
    );
  const names = ports.map((p) => p.name as OutputName);
  const defaultOutput =
    located.defaultOutput ??
    PREFERRED.find((n): n is OutputName => names.includes(n as OutputName)) ??
    names[0]!;
  const outputs = [...new Set([defaultOutput, ...names])];
  return {
    name: located.name,
    revision: located.revision,
    architecture: 'onnx',
    path: file,
    config,
    network: null,
    licence: located.licence ?? metadata.get(LICENCE_KEY) ?? null,
    transform,
    inputSize,
    imageInput: input.name,
    outputs,
    defaultOutput,
    hasText: false,
    weightsHash: async () => sha256OfWeights([file, ...(await externalFiles(file))]),
    async openImage(output, options = {}) {
      const port = ports.find((p) => p.name === output);
      if (!port) throw noOutput(located.name, output, outputs);
      if (port.type !== 'float32')
        throw new ModelError(`${file}: expected float32 numbers in "${output}" but it holds ${port.type}`, {
          hint: 'export the model with float32 outputs',
        });
      if (options.dtype && options.dtype !== 'fp32')
        throw new ModelError(
          `${located.name} is a ready-made ONNX file, which runs as it is; dtype ${options.dtype} needs safetensors`,
          { hint: 'leave dtype out' },
        );
      const shape = port.shape.slice(1);
      if (shape.some((d) => typeof d !== 'number'))
        throw new ModelError(
          `${file}: the output "${output}" has the shape [${port.shape}]; only its first dimension may be free`,
        );
      const session = await Session.fromFile(file, options);
      return { session, shape: shape as number[], ...(batch === 1 ? { maxBatch: 1 } : {}) };
    },
    openText: () => Promise.reject(new ModelError(`${located.name} has no text tower`)),
    logitScale: async () => null,
  };
}

/** What the file takes and gives; it is loaded for that, but not optimised, and closed again. */
async function readPorts(file: string): Promise<{ inputs: readonly Port[]; ports: readonly Port[] }> {
  const session = await Session.create({ model: file, device: 'cpu', threads: 1, optimised: true }, true);
  const { inputs, outputs } = session;
  await session.release();
  return { inputs, ports: outputs };
}

/** How a tensor whose numbers lie in another file names that file: a protobuf entry with the key "location". */
const LOCATION = Buffer.from('\x0a\x08location\x12', 'latin1');

/** The files beside an `.onnx` file that hold numbers of it (ONNX external data), each once, by name. */
async function externalFiles(file: string): Promise<string[]> {
  const names = new Set<string>();
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) {
    const bytes = Buffer.concat([rest, chunk as Buffer]);
    for (let at = bytes.indexOf(LOCATION); at >= 0; at = bytes.indexOf(LOCATION, at + 1)) {
      const start = at + LOCATION.length;
      const [low = 0, high = 0] = bytes.subarray(start, start + 2); // a varint
      const [text, length] = low < 128 ? [start + 1, low] : [start + 2, (low & 127) + high * 128];
      names.add(bytes.toString('utf8', text, text + length));
    }
    rest = bytes.subarray(-(LOCATION.length + 4096)); // an entry may lie across two pieces
  }
  const paths = [...names].map((name) => path.join(path.dirname(file), name));
  const found = await Promise.all(
    paths.map(async (p) => ((await stat(p).catch(() => undefined))?.isFile() ? p : null)),
  );
  return found.filter((p) => p !== null).sort();
}

/** Where exporters for the web put the network: in a folder beside the configuration. */
export const ONNX_IN_FOLDER = ['onnx/model.onnx', 'onnx/vision_model.onnx'];

/**
 * The `.onnx` file that `where` is or holds; undefined when it holds safetensors or neither.
 * @throws ModelError when there are several.
 */
export async function findOnnx(where: string): Promise<string | undefined> {
  if (where.toLowerCase().endsWith('.onnx')) return where;
  if (!(await stat(where)).isDirectory()) return undefined;
  const names = await readdir(where);
  if (names.some((n) => n.endsWith('.safetensors'))) return undefined;
  const files = names.filter((n) => n.endsWith('.onnx'));
  if (files.length > 1)
    throw new ModelError(`${where}: expected one .onnx file but found ${files.length}: ${files.join(', ')}`, {
      hint: 'name the file itself',
    });
  if (files[0]) return path.join(where, files[0]);
  const inner = names.includes('onnx') ? await readdir(path.join(where, 'onnx')) : [];
  const found = ONNX_IN_FOLDER.find((n) => inner.includes(path.basename(n)));
  return found && path.join(where, found);
}

function imageInput(inputs: readonly Port[], file: string): Port {
  const [input] = inputs;
  if (inputs.length === 1 && input && input.type === 'float32' && input.shape.length === 4) return input;
  const found = inputs.map((i) => `${i.name}: ${i.type} [${i.shape.join(', ')}]`).join('; ');
  throw new ModelError(`${file}: expected one float32 input [N, 3, H, W] but found ${found}`);
}
