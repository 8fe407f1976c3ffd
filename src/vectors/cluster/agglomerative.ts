/**
 * @file Clusters from the bottom up: the two nearest are merged until one is left. By chains of nearest neighbours
 * (Müllner 2011, arXiv:1109.2378), in time and memory that grow with the square of the vectors' number.
 */
import { UsageError } from '../../errors.js';
import { Graph, openSession, type SessionOptions } from '../../graph/index.js';
import { bytes } from '../../units.js';
import { countOf, toUnit, type Vectors } from '../vectors.js';
import { centred, squaredDistances } from './distances.js';
import { noParameters, squareBetween } from './points.js';

/** How far apart two clusters are: by their variance (Ward, 1963), or the mean, greatest or least distance of their members. */
export type Linkage = 'ward' | 'average' | 'complete' | 'single';

export interface AgglomerativeOptions {
  /** @default 'ward' */
  linkage?: Linkage | undefined;
  /** `cosine` is 1 − cosine; Ward's takes Euclidean distances of unit vectors then. @default 'euclidean' */
  distance?: 'euclidean' | 'cosine' | undefined;
  /** More vectors than these are refused: half their square is the numbers in memory. @default 20,000 */
  most?: number | undefined;
  /** Where the products are computed. */
  session?: SessionOptions | undefined;
}

/** A tree of merges, the nearest first, as SciPy's linkage matrix: cluster n + i is made by merge i. */
export interface Dendrogram {
  /** Vectors at the leaves. */
  count: number;
  /** The lesser and the greater of the two that are merged. */
  left: Int32Array;
  right: Int32Array;
  /** Their distance; Ward's has the unit of the vectors, as SciPy's. */
  heights: Float64Array;
  /** Vectors below each merge. */
  sizes: Int32Array;
}

const MOST = 20_000;
const BLOCK = 2 ** 22;
/** Squared distances below this share of the squared lengths are computed again, without cancellation. */
const NEAR = 1e-4;

/** @throws UsageError when there are fewer than two vectors or more than `most`, or a number is not finite. */
export async function agglomerative(
  vectors: Vectors,
  options: AgglomerativeOptions = {},
): Promise<Dendrogram> {
  const { linkage = 'ward', distance = 'euclidean', most = MOST, session } = options;
  const count = countOf(vectors, 'agglomerative');
  if (count < 2) throw new UsageError(`agglomerative: expected at least 2 vectors but received ${count}`);
  if (count > most)
    throw new UsageError(
      `agglomerative: expected at most ${most} vectors but received ${count}, which take ${bytes(2 * count * count)}`,
      {
        hint: 'k-means and HDBSCAN take any number; or merge the centroids of some thousand k-means clusters',
      },
    );
  const squares = await squaresOf(distance === 'cosine' ? toUnit(vectors) : vectors, session);
  // Half the squared distance of unit vectors is 1 − cosine.
  if (linkage !== 'ward')
    for (let i = 0; i < squares.length; i++)
      squares[i] = distance === 'cosine' ? squares[i]! / 2 : Math.sqrt(squares[i]!);
  return dendrogram(chain(squares, count, linkage), count, linkage === 'ward' ? Math.sqrt : (h) => h);
}

/** Squared distances of all pairs i < j: row after row of the upper triangle. */
async function squaresOf(vectors: Vectors, options: SessionOptions | undefined): Promise<Float32Array> {
  const { dimension } = vectors;
  const data = centred(vectors);
  const count = data.length / dimension;
  const lengths = Float64Array.from({ length: count }, (_, i) => {
    let sum = 0;
    for (let d = i * dimension; d < (i + 1) * dimension; d++) sum += data[d]! * data[d]!;
    return sum;
  });
  const graph = new Graph('distances');
  const [x, y] = [graph.input('x', ['N', dimension]), graph.input('y', ['M', dimension])];
  graph.output('squares', squaredDistances(graph, x, y));
  const session = await openSession(graph, noParameters, options);
  const result = new Float32Array((count * (count - 1)) / 2);
  const high = Math.max(1, Math.min(1024, Math.floor(BLOCK / dimension)));
  try {
    let to = 0;
    for (let first = 0; first < count; first += high) {
      const some = data.slice(first * dimension, (first + high) * dimension);
      const own = some.length / dimension;
      const { squares } = await session.run({
        x: { data: some, dims: [own, dimension] },
        y: { data: data.slice(first * dimension), dims: [count - first, dimension] },
      });
      const found = squares!.data as Float32Array;
      for (let i = 0; i < own; i++)
        for (let j = i + 1; j < count - first; j++) {
          const square = found[i * (count - first) + j]!;
          const near = square < NEAR * (lengths[first + i]! + lengths[first + j]!);
          result[to++] = near
            ? squareBetween(vectors.data, first + i, vectors.data, first + j, dimension)
            : square;
        }
    }
    return result;
  } finally {
    await session.release();
  }
}

interface Merge {
  a: number;
  b: number;
  height: number;
}

