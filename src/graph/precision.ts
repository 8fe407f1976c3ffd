/**
 * @file Runs a network in lower precision, as a rewriting of its graph.
 *
 * The rewriting is symbolic: weights are rounded by nodes that depend on parameters alone, which the runtime's
 * optimiser folds when the session opens. No weight passes through JavaScript.
 *
 * - `fp16`: every weight is rounded to half precision; the arithmetic stays float32.
 * - `int8`: dynamic quantisation. Linear layers multiply 8-bit integers: weights symmetric per output channel,
 *   activations asymmetric per tensor with their range measured as they come (ONNX Runtime's
 *   `DynamicQuantizeMatMul`). Convolutions likewise (`ConvInteger`), batch normalisation folded in first.
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
      return new Quantiser(cut).result();
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

class Quantiser {
  private readonly e: Emitter;
  private readonly constant = new Set<Value>();
  private readonly readers = new Map<Value, number>();

  constructor(private readonly cut: Pruned) {
    this.e = new Emitter(cut.outputs.values().next().value!.graph);
    for (const p of cut.parameters) this.constant.add(p);
    for (const c of cut.constants) this.constant.add(c.value);
    for (const n of cut.nodes) {
      if (n.inputs.every((v) => !v || this.constant.has(v))) for (const v of n.outputs) this.constant.add(v);
      for (const v of n.inputs) if (v) this.readers.set(v, (this.readers.get(v) ?? 0) + 1);
    }
    for (const v of cut.outputs.values()) this.readers.set(v, (this.readers.get(v) ?? 0) + 1);
  }

  result(): Pruned {
    const { e, cut } = this;
    const swallowed = new Set<Node>();
    for (const node of cut.nodes) {
      if (swallowed.has(node)) continue;
      if (this.isLinear(node)) this.linear(node);
      else if (this.isConv(node)) {
        const norm = this.normAfter(node);
        if (norm) swallowed.add(norm);
        this.conv(node, norm);
      } else e.nodes.push(node);
    }
    return { ...cut, nodes: e.nodes, constants: [...cut.constants, ...e.constants] };
  }

  private isLinear(node: Node): boolean {
    const weight = node.inputs[1];
    return (
      node.op === 'Gemm' &&
      node.attributes.transB === 1 &&
      !node.attributes.transA &&
      this.constant.has(weight!)
    );
  }

  private isConv(node: Node): boolean {
    return node.op === 'Conv' && this.constant.has(node.inputs[1]!) && node.attributes.group === 1;
  }

  private normAfter(node: Node): Node | undefined {
    const y = node.outputs[0]!;
    if (this.readers.get(y) !== 1) return undefined;
    return this.cut.nodes.find((n) => n.op === 'BatchNormalization' && n.inputs[0] === y);
  }

  /** Symmetric 8-bit weights and their scales, one for each slice along axis 0. */
  private weight(w: Value): { q: Value; scale: Value } {
    const { e } = this;
    const out = w.shape[0] as number;
    const rest = w.shape.slice(1).map((_, i) => i + 1);
    const magnitude = e.like('Abs', [w]);
    const largest = e.emit(
      'ReduceMax',
      [magnitude, e.ints(rest)],
      e.value([out, ...rest.map(() => 1)], 'float32'),
      {
        keepdims: 1,
      },
    );
    const scale = e.like('Max', [e.like('Mul', [largest, e.scalar(1 / 127)]), e.scalar(1e-20)]);
    const q = e.cast(e.like('Round', [e.like('Div', [w, scale])]), 'int8');
    return { q, scale: e.like('Reshape', [scale, e.ints([out])], [out]) };
  }

  private linear(node: Node): void {
    const { e } = this;
    const [x, w, bias] = node.inputs;
    const { q, scale } = this.weight(w!);
    const transposed = e.emit('Transpose', [q], e.value([w!.shape[1]!, w!.shape[0]!], 'int8'), {
      perm: [1, 0],
    });
    e.emit(
      'DynamicQuantizeMatMul',
      [x!, transposed, scale, null, bias ?? null],
      node.outputs[0]!,
      {},
      'com.microsoft',
    );
  }

  private conv(node: Node, norm: Node | undefined): void {
    const { e } = this;
    const [x, w, ownBias] = node.inputs;
    const out = w!.shape[0] as number;
    let weight = w!;
    let bias = ownBias ?? null;
    if (norm) {
      const [, gamma, beta, mean, variance] = norm.inputs as Value[];
      const { epsilon } = norm.attributes as { epsilon: { float: number } };
      const deviation = e.like('Sqrt', [e.like('Add', [variance!, e.scalar(epsilon.float)])]);
      const factor = e.like('Div', [gamma!, deviation]);
      weight = e.like('Mul', [w!, e.like('Reshape', [factor, e.ints([out, 1, 1, 1])], [out, 1, 1, 1])]);
      const centre = bias ? e.like('Sub', [mean!, bias]) : mean!;
      bias = e.like('Sub', [beta!, e.like('Mul', [centre, factor])]);
    }
    const { q, scale } = this.weight(weight);
    const quantised = [e.value(x!.shape, 'uint8'), e.value([], 'float32'), e.value([], 'uint8')];
    e.nodes.push({
      op: 'DynamicQuantizeLinear',
      domain: '',
      inputs: [x!],
      outputs: quantised,
      attributes: {},
    });
    const y = node.outputs[0]!;
    const { group: _, ...window } = node.attributes;
    const sums = e.emit('ConvInteger', [quantised[0]!, q, quantised[2]!], e.value(y.shape, 'int32'), window);
    const scales = e.like('Reshape', [scale, e.ints([out, 1, 1])], [out, 1, 1]);
    const factor = e.like('Mul', [scales, quantised[1]!]);
    const target = norm ? norm.outputs[0]! : y;
    const product = e.like('Mul', [e.cast(sums, 'float32'), factor]);
    if (!bias) e.emit('Identity', [product], target);
    else e.emit('Add', [product, e.like('Reshape', [bias, e.ints([out, 1, 1])], [out, 1, 1])], target);
  }
}
