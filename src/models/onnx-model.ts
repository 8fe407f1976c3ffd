/**
 * @file A ready-made `.onnx` file as a model: its outputs are what the file declares, its preprocessing is the
 * `preprocessor_config.json` beside it.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ModelError } from '../errors.js';
import { type Port, Session } from '../graph/index.js';
import { outputSize } from '../image/index.js';
import type { OutputName } from './architecture.js';
import { type LoadedModel, noOutput, readJson } from './load.js';
import type { Located } from './locate.js';
import { readTransform } from './preprocessing.js';

/** In this order one of them is the default output; otherwise the file's first. */
const PREFERRED = ['embedding', 'image_embeds', 'projection', 'pooled', 'cls', 'pooler_output'];

/**
 * Describes the file without keeping it open.
 * @throws ModelError when the folder holds several such files or the network does not take one image,
 *   RuntimeError when the runtime refuses the file.
 */
export async function openOnnxModel(located: Located): Promise<LoadedModel> {
  const file = await findFile(located.path);
  const folder = path.dirname(file);
  const config = await readJson(path.join(folder, 'config.json'));
  const transform = await readTransform(folder, config, located.transform, located.path);
  const inputSize = outputSize(transform);
  let opened: Session | undefined = await Session.fromFile(file, { inline: true, threads: 1 });
  const input = imageInput(opened.inputs, file);
  const ports = opened.outputs;
  await opened.release();
  opened = undefined;
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
    licence: located.licence,
    transform,
    inputSize,
    imageInput: input.name,
    outputs,
    defaultOutput,
    hasText: false,
    weightsHash: async () => {
      const hash = createHash('sha256');
      await pipeline(createReadStream(file), hash);
      return hash.digest('hex');
    },
    async openImage(output, options = {}) {
      const port = ports.find((p) => p.name === output);
      if (!port) throw noOutput(located.name, output, outputs);
      if (options.dtype && options.dtype !== 'fp32')
        throw new ModelError(
          `${located.name} is a ready-made ONNX file, which runs as it is; dtype ${options.dtype} needs safetensors`,
        );
      const shape = port.shape.slice(1);
      if (shape.some((d) => typeof d !== 'number'))
        throw new ModelError(
          `${file}: the output "${output}" has the shape [${port.shape}]; only its first dimension may be free`,
        );
      return { session: await Session.fromFile(file, options), shape: shape as number[] };
    },
    openText: () => Promise.reject(new ModelError(`${located.name} has no text tower`)),
    logitScale: async () => null,
  };
}

async function findFile(where: string): Promise<string> {
  if (!(await stat(where)).isDirectory()) return where;
  const files = (await readdir(where)).filter((n) => n.endsWith('.onnx'));
  if (files.length === 1) return path.join(where, files[0]!);
  throw new ModelError(`${where}: expected one .onnx file but found ${files.length}: ${files.join(', ')}`, {
    hint: 'name the file itself',
  });
}

function imageInput(inputs: readonly Port[], file: string): Port {
  const [input] = inputs;
  if (inputs.length === 1 && input && input.type === 'float32' && input.shape.length === 4) return input;
  const found = inputs.map((i) => `${i.name}: ${i.type} [${i.shape.join(', ')}]`).join('; ');
  throw new ModelError(`${file}: expected one float32 input [N, 3, H, W] but found ${found}`);
}
