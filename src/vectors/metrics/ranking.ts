/**
 * @file How a search ranks what has the query's label, each measure kept for each query, so that intervals and paired
 * comparisons come from one pass. Precision@1, R-precision, MAP@R, MAP and MRR equal pytorch-metric-learning's
 * `AccuracyCalculator` (Musgrave, Belongie & Lim, "A metric learning reality check", ECCV 2020); MAP is the mean of
 * scikit-learn's `average_precision_score`, and NDCG its `ndcg_score` with relevances of 0 and 1.
 */
import { UsageError } from '../../errors.js';
import { Random } from '../../random.js';
import { type NearestOptions, nearestBlocks } from '../nearest.js';
import { checkLabels, countOf, type Vectors } from '../vectors.js';
import { type BootstrapOptions, bootstrap, type Estimate } from './bootstrap.js';

/** How {@link ranking} searches and what it measures. */
export interface RankingOptions extends Pick<NearestOptions, 'distance' | 'session'> {
  /** Where to look, with labels. @default the queries themselves, none of which finds itself */
  reference?: { vectors: Vectors; labels: ArrayLike<number> } | undefined;
  /**
   * A group of each query, where these are searched themselves: what is of the query's own group (the same object, the
   * same burst) is neither ranked nor counted. @default each is its own
   */
  groups?: ArrayLike<number> | undefined;
  /** The k of the measures that have one. @default [1, 5, 10] */
  k?: readonly number[] | undefined;
  /**
   * Rank everything, which `map`, `mrr` and `ndcg` need; otherwise they are left out, and only as many neighbours are
   * found as the others need. @default true
   */
  whole?: boolean | undefined;
  /** Measure so many queries, drawn at random, where there are more; all of them are found still. @default all */
  sample?: number | undefined;
  /** Of the sample. @default 0 */
  seed?: number | undefined;
}

/**
 * - `precision@k`: part of the k nearest that have the query's label.
 * - `recall@k`: 1 where one of the k nearest has the query's label (Jégou et al., 2011, as the field reports it).
 * - `found@k`: part of all R that have the query's label which is among the k nearest.
 * - `r-precision`: precision among the R nearest; `map@r`: average precision among them.
 * - `map`: average precision of the whole ranking; `mrr`: 1 / the rank of the first that has the label.
 * - `ndcg@k`, `ndcg`: discounted cumulative gain over that of the best order.
 */
export type RankingMeasure =
  | `${'precision' | 'recall' | 'found' | 'ndcg'}@${number}`
  | 'r-precision'
  | 'map@r'
  | 'map'
  | 'mrr'
  | 'ndcg';

/** The measures, a value for each query. */
export interface RankedQueries {
  /** The positions of the queries that were measured: those that something of their label can be found for, ascending. */
  queries: Int32Array;
  /** In 0..1, by the name of the measure, for each of `queries`. */
  values: Partial<Record<RankingMeasure, Float64Array>>;
}

/**
 * Ranks the reference vectors for every query, in blocks: some 2²⁰ positions are held at a time, whatever the sizes.
 * A whole ranking sorts queries × reference numbers; of a million vectors take a `sample`.
 *
 * @param labels the class of each query
 * @throws UsageError when labels, dimensions or k do not fit.
 */
export async function ranking(
  queries: Vectors,
  labels: ArrayLike<number>,
  options: RankingOptions = {},
): Promise<RankedQueries> {
  const { k = [1, 5, 10], whole = true, distance, session } = options;
  const count = countOf(queries, 'queries');
  checkLabels(labels, count, 'queries');
  const own = options.reference === undefined;
  const drawn = sampleOf(count, options);
  const given = drawn ? reordered(queries, drawn.order) : queries;
  const label = (query: number) => labels[drawn ? drawn.order[query]! : query]!;
  const { vectors, labels: found } = options.reference ?? {
    vectors: given,
    labels: drawn ? Int32Array.from(drawn.order, (i) => labels[i]!) : labels,
  };
  const among = countOf(vectors, 'reference');
  checkLabels(found, among, 'reference');
  for (const n of k)
    if (!Number.isInteger(n) || n < 1)
      throw new UsageError(`k: expected a whole number of at least 1 but received ${n}`);

  const kin = own ? kinOf(count, options.groups, drawn?.order) : undefined;
  const relevant = new Map<number, number>();
  const within = new Map<string, number>(); // of them, those that are kin
  for (let i = 0; i < among; i++) {
    relevant.set(found[i]!, (relevant.get(found[i]!) ?? 0) + 1);
    if (kin) within.set(`${kin[i]} ${found[i]}`, (within.get(`${kin[i]} ${found[i]}`) ?? 0) + 1);
  }
  /** How many there are to be found. */
  const wanted = (query: number) => {
    const alike = relevant.get(label(query)) ?? 0;
    if (!own) return alike;
    return alike - (kin ? within.get(`${kin[query]} ${label(query)}`)! : 1);
  };
  const measured = drawn?.size ?? count;
  let most = 0;
  for (let i = 0; i < measured; i++) most = Math.max(most, wanted(i));
  const all = own ? among - 1 : among;
  const depth = whole || kin ? all : Math.min(Math.max(1, most, ...k), all);
  const rows: { query: number; values: number[] }[] = [];
  const names = measuresOf(k, whole);
  const gains = discounts(depth);
  if (depth > 0 && most > 0) {
    // The sample comes first, so that the others need not be searched for.
    const asked = own || !drawn ? given : slice(given, measured);
    const reference = own ? undefined : vectors;
    const ranks = new Int32Array(depth);
    for await (const { first, positions } of nearestBlocks(asked, {
      k: depth,
      reference,
      distance,
      session,
    })) {
      for (let row = 0; row < positions.length / depth && first + row < measured; row++) {
        const query = first + row;
        const r = wanted(query);
        if (r === 0) continue;
        let [hits, rank] = [0, 0];
        for (let i = row * depth; i < (row + 1) * depth; i++) {
          if (kin && kin[positions[i]!] === kin[query]) continue;
          rank++;
          if (found[positions[i]!] === label(query)) ranks[hits++] = rank;
        }
        const values = measure(ranks.subarray(0, hits), r, k, whole, gains);
        rows.push({ query: drawn ? drawn.order[query]! : query, values });
      }
      if (first + positions.length / depth >= measured) break;
    }
  }
  rows.sort((a, b) => a.query - b.query);
  return {
    queries: Int32Array.from(rows, ({ query }) => query),
    values: Object.fromEntries(names.map((name, n) => [name, Float64Array.from(rows, (r) => r.values[n]!)])),
  };
}