/**
 * Follows nearest neighbours until two are each other's, and merges them. The distances, which are overwritten, are
 * squared for Ward's linkage. A merged cluster lives on in the place of its later member.
 */
function chain(d: Float32Array, count: number, linkage: Linkage): Merge[] {
  const at = (i: number, j: number) => (i < j ? start(i) + j : start(j) + i);
  const start = (i: number) => i * count - (i * (i + 1)) / 2 - i - 1;
  const sizes = new Int32Array(count).fill(1);
  const stack: number[] = [];
  const merges: Merge[] = [];
  let first = 0;
  while (merges.length < count - 1) {
    if (stack.length === 0) {
      while (sizes[first] === 0) first++;
      stack.push(first);
    }
    let [x, y, least] = [0, 0, 0];
    for (;;) {
      x = stack.at(-1)!;
      // Of equals the one before in the chain wins, or the chain would not end.
      y = stack.length > 1 ? stack.at(-2)! : -1;
      least = y >= 0 ? d[at(x, y)]! : Number.POSITIVE_INFINITY;
      for (let i = 0, place = x - 1; i < x; place += count - i - 2, i++)
        if (sizes[i]! > 0 && d[place]! < least) [least, y] = [d[place]!, i];
      for (let i = x + 1, place = start(x) + x + 1; i < count; i++, place++)
        if (sizes[i]! > 0 && d[place]! < least) [least, y] = [d[place]!, i];
      if (stack.length > 1 && y === stack.at(-2)) break;
      stack.push(y);
    }
    stack.length -= 2;
    const [a, b] = x < y ? [x, y] : [y, x];
    merges.push({ a, b, height: least });
    const [na, nb] = [sizes[a]!, sizes[b]!];
    sizes[a] = 0;
    sizes[b] = na + nb;
    for (let i = 0; i < count; i++) {
      const n = sizes[i]!;
      if (n === 0 || i === b) continue;
      const [da, db] = [d[at(i, a)]!, d[at(i, b)]!];
      d[at(i, b)] =
        linkage === 'single'
          ? Math.min(da, db)
          : linkage === 'complete'
            ? Math.max(da, db)
            : linkage === 'average'
              ? (na * da + nb * db) / (na + nb)
              : ((na + n) * da + (nb + n) * db - n * least) / (na + nb + n);
    }
  }
  return merges;
}

/** Merges in the order of their heights, with the numbers of the clusters that they join. */
function dendrogram(merges: Merge[], count: number, height: (h: number) => number): Dendrogram {
  merges.sort((p, q) => p.height - q.height);
  const parents = Int32Array.from({ length: 2 * count - 1 }, (_, i) => i);
  const sizeOf = new Int32Array(2 * count - 1).fill(1, 0, count);
  const n = merges.length;
  const tree: Dendrogram = {
    count,
    left: new Int32Array(n),
    right: new Int32Array(n),
    heights: new Float64Array(n),
    sizes: new Int32Array(n),
  };
  for (const [i, merge] of merges.entries()) {
    const [a, b] = [rootOf(parents, merge.a), rootOf(parents, merge.b)];
    parents[a] = parents[b] = count + i;
    tree.left[i] = Math.min(a, b);
    tree.right[i] = Math.max(a, b);
    tree.heights[i] = height(merge.height);
    tree.sizes[i] = sizeOf[count + i] = sizeOf[a]! + sizeOf[b]!;
  }
  return tree;
}

function rootOf(parents: Int32Array, i: number): number {
  let root = i;
  while (parents[root] !== root) root = parents[root]!;
  for (let at = i; parents[at] !== root; ) [at, parents[at]] = [parents[at]!, root];
  return root;
}

/**
 * Clusters of a tree: a given number of them, or those that are nearer than a distance (that included). They are numbered
 * in the order of their first members.
 * @throws UsageError when there are not so many vectors.
 */
export function cutTree(tree: Dendrogram, at: { clusters: number } | { distance: number }): Int32Array {
  const { count, left, right, heights } = tree;
  let merges: number;
  if ('clusters' in at) {
    if (!Number.isInteger(at.clusters) || at.clusters < 1 || at.clusters > count)
      throw new UsageError(
        `clusters: expected a whole number from 1 to ${count} but received ${at.clusters}`,
      );
    merges = count - at.clusters;
  } else {
    if (!(at.distance >= 0))
      throw new UsageError(`distance: expected a number of at least 0 but received ${at.distance}`);
    merges = heights.findIndex((h) => h > at.distance);
    if (merges < 0) merges = heights.length;
  }
  const parents = Int32Array.from({ length: count + merges }, (_, i) => i);
  for (let i = 0; i < merges; i++) parents[left[i]!] = parents[right[i]!] = count + i;
  const numbers = new Map<number, number>();
  return Int32Array.from({ length: count }, (_, i) => {
    const root = rootOf(parents, i);
    if (!numbers.has(root)) numbers.set(root, numbers.size);
    return numbers.get(root)!;
  });
}
