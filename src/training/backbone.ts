/**
 * @file The network under a head: loaded, or made from random numbers.
 */
import { availableParallelism } from 'node:os';
import { ModelError, UsageError } from '../errors.js';
import { type Bind, type Graph, openSession, type Session, type Value } from '../graph/index.js';
import type { TransformSpec } from '../image/index.js';
import { defaultBackbone } from '../models/catalogue.js';
import {
  BACKBONES,
  type Backbone,
  backboneConfig,
  type LoadedModel,
  loadModel,
  type OutputName,
  resizedTransform,
  transformTo,
} from '../models/index.js';
import { initialise } from './initialise.js';
import type { SiameseTrainOptions } from './options.js';

/** A backbone with its numbers and its preprocessing. */
export interface Base {
  /** What it is called in cards. */
  name: string;
  /** As a builder; null for a ready-made `.onnx` file, which can only be frozen. */
  backbone: Backbone | null;
  /** Numbers by the backbone's own names; absent for an `.onnx` file. */
  bind: Bind | null;
  transform: TransformSpec;
  /** The output that the head takes. */
  from: OutputName;
  /** The model that was loaded, or null where the numbers are random. */
  model: LoadedModel | null;
}

/** Finds the backbone that the options name. @throws ModelError, HubError, WeightsError, UsageError. */
export async function openBase(options: SiameseTrainOptions, signal: AbortSignal): Promise<Base> {
  const { backbone: name, random = false, seed = 0, size } = options;
  if (random) {
    if (name === undefined)
      throw new UsageError('backbone: expected the name of an architecture for random weights', {
        hint: `there are ${BACKBONES.join(', ')}`,
      });
    const backbone = backboneConfig(name, { inputSize: size, width: options.width });
    const start = initialise(backbone.image().parameters.values(), seed, { scheme: backbone.scheme });
    return {
      name: `${name} from random weights`,
      backbone,
      bind: (p) => ({ data: start.get(p.name)!.data, dtype: 'float32' }),
      transform: transformTo(backbone.inputSize, { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] }),
      from: options.from ?? backbone.defaultOutput,
      model: null,
    };
  }
  if (options.width !== undefined)
    throw new UsageError('width: expected random weights; those of a loaded network fit one width only');
  const model = await loadModel(name ?? defaultBackbone, {
    ...(options.offline ? { offline: true } : {}),
    signal,
  });
  const from = options.from ?? model.defaultOutput;
  if (model.network) outputOf(model.network.graph, from, model.name);
  const own = model.inputSize;
  const wanted = size === undefined ? own : { height: size, width: size };
  const same = wanted.height === own.height && wanted.width === own.width;
  if (!model.network) {
    if (!same)
      throw new ModelError(
        `${model.name}: a ready-made .onnx file takes images of ${own.height} × ${own.width} only`,
      );
    return { name: model.name, backbone: null, bind: null, transform: model.transform, from, model };
  }
  return {
    name: model.name,
    backbone: model.network.backbone.resize(wanted),
    bind: model.network.bind,
    transform: same ? model.transform : resizedTransform(model.transform, wanted),
    from,
    model,
  };
}

/** A network that turns batches of images into vectors. */
export interface Tower {
  session: Session;
  input: string;
  output: string;
  width: number;
}

/** Opens the frozen backbone to compute features. @throws ModelError for an output that is not one vector. */
export async function openTower(base: Base, threads: number | undefined): Promise<Tower> {
  const options = { inline: true, threads: threads ?? availableParallelism() };
  let shape: readonly unknown[];
  let session: Session;
  let input: string;
  if (base.backbone && base.bind) {
    const graph = base.backbone.image();
    shape = outputOf(graph, base.from, base.name).shape.slice(1);
    input = graph.inputs[0]!.name;
    session = await openSession(graph, base.bind, { ...options, outputs: [base.from] });
  } else {
    const tower = await base.model!.openImage(base.from, options);
    ({ session, shape } = tower);
    input = base.model!.imageInput;
  }
  if (shape.length === 1 && typeof shape[0] === 'number')
    return { session, input, output: base.from, width: shape[0] };
  await session.release();
  throw new ModelError(
    `${base.name}: expected an output with one vector an image but "${base.from}" is [${shape}]`,
  );
}

function outputOf(graph: Graph, output: OutputName, name: string): Value {
  const value = graph.outputs.get(output);
  if (value) return value;
  throw new ModelError(`${name} has no output "${output}"`, {
    hint: `it has ${[...graph.outputs.keys()].join(', ')}`,
  });
}

/** Vectors of a batch of images [n, 3, height, width]. */
export async function runTower(
  { session, input, output }: Pick<Tower, 'session' | 'input' | 'output'>,
  images: Float32Array,
  { height, width }: { height: number; width: number },
): Promise<Float32Array> {
  const dims = [images.length / (3 * height * width), 3, height, width];
  const results = await session.run({ [input]: { data: images, dims } }, [output]);
  return results[output]!.data as Float32Array;
}
