/**
 * @file Starting centroids by greedy k-means++ (Arthur & Vassilvitskii, SODA 2007): each next one is, of some vectors
 * drawn with probability proportional to their squared distance from those before, the one that leaves the least sum
 * of squared distances. Of many vectors a random sample stands for all, or the start would take longer than the rest.
 */
import { Graph, openSession, type Session, type SessionOptions } from '../../graph/index.js';
import type { Random } from '../../random.js';
import type { Vectors } from '../vectors.js';

/** Vectors that are drawn from, at least, and for each cluster. */
const SAMPLE = 10_000;
const PER_CLUSTER = 20;
/** Squared distances below this share of the squared lengths are rounding. */
const ROUNDING = 1e-6;

/** A sample of vectors from which any number of starts can be drawn. Close it when done. */
export class PlusPlus {
  private constructor(
    private readonly sample: Vectors,
    /** The vectors' positions among all. */
    private readonly rows: Int32Array,
    private readonly squares: Float64Array,
    private readonly session: Session,
  ) {}

  /** @param clusters the most that will be asked for */
  static async open(
    { data, dimension }: Vectors,
    clusters: number,
    random: Random,
    options: SessionOptions = {},
  ): Promise<PlusPlus> {
    const rows = someOf(data.length / dimension, Math.max(SAMPLE, PER_CLUSTER * clusters), random);
    const sample = new Float32Array(rows.length * dimension);
    const squares = new Float64Array(rows.length);
    for (let i = 0; i < rows.length; i++) {
      const vector = data.subarray(rows[i]! * dimension, (rows[i]! + 1) * dimension);
      sample.set(vector, i * dimension);
      for (let d = 0; d < dimension; d++) squares[i]! += vector[d]! * vector[d]!;
    }
    const graph = new Graph('k-means++');
    const candidates = graph.input('candidates', ['T', dimension]);
    const vectors = graph.parameter('vectors', [rows.length, dimension]);
    graph.output(
      'products',
      graph.node('Gemm', [candidates, vectors], ['T', rows.length], { attributes: { transB: 1 } }),
    );
    const session = await openSession(graph, () => ({ data: sample, dtype: 'float32' }), {
      inline: true,
      ...options,
    });
    return new PlusPlus({ data: sample, dimension }, rows, squares, session);
  }

  /**
   * Starting centroids `[clusters, D]`, each a vector.
   * @param members 1 for the vectors that may be chosen and count. @default all
   */
  async draw(clusters: number, random: Random, members?: Uint8Array): Promise<Float32Array> {
    const { dimension } = this.sample;
    const counts = this.rows.map((row) => (members && !members[row] ? 0 : 1));
    const centroids = new Float32Array(clusters * dimension);
    const sums = new Float64Array(counts.length);
    let closest: Float64Array = Float64Array.from(counts); // at first all are equally far
    const trials = 2 + Math.floor(Math.log(clusters));
    for (let c = 0; c < clusters; c++) {
      let total = 0;
      for (let i = 0; i < sums.length; i++) sums[i] = total += closest[i]!;
      // Where none is far from all centroids (there are fewer different vectors than clusters), any will do.
      const drawn = Array.from({ length: c === 0 ? 1 : trials }, () =>
        total > 0 ? firstAbove(sums, random.next() * total) : random.integer(sums.length),
      );
      const reached = await this.distances(drawn, c === 0 ? undefined : closest, counts);
      const best = reached.reduce((a, b) => (b.potential < a.potential ? b : a));
      closest = best.closest;
      centroids.set(this.vector(best.row), c * dimension);
    }
    return centroids;
  }

  async close(): Promise<void> {
    await this.session.release();
  }

  private vector(row: number): Float32Array {
    const { data, dimension } = this.sample;
    return data.subarray(row * dimension, (row + 1) * dimension);
  }

  /** For each candidate, how near the vectors are to it or to those before, and the sum of that. */
  private async distances(
    candidates: readonly number[],
    before: Float64Array | undefined,
    counts: Int32Array,
  ): Promise<{ row: number; closest: Float64Array; potential: number }[]> {
    const { squares } = this;
    const { dimension } = this.sample;
    const block = new Float32Array(candidates.length * dimension);
    for (const [t, row] of candidates.entries()) block.set(this.vector(row), t * dimension);
    const { products } = await this.session.run({
      candidates: { data: block, dims: [candidates.length, dimension] },
    });
    const found = products!.data as Float32Array;
    const n = squares.length;
    return candidates.map((row, t) => {
      const closest = new Float64Array(n);
      let potential = 0;
      for (let i = 0; i < n; i++) {
        const lengths = squares[i]! + squares[row]!;
        let square = lengths - 2 * found[t * n + i]!;
        if (square < ROUNDING * lengths || counts[i] === 0) square = 0;
        if (before !== undefined && before[i]! < square) square = before[i]!;
        closest[i] = square;
        potential += square;
      }
      return { row, closest, potential };
    });
  }
}

/** The first position whose running sum exceeds a number. */
function firstAbove(sums: Float64Array, value: number): number {
  let [low, high] = [0, sums.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sums[middle]! > value) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** At most so many of `count` positions, in order. */
export function someOf(count: number, most: number, random: Random): Int32Array {
  const rows = Int32Array.from({ length: count }, (_, i) => i);
  if (count <= most) return rows;
  for (let i = 0; i < most; i++) {
    const j = i + random.integer(count - i);
    [rows[i], rows[j]] = [rows[j]!, rows[i]!];
  }
  return rows.slice(0, most).sort();
}
