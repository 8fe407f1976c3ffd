/**
 * @file The graph under construction: inputs, parameters, constants, nodes, outputs.
 *
 * Everything that multiplies numbers in Afterimage is one of these, built by the operators in `ops/` and run by
 * ONNX Runtime. Nodes are kept in the order in which they were made, which is a topological order, with references
 * to the values themselves: a pass over them (reverse-mode differentiation, say) needs no name look-ups.
 */
import { GraphError } from '../errors.js';
import { sameShape, show, sizeOf } from './shape.js';
import type { Attribute, DType, Node, Parameter, Shape, TensorData, Value } from './types.js';

/** A constant held inside the graph. */
export interface Constant {
  readonly value: Value;
  readonly data: TensorData;
}

export class Graph {
  readonly name: string;
  readonly nodes: Node[] = [];
  readonly inputs: Value[] = [];
  readonly parameters = new Map<string, Parameter>();
  readonly constants: Constant[] = [];
  /** Outputs by their public name, in the order in which they were declared. */
  readonly outputs = new Map<string, Value>();
  private counter = 0;
  private readonly shared = new Map<string, Value>();

  /** @param name a label that shows in profiles and error messages of the runtime. */
  constructor(name = 'graph') {
    this.name = name;
  }

  /** Declares an input of the graph; a symbolic dimension such as `'N'` is free at run time. */
  input(name: string, shape: Shape, dtype: DType = 'float32'): Value {
    if (this.inputs.some((v) => v.name === name)) throw new GraphError(`input "${name}" is declared twice`);
    const value = this.value(shape, dtype, name);
    this.inputs.push(value);
    return value;
  }

  /**
   * Declares a learned tensor, or returns it when it was declared before with the same shape (shared weights).
   * Its numbers are bound when the graph becomes a session.
   */
  parameter(name: string, shape: readonly number[], dtype: DType = 'float32'): Parameter {
    const known = this.parameters.get(name);
    if (known) {
      if (sameShape(known.shape, shape)) return known;
      throw new GraphError(
        `parameter "${name}" was declared as ${show(known.shape)} and again as ${show(shape)}`,
      );
    }
    const value = this.value(shape, dtype, name) as Parameter;
    this.parameters.set(name, value);
    return value;
  }

  /** A constant tensor. @throws GraphError when `data` does not fill `shape`. */
  constant(data: TensorData, shape: readonly number[], dtype: DType): Value {
    if (data.length !== sizeOf(shape, 'constant'))
      throw new GraphError(`constant: ${data.length} elements do not fill the shape ${show(shape)}`);
    const value = this.value(shape, dtype);
    this.constants.push({ value, data });
    return value;
  }

  /** A float32 scalar; equal scalars are one value. */
  scalar(x: number): Value {
    return this.once(`f${x}`, () => this.constant(Float32Array.of(x), [], 'float32'));
  }

  /** A 1-D int64 tensor (axes, sizes, permutations); equal ones are one value. */
  ints(values: readonly number[]): Value {
    return this.once(`i${values.join()}`, () =>
      this.constant(BigInt64Array.from(values, BigInt), [values.length], 'int64'),
    );
  }

  /** Names a value as an output of the graph. */
  output(name: string, value: Value): void {
    if (value.graph !== this) throw new GraphError(`output "${name}" belongs to another graph`);
    if (this.outputs.has(name)) throw new GraphError(`output "${name}" is declared twice`);
    this.outputs.set(name, value);
  }

  /**
   * Appends a node with one output. Operators call this once they have worked out the output's shape and type.
   */
  node(
    op: string,
    inputs: readonly (Value | null)[],
    shape: Shape,
    options: { dtype?: DType; attributes?: Record<string, Attribute>; domain?: Node['domain'] } = {},
  ): Value {
    return this.append(op, inputs, [{ shape, dtype: options.dtype ?? firstDType(inputs) }], options)[0]!;
  }

  /** Appends a node with several outputs, in the operator's order. */
  multi(
    op: string,
    inputs: readonly (Value | null)[],
    outputs: readonly { shape: Shape; dtype: DType }[],
    options: { attributes?: Record<string, Attribute>; domain?: Node['domain'] } = {},
  ): Value[] {
    return this.append(op, inputs, outputs, options);
  }

  private append(
    op: string,
    inputs: readonly (Value | null)[],
    outputs: readonly { shape: Shape; dtype: DType }[],
    options: { attributes?: Record<string, Attribute>; domain?: Node['domain'] },
  ): Value[] {
    for (const input of inputs)
      if (input && input.graph !== this)
        throw new GraphError(`${op}: input "${input.name}" belongs to another graph`);
    const values = outputs.map((o) => this.value(o.shape, o.dtype));
    this.nodes.push({
      op,
      domain: options.domain ?? '',
      inputs,
      outputs: values,
      attributes: options.attributes ?? {},
    });
    return values;
  }

  private value(shape: Shape, dtype: DType, name = `:v${this.counter++}`): Value {
    for (const d of shape)
      if (typeof d === 'number' && (!Number.isInteger(d) || d < 0))
        throw new GraphError(`"${name}": ${show(shape)} is not a shape`);
    return { graph: this, name, dtype, shape };
  }

  private once(key: string, make: () => Value): Value {
    let value = this.shared.get(key);
    if (!value) {
      value = make();
      this.shared.set(key, value);
    }
    return value;
  }
}

function firstDType(inputs: readonly (Value | null)[]): DType {
  const first = inputs.find((v) => v !== null);
  if (!first) throw new GraphError('a node without inputs needs an element type');
  return first.dtype;
}
