/**
 * @file A trained head on top of a ready-made `.onnx` network, as one `.onnx` file.
 *
 * The file's own bytes are kept as they are; the head's nodes and numbers are appended to its graph, and its output
 * becomes the graph's first, called `embedding`. Where the network has a tensor of that name already, that one is
 * called `backbone.embedding` from then on.
 */
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { ModelError } from '../errors.js';
import { type Bind, type Dim, Graph, ops } from '../graph/index.js';
import { encodeModel, prune } from '../graph/onnx.js';
import { type Field, field, fieldsOf, MODEL } from './onnx-file.js';
import { type Head, headLayers } from './siamese.js';

/** Fields of GraphProto, NodeProto, AttributeProto, TensorProto and ValueInfoProto that hold or lead to names. */
const GRAPH = { node: 1, initializer: 5, input: 11, output: 12, valueInfo: 13 } as const;
const NODE = { input: 1, output: 2, name: 3, attribute: 5 } as const;
const ATTRIBUTE = { graph: 6, graphs: 11 } as const;
const TENSOR = { name: 8, location: 14 } as const;
const VALUE_NAME = 1;

/** From this version on, initialisers need not be inputs, too. */
const LEAST_IR = 4;
/** From this version on, Gemm broadcasts its bias as it is written here. */
const LEAST_OPSET = 7;

const EMBEDDING = 'embedding';

/** Gives a serialised `.onnx` network a head. */
export interface OnnxHead {
  /** Names the file in errors. */
  file: string;
  /** The output of the network that the head takes: one vector an image. */
  from: string;
  head: Head;
  /** Numbers of `head.weight`, `head.bias`, …: the parameters of `headGraph`. */
  tensors: ReadonlyMap<string, { readonly data: Float32Array }>;
}

/**
 * The network with the head, serialised.
 * @throws ModelError when there is no such output, when its vectors are not what the head takes, when its numbers lie in
 *   other files, or when the file is too old.
 */
export function withHead(model: Uint8Array, options: OnnxHead): Uint8Array {
  const { file, from } = options;
  const parts = [...fieldsOf(model)];
  const body = parts.find((f) => f.number === MODEL.graph)?.content;
  if (!body) throw new ModelError(`${file}: expected an ONNX model but found no graph`);
  checkVersion(parts, file);
  checkInside(body, file);
  const names = namesIn(body);
  const renamed = (name: string) => (name === EMBEDDING ? unused(`backbone.${EMBEDDING}`, names) : name);
  const network = names.has(EMBEDDING) ? renameGraph(body, renamed) : body;
  const head = encodedHead(shapeOf(body, from, file), options);
  const own = (name: string) =>
    name === 'features' ? renamed(from) : name === EMBEDDING ? name : unused(`siamese/${name}`, names);
  const added = [...fieldsOf(renameGraph(head, own))];
  const only = (...numbers: number[]) => added.filter((f) => numbers.includes(f.number)).map((f) => f.raw);
  const graph = field(
    MODEL.graph,
    Buffer.concat([...only(GRAPH.output), network, ...only(GRAPH.node, GRAPH.initializer)]),
  );
  return Buffer.concat(
    parts.map((f) =>
      f.number === MODEL.graph ? graph : f.number === MODEL.irVersion ? irVersion(f) : f.raw,
    ),
  );
}

/** The head as a GraphProto: input `features`, output `embedding`. */
function encodedHead(shape: readonly Dim[], { head, tensors, file, from }: OnnxHead): Uint8Array {
  const graph = new Graph('head');
  graph.output(EMBEDDING, headLayers(ops.flatten(graph.input('features', shape)), head));
  const bind: Bind = ({ name, shape: wanted }) => {
    const data = tensors.get(name)?.data;
    const length = wanted.reduce((n, d) => n * d, 1);
    if (data?.length !== length)
      throw new ModelError(
        `${file}: a head on "${from}" ${JSON.stringify(shape)} takes ${length} numbers for "${name}" but received ${data?.length ?? 'none'}`,
      );
    return { data, dtype: 'float32' };
  };
  const encoded = encodeModel('head', prune(graph), { bind, locate: (f) => f });
  return [...fieldsOf(encoded)].find((f) => f.number === MODEL.graph)!.content!;
}

function checkVersion(parts: readonly Field[], file: string): void {
  for (const { number, content } of parts) {
    if (number !== MODEL.opset) continue;
    const fields = [...fieldsOf(content!)];
    const domain = text(fields.find((f) => f.number === 1));
    const version = integer(fields.find((f) => f.number === 2));
    if ((domain === '' || domain === 'ai.onnx') && version < LEAST_OPSET)
      throw new ModelError(`${file}: expected opset ${LEAST_OPSET} or later but it is of opset ${version}`, {
        hint: 'convert it with onnx.version_converter, or export it again',
      });
  }
}

