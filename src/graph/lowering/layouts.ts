/**
 * @file Where the elements of a feature map lie in memory, and the graph in which that is decided for each.
 *
 * - `nchw`: as ONNX and PyTorch have it.
 * - `nhwc`: channels last. A convolution's windows are then rows of a matrix; weights `[O, C, kh, kw]` become the matrix
 *   `[O, kh · kw · C]`.
 * - `blocked`: `[N, C / b, H, W, b]` with as many channels in a block as a register holds numbers (b, 8 or 16), the layout of
 *   the runtime's fastest convolutions (Georganas et al., 2018, arXiv:1808.05567). Its operators (NCHWc) take the
 *   shape as `[N, C, H, W]`.
 */
import type { Constant, Graph } from '../graph.js';
import type { Pruned } from '../onnx.js';
import { product, sameShape } from '../shape.js';
import type { Attribute, Domain, DType, Node, TensorData, Value } from '../types.js';

export type Layout = 'nchw' | 'nhwc' | 'blocked';

/** The domain of operators on the blocked layout. */
export const BLOCKED = 'com.microsoft.nchwc';

/** How a value will be made once somebody asks for it; until then whoever uses it may do both at once. */
export interface Deferred {
  make(): void;
}

/** Stands for the caller among the users of a value. */
const OUTPUT: Node = { op: '', domain: '', inputs: [], outputs: [], attributes: {} };

/** Nodes in the making, each value of the source in one layout or several. Another layout is made when it is asked for, once. */
export class Layouts {
  readonly nodes: Node[] = [];
  readonly constants: Constant[] = [];
  private readonly forms = new Map<Value, Map<Layout, Value>>();
  private readonly deferred = new Map<Value, Deferred>();
  private readonly shared = new Map<string, Value>();
  private readonly tables = new Map<string, { at: Value; padded: boolean }>();
  private counter = 0;

  private readonly producers = new Map<Value, Node>();
  private readonly users = new Map<Value, Node[]>();

  /**
   * @param block channels in a block, 0 where the runtime has no such layout.
   * @param source what is lowered.
   */
  constructor(
    private readonly graph: Graph,
    readonly block: number,
    source: Pruned,
  ) {
    const isOutput = new Set(source.outputs.values());
    for (const node of source.nodes) {
      for (const v of node.outputs) this.producers.set(v, node);
      for (const v of node.inputs) if (v) this.users.set(v, [...(this.users.get(v) ?? []), node]);
    }
    for (const v of isOutput) this.users.set(v, [...(this.users.get(v) ?? []), OUTPUT]);
  }

  /** The node of the source that makes a value. */
  producer(value: Value): Node | undefined {
    return this.producers.get(value);
  }

  /** How often a value of the source is used. */
  uses(value: Value): number {
    return this.users.get(value)?.length ?? 0;
  }

  /** Whether a value is used once, in a sum over images and pixels. */
  onlyReduced(value: Value): boolean {
    const [user, ...more] = this.users.get(value) ?? [];
    return user !== undefined && more.length === 0 && this.reducesPixels(user);
  }

  /** Whether a node sums a map, or takes its mean, over images and pixels. */
  reducesPixels({ op, inputs }: Node): boolean {
    const [x, axes] = inputs;
    if ((op !== 'ReduceSum' && op !== 'ReduceMean') || x?.shape.length !== 4 || !axes) return false;
    const data = this.graph.constants.find((c) => c.value === axes)?.data;
    return data?.join() === '0,2,3';
  }

  /** Says that `made` is `value` in a layout. */
  place(value: Value, layout: Layout, made: Value): void {
    const known = this.forms.get(value) ?? new Map<Layout, Value>();
    this.forms.set(value, known.set(layout, made));
    this.deferred.delete(value);
  }

  /** Leaves making a value until it is asked for. */
  defer(value: Value, deferred: Deferred): void {
    this.deferred.set(value, deferred);
  }

  /** How a value will be made, when it is not made yet. */
  pending(value: Value): Deferred | undefined {
    return this.deferred.get(value);
  }

  /** Whether a value is there in a layout already. What is deferred will be blocked. */
  has(value: Value, layout: Layout): boolean {
    if (this.deferred.has(value)) return layout === 'blocked';
    const forms = this.forms.get(value);
    return forms ? forms.has(layout) : layout === 'nchw';
  }

  /** Whether a value can be blocked. */
  blocks(value: Value): boolean {
    return this.block > 0 && value.shape.length === 4 && Number(value.shape[1]) % this.block === 0;
  }

