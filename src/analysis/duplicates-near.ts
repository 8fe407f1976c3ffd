/** @file Pairs of items that are nearly the same picture, by a rule that is measured on the collection itself. */
import { count as countText } from '../units.js';
import { approximateNeighbourGraph } from '../vectors/approximate-neighbours.js';
import type { Nearest } from '../vectors/exact-search.js';
import { nearPairs } from '../vectors/near-pairs.js';
import type { DuplicateOptions } from './duplicates.js';
import {
  type Calibration,
  COPY_KINDS,
  calibrate,
  type NearRule,
  PART_RANKS,
  recallOf,
  ruleFor,
} from './duplicates-calibration.js';
import type { Likeness } from './duplicates-likeness.js';
import type { Pictures } from './duplicates-pictures.js';
import type { VectorSet } from './vector-set.js';

/** Neighbours of each item; larger groups are searched further. */
const NEIGHBOURS = 8;
/** The shares of wrong duplicates to choose from, for each of the rule's conditions. */
const SHARES = [1e-3, 3e-4, 1e-4, 3e-5, 1e-5, 3e-6, 1e-6];

/** What was found. */
export interface FoundNear {
  /** Rows, two for each pair; a pair may occur twice. */
  pairs: number[];
  rule: NearRule;
  calibration: Calibration | null;
  /** Items that have a duplicate among their neighbours. */
  items: number;
}

/**
 * Finds pairs by the rule that is measured, or by a threshold on the cosine.
 * @param likeness says by a rule how two items are alike
 */
export async function findNear(
  set: VectorSet,
  pictures: Pictures,
  likeness: Likeness,
  { threshold, precision, seed, signal, onProgress }: DuplicateOptions & { precision: number },
): Promise<FoundNear> {
  const { count } = set;
  const { data, dimension } = likeness.unit;
  const k = Math.min(NEIGHBOURS, count - 1);
  let rule: NearRule = { bits: -1, withBits: 2, part: 2, withPart: 2, cosine: threshold ?? 2, share: 0 };
  if (k === 0) return { pairs: [], rule, calibration: null, items: 0 };
  const graph = await approximateNeighbourGraph(data, dimension, k, {
    signal,
    onProgress: (share) =>
      onProgress?.({ stage: 'neighbours', done: Math.round(share * count), total: count }),
  });
  let calibration: Calibration | null = null;
  let found = new Set<number>();
  const pairs: number[] = [];
  const collect = () => {
    pairs.length = 0;
    found = new Set();
    for (let i = 0; i < graph.indices.length; i++) {
      const [row, other] = [Math.floor(i / k), graph.indices[i]!];
      if (likeness.near(rule, row, other, graph.scores[i]!, i % k < PART_RANKS) === undefined) continue;
      pairs.push(row, other);
      found.add(row).add(other);
    }
  };
  if (threshold === undefined) {
    calibration = await calibrate(set, graph, pictures, { seed, signal });
    // What may be the same picture is looked at; then the rule is made as strict as the precision demands.
    const loosest = ruleFor(calibration, SHARES[0]!);
    await pictures.measure(candidates(graph, k, loosest));
    for (const share of SHARES) {
      rule = ruleFor(calibration, share);
      collect();
      const wrong = expectedWrong(rule, count);
      if (wrong < 0.5 || wrong <= (1 - precision) * found.size) break;
    }
  } else collect();
  if (rule.cosine <= 1) {
    const near = await nearPairs(data, dimension, { threshold: rule.cosine, graph });
    for (const row of near.pairs) pairs.push(row);
  }
  return { pairs, rule, calibration, items: found.size };
}

/** Items whose pictures the rule asks about. */
function* candidates({ indices, scores }: Nearest, k: number, rule: NearRule): Generator<number> {
  for (let i = 0; i < indices.length; i++) {
    const bits = rule.bits >= 0 && scores[i]! >= rule.withBits;
    const part = rule.part <= 1 && scores[i]! >= rule.withPart && i % k < PART_RANKS;
    if (!bits && !part) continue;
    yield Math.floor(i / k);
    yield indices[i]!;
  }
}

/** Items that the rule calls duplicates wrongly, as far as can be foreseen: each condition may. */
function expectedWrong({ bits, part, cosine, share }: NearRule, count: number): number {
  return [bits >= 0, part <= 1, cosine <= 1].filter(Boolean).length * share * count;
}

/** What was called a duplicate and how far that can be trusted, in sentences. */
export function explain(near: FoundNear | null, count: number, threshold: number | undefined): string[] {
  if (near === null) return ['Files are duplicates when they are equal to the byte.'];
  if (threshold !== undefined)
    return [
      `Two items are duplicates when the cosine of their vectors is at least ${threshold}, as was asked for.`,
    ];
  const { rule, calibration, items } = near;
  if (calibration === null || expectedWrong({ ...rule, share: 1 }, 1) === 0)
    return [
      'There are too few items to measure how near different pictures come: only equal files are found.',
    ];
  const seen = rule.bits >= 0;
  const ways = [
    ...(seen
      ? [
          `at most ${rule.bits} of 256 bits of their perceptual hashes differ (cosine at least ${rule.withBits.toFixed(3)})`,
        ]
      : []),
    ...(rule.part <= 1
      ? [
          `one is a part of the other with a correlation of at least ${rule.part.toFixed(4)} (cosine at least ${rule.withPart.toFixed(3)})`,
        ]
      : []),
    ...(rule.cosine <= 1 ? [`the cosine of their vectors is at least ${rule.cosine.toFixed(4)}`] : []),
  ];
  const blind = seen ? '' : 'The pictures cannot be compared, so the vectors alone decide. ';
  const wrong = expectedWrong(rule, count);
  const expected = wrong < 1 ? 'less than one' : `about ${countText(Math.round(wrong))}`;
  const recall = recallOf(rule, calibration.copies);
  const shares = COPY_KINDS.flatMap((kind) =>
    recall[kind] === undefined ? [] : [`${Math.round(100 * recall[kind])} % of the ${kind}`],
  );
  return [
    `${blind}Two pictures are duplicates when ${ways.join(', or ')}.`,
    `By chance, different pictures come that near for ${expected} of the ${countText(count)} items; ${countText(items)} were found.`,
    ...(shares.length > 0
      ? [`Of copies made of these pictures for a trial it finds ${shares.join(', ')} ones.`]
      : []),
  ];
}
