/** @file What vectors are good for where classes are known: search, votes, a linear probe, clusters, zero-shot. */
import type { Embedder } from '../embedding/embedder.js';
import { labelBank } from '../embedding/zero-shot.js';
import { Random } from '../random.js';
import { plural } from '../units.js';
import { kMeans } from '../vectors/cluster/kmeans.js';
import { type BootstrapOptions, bootstrap } from '../vectors/metrics/bootstrap.js';
import { adjustedRandIndex } from '../vectors/metrics/clustering.js';
import { firstRanks } from '../vectors/metrics/cross-modal.js';
import {
  adjustedMutualInformation,
  normalizedMutualInformation,
} from '../vectors/metrics/mutual-information.js';
import { knnHits, linearProbe } from '../vectors/metrics/probe.js';
import { type RankingMeasure, ranking } from '../vectors/metrics/ranking.js';
import { silhouette } from '../vectors/metrics/silhouette.js';
import type { Vectors } from '../vectors/vectors.js';
import { meanScore, type Score } from './score.js';
import { rowsOf } from './targets.js';

/** Labelled vectors, and how they are measured. */
export interface LabelledItems {
  /** Of unit length. */
  vectors: Vectors;
  /** 0 .. names.length − 1 */
  labels: Int32Array;
  names: readonly string[];
  /** What is drawn together for intervals, and where there is no split does not judge each other. */
  groups: Int32Array | undefined;
  /** Items to learn from and items to measure, by their places; without it each is measured by the others. */
  split: { train: Int32Array; test: Int32Array } | undefined;
}

export interface MeasureOptions extends Pick<BootstrapOptions, 'resamples' | 'seed'> {
  /** The k of precision@k, recall@k and ndcg@k. @default [1, 5, 10] */
  k?: readonly number[] | undefined;
  signal?: AbortSignal | undefined;
  /** Told what is measured next. */
  onStep?: ((what: string) => void) | undefined;
  /** Told what was left out or done otherwise. */
  note(text: string): void;
}

/** Above so many items a sample is measured against the others. */
const LEAVE_ONE_OUT = 50_000;
const SAMPLE = 5_000;
/** Positions that the rankings of all queries may have; fewer queries are ranked above. */
const POSITIONS = 2e8;
/** Items that a probe is fitted to, and that clusters are made of. */
const FITTED = 50_000;
const CLUSTERED = 20_000;
const NEIGHBOURS = 5;
/** Numbers in the vectors up to which everything is computed on the calling thread. */
const SMALL = 2 ** 18;

