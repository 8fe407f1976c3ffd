/**
 * @file One self-contained `.onnx` file of a model: the network up to one output, its numbers, and how images are
 * prepared for it. Any ONNX runtime computes the same vectors from it, and `loadEmbedder` opens it like a folder.
 */
import { open, stat } from 'node:fs/promises';
import path from 'node:path';
import { ModelError, UsageError } from '../errors.js';
import { type Bind, type Binding, Graph, inline, ops } from '../graph/index.js';
import { encodeModel, type Pruned, prune, type Stored } from '../graph/onnx.js';
import { packageVersion } from '../version.js';
import { writeAtomically } from './cache.js';
import { type LoadModelOptions, loadModel } from './load.js';
import { type LoadedModel, noOutput } from './loaded-model.js';
import { withOnnxMetadata } from './onnx-file.js';
import { LICENCE_KEY, PREPROCESSING_KEY } from './onnx-model.js';
import { PREPROCESSOR_FILE, preprocessorConfig } from './preprocessing.js';
import { readFully } from './weights/safetensors.js';

/** Options of {@link exportOnnx}. */
export interface ExportOptions extends LoadModelOptions {
  /** Which output of the network. @default the model's own */
  output?: string | undefined;
  /** Scale vectors to unit length in the network, as an embedder does afterwards. @default true */
  normalize?: boolean | undefined;
  /** Also write the preprocessing as `preprocessor_config.json` beside the file, for other tools. @default false */
  preprocessor?: boolean | undefined;
  /** Replace files that are there. @default false */
  overwrite?: boolean | undefined;
}

/** What was written. */
export interface Exported {
  file: string;
  bytes: number;
  /** The network's output in the file. */
  output: string;
  /** The shape of one item's output. */
  shape: readonly number[];
}

/** protobuf's limit for one message. */
const MAX_BYTES = 2 ** 31 - 1;

/**
 * Writes a model's image tower as one `.onnx` file (IR 10, opset 21) with a free batch dimension.
 *
 * Inside, `metadata_props` hold `afterimage.preprocessor` (the transform, as a `preprocessor_config.json`), the model's
 * name, revision, licence and the sha256 of the weights that it was made of.
 * @param model a name, as for `loadModel`, or a model that is loaded
 * @throws ModelError for an output that does not exist, a ready-made `.onnx` file, or a network of more than 2 GB;
 *   UsageError when a file is there already.
 */
export async function exportOnnx(
  model: string | LoadedModel,
  file: string,
  options: ExportOptions = {},
): Promise<Exported> {
  const loaded = typeof model === 'string' ? await loadModel(model, options) : model;
  const { network, name } = loaded;
  if (!network)
    throw new ModelError(`${name} is a ready-made ONNX file: ${loaded.path}`, { hint: 'copy that file' });
  const output = options.output ?? loaded.defaultOutput;
  if (!network.graph.outputs.has(output)) throw noOutput(name, output, loaded.outputs);
  if (path.extname(file).toLowerCase() !== '.onnx')
    throw new UsageError(`${file}: expected a name that ends in .onnx`);
  const beside = path.join(path.dirname(file), PREPROCESSOR_FILE);
  if (!options.overwrite)
    for (const target of options.preprocessor ? [file, beside] : [file]) await refuseFile(target);

  const graph = outputGraph(network.graph, output, options.normalize ?? true);
  const cut = prune(graph);
  const bytes = encodeModel(name, cut, { bind: await held(name, cut, network.bind), locate: (f) => f });
  const preprocessor = preprocessorConfig(loaded.transform);
  const whole = withOnnxMetadata(bytes, {
    'afterimage.version': await packageVersion(),
    'afterimage.model': name,
    ...(loaded.revision === null ? {} : { 'afterimage.revision': loaded.revision }),
    ...(loaded.licence === null ? {} : { [LICENCE_KEY]: loaded.licence }),
    'afterimage.weights': await loaded.weightsHash(),
    [PREPROCESSING_KEY]: JSON.stringify(preprocessor),
  });
  await writeAtomically(file, whole);
  if (options.preprocessor) await writeAtomically(beside, `${JSON.stringify(preprocessor, null, 2)}\n`);
  const shape = graph.outputs.get(output)!.shape.slice(1) as number[];
  return { file, bytes: whole.length, output, shape };
}

/** A graph of its own with the one output, of unit length if asked; pictures keep their pixels. */
function outputGraph(source: Graph, output: string, normalize: boolean): Graph {
  const graph = new Graph(source.name);
  const [pixels] = source.inputs;
  const outputs = inline(graph, source, graph.input(pixels!.name, pixels!.shape), '');
  const value = outputs.get(output)!;
  graph.output(output, normalize && value.shape.length < 4 ? ops.l2Normalize(value) : value);
  return graph;
}

/** Reads the numbers that the graph needs, in the form that they are stored in. */
async function held(name: string, { parameters }: Pruned, bind: Bind): Promise<Bind> {
  const bindings = new Map(parameters.map((p) => [p.name, bind(p)] as const));
  const lengths = [...bindings.values()].map((b) => ('file' in b ? b.length : b.data.byteLength));
  const total = lengths.reduce((a, b) => a + b, 0);
  if (total > MAX_BYTES * 0.99)
    throw new ModelError(
      `${name}: ${(total / 1e9).toFixed(1)} GB of weights do not fit into one .onnx file, which can have 2.1 GB`,
      { hint: 'store the weights as float16 first; the numbers then stay at half the size' },
    );
  const handles = new Map<string, Awaited<ReturnType<typeof open>>>();
  const read = async (stored: Stored): Promise<Stored> => {
    if (!('file' in stored)) return stored;
    const { file, offset, length, dtype } = stored;
    const handle = handles.get(file) ?? (await open(file, 'r'));
    handles.set(file, handle);
    const data = new Uint8Array(length);
    await readFully(handle, data, offset, file);
    return { data, dtype };
  };
  const numbers = new Map<string, Binding>();
  try {
    for (const [key, { scale, ...binding }] of bindings)
      numbers.set(key, { ...(await read(binding)), scale: scale && (await read(scale)) });
  } finally {
    for (const handle of handles.values()) await handle.close();
  }
  return ({ name: key }) => numbers.get(key)!;
}

async function refuseFile(file: string): Promise<void> {
  const there = await stat(file).then(
    () => true,
    () => false,
  );
  if (there)
    throw new UsageError(`${file}: a file is there already`, {
      hint: 'choose another name, or say that it is to be overwritten',
    });
}
