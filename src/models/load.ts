/**
 * @file Opens a model by name: finds or fetches its files, recognises the architecture, reads the preprocessing, and
 * opens its towers as sessions.
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { ModelError, nearestName, WeightsError } from '../errors.js';
import {
  type Bind,
  type DType,
  type GraphSessionOptions,
  openSession,
  type Precision,
  type Session,
  type SessionOptions,
} from '../graph/index.js';
import { outputSize, type TransformSpec } from '../image/index.js';
import type { Architecture, OutputName, PublisherConfig } from './architecture.js';
import { architectures } from './architectures.js';
import { cacheFolder } from './cache.js';
import { type Located, type LocateOptions, locateModel } from './locate.js';
import { openOnnxModel } from './onnx-model.js';
import { readTransform } from './preprocessing.js';
import type { TextTokenizer } from './tokenizer.js';
import { findTensor, openWeights, readTensor, type WeightSource } from './weights/index.js';

/** Options of {@link loadModel}. */
export type LoadModelOptions = LocateOptions;

/** How a tower is opened. */
export interface TowerOptions extends SessionOptions {
  /** @default 'fp32' */
  dtype?: Precision | undefined;
  /** Told when a text is longer than the model's context and is cut. @default a process warning */
  onWarning?: ((message: string) => void) | undefined;
}

/** An image tower that is ready to run. */
export interface ImageTower {
  session: Session;
  /** The shape of the output for one image. */
  shape: readonly number[];
  /** The most images that one run takes. @default no limit */
  maxBatch?: number;
}

/** A text tower that is ready to run. */
export interface TextTower {
  session: Session;
  output: OutputName;
  tokenizer: TextTokenizer;
}

/** A model whose files are at hand: what it can do is known, its networks are opened on demand. */
export interface LoadedModel {
  /** The short name, repository or path that identifies it. */
  readonly name: string;
  /** The commit on the hub, or null for local and bundled models. */
  readonly revision: string | null;
  readonly architecture: string;
  /** The folder or file with the weights. */
  readonly path: string;
  readonly licence: string | null;
  readonly transform: TransformSpec;
  readonly inputSize: { readonly height: number; readonly width: number };
  /** The name of the image tower's input. */
  readonly imageInput: string;
  /** The outputs that the image tower has, the default first. */
  readonly outputs: readonly OutputName[];
  readonly defaultOutput: OutputName;
  readonly hasText: boolean;
  /** sha256 of the weights. */
  weightsHash(): Promise<string>;
  /** @throws ModelError when there is no such output. */
  openImage(output: OutputName, options?: TowerOptions): Promise<ImageTower>;
  /** @throws ModelError when there is no text tower. */
  openText(options?: TowerOptions): Promise<TextTower>;
  /** exp of the learned logit scale and the bias that turn cosines into logits (CLIP, SigLIP), or null. */
  logitScale(): Promise<{ scale: number; bias: number } | null>;
}

/**
 * Finds a model (bundled, in the cache, on the hub, in a folder or file) and reads everything but its weights.
 * @throws ModelError for names and architectures that are unknown, HubError, WeightsError.
 */
export async function loadModel(name?: string, options: LoadModelOptions = {}): Promise<LoadedModel> {
  const located = await locateModel(name, options);
  if (await isOnnx(located.path)) return openOnnxModel(located);
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
    licence: located.licence,
    transform,
    inputSize,
    imageInput: graph.inputs[0]!.name,
    outputs,
    defaultOutput,
    hasText: architecture.text !== undefined,
    weightsHash: () => weights.sha256(),
    async openImage(output, o = {}) {
      const value = graph.outputs.get(output);
      if (!value) throw noOutput(located.name, output, outputs);
      const session = await openSession(graph, bind, { ...sessionOptions(o), outputs: [output] });
      return { session, shape: value.shape.slice(1) as number[] };
    },
    async openText(o = {}) {
      if (!architecture.text) throw new ModelError(`${located.name} has no text tower`);
      const { onWarning } = o;
      const { loadTokenizer } = await import('./tokenizer.js');
      const tokenizer = await loadTokenizer(folder, { reference, ...(onWarning ? { onWarning } : {}) });
      const session = await openSession(architecture.text(settings), bind, {
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

/** The error for an output that a model does not have. */
export function noOutput(model: string, output: string, outputs: readonly string[]): ModelError {
  const near = nearestName(output, outputs);
  return new ModelError(`${model} has no output "${output}"${near ? `; did you mean "${near}"?` : ''}`, {
    hint: `its outputs are ${outputs.join(', ')}`,
  });
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
  return (parameter) => {
    const t = findTensor(weights, parameter.name);
    const dtype = DTYPES[t.dtype];
    if (!dtype)
      throw new WeightsError(t.file, `tensor "${t.name}" holds ${t.dtype}; expected F32, F16, BF16 or F64`);
    if (t.shape.join() !== parameter.shape.join())
      throw new WeightsError(
        t.file,
        `tensor "${t.name}" is [${t.shape}]; the architecture expects [${parameter.shape}]`,
      );
    return { file: t.file, offset: t.offset, length: t.length, dtype };
  };
}

async function isOnnx(where: string): Promise<boolean> {
  if (where.toLowerCase().endsWith('.onnx')) return true;
  const names = (await stat(where).catch(() => undefined))?.isDirectory() ? await readdir(where) : [];
  return names.some((n) => n.endsWith('.onnx')) && !names.some((n) => n.endsWith('.safetensors'));
}

/** A JSON object, or null when there is no such file. @throws ModelError when it is not JSON. */
export async function readJson(file: string): Promise<Record<string, unknown> | null> {
  const text = await readFile(file, 'utf8').catch((e: NodeJS.ErrnoException) => {
    if (e.code === 'ENOENT') return null;
    throw new ModelError(`${file}: ${e.message}`, { cause: e });
  });
  if (text === null) return null;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch (cause) {
    throw new ModelError(`${file}: not valid JSON`, { cause });
  }
  throw new ModelError(`${file}: expected a JSON object`);
}
