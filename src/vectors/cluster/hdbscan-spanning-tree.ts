/** @file The minimum spanning tree of points under mutual reachability: the larger of their distance and both core distances. */
import { Graph, openSession, ops, type Session } from '../../graph/index.js';
import { nearest } from '../nearest.js';
import type { Vectors } from '../vectors.js';
import type { HdbscanOptions } from './hdbscan.js';

/** The edges of a tree over n points: n − 1 of them, the shortest first. */
export interface TreeEdges {
  from: Int32Array;
  to: Int32Array;
  distance: Float64Array;
}

/** Neighbours that every point knows: with more, fewer points are compared with all others. */
const KNOWN = 16;
/** Numbers in a block of products. */
const BLOCK = 2 ** 23;

/** @param minSamples the core distance is that to the nearest `minSamples` points, itself the first */
export async function spanningTree(
  vectors: Vectors,
  minSamples: number,
  { session, onProgress, signal }: HdbscanOptions,
): Promise<TreeEdges> {
  const { data, dimension } = vectors;
  const count = data.length / dimension;
  const k = Math.min(count - 1, Math.max(KNOWN, minSamples - 1));
  const known = await nearest(vectors, { k, distance: 'euclidean', session, signal });
  const distances = new Float64Array(known.length);
  const core = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    for (let j = i * k; j < (i + 1) * k; j++) distances[j] = distanceOf(vectors, i, known[j]!);
    // Sorted anew: the engine's float32 takes near ones for equal.
    if (minSamples > 1) core[i] = distances.slice(i * k, (i + 1) * k).sort()[minSamples - 2]!;
  }
  const components = new Components(count);
  const tree = {
    from: new Int32Array(count - 1),
    to: new Int32Array(count - 1),
    distance: new Float64Array(count - 1),
  };
  const strangers = new Strangers(vectors, core, session);
  let joined = 0;
  try {
    while (joined < count - 1) {
      signal?.throwIfAborted();
      const best = new Nearest(count);
      const bounds = new Float64Array(count);
      for (let i = 0; i < count; i++) {
        const own = components.of(i);
        let farthest = 0;
        for (let at = i * k; at < (i + 1) * k; at++) {
          const j = known[at]!;
          if (distances[at]! > farthest) farthest = distances[at]!;
          if (components.of(j) !== own) best.offer(own, i, j, Math.max(distances[at]!, core[i]!, core[j]!));
        }
        bounds[i] = k === count - 1 ? Number.POSITIVE_INFINITY : Math.max(farthest, core[i]!);
      }
      // Whoever may know of a shorter way than the best of its component so far is compared with all.
      const unsure = Array.from({ length: count }, (_, i) => i).filter(
        (i) => bounds[i]! < best.distance[components.of(i)]!,
      );
      await strangers.find(unsure, components, best, bounds, signal);
      for (let component = 0; component < count; component++) {
        const [from, to] = [best.from[component]!, best.to[component]!];
        if (from < 0 || !components.join(from, to)) continue;
        tree.from[joined] = from;
        tree.to[joined] = to;
        tree.distance[joined++] = best.distance[component]!;
      }
      onProgress?.(joined + 1, count);
    }
  } finally {
    await strangers.close();
  }
  const order = Array.from({ length: joined }, (_, i) => i).sort(
    (a, b) => tree.distance[a]! - tree.distance[b]!,
  );
  return {
    from: Int32Array.from(order, (i) => tree.from[i]!),
    to: Int32Array.from(order, (i) => tree.to[i]!),
    distance: Float64Array.from(order, (i) => tree.distance[i]!),
  };
}

function distanceOf({ data, dimension }: Vectors, i: number, j: number): number {
  let square = 0;
  for (let d = 0, a = i * dimension, b = j * dimension; d < dimension; d++, a++, b++) {
    const difference = data[a]! - data[b]!;
    square += difference * difference;
  }
  return Math.sqrt(square);
}

/** The shortest edge out of each component. */
class Nearest {
  readonly from: Int32Array;
  readonly to: Int32Array;
  readonly distance: Float64Array;

  constructor(count: number) {
    this.from = new Int32Array(count).fill(-1);
    this.to = new Int32Array(count).fill(-1);
    this.distance = new Float64Array(count).fill(Number.POSITIVE_INFINITY);
  }

  offer(component: number, from: number, to: number, distance: number): void {
    if (distance >= this.distance[component]!) return;
    this.from[component] = from;
    this.to[component] = to;
    this.distance[component] = distance;
  }
}

/** Disjoint sets of points. */
class Components {
  private readonly parent: Int32Array;

  constructor(count: number) {
    this.parent = Int32Array.from({ length: count }, (_, i) => i);
  }