  /** A value in a layout. Values of other ranks than 4 have one layout, `nchw`. */
  in(value: Value, layout: Layout): Value {
    this.deferred.get(value)?.make();
    const forms = this.forms.get(value) ?? new Map<Layout, Value>([['nchw', value]]);
    let made = forms.get(layout);
    if (!made) {
      const [from, v] = [...forms][0]!;
      made = this.convert(v, from, layout);
      this.place(value, layout, made);
    }
    return made;
  }

  /** What is in one layout, in another. */
  convert(v: Value, from: Layout, to: Layout): Value {
    if (v.dtype !== 'float32' && (from === 'blocked' || to === 'blocked')) {
      const numbers = this.cast(v, 'float32');
      return this.cast(this.convert(numbers, from, to), v.dtype);
    }
    const [n, a, b, c] = v.shape as [number, number, number, number];
    const [channels, height, width] = from === 'nhwc' ? [c, a, b] : [a, b, c];
    const shape = to === 'nhwc' ? [n, height, width, channels] : [n, channels, height, width];
    if (height * width === 1 || (from !== 'nchw' && to !== 'nchw' ? channels === this.block : channels === 1))
      return this.reshape(v, shape);
    if (to === 'blocked')
      return this.emit('ReorderInput', [v], shape, {
        domain: BLOCKED,
        attributes: { channels_last: from === 'nhwc' ? 1 : 0 },
      });
    if (from === 'blocked')
      return this.emit('ReorderOutput', [v], shape, {
        domain: BLOCKED,
        attributes: { channels, channels_last: to === 'nhwc' ? 1 : 0 },
      });
    return this.transpose(v, to === 'nhwc' ? [0, 2, 3, 1] : [0, 3, 1, 2]);
  }

  /** Appends a node. */
  emit(
    op: string,
    inputs: readonly (Value | null)[],
    shape: readonly number[],
    options: { dtype?: DType; attributes?: Record<string, Attribute>; domain?: Domain } = {},
  ): Value {
    const { dtype = inputs[0]?.dtype ?? 'float32', attributes = {}, domain = '' } = options;
    const output = this.fresh(shape, dtype);
    this.nodes.push({ op, domain, inputs, outputs: [output], attributes });
    return output;
  }

  /** A value that nothing makes yet. */
  fresh(shape: readonly number[], dtype: DType): Value {
    return { graph: this.graph, name: `:l${this.counter++}`, shape, dtype };
  }

  reshape(v: Value, shape: readonly number[]): Value {
    return sameShape(v.shape, shape) ? v : this.emit('Reshape', [v, this.ints(shape)], shape);
  }

  transpose(v: Value, perm: readonly number[]): Value {
    const shape = perm.map((p) => v.shape[p] as number);
    return this.emit('Transpose', [v], shape, { attributes: { perm } });
  }

  private cast(v: Value, dtype: DType): Value {
    const to = dtype === 'float32' ? 1 : 9;
    return this.emit('Cast', [v], v.shape as number[], { dtype, attributes: { to } });
  }

  /** A 1-D int64 constant. */
  ints(values: readonly number[]): Value {
    return this.constant(`i${values.join()}`, [values.length], 'int64', () =>
      BigInt64Array.from(values, BigInt),
    );
  }

  /** A constant filled with one number. */
  filled(x: number, shape: readonly number[]): Value {
    return this.constant(`f${x}:${shape.join()}`, shape, 'float32', () =>
      new Float32Array(product(shape) as number).fill(x),
    );
  }

  /** A constant that is made once for each key. */
  constant(key: string, shape: readonly number[], dtype: DType, data: () => TensorData): Value {
    return this.once(key, () => {
      const value = this.fresh(shape, dtype);
      this.constants.push({ value, data: data() });
      return value;
    });
  }

  /** Numbers of rows as a constant, where −1 stands for a row after the last; and whether there are such. */
  indices(key: string, count: number, make: () => Int32Array): { at: Value; padded: boolean } {
    const full = `${key}:${count}`;
    let known = this.tables.get(full);
    if (!known) {
      const numbers = make();
      const padded = numbers.includes(-1);
      const at = this.constant(full, [numbers.length], 'int32', () =>
        numbers.map((i) => (i < 0 ? count : i)),
      );
      known = { at, padded };
      this.tables.set(full, known);
    }
    return known;
  }

  /** What was made under a key before, or what `make` makes. */
  once(key: string, make: () => Value): Value {
    let value = this.shared.get(key);
    if (!value) {
      value = make();
      this.shared.set(key, value);
    }
    return value;
  }
}