/** Retrieval, votes, probe and clusters. */
export async function labelScores(given: LabelledItems, options: MeasureOptions): Promise<Score[]> {
  const items = given.split ? given : withSample(given, options);
  const { signal, onStep, note, seed = 0, k = [1, 5, 10] } = options;
  const { vectors, labels, names, groups, split } = items;
  const part = (rows: Int32Array) => ({
    vectors: { data: rowsOf(vectors, rows), dimension: vectors.dimension },
    labels: Int32Array.from(rows, (row) => labels[row]!),
  });
  const queries = split ? part(split.test) : { vectors, labels };
  const reference = split && part(split.train);
  const queryGroups = groups && (split ? Int32Array.from(split.test, (row) => groups[row]!) : groups);
  const drawn = { resamples: options.resamples, seed };
  const scores: Score[] = [];
  // A thread for each fit takes longer to start than small fits take.
  const session = vectors.data.length <= SMALL ? { inline: true } : undefined;

  onStep?.('ranking');
  const among = (reference ?? queries).labels.length;
  const sample = Math.max(1000, Math.floor(POSITIONS / among));
  const apart = split ? undefined : groups;
  const ranked = await ranking(queries.vectors, queries.labels, {
    reference,
    groups: apart,
    k,
    sample,
    seed,
    session,
  });
  if (sample < queries.labels.length)
    note(`retrieval was measured on ${plural(sample, 'query', 'queries')} drawn at random`);
  const unfound = Math.min(sample, queries.labels.length) - ranked.queries.length;
  if (unfound > 0)
    note(`retrieval leaves out ${plural(unfound, 'query', 'queries')} with nothing of its class to be found`);
  const rankedGroups = queryGroups && Int32Array.from(ranked.queries, (query) => queryGroups[query]!);
  if (ranked.queries.length > 0)
    for (const [name, values] of Object.entries(ranked.values) as [RankingMeasure, Float64Array][])
      if (!REPEATED.has(name))
        scores.push(
          meanScore('retrieval', name, rankingMeaning(name), values, { ...drawn, groups: rankedGroups }),
        );

  const other = apart ? 'image of another group' : 'other image';
  const classed = { ...drawn, groups: queryGroups };
  for (const n of new Set([1, Math.min(NEIGHBOURS, split ? among : among - 1)])) {
    signal?.throwIfAborted();
    onStep?.(`${n}-NN`);
    const hits = await knnHits(queries.vectors, queries.labels, { k: n, reference, groups: apart, session });
    const meaning =
      n === 1 ? `the nearest ${other} has the class` : `the ${n} nearest ${other}s vote for the class`;
    scores.push(meanScore('classification', `${n}-nn`, meaning, hits, classed));
  }
  onStep?.('linear probe');
  const fit = split && part(thinned(split.train, FITTED, seed));
  const probe = await linearProbe(queries.vectors, queries.labels, names.length, {
    train: fit,
    groups: apart,
    seed,
    signal,
    session,
  });
  scores.push(
    meanScore(
      'classification',
      'linear probe',
      `logistic regression says the class (${split ? 'fitted to the training part' : 'cross-validated'}, C ${[...new Set(probe.regularization)].join(', ')})`,
      probe.hits,
      classed,
    ),
  );
  signal?.throwIfAborted();
  onStep?.('clusters');
  scores.push(...(await clusterScores(queries, names.length, drawn)));
  return scores;
}

/** The classes' names compete for each image, as far as the texts go. */
export async function zeroShotScores(
  embedder: Embedder,
  { vectors, labels, names, groups, split }: LabelledItems,
  options: MeasureOptions,
): Promise<Score[]> {
  options.onStep?.('zero-shot');
  const spoken = names.map((name) => name.replaceAll('_', ' ').trim());
  const distinct = new Set(spoken).size === names.length && !spoken.includes('') ? spoken : names;
  const bank = await labelBank(embedder, distinct);
  if (bank.vectors.length !== names.length) {
    options.note('zero-shot was left out: the names of the classes are not different texts');
    return [];
  }
  const rows = split?.test ?? Int32Array.from(labels, (_, i) => i);
  const queries = { data: rowsOf(vectors, rows), dimension: vectors.dimension };
  const data = Float32Array.from(bank.vectors.flatMap((vector) => [...vector]));
  const ranks = await firstRanks(queries, { data, dimension: vectors.dimension }, (i) => [labels[rows[i]!]!]);
  const mute = unrecognised(names, rows, labels, ranks);
  if (mute.length > 0)
    options.note(
      `zero-shot: hardly an image of ${mute.join(', ')} is recognised by name; would a caption use such words?`,
    );
  const drawn = {
    resamples: options.resamples,
    seed: options.seed,
    groups: groups && Int32Array.from(rows, (row) => groups[row]!),
  };
  return [1, 5]
    .filter((k) => k < names.length)
    .map((k) =>
      meanScore(
        'zero-shot',
        `top-${k}`,
        k === 1 ? 'the class’s name fits the image best' : `the class’s name is among the ${k} that fit best`,
        Float64Array.from(ranks, (rank) => (rank <= k ? 1 : 0)),
        drawn,
      ),
    );
}

/** The classes whose name comes first no oftener than by chance. */
function unrecognised(
  names: readonly string[],
  rows: Int32Array,
  labels: Int32Array,
  ranks: Int32Array,
): string[] {
  const [right, all] = [names.map(() => 0), names.map(() => 0)];
  rows.forEach((row, i) => {
    all[labels[row]!]!++;
    if (ranks[i] === 1) right[labels[row]!]!++;
  });
  return names.filter((_, c) => all[c]! > 0 && right[c]! / all[c]! <= 1 / names.length);
}

