/**
 * @file Writes a graph in the ONNX format (onnx.proto, IR version 10, opset 21).
 *
 * Only what the chosen outputs need is written, so a network can be cut at any of its outputs and the weights of
 * unused heads need not exist. Constants are stored inside the model; weights are either inside it too or stay in the
 * file they came from, as ONNX external data, which the runtime maps without a copy in JavaScript.
 */
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { GraphError } from '../errors.js';
import type { Constant, Graph } from './graph.js';
import {
  type Attribute,
  DTYPES,
  type DType,
  type Node,
  type Parameter,
  type TensorData,
  type Value,
} from './types.js';

const IR_VERSION = 10;
const OPSET = 21;

/** Numbers in some element type: bytes at a place in a file, or an array. */
export type Stored =
  | { readonly file: string; readonly offset: number; readonly length: number; readonly dtype: DType }
  | { readonly data: TensorData; readonly dtype: DType };

/** The numbers of one parameter. Converted to the declared type if they differ. */
export type Binding = Stored & {
  /** What the numbers are multiplied by: one factor for each index of the first axis. @default nothing */
  readonly scale?: Stored | undefined;
};

/** Finds the numbers of a parameter. @throws WeightsError when there are none. */
export type Bind = (parameter: Parameter) => Binding;

/** What `chosen` outputs need, in order. */
export interface Pruned {
  nodes: Node[];
  inputs: Value[];
  parameters: Parameter[];
  constants: Constant[];
  outputs: Map<string, Value>;
}

/** Walks back from the chosen outputs. @throws GraphError when an output does not exist. */
export function prune(graph: Graph, chosen: readonly string[] = [...graph.outputs.keys()]): Pruned {
  const outputs = new Map<string, Value>();
  for (const name of chosen) {
    const value = graph.outputs.get(name);
    if (!value)
      throw new GraphError(
        `${graph.name} has no output "${name}"; it has ${[...graph.outputs.keys()].join(', ')}`,
      );
    outputs.set(name, value);
  }
  const needed = new Set<Value>(outputs.values());
  const nodes: Node[] = [];
  for (let i = graph.nodes.length - 1; i >= 0; i--) {
    const node = graph.nodes[i]!;
    if (!node.outputs.some((v) => needed.has(v))) continue;
    nodes.push(node);
    for (const v of node.inputs) if (v) needed.add(v);
  }
  return {
    nodes: nodes.reverse(),
    inputs: graph.inputs.filter((v) => needed.has(v)),
    parameters: [...graph.parameters.values()].filter((v) => needed.has(v)),
    constants: graph.constants.filter((c) => needed.has(c.value)),
    outputs,
  };
}

/** Options of {@link encodeModel}. */
export interface EncodeOptions {
  /** Finds the numbers of every parameter. */
  bind: Bind;
  /** Turns a weight file's path into the relative location that is written for it. */
  locate(file: string): string;
}

/** The serialised model. */
export function encodeModel(name: string, cut: Pruned, options: EncodeOptions): Uint8Array {
  const { nodes, inputs, parameters, constants, outputs } = cut;
  const body = new BinaryWriter();
  const conversions: Node[] = [];
  const initialisers: ((w: BinaryWriter) => void)[] = constants.map(
    ({ value, data }) =>
      (w) =>
        tensor(
          w,
          value.name,
          value.shape as readonly number[],
          value.dtype,
          { data, dtype: value.dtype },
          options.locate,
        ),
  );
  for (const p of parameters) {
    const binding = options.bind(p);
    const store = (name: string, shape: readonly number[], numbers: Stored): Value => {
      initialisers.push((w) => tensor(w, name, shape, numbers.dtype, numbers, options.locate));
      return { ...p, name, shape, dtype: numbers.dtype };
    };
    const convert = (from: Value, to: Value) =>
      node(conversions, 'Cast', [from], to, { to: DTYPES[p.dtype].onnx });
    if (binding.scale) {
      const factors = p.shape.map((d, i) => (i === 0 ? d : 1));
      const unscaled = convert(store(`${p.name}:stored`, p.shape, binding), { ...p, name: `${p.name}:cast` });
      const scale = store(`${p.name}:scale`, factors, binding.scale);
      const wide =
        scale.dtype === p.dtype
          ? scale
          : convert(scale, { ...p, name: `${scale.name}:cast`, shape: factors });
      node(conversions, 'Mul', [unscaled, wide], p);
    } else if (binding.dtype === p.dtype) store(p.name, p.shape, binding);
    else convert(store(`${p.name}:stored`, p.shape, binding), p);
  }
  const renamed = [...outputs].map(([name, value]): Node => {
    const output = { ...value, name };
    return { op: 'Identity', domain: '', inputs: [value], outputs: [output], attributes: {} };
  });

  [...conversions, ...nodes, ...renamed].forEach((node, i) => {
    message(body, 1, (w) => nodeProto(w, node, i));
  });
  body.tag(2, WireType.LengthDelimited).string(name);
  for (const write of initialisers) message(body, 5, write);
  for (const v of inputs) message(body, 11, (w) => valueInfo(w, v.name, v));
  for (const [name, v] of outputs) message(body, 12, (w) => valueInfo(w, name, v));

  const model = new BinaryWriter();
  model.tag(1, WireType.Varint).int64(IR_VERSION);
  model.tag(2, WireType.LengthDelimited).string('afterimage');
  model.tag(7, WireType.LengthDelimited).bytes(body.finish());
  message(model, 8, (w) => opset(w, '', OPSET));
  for (const domain of new Set(nodes.map((n) => n.domain)))
    if (domain) message(model, 8, (w) => opset(w, domain, 1));
  return model.finish();
}

