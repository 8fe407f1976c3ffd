/**
 * @file n-way k-shot accuracy over seeded episodes: the one-shot classification of Lake, Salakhutdinov & Tenenbaum,
 * "Human-level concept learning through probabilistic program induction", Science 2015, as Koch, Zemel & Salakhutdinov,
 * "Siamese neural networks for one-shot image recognition", 2015, measure embeddings with it.
 */

import { UsageError } from '../../errors.js';
import { Random } from '../../random.js';
import { checkLabels, countOf, toUnit, type Vectors } from '../vectors.js';

export interface FewShotOptions {
  /** Classes of an episode. */
  ways: number;
  /** Labelled items of each class; more than one are represented by their mean (Snell et al., 2017). */
  shots: number;
  /** Items of each class to classify in an episode. @default 1 */
  queries?: number | undefined;
  /** @default 400 */
  episodes?: number | undefined;
  /** @default 0 */
  seed?: number | undefined;
  /**
   * A group of each item: the classes of an episode are all of one group, as Omniglot's are of one alphabet. Groups with
   * fewer classes than `ways` are left out. @default all items are one group
   */
  groups?: ArrayLike<number> | undefined;
  /**
   * A source of each item, as Omniglot's drawers: the labelled items of an episode are of one source and the others of
   * another. @default sources are not told apart
   */
  sources?: ArrayLike<number> | undefined;
  /** @default 'cosine' */
  distance?: 'euclidean' | 'cosine' | undefined;
}

export interface FewShotAccuracy {
  /** The mean over the episodes. */
  accuracy: number;
  /** Its 95 % confidence interval: 1.96 standard errors of the episodes' accuracies to each side. */
  interval: [low: number, high: number];
  episodes: number;
}

/** The positions of an episode's items, class by class. */
interface Episode {
  support: number[][];
  query: number[][];
}

/**
 * Classifies by the nearest class in each of many drawn episodes; the same seed draws the same episodes, whatever the
 * embeddings.
 * @throws UsageError when labels do not fit or no group has enough classes with enough items.
 */
export function fewShotAccuracy(
  embeddings: Vectors,
  labels: ArrayLike<number>,
  options: FewShotOptions,
): FewShotAccuracy {
  const { ways, shots, queries = 1, episodes = 400, seed = 0 } = options;
  const count = countOf(embeddings, 'few-shot');
  checkLabels(labels, count, 'few-shot');
  for (const [name, least, value] of [
    ['ways', 2, ways],
    ['shots', 1, shots],
    ['queries', 1, queries],
    ['episodes', 1, episodes],
  ] as const)
    if (!Number.isInteger(value) || value < least)
      throw new UsageError(
        `few-shot: expected a whole number of at least ${least} for ${name} but received ${value}`,
      );
  for (const [name, given] of Object.entries({ groups: options.groups, sources: options.sources }))
    if (given && given.length !== count)
      throw new UsageError(`few-shot: expected ${count} ${name} but received ${given.length}`);
  const groups = eligibleGroups(labels, count, options);
  const vectors = options.distance === 'euclidean' ? embeddings : toUnit(embeddings);

  let sum = 0;
  let squares = 0;
  for (let episode = 0; episode < episodes; episode++) {
    const random = new Random(seed, 'few-shot', episode);
    const accuracy = runEpisode(vectors, drawEpisode(groups, options, random));
    sum += accuracy;
    squares += accuracy * accuracy;
  }
  const accuracy = sum / episodes;
  const variance = episodes > 1 ? Math.max(0, squares - sum * accuracy) / (episodes - 1) : 0;
  const half = 1.96 * Math.sqrt(variance / episodes);
  return { accuracy, interval: [accuracy - half, accuracy + half], episodes };
}

/** The classes of each group, as the positions of their items, where an episode can be drawn. */
function eligibleGroups(labels: ArrayLike<number>, count: number, options: FewShotOptions): number[][][] {
  const { ways, shots, queries = 1, groups } = options;
  const byGroup = new Map<number, Map<number, number[]>>();
  for (let i = 0; i < count; i++) {
    const group = groups ? groups[i]! : 0;
    const classes = byGroup.get(group) ?? new Map<number, number[]>();
    byGroup.set(group, classes);
    const items = classes.get(labels[i]!);
    if (items) items.push(i);
    else classes.set(labels[i]!, [i]);
  }
  const eligible = [...byGroup.values()]
    .map((classes) => [...classes.values()].filter((items) => items.length >= shots + queries))
    .filter((classes) => classes.length >= ways);
  if (eligible.length === 0)
    throw new UsageError(
      `few-shot: expected ${ways} classes${groups ? ' of one group' : ''} with at least ${shots + queries} items each`,
      { hint: 'lower ways, shots or queries' },
    );
  return eligible;
}

function drawEpisode(groups: number[][][], options: FewShotOptions, random: Random): Episode {
  const { ways, shots, queries = 1, sources } = options;
  const classes = random.shuffle([...groups[random.integer(groups.length)]!]).slice(0, ways);
  if (!sources) {
    const drawn = classes.map((items) => random.shuffle([...items]));
    return {
      support: drawn.map((items) => items.slice(0, shots)),
      query: drawn.map((items) => items.slice(shots, shots + queries)),
    };
  }
  const has = (source: number, n: number) =>
    classes.every((items) => items.filter((i) => sources[i] === source).length >= n);
  const candidates = random.shuffle([...new Set(classes.flat().map((i) => sources[i]!))]);
  const from = candidates.find((source) => has(source, shots));
  const to = candidates.find((source) => source !== from && has(source, queries));
  if (from === undefined || to === undefined)
    throw new UsageError('few-shot: expected two sources that have items of all classes of an episode', {
      hint: 'leave sources out, or lower ways, shots or queries',
    });
  const pick = (source: number, n: number) =>
    classes.map((items) => random.shuffle(items.filter((i) => sources[i] === source)).slice(0, n));
  return { support: pick(from, shots), query: pick(to, queries) };
}

/** Part of the queries whose nearest class mean is their own; equals go to the class drawn first. */
function runEpisode({ data, dimension }: Vectors, { support, query }: Episode): number {
  const means = support.map((items) => {
    const mean = new Float64Array(dimension);
    for (const item of items)
      for (let i = 0; i < dimension; i++) mean[i]! += data[item * dimension + i]! / items.length;
    return mean;
  });
  let right = 0;
  for (const [own, items] of query.entries())
    for (const item of items) {
      const distances = means.map((mean) => {
        let square = 0;
        for (let i = 0; i < dimension; i++) square += (data[item * dimension + i]! - mean[i]!) ** 2;
        return square;
      });
      if (distances.indexOf(Math.min(...distances)) === own) right++;
    }
  return right / query.flat().length;
}
