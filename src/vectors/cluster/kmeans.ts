/**
 * @file Clusters by k-means (Lloyd, 1982), started by k-means++ (Arthur & Vassilvitskii, SODA 2007).
 *
 * Assignments are one matrix product a block, computed by the numeric engine; starting points and means are sums in
 * float64. Restarts are kept by their inertia, so the result depends on the seed alone.
 */

import { UsageError } from '../../errors.js';
import { Graph, openSession, ops, type Session, type SessionOptions } from '../../graph/index.js';
import { Random } from '../../random.js';
import { countOf, type Vectors } from '../vectors.js';

export interface KMeansOptions {
  clusters: number;
  /** @default 0 */
  seed?: number | undefined;
  /** Independent starts, of which the one with the least inertia is kept. @default 3 */
  restarts?: number | undefined;
  /** @default 100 */
  maxIterations?: number | undefined;
  /** Where the products are computed. */
  session?: SessionOptions | undefined;
}

export interface Clustering {
  /** The cluster of each vector. */
  assignments: Int32Array;
  /** [clusters, D]. */
  centroids: Float32Array;
  /** The sum of squared distances to the nearest centroid. */
  inertia: number;
}

const BLOCK = 2 ** 22;

/** @throws UsageError when there are fewer vectors than clusters. */
export async function kMeans(vectors: Vectors, options: KMeansOptions): Promise<Clustering> {
  const { clusters, seed = 0, restarts = 3, maxIterations = 100 } = options;
  const count = countOf(vectors, 'k-means');
  if (!Number.isInteger(clusters) || clusters < 1 || clusters > count)
    throw new UsageError(`clusters: expected a whole number from 1 to ${count} but received ${clusters}`);
  for (const [name, value] of Object.entries({ restarts, maxIterations }))
    if (!Number.isInteger(value) || value < 1)
      throw new UsageError(`${name}: expected a whole number of at least 1 but received ${value}`);
  const session = await openSession(
    assignmentGraph(clusters, vectors.dimension),
    () => unreachable(),
    options.session,
  );
  try {
    let best: Clustering | undefined;
    for (let restart = 0; restart < restarts; restart++) {
      const start = plusPlus(vectors, clusters, new Random(seed, 'k-means', restart));
      const found = await lloyd(session, vectors, start, maxIterations);
      if (!best || found.inertia < best.inertia) best = found;
    }
    return best!;
  } finally {
    await session.release();
  }
}

function unreachable(): never {
  throw new UsageError('k-means: the graph has no parameters');
}

/** The nearest centroid of each vector, the first of equals. */
function assignmentGraph(clusters: number, dimension: number): Graph {
  const graph = new Graph('k-means');
  const x = graph.input('vectors', ['N', dimension]);
  const centroids = graph.input('centroids', [clusters, dimension]);
  const lengths = ops.sum(ops.square(centroids), [1]);
  const keys = graph.node('Gemm', [x, centroids, lengths], ['N', clusters], {
    attributes: { transB: 1, alpha: { float: -2 } },
  });
  const index = graph.node('ArgMin', [keys], ['N'], { dtype: 'int64', attributes: { axis: 1, keepdims: 0 } });
  graph.output('index', ops.cast(index, 'int32'));
  return graph;
}

/**
 * Starting centroids: each next one a vector drawn with probability proportional to its squared distance from those
 * before. A vector whose centroid is more than twice as far from the new one as from it cannot be nearer to the new
 * one (Elkan, 2003), which spares most distances where there are clusters.
 */