function node(
  list: Node[],
  op: string,
  inputs: Value[],
  output: Value,
  attributes: Node['attributes'] = {},
): Value {
  list.push({ op, domain: '', inputs, outputs: [output], attributes });
  return output;
}

function message(w: BinaryWriter, field: number, write: (w: BinaryWriter) => void): void {
  w.tag(field, WireType.LengthDelimited).fork();
  write(w);
  w.join();
}

function opset(w: BinaryWriter, domain: string, version: number): void {
  if (domain) w.tag(1, WireType.LengthDelimited).string(domain);
  w.tag(2, WireType.Varint).int64(version);
}

function nodeProto(w: BinaryWriter, node: Node, index: number): void {
  for (const v of node.inputs) w.tag(1, WireType.LengthDelimited).string(v ? v.name : '');
  for (const v of node.outputs) w.tag(2, WireType.LengthDelimited).string(v.name);
  w.tag(3, WireType.LengthDelimited).string(`${node.op}_${index}`);
  w.tag(4, WireType.LengthDelimited).string(node.op);
  for (const [name, a] of Object.entries(node.attributes)) message(w, 5, (m) => attribute(m, name, a));
  if (node.domain) w.tag(7, WireType.LengthDelimited).string(node.domain);
}

/** AttributeProto: f = 2, i = 3, s = 4, floats = 7, ints = 8, type = 20 (FLOAT 1, INT 2, STRING 3, FLOATS 6, INTS 7). */
function attribute(w: BinaryWriter, name: string, a: Attribute): void {
  w.tag(1, WireType.LengthDelimited).string(name);
  if (typeof a === 'number') {
    if (!Number.isInteger(a))
      throw new GraphError(`attribute ${name}: ${a} is not an integer; wrap floats as { float }`);
    w.tag(3, WireType.Varint).int64(a).tag(20, WireType.Varint).int32(2);
  } else if (typeof a === 'string') {
    w.tag(4, WireType.LengthDelimited).string(a).tag(20, WireType.Varint).int32(3);
  } else if ('float' in a) {
    w.tag(2, WireType.Bit32).float(a.float).tag(20, WireType.Varint).int32(1);
  } else if ('floats' in a) {
    for (const x of a.floats) w.tag(7, WireType.Bit32).float(x);
    w.tag(20, WireType.Varint).int32(6);
  } else {
    for (const i of a) w.tag(8, WireType.Varint).int64(i);
    w.tag(20, WireType.Varint).int32(7);
  }
}

/** TensorProto: dims = 1, data_type = 2, name = 8, raw_data = 9, external_data = 13, data_location = 14. */
function tensor(
  w: BinaryWriter,
  name: string,
  shape: readonly number[],
  dtype: DType,
  binding: Stored,
  locate: (file: string) => string,
): void {
  for (const d of shape) w.tag(1, WireType.Varint).int64(d);
  w.tag(2, WireType.Varint).int32(DTYPES[dtype].onnx);
  w.tag(8, WireType.LengthDelimited).string(name);
  const bytes = shape.reduce((n, d) => n * d, 1) * DTYPES[dtype].bytes;
  const length = 'file' in binding ? binding.length : binding.data.byteLength;
  if (length !== bytes)
    throw new GraphError(
      `"${name}": ${length} bytes do not fill ${dtype} [${shape.join(', ')}], which takes ${bytes}`,
    );
  if ('file' in binding) {
    const entries = {
      location: locate(binding.file),
      offset: `${binding.offset}`,
      length: `${binding.length}`,
    };
    for (const [key, value] of Object.entries(entries))
      message(w, 13, (e) =>
        e.tag(1, WireType.LengthDelimited).string(key).tag(2, WireType.LengthDelimited).string(value),
      );
    w.tag(14, WireType.Varint).int32(1);
  } else {
    const { data } = binding;
    w.tag(9, WireType.LengthDelimited).bytes(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
}

function valueInfo(w: BinaryWriter, name: string, v: Value): void {
  w.tag(1, WireType.LengthDelimited).string(name);
  message(w, 2, (type) =>
    message(type, 1, (t) => {
      t.tag(1, WireType.Varint).int32(DTYPES[v.dtype].onnx);
      message(t, 2, (shape) => {
        for (const d of v.shape)
          message(shape, 1, (dim) =>
            typeof d === 'number'
              ? dim.tag(1, WireType.Varint).int64(d)
              : dim.tag(2, WireType.LengthDelimited).string(d),
          );
      });
    }),
  );
}
