/**
 * @file Opens a model by name: finds or fetches its files, recognises the architecture, reads the preprocessing, and
 * opens its towers as sessions.
 */
import path from 'node:path';
import { ModelError, WeightsError } from '../errors.js';
import { type Bind, type DType, type GraphSessionOptions, openSession } from '../graph/index.js';
import { outputSize } from '../image/index.js';
import type { Architecture, OutputName, PublisherConfig } from './architecture.js';
import { architectures } from './architectures.js';
import { backboneFrom } from './backbone.js';
import { cacheFolder } from './cache.js';
import { readJson } from './json.js';
import { type LoadedModel, noOutput, type TowerOptions } from './loaded-model.js';
import { type Located, type LocateOptions, locateModel } from './locate.js';
import { findOnnx, openOnnxModel } from './onnx-model.js';
import { readTransform } from './preprocessing.js';
import { findTensor, openWeights, readTensor, type TensorInfo, type WeightSource } from './weights/index.js';

/** Options of {@link loadModel}. */
export type LoadModelOptions = LocateOptions;

/**
 * Finds a model (bundled, in the cache, on the hub, in a folder or file) and reads everything but its weights.
 * @throws ModelError for names and architectures that are unknown, HubError, WeightsError.
 */
export async function loadModel(name?: string, options: LoadModelOptions = {}): Promise<LoadedModel> {
  const located = await locateModel(name, options);
  const onnx = await findOnnx(located.path);
  if (onnx) return openOnnxModel(located, onnx);
  const weights = await openWeights(located.weights ?? located.path);
  const folder = path.dirname(weights.files[0]!);
  const openClip = await readJson(path.join(folder, 'open_clip_config.json'));
  const config = openClip ?? (await readJson(path.join(folder, 'config.json')));
  return describe(located, folder, config, weights, openClip ? 'open_clip' : 'transformers');
}

async function describe(
  located: Located,
  folder: string,
  config: PublisherConfig,
  weights: WeightSource,
  reference: 'transformers' | 'open_clip',
): Promise<LoadedModel> {
  const [architecture, published] = recognise(located.path, config, weights);
  const transform = await readTransform(folder, config, located.transform, located.path);
  const inputSize = outputSize(transform);
  const settings = resized(architecture, published, inputSize, located.path);
  const graph = architecture.image(settings);
  const defaultOutput = located.defaultOutput ?? architecture.defaultOutput(settings);
  const outputs = [...new Set([defaultOutput, ...(graph.outputs.keys() as Iterable<OutputName>)])];
  const text = architecture.text?.(settings);
  const bind = bindWeights(weights);
  const sessionOptions = (o: TowerOptions): GraphSessionOptions => ({
    ...o,
    precision: o.dtype,
    cacheDir: cacheFolder(),
  });
  return {
    name: located.name,
    revision: located.revision,
    architecture: architecture.name,
    path: located.path,
    config,
    network: { graph, bind, backbone: backboneFrom(architecture, settings, config) },
    licence: located.licence,
    transform,
    inputSize,
    imageInput: graph.inputs[0]!.name,
    outputs,
    defaultOutput,
    hasText: text !== undefined,
    weightsHash: async () => located.sha256 ?? weights.sha256(),
    async openImage(output, o = {}) {
      const value = graph.outputs.get(output);
      if (!value) throw noOutput(located.name, output, outputs);
      const session = await openSession(graph, bind, { ...sessionOptions(o), outputs: [output] });
      return { session, shape: value.shape.slice(1) as number[] };
    },
    async openText(o = {}) {
      if (!text) throw new ModelError(`${located.name} has no text tower`);
      const { onWarning } = o;
      const { loadTokenizer } = await import('./tokenizer.js');
      const tokenizer = await loadTokenizer(folder, { reference, ...(onWarning ? { onWarning } : {}) });
      const session = await openSession(text, bind, {
        ...sessionOptions(o),
        outputs: ['projection'],
      });
      return { session, output: 'projection', tokenizer };
    },
    async logitScale() {
      if (!weights.tensors.has('logit_scale')) return null;
      const [scale] = await readTensor(weights, 'logit_scale');
      const [bias] = weights.tensors.has('logit_bias') ? await readTensor(weights, 'logit_bias') : [0];
      return { scale: Math.exp(scale!), bias: bias! };
    },
  };
}

/** The network for images of the size that the preprocessing makes. @throws ModelError when it cannot take them. */
function resized<C>(
  architecture: Architecture<C>,
  settings: C,
  size: { height: number; width: number },
  where: string,
): C {
  const own = architecture.inputSize(settings);
  if (own.height === size.height && own.width === size.width) return settings;
  if (architecture.resize) return architecture.resize(settings, size);
  throw new ModelError(
    `${where}: the preprocessing makes images of ${size.height} × ${size.width} but the network takes ${own.height} × ${own.width}`,
    { hint: 'correct preprocessor_config.json, or image_size in config.json' },
  );
}

function recognise(
  where: string,
  config: PublisherConfig,
  weights: WeightSource,
): [Architecture<unknown>, unknown] {
  for (const architecture of architectures) {
    const settings = architecture.configure(config, weights.tensors);
    if (settings !== undefined) return [architecture, settings];
  }
  const type =
    config && 'model_type' in config ? `model_type "${config.model_type}"` : 'no config.json that names it';
  throw new ModelError(`${where}: no architecture fits (${type}; ${weights.tensors.size} tensors)`, {
    hint: `known architectures: ${architectures.map((a) => a.name).join(', ')}; a ready-made .onnx file loads too`,
  });
}

const DTYPES: Readonly<Record<string, DType>> = {
  F32: 'float32',
  F16: 'float16',
  BF16: 'bfloat16',
  F64: 'float64',
};

/** Finds each parameter of a graph in a weight file. @throws WeightsError for a tensor that is missing or misfits. */
export function bindWeights(weights: WeightSource): Bind {
  const stored = (t: TensorInfo) => {
    const dtype = t.dtype === 'I8' && t.scale ? 'int8' : DTYPES[t.dtype];
    if (!dtype)
      throw new WeightsError(
        t.file,
        `tensor "${t.name}" holds ${t.dtype}; expected F32, F16, BF16, F64, or I8 with "${t.name}_scale"`,
      );
    return { file: t.file, offset: t.offset, length: t.length, dtype };
  };
  return (parameter) => {
    const t = findTensor(weights, parameter.name);
    if (t.shape.join() !== parameter.shape.join())
      throw new WeightsError(
        t.file,
        `tensor "${t.name}" is [${t.shape}]; the architecture expects [${parameter.shape}]`,
      );
    return { ...stored(t), scale: t.scale && stored(t.scale) };
  };
}