/** Said by others already. */
const REPEATED = new Set<RankingMeasure>(['recall@1', 'ndcg@1', 'found@1']);

function rankingMeaning(name: RankingMeasure): string {
  const [measure, k] = name.split('@') as [string, string | undefined];
  if (name === 'precision@1') return 'the nearest has the query’s class';
  if (name === 'map@r') return 'average precision among the R nearest, where R have the class';
  switch (measure) {
    case 'precision':
      return `share of the ${k} nearest that have the class`;
    case 'recall':
      return `one of the ${k} nearest has the class`;
    case 'found':
      return `share of all of the class that is among the ${k} nearest`;
    case 'r-precision':
      return 'share of the R nearest that have the class, where R have it';
    case 'map':
      return 'average precision of the whole ranking';
    case 'mrr':
      return '1 / the rank of the first that has the class';
    default:
      return k === undefined
        ? 'gain of the whole ranking, discounted by rank'
        : `gain of the first ${k}, discounted by rank`;
  }
}

/** How far k-means clusters, as many as classes, are the classes. */
async function clusterScores(
  all: { vectors: Vectors; labels: Int32Array },
  classes: number,
  options: BootstrapOptions,
): Promise<Score[]> {
  const rows = thinned(
    Int32Array.from(all.labels, (_, i) => i),
    CLUSTERED,
    options.seed ?? 0,
  );
  const present = new Set(rows.map((row) => all.labels[row]!)).size;
  if (present < 2 || rows.length <= classes) return [];
  const { dimension } = all.vectors;
  const labels = Int32Array.from(rows, (row) => all.labels[row]!);
  const vectors = { data: rowsOf(all.vectors, rows), dimension };
  const { assignments } = await kMeans(vectors, { clusters: present, seed: options.seed, spherical: true });
  const found = bootstrap(
    rows.length,
    (items) => {
      const [a, b] = [items.map((i) => assignments[i]!), items.map((i) => labels[i]!)];
      return {
        nmi: normalizedMutualInformation(a, b),
        ami: adjustedMutualInformation(a, b),
        ari: adjustedRandIndex(a, b),
      };
    },
    { ...options, resamples: Math.min(options.resamples ?? 200, 200) },
  );
  const meanings = {
    nmi: `what ${present} k-means clusters say of the classes, of what there is to say`,
    ami: 'the same, less what chance would give',
    ari: 'pairs that clusters and classes treat alike, less what chance would give',
  };
  const agreement = (['nmi', 'ami', 'ari'] as const).map((name) => ({
    part: 'clustering' as const,
    name,
    ...found[name],
    of: rows.length,
    meaning: meanings[name],
  }));
  const shape = async (name: string, meaning: string, groups: Int32Array) => {
    const { values } = await silhouette(vectors, groups, { distance: 'cosine' });
    return meanScore('clustering', name, meaning, Float64Array.from(values), options);
  };
  return [
    ...agreement,
    await shape(
      'silhouette',
      'how much nearer an image is to its cluster than to the next one, by the mean cosine distance',
      assignments,
    ),
    await shape('silhouette of classes', 'the same of the classes', labels),
  ];
}

/** Of very many items, a sample is measured against all others: leaving one out would compare all with all. */
function withSample(items: LabelledItems, { seed, note }: MeasureOptions): LabelledItems {
  const count = items.labels.length;
  if (count <= LEAVE_ONE_OUT) return items;
  note(`${plural(SAMPLE, 'item')} drawn at random were measured against the others`);
  const test = thinned(
    Int32Array.from(items.labels, (_, i) => i),
    SAMPLE,
    seed ?? 0,
  );
  const { groups } = items;
  const groupOf = (i: number) => groups?.[i] ?? i;
  const measured = new Set(Array.from(test, groupOf));
  const train = Int32Array.from(items.labels.keys()).filter((i) => !measured.has(groupOf(i)));
  return { ...items, split: { test, train } };
}

/** At most so many of the rows, drawn at random, in their order. */
function thinned(rows: Int32Array, most: number, seed: number): Int32Array {
  if (rows.length <= most) return rows;
  return Int32Array.from(new Random(seed, 'evaluate').shuffle([...rows]).slice(0, most)).sort();
}
