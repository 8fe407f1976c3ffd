/**
 * @file Runs a network in lower precision, as a rewriting of its graph.
 *
 * The rewriting is symbolic: weights are rounded by nodes that depend on parameters alone, which the runtime's
 * optimiser folds when the session opens. No weight passes through JavaScript.
 *
 * - `fp16`: every weight is rounded to half precision; the arithmetic stays float32.
 * - `int8`: dynamic quantisation. Linear layers multiply 8-bit integers: weights symmetric per output channel,
 *   activations asymmetric per tensor with their range measured as they come (ONNX Runtime's
 *   `DynamicQuantizeMatMul`). Convolutions stay float32: as integers (`ConvInteger`) ResNet-50 took 3.7 times as long
 *   (x86 with AVX-512), so for most CNNs int8 changes nothing but a classifier. The range is that of the whole batch:
 *   a vector depends a little on its companions (cosine 0.9997 at worst between batches of 1 and of 16).
 */
import type { Graph } from './graph.js';
import type { Pruned } from './onnx.js';
import { type Attribute, DTYPES, type DType, type Node, type Shape, type Value } from './types.js';

/** Weights and arithmetic in float32, weights rounded to half, or dynamic 8-bit integers. */
export type Precision = 'fp32' | 'fp16' | 'int8';

export const PRECISIONS: readonly Precision[] = ['fp32', 'fp16', 'int8'];

/** The same network in another precision. */
export function withPrecision(cut: Pruned, precision: Precision): Pruned {
  switch (precision) {
    case 'fp32':
      return cut;
    case 'fp16':
      return roundWeights(cut);
    case 'int8':
      return quantiseLinear(cut);
    default:
      return precision satisfies never;
  }
}

/** Appends nodes outside a graph's own list, with names that cannot clash with its own. */
class Emitter {
  readonly nodes: Node[] = [];
  readonly constants: Pruned['constants'] = [];
  private counter = 0;
  constructor(private readonly graph: Graph) {}

  value(shape: Shape, dtype: DType): Value {
    return { graph: this.graph, name: `:q${this.counter++}`, shape, dtype };
  }

  emit(
    op: string,
    inputs: (Value | null)[],
    output: Value,
    attributes: Record<string, Attribute> = {},
    domain: Node['domain'] = '',
  ): Value {
    this.nodes.push({ op, domain, inputs, outputs: [output], attributes });
    return output;
  }

  like(op: string, inputs: Value[], shape: Shape = inputs[0]!.shape, dtype: DType = inputs[0]!.dtype): Value {
    return this.emit(op, inputs, this.value(shape, dtype));
  }

  cast(x: Value, dtype: DType): Value {
    return this.emit('Cast', [x], this.value(x.shape, dtype), { to: DTYPES[dtype].onnx });
  }

  constant(data: Float32Array | BigInt64Array, shape: number[], dtype: DType): Value {
    const value = this.value(shape, dtype);
    this.constants.push({ value, data });
    return value;
  }

  scalar(x: number): Value {
    return this.constant(Float32Array.of(x), [], 'float32');
  }

  ints(values: number[]): Value {
    return this.constant(BigInt64Array.from(values, BigInt), [values.length], 'int64');
  }
}

function roundWeights(cut: Pruned): Pruned {
  const graph = cut.parameters[0]?.graph;
  if (!graph) return cut;
  const e = new Emitter(graph);
  const rounded = new Map<Value, Value>();
  for (const p of cut.parameters)
    if (p.dtype === 'float32') rounded.set(p, e.cast(e.cast(p, 'float16'), 'float32'));
  const nodes = cut.nodes.map((n) => ({ ...n, inputs: n.inputs.map((v) => (v && rounded.get(v)) ?? v) }));
  return { ...cut, nodes: [...e.nodes, ...nodes] };
}

/** Linear layers over weights that are known when the session opens, as products of 8-bit integers. */
function quantiseLinear(cut: Pruned): Pruned {
  const e = new Emitter(cut.outputs.values().next().value!.graph);
  const known = new Set<Value>([...cut.parameters, ...cut.constants.map((c) => c.value)]);
  for (const node of cut.nodes) {
    if (node.inputs.every((v) => !v || known.has(v))) for (const v of node.outputs) known.add(v);
    const { transA, transB } = node.attributes;
    const [x, w, bias] = node.inputs;
    if (node.op !== 'Gemm' || transB !== 1 || transA || !known.has(w!)) {
      e.nodes.push(node);
      continue;
    }
    const { q, scale } = quantisedWeight(e, w!);
    const inputs = [x!, q, scale, null, bias ?? null];
    e.emit('DynamicQuantizeMatMul', inputs, node.outputs[0]!, {}, 'com.microsoft');
  }
  return { ...cut, nodes: e.nodes, constants: [...cut.constants, ...e.constants] };
}

/** A weight [out, in] as symmetric 8-bit integers [in, out] with a scale for each output channel. */
function quantisedWeight(e: Emitter, w: Value): { q: Value; scale: Value } {
  const [out, input] = w.shape as [number, number];
  const largest = e.emit('ReduceMax', [e.like('Abs', [w]), e.ints([1])], e.value([out, 1], 'float32'), {
    keepdims: 1,
  });
  const scale = e.like('Max', [e.like('Mul', [largest, e.scalar(1 / 127)]), e.scalar(1e-20)]);
  const rounded = e.cast(e.like('Round', [e.like('Div', [w, scale])]), 'int8');
  const q = e.emit('Transpose', [rounded], e.value([input, out], 'int8'), { perm: [1, 0] });
  return { q, scale: e.like('Reshape', [scale, e.ints([out])], [out]) };
}