/** @throws ModelError for numbers in other files. */
function checkInside(graph: Uint8Array, file: string): void {
  for (const { number, content } of fieldsOf(graph)) {
    const location =
      number === GRAPH.initializer && [...fieldsOf(content!)].find((f) => f.number === TENSOR.location);
    if (location && integer(location) === 1)
      throw new ModelError(
        `${file}: expected the network's numbers inside the file but they are in another`,
        {
          hint: 'store it as one file first: onnx.save(onnx.load(path), out)',
        },
      );
  }
}

function irVersion(given: Field): Uint8Array {
  const version = Math.max(LEAST_IR, integer(given));
  return new BinaryWriter().tag(MODEL.irVersion, WireType.Varint).int64(version).finish();
}

/** The dimensions of an output, the first free unless it is fixed. */
function shapeOf(graph: Uint8Array, output: string, file: string): Dim[] {
  const outputs = [...fieldsOf(graph)]
    .filter((f) => f.number === GRAPH.output)
    .map((f) => [...fieldsOf(f.content!)]);
  const found = outputs.find((fields) => text(fields.find((f) => f.number === VALUE_NAME)) === output);
  if (!found)
    throw new ModelError(`${file}: has no output "${output}"`, {
      hint: `it has ${outputs.map((fields) => text(fields.find((f) => f.number === VALUE_NAME))).join(', ')}`,
    });
  const inner = (fields: Iterable<Field>, number: number) =>
    [...fields].find((f) => f.number === number)?.content ?? new Uint8Array();
  const tensor = inner(fieldsOf(inner(found, 2)), 1); // TypeProto.tensor_type
  const dims = [...fieldsOf(inner(fieldsOf(tensor), 2))].map((dim) => {
    const value = [...fieldsOf(dim.content!)].find((f) => f.number === 1);
    return value ? integer(value) : -1;
  });
  const [batch, ...rest] = dims;
  if (rest.length === 0 || rest.some((d) => d < 1))
    throw new ModelError(
      `${file}: expected one vector an image in "${output}" but its shape is [${dims.join(', ')}]`,
    );
  return [batch! > 0 ? batch! : 'N', ...rest];
}

/** Every name in a graph and the graphs within it. */
function namesIn(graph: Uint8Array): Set<string> {
  const names = new Set<string>();
  renameGraph(graph, (name) => {
    names.add(name);
    return name;
  });
  return names;
}

function unused(name: string, names: ReadonlySet<string>): string {
  return names.has(name) ? unused(`${name}_`, names) : name;
}

type Rename = (name: string) => string;

function renameGraph(graph: Uint8Array, to: Rename): Uint8Array {
  const value = (content: Uint8Array) => mapFields(content, { [VALUE_NAME]: renameText(to) });
  return mapFields(graph, {
    [GRAPH.node]: (node) =>
      mapFields(node, {
        [NODE.input]: renameText(to),
        [NODE.output]: renameText(to),
        [NODE.name]: renameText(to),
        [NODE.attribute]: (attribute) =>
          mapFields(attribute, {
            [ATTRIBUTE.graph]: (inner) => renameGraph(inner, to),
            [ATTRIBUTE.graphs]: (inner) => renameGraph(inner, to),
          }),
      }),
    [GRAPH.initializer]: (tensor) => mapFields(tensor, { [TENSOR.name]: renameText(to) }),
    [GRAPH.input]: value,
    [GRAPH.output]: value,
    [GRAPH.valueInfo]: value,
  });
}

/** An empty name stands for an input that is left out. */
function renameText(to: Rename) {
  return (content: Uint8Array): Uint8Array => {
    const name = Buffer.from(content).toString();
    return name === '' ? content : Buffer.from(to(name));
  };
}

/** The message with the content of some fields changed, all else as it was. */
function mapFields(
  message: Uint8Array,
  change: Readonly<Record<number, ((content: Uint8Array) => Uint8Array) | undefined>>,
): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const { number, content, raw } of fieldsOf(message)) {
    const map = change[number];
    parts.push(map && content ? field(number, map(content)) : raw);
  }
  return Buffer.concat(parts);
}

function text(found: Field | undefined): string {
  return Buffer.from(found?.content ?? []).toString();
}

/** The value of a varint field. */
function integer(found: Field | undefined): number {
  if (!found) return 0;
  const reader = new BinaryReader(found.raw);
  reader.tag();
  return Number(reader.int64());
}
