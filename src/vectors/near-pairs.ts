/**
 * @file Pairs of vectors that are nearer to each other than a threshold, without comparing all with all, and the
 * groups that such pairs make.
 */
import { UsageError } from '../errors.js';
import type { SessionOptions } from '../graph/index.js';
import { ExactSearch, type Nearest } from './exact-search.js';

/** Pairs of positions, each pair once with the smaller position first, in the order of the positions. */
export interface NearPairs {
  /** `[pairs × 2]` */
  pairs: Int32Array;
  /** Their cosines. `[pairs]` */
  cosines: Float32Array;
}

export interface NearPairsOptions {
  /** The least cosine of a pair. */
  threshold: number;
  /**
   * The neighbours of every vector, best first, as `neighbourGraph` and `approximateNeighbourGraph` give them; a
   * handful each (8, say) are enough.
   */
  graph: Nearest;
  /**
   * Of a vector with more near ones than this, only so many pairs are listed (besides those in which others list it):
   * a thousand copies of one picture have half a million pairs. {@link nearGroups} finds their group all the same. @default 128
   */
  most?: number | undefined;
  /** Where products are computed. */
  session?: SessionOptions | undefined;
}

/** Queries that are searched at a time. */
const BLOCK = 4096;

/**
 * All pairs of unit vectors whose cosine is at least the threshold, as far as the graph is exact.
 *
 * A pair can be missing from the graph only when both its lists are full of nearer ones: those vectors alone are
 * compared with each other again, exactly. So the work beyond the graph grows with the number of copies and not with
 * the number of vectors.
 *
 * @param vectors one after the other, of unit length.
 * @throws UsageError when the graph is not one of these vectors, or the threshold is no cosine.
 */
export async function nearPairs(
  vectors: Float32Array,
  dimension: number,
  { threshold, graph, most = 128, session }: NearPairsOptions,
): Promise<NearPairs> {
  const count = vectors.length / dimension;
  const k = graph.indices.length / count;
  if (!Number.isInteger(k) || k < 1)
    throw new UsageError(
      `graph: expected neighbours of ${count} vectors but received ${graph.indices.length}`,
    );
  if (!(threshold > -1 && threshold <= 1))
    throw new UsageError(`threshold: expected a cosine, at most 1, but received ${threshold}`);
  const found = new PairList(count);
  const full: number[] = [];
  for (let item = 0; item < count; item++) {
    const end = (item + 1) * k;
    for (let i = item * k; i < end && graph.scores[i]! >= threshold; i++)
      found.add(item, graph.indices[i]!, graph.scores[i]!);
    if (graph.scores[end - 1]! >= threshold) full.push(item);
  }
  const wider = Math.min(most, full.length - 1);
  if (wider < 1 || count - 1 <= k) return found.sorted();
  const rows = new Float32Array(full.length * dimension);
  for (const [i, item] of full.entries())
    rows.set(vectors.subarray(item * dimension, (item + 1) * dimension), i * dimension);
  const search = await ExactSearch.open(rows, dimension, { session });
  try {
    for (let first = 0; first < full.length; first += BLOCK) {
      const queries = rows.subarray(first * dimension, (first + BLOCK) * dimension);
      const { indices, scores } = await search.search(queries, wider, first);
      for (let i = 0; i < indices.length; i++)
        if (scores[i]! >= threshold)
          found.add(full[first + Math.floor(i / wider)]!, full[indices[i]!]!, scores[i]!);
    }
  } finally {
    await search.close();
  }
  return found.sorted();
}

/** Pairs as they are found, many of them twice; typed, since there may be tens of millions. */
class PairList {
  private keys = new Float64Array(1024);
  private cosines = new Float32Array(1024);
  private length = 0;

  constructor(private readonly count: number) {}

  add(a: number, b: number, cosine: number): void {
    if (this.length === this.keys.length) {
      const [keys, cosines] = [this.keys, this.cosines];
      this.keys = new Float64Array(2 * this.length);
      this.keys.set(keys);
      this.cosines = new Float32Array(2 * this.length);
      this.cosines.set(cosines);
    }
    this.keys[this.length] = Math.min(a, b) * this.count + Math.max(a, b);
    this.cosines[this.length++] = cosine;
  }

  sorted(): NearPairs {
    const { count, keys, cosines } = this;
    const order = Uint32Array.from({ length: this.length }, (_, i) => i).sort((a, b) => keys[a]! - keys[b]!);
    const kept = order.filter((place, i) => i === 0 || keys[place] !== keys[order[i - 1]!]);
    const pairs = new Int32Array(2 * kept.length);
    kept.forEach((place, i) => {
      pairs[2 * i] = Math.floor(keys[place]! / count);
      pairs[2 * i + 1] = keys[place]! % count;
    });
    return { pairs, cosines: Float32Array.from(kept, (place) => cosines[place]!) };
  }
}

/** What {@link nearGroups} needs to know. */
export interface GroupOptions {
  /** Positions, two for each pair. `[pairs × 2]` */
  pairs: ArrayLike<number>;
  /** Which positions are the first of a group rather than others: a smaller rank goes first. By position. */
  rank: ArrayLike<number>;
  /** Whether two positions are near to each other; true for all pairs. */
  near(a: number, b: number): boolean;
}

/**
 * Groups of what is connected by pairs, without chains: the first of a group is near to all of its members. Where a
 * is near to b and b to c, but not a to c, they are no group of three; what is then left alone is in no group.
 *
 * Members are looked for among partners of partners, so that it does no harm when a large group lacks some pairs.
 *
 * @returns groups of at least two positions, each beginning with its first and the others in order of rank; groups in
 *   the order of their firsts' positions
 */
export function nearGroups({ pairs, rank, near }: GroupOptions): number[][] {
  const partners = new Map<number, number[]>();
  const join = (a: number, b: number): void => {
    const list = partners.get(a);
    if (list) list.push(b);
    else partners.set(a, [b]);
  };
  for (let i = 0; i < pairs.length; i += 2) {
    join(pairs[i]!, pairs[i + 1]!);
    join(pairs[i + 1]!, pairs[i]!);
  }
  const byRank = (a: number, b: number): number => rank[a]! - rank[b]! || a - b;
  const taken = new Set<number>();
  const groups: number[][] = [];
  for (const first of [...partners.keys()].sort(byRank)) {
    if (taken.has(first)) continue;
    const seen = new Set([first]);
    const members = [first];
    for (let at = 0; at < members.length; at++)
      for (const other of partners.get(members[at]!)!) {
        if (seen.has(other)) continue;
        seen.add(other);
        if (!taken.has(other) && near(first, other)) members.push(other);
      }
    if (members.length < 2) continue;
    for (const member of members) taken.add(member);
    groups.push([first, ...members.slice(1).sort(byRank)]);
  }
  return groups.sort((a, b) => a[0]! - b[0]!);
}