  /** The point that stands for the set of a point. */
  of(point: number): number {
    let root = point;
    while (this.parent[root] !== root) root = this.parent[root]!;
    for (let at = point; at !== root; ) [this.parent[at], at] = [root, this.parent[at]!];
    return root;
  }

  /** Makes one set of two; false where they were one. */
  join(a: number, b: number): boolean {
    const [x, y] = [this.of(a), this.of(b)];
    if (x === y) return false;
    this.parent[Math.max(x, y)] = Math.min(x, y);
    return true;
  }
}

/** Finds for points the nearest one of another component among all. */
class Strangers {
  private session: Promise<Session> | undefined;
  private readonly squares: Float32Array;
  private readonly cores: Float32Array;

  constructor(
    private readonly vectors: Vectors,
    private readonly core: Float64Array,
    private readonly options: HdbscanOptions['session'],
  ) {
    const { data, dimension } = vectors;
    this.cores = Float32Array.from(core);
    this.squares = Float32Array.from(core, (_, row) => {
      let sum = 0;
      for (let i = row * dimension; i < (row + 1) * dimension; i++) sum += data[i]! * data[i]!;
      return sum;
    });
  }

  /** Offers the best ways of the points, and passes over those that a block before them has made pointless. */
  async find(
    points: readonly number[],
    components: Components,
    best: Nearest,
    bounds: Float64Array,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    if (points.length === 0) return;
    const { vectors, core, squares, cores } = this;
    const { data, dimension } = vectors;
    const count = core.length;
    this.session ??= this.open();
    const session = await this.session;
    const owners = Float32Array.from(core, (_, i) => components.of(i)); // exact below 2²⁴
    const rows = Math.max(1, Math.floor(BLOCK / Math.max(count, dimension)));
    const left = points.slice().sort((a, b) => bounds[b]! - bounds[a]!); // the likeliest are taken first
    while (left.length > 0) {
      signal?.throwIfAborted();
      const some: number[] = [];
      while (some.length < rows && left.length > 0) {
        const i = left.pop()!;
        if (bounds[i]! < best.distance[components.of(i)]!) some.push(i);
      }
      if (some.length === 0) return;
      const block = new Float32Array(some.length * dimension);
      some.forEach((i, row) => {
        block.set(data.subarray(i * dimension, (i + 1) * dimension), row * dimension);
      });
      const column = (from: Float32Array) => ({
        data: Float32Array.from(some, (i) => from[i]!),
        dims: [some.length, 1],
      });
      const { index } = await session.run({
        queries: { data: block, dims: [some.length, dimension] },
        'query-squares': column(squares),
        'query-cores': column(cores),
        'query-owners': column(owners),
        owners: { data: owners.slice(), dims: [1, count] },
      });
      some.forEach((i, row) => {
        const j = (index!.data as Int32Array)[row]!;
        best.offer(components.of(i), i, j, Math.max(distanceOf(vectors, i, j), core[i]!, core[j]!));
      });
    }
  }

  async close(): Promise<void> {
    await (await this.session)?.release();
  }

  private open(): Promise<Session> {
    const { data, dimension } = this.vectors;
    const constants: Readonly<Record<string, Float32Array>> = {
      vectors: data,
      squares: this.squares,
      cores: this.cores,
    };
    return openSession(
      strangersGraph(this.core.length, dimension),
      ({ name }) => ({ data: constants[name]!, dtype: 'float32' }),
      { ...this.options, planMemory: false },
    );
  }
}

/** For each query the nearest vector of another owner, by mutual reachability. */
function strangersGraph(count: number, dimension: number): Graph {
  const graph = new Graph('strangers');
  const queries = graph.input('queries', ['Q', dimension]);
  const column = (name: string) => graph.input(name, ['Q', 1]);
  const vectors = graph.parameter('vectors', [count, dimension]);
  const all = (name: string) => graph.parameter(name, [1, count]);
  const shape = ['Q', count];
  const products = graph.node('Gemm', [queries, vectors], shape, {
    attributes: { transB: 1, alpha: { float: -2 } },
  });
  const squares = ops.add(ops.add(products, column('query-squares')), all('squares'));
  const cores = graph.node('Max', [column('query-cores'), all('cores')], shape);
  const reach = graph.node('Max', [squares, ops.square(cores)], shape);
  const owners = graph.input('owners', [1, count]);
  const same = graph.node('Equal', [column('query-owners'), owners], shape, { dtype: 'bool' });
  const masked = graph.node(
    'Where',
    [same, graph.constant(Float32Array.of(3e38), [1], 'float32'), reach],
    shape,
  );
  const index = graph.node('ArgMin', [masked], ['Q'], {
    dtype: 'int64',
    attributes: { axis: 1, keepdims: 0 },
  });
  graph.output('index', ops.cast(index, 'int32'));
  return graph;
}
