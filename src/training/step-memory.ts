/**
 * @file The numbers of a training step: memory for what a session writes, the starting numbers, and the order in which
 * weights of convolutions lie.
 *
 * Within a step a convolution's weight `[O, C, kh, kw]` has its channels last, as the fastest operators want it: neither it
 * nor its gradient is turned in every step. Outside it lies as in PyTorch.
 */
import { UsageError } from '../errors.js';
import { type Bind, Graph, openSession, type Tensor, type Value } from '../graph/index.js';

type Dims = readonly number[];

export const sizeOf = (shape: Dims): number => shape.reduce((n, d) => n * d, 1);

/** Whether a learned tensor lies with its second axis last. */
export const isTurned = (shape: Dims): boolean => shape.length === 4;

/** The shape in which a learned tensor lies. */
export function turnedShape(shape: Dims): Dims {
  const [a, b, c, d] = shape as [number, number, number, number];
  return isTurned(shape) ? [a, c, d, b] : shape;
}

/** From memory within a step to PyTorch's order: the same array where both are one. */
export function turnedBack(data: Float32Array, shape: Dims): Float32Array {
  const [o, c, ...kernel] = shape as [number, number, ...number[]];
  const taps = sizeOf(kernel);
  return isTurned(shape) && c > 1 && taps > 1
    ? swapped(data, new Float32Array(data.length), o, taps, c)
    : data;
}

/** From PyTorch's order to memory within a step. */
export function turnInto(to: Float32Array, data: Float32Array, shape: Dims): void {
  const [o, c, ...kernel] = shape as [number, number, ...number[]];
  if (isTurned(shape)) swapped(data, to, o, c, sizeOf(kernel));
  else to.set(data);
}

/** `[n, rows, columns]` → `[n, columns, rows]`. */
function swapped(
  from: Float32Array,
  to: Float32Array,
  n: number,
  rows: number,
  columns: number,
): Float32Array {
  for (let i = 0; i < n; i++) {
    const base = i * rows * columns;
    for (let r = 0; r < rows; r++)
      for (let c = 0; c < columns; c++) to[base + c * rows + r] = from[base + r * columns + c]!;
  }
  return to;
}

/** Memory for an output. @throws UsageError for element types that no metric has. */
export function room({ dtype, shape }: Value): Tensor {
  const dims = shape as Dims;
  const length = sizeOf(dims);
  switch (dtype) {
    case 'float32':
      return { data: new Float32Array(length), dims };
    case 'int64':
      return { data: new BigInt64Array(length), dims };
    case 'int32':
      return { data: new Int32Array(length), dims };
    default:
      throw new UsageError(`metric: expected float32, int32 or int64 but received ${dtype}`);
  }
}

/** Has the runtime read parameters, from whatever they are bound to, into arrays; learned ones turned. */
export async function readParameters(
  source: Graph,
  bind: Bind,
  into: ReadonlyMap<string, Float32Array>,
  learned: boolean,
): Promise<void> {
  if (into.size === 0) return;
  const graph = new Graph('start');
  const outputs: Record<string, Tensor> = {};
  const channelsLast = new Set<string>();
  for (const [name, data] of into) {
    const { shape } = source.parameters.get(name)!;
    graph.output(name, graph.parameter(`:${name}`, shape));
    if (learned && isTurned(shape)) channelsLast.add(name);
    outputs[name] = { data, dims: learned ? turnedShape(shape) : shape };
  }
  const original: Bind = (p) => bind(source.parameters.get(p.name.slice(1))!);
  const session = await openSession(graph, original, { inline: true, channelsLast });
  await session.run({}, outputs);
  await session.release();
}

/** Numbers as they lie within a step, and PyTorch's shape of them. */
export interface Place {
  key: string;
  data: Float32Array;
  shape: readonly number[];
}

/** Saved arrays beside the places they go to. @throws UsageError where names or lengths differ. */
export function pairUp(
  what: string,
  places: readonly Place[],
  state: ReadonlyMap<string, Float32Array>,
): { to: Place; saved: Float32Array }[] {
  const keys = new Set(places.map((place) => place.key));
  for (const key of state.keys())
    if (!keys.has(key)) throw new UsageError(`the state has a ${what} "${key}" that this step does not have`);
  return places.map((to) => {
    const saved = state.get(to.key);
    if (saved?.length !== to.data.length)
      throw new UsageError(
        `${what} "${to.key}": expected ${to.data.length} numbers in the state but received ${saved?.length ?? 'none'}`,
      );
    return { to, saved };
  });
}