function plusPlus({ data, dimension }: Vectors, clusters: number, random: Random): Float32Array {
  const count = data.length / dimension;
  const centroids = new Float32Array(clusters * dimension);
  const squares = new Float64Array(count).fill(Number.POSITIVE_INFINITY);
  const owners = new Int32Array(count);
  const toNew = new Float64Array(clusters);
  let chosen = random.integer(count);
  for (let c = 0; c < clusters; c++) {
    centroids.set(data.subarray(chosen * dimension, (chosen + 1) * dimension), c * dimension);
    for (let other = 0; other < c; other++)
      toNew[other] = squareBetween(centroids, other, centroids, c, dimension);
    let total = 0;
    for (let row = 0; row < count; row++) {
      if (c === 0 || toNew[owners[row]!]! < 4 * squares[row]!) {
        const square = squareBetween(data, row, centroids, c, dimension);
        if (square < squares[row]!) {
          squares[row] = square;
          owners[row] = c;
        }
      }
      total += squares[row]!;
    }
    let remaining = random.next() * total;
    for (chosen = 0; chosen < count - 1; chosen++) {
      remaining -= squares[chosen]!;
      if (remaining < 0) break;
    }
  }
  return centroids;
}

/** The squared distance of row i of `a` and row j of `b`. */
function squareBetween(a: Float32Array, i: number, b: Float32Array, j: number, dimension: number): number {
  let square = 0;
  for (let d = 0, x = i * dimension, y = j * dimension; d < dimension; d++, x++, y++) {
    const difference = a[x]! - b[y]!;
    square += difference * difference;
  }
  return square;
}

/** Assigns and averages in turn, until no assignment changes. */
async function lloyd(
  session: Session,
  vectors: Vectors,
  start: Float32Array,
  maxIterations: number,
): Promise<Clustering> {
  let centroids = start;
  let before: Int32Array | undefined;
  for (let iteration = 0; ; iteration++) {
    const { assignments, squares } = await assign(session, vectors, centroids);
    if (iteration === maxIterations || before?.every((c, i) => c === assignments[i]))
      return { assignments, centroids, inertia: squares.reduce((a, b) => a + b, 0) };
    before = assignments;
    centroids = means(vectors, assignments, squares, centroids.length / vectors.dimension);
  }
}

async function assign(
  session: Session,
  { data, dimension }: Vectors,
  centroids: Float32Array,
): Promise<{ assignments: Int32Array; squares: Float64Array }> {
  const count = data.length / dimension;
  const clusters = centroids.length / dimension;
  const assignments = new Int32Array(count);
  const squares = new Float64Array(count);
  const rows = Math.max(1, Math.floor(BLOCK / Math.max(clusters, dimension)));
  for (let first = 0; first < count; first += rows) {
    const block = data.slice(first * dimension, (first + rows) * dimension);
    const { index } = await session.run({
      vectors: { data: block, dims: [block.length / dimension, dimension] },
      centroids: { data: centroids.slice(), dims: [clusters, dimension] },
    });
    assignments.set(index!.data as Int32Array, first);
  }
  for (let row = 0; row < count; row++)
    squares[row] = squareBetween(data, row, centroids, assignments[row]!, dimension);
  return { assignments, squares };
}

/** The mean of each cluster; one that lost all its vectors takes the vector that is farthest from its centroid. */
function means(
  { data, dimension }: Vectors,
  assignments: Int32Array,
  squares: Float64Array,
  clusters: number,
): Float32Array {
  const sums = new Float64Array(clusters * dimension);
  const sizes = new Int32Array(clusters);
  for (let row = 0; row < assignments.length; row++) {
    const c = assignments[row]!;
    sizes[c]!++;
    for (let i = 0; i < dimension; i++) sums[c * dimension + i]! += data[row * dimension + i]!;
  }
  const taken = new Set<number>();
  const centroids = new Float32Array(clusters * dimension);
  for (let c = 0; c < clusters; c++) {
    const size = sizes[c]!;
    if (size > 0) for (let i = c * dimension; i < (c + 1) * dimension; i++) centroids[i] = sums[i]! / size;
    else centroids.set(farthest({ data, dimension }, squares, taken), c * dimension);
  }
  return centroids;
}

function farthest({ data, dimension }: Vectors, squares: Float64Array, taken: Set<number>): Float32Array {
  let worst = -1;
  for (let row = 0; row < squares.length; row++)
    if (!taken.has(row) && (worst < 0 || squares[row]! > squares[worst]!)) worst = row;
  taken.add(worst);
  return data.subarray(worst * dimension, (worst + 1) * dimension);
}