/**
 * The mean of every measure with its bootstrap interval, over the queries; NaN where there was no query.
 * @param options groups are of the measured queries, in their order.
 */
export function rankingEstimates(
  { queries, values }: RankedQueries,
  options: BootstrapOptions = {},
): Partial<Record<RankingMeasure, Estimate>> {
  const names = Object.keys(values) as RankingMeasure[];
  return bootstrap(
    queries.length,
    (items) =>
      Object.fromEntries(
        names.map((name) => {
          const each = values[name]!;
          let sum = 0;
          for (let i = 0; i < items.length; i++) sum += each[items[i]!]!;
          return [name, sum / items.length];
        }),
      ) as Record<RankingMeasure, number>,
    options,
  );
}

function measuresOf(k: readonly number[], whole: boolean): RankingMeasure[] {
  const at = (name: 'precision' | 'recall' | 'found' | 'ndcg') =>
    k.map((n): RankingMeasure => `${name}@${n}`);
  return [
    ...at('precision'),
    ...at('recall'),
    ...at('found'),
    'r-precision',
    'map@r',
    ...at('ndcg'),
    ...(whole ? (['map', 'mrr', 'ndcg'] as const) : []),
  ];
}

/** The measures of one query in the order of {@link measuresOf}, from the ranks of its hits, of which there could be `r`. */
function measure(
  ranks: Int32Array,
  r: number,
  k: readonly number[],
  whole: boolean,
  { gain, total }: ReturnType<typeof discounts>,
): number[] {
  const within = (n: number) => {
    let low = 0;
    let high = ranks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (ranks[middle]! <= n) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  const average = (hits: number) => {
    let sum = 0;
    for (let i = 0; i < hits; i++) sum += (i + 1) / ranks[i]!;
    return sum / r;
  };
  const ndcg = (n: number) => {
    const hits = within(n);
    let sum = 0;
    for (let i = 0; i < hits; i++) sum += gain[ranks[i]!]!;
    return sum / total[Math.min(r, n, total.length - 1)]!;
  };
  const inR = within(r);
  const hits = k.map(within);
  return [
    ...k.map((n, i) => hits[i]! / n),
    ...hits.map((n) => (n > 0 ? 1 : 0)),
    ...hits.map((n) => n / r),
    inR / r,
    average(inR),
    ...k.map(ndcg),
    ...(whole ? [average(ranks.length), 1 / ranks[0]!, ndcg(Number.POSITIVE_INFINITY)] : []),
  ];
}

/** What a hit at each rank is worth, and the sums of the first ranks' worths. */
function discounts(depth: number): { gain: Float64Array; total: Float64Array } {
  const gain = new Float64Array(depth + 1);
  const total = new Float64Array(depth + 1);
  for (let rank = 1; rank <= depth; rank++) {
    gain[rank] = 1 / Math.log2(rank + 1);
    total[rank] = total[rank - 1]! + gain[rank]!;
  }
  return { gain, total };
}

/** The group of each query in the order in which they are searched. */
function kinOf(
  count: number,
  groups: ArrayLike<number> | undefined,
  order: Int32Array | undefined,
): Int32Array | undefined {
  if (groups === undefined) return undefined;
  checkLabels(groups, count, 'groups');
  return Int32Array.from({ length: count }, (_, i) => groups[order ? order[i]! : i]!);
}

function sampleOf(
  count: number,
  { sample, seed = 0 }: RankingOptions,
): { order: Int32Array; size: number } | undefined {
  if (sample === undefined) return undefined;
  if (!Number.isInteger(sample) || sample < 1)
    throw new UsageError(`sample: expected a whole number of at least 1 but received ${sample}`);
  if (sample >= count) return undefined;
  const order = new Random(seed, 'ranking').shuffle(Array.from({ length: count }, (_, i) => i));
  return { order: Int32Array.from(order), size: sample };
}

function reordered({ data, dimension }: Vectors, order: Int32Array): Vectors {
  const result = new Float32Array(data.length);
  for (let i = 0; i < order.length; i++)
    result.set(data.subarray(order[i]! * dimension, (order[i]! + 1) * dimension), i * dimension);
  return { data: result, dimension };
}

function slice({ data, dimension }: Vectors, count: number): Vectors {
  return { data: data.subarray(0, count * dimension), dimension };
}
