/** @file Pairs of items that are nearly the same picture, by a rule that is measured on the collection itself. */

import { count as countText } from '../units.js';
import { approximateNeighbourGraph } from '../vectors/approximate-neighbours.js';
import type { Nearest } from '../vectors/exact-search.js';
import { nearPairs } from '../vectors/near-pairs.js';
import type { DuplicateKind, DuplicateOptions } from './duplicates.js';
import {
  bitsBetween,
  type Calibration,
  COPY_KINDS,
  calibrate,
  type NearRule,
  recallOf,
  ruleFor,
} from './duplicates-calibration.js';
import { pairKey } from './duplicates-memory.js';
import type { Pictures } from './duplicates-pictures.js';
import type { VectorSet } from './vector-set.js';

/** Neighbours of each item; larger groups are searched further. */
const NEIGHBOURS = 8;
/** The shares of wrong duplicates to choose from, for each of the rule's two conditions. */
const SHARES = [1e-3, 3e-4, 1e-4, 3e-5, 1e-5, 3e-6, 1e-6];

/** What was found. */
export interface FoundNear {
  /** Rows, two for each pair; a pair may occur twice. */
  pairs: number[];
  rule: NearRule;
  calibration: Calibration | null;
  /** Items that have a duplicate by the rule. */
  items: number;
  /** Some of the pictures could be read. */
  seen: boolean;
}

/** Finds pairs by the rule that is measured, or by a threshold on the cosine. */
export async function findNear(
  set: VectorSet,
  pictures: Pictures,
  { threshold, precision, seed, signal, onProgress }: DuplicateOptions & { precision: number },
): Promise<FoundNear> {
  const { count } = set;
  const { data, dimension } = set.unit();
  const k = Math.min(NEIGHBOURS, count - 1);
  const graph: Nearest =
    k === 0
      ? { indices: new Int32Array(0), scores: new Float32Array(0) }
      : await approximateNeighbourGraph(data, dimension, k, {
          signal,
          onProgress: (share) =>
            onProgress?.({ stage: 'neighbours', done: Math.round(share * count), total: count }),
        });
  let rule: NearRule = { bits: -1, withBits: 2, cosine: threshold ?? 2, share: 0 };
  let calibration: Calibration | null = null;
  if (threshold === undefined && k > 0) {
    calibration = await calibrate(set, graph, pictures, { seed, signal });
    // What may be the same picture is looked at; then the rule is made as strict as the precision demands.
    const loosest = ruleFor(calibration, SHARES[0]!);
    if (loosest.bits >= 0) await pictures.measure(nearRows(graph, k, loosest.withBits));
    for (const share of SHARES) {
      rule = ruleFor(calibration, share);
      const wrong = expectedWrong(rule, count);
      if (wrong < 0.5 || wrong <= (1 - precision) * itemsFound(graph, k, rule, pictures)) break;
    }
  }
  const pairs: number[] = [];
  if (rule.cosine <= 1 && k > 0) {
    const near = await nearPairs(data, dimension, { threshold: rule.cosine, graph });
    for (const row of near.pairs) pairs.push(row);
  }
  if (rule.bits >= 0)
    for (let i = 0; i < graph.indices.length; i++) {
      const [row, other] = [Math.floor(i / k), graph.indices[i]!];
      if (graph.scores[i]! >= rule.withBits && samePicture(pictures, row, other, rule.bits))
        pairs.push(row, other);
    }
  const items = itemsFound(graph, k, rule, pictures);
  return { pairs, rule, calibration, items, seen: (calibration?.bits ?? null) !== null };
}

/** How one item is like another. */
export class Likeness {
  private readonly unit;
  private readonly contents: readonly unknown[];

  constructor(
    set: VectorSet,
    private readonly pictures: Pictures,
    private readonly rule: NearRule | null,
    /** Pairs that are none, by their contents. */
    private readonly not: ReadonlySet<string>,
  ) {
    this.unit = set.unit();
    this.contents = pictures.contents;
  }

  cosine(a: number, b: number): number {
    const { data, dimension } = this.unit;
    let sum = 0;
    for (let d = 0; d < dimension; d++) sum += data[a * dimension + d]! * data[b * dimension + d]!;
    return Math.min(1, sum);
  }

  /** Undefined for what is no duplicate. */
  kind(a: number, b: number): DuplicateKind | undefined {
    const [first, second] = [this.contentOf(a), this.contentOf(b)];
    if (first !== undefined && second !== undefined) {
      if (first === second) return 'exact';
      if (this.not.has(pairKey(first, second))) return undefined;
    }
    const { rule } = this;
    if (rule === null) return undefined;
    const cosine = this.cosine(a, b);
    const bits = bitsBetween(this.pictures, a, b);
    const same = bits !== undefined && bits <= Math.max(rule.bits, SAME_PICTURE_BITS);
    if (cosine >= rule.withBits && bits !== undefined && bits <= rule.bits) return 'same-picture';
    if (cosine >= rule.cosine - 1e-6) return same ? 'same-picture' : 'near';
    return undefined;
  }

  private contentOf(row: number): string | undefined {
    const content = this.contents[row] ?? this.pictures.get(row)?.content;
    return typeof content === 'string' ? content : undefined;
  }
}

/** Of 256 bits; what is near anyway is called the same picture within these. */
const SAME_PICTURE_BITS = 16;

function samePicture(pictures: Pictures, a: number, b: number, most: number): boolean {
  const bits = bitsBetween(pictures, a, b);
  return bits !== undefined && bits <= most;
}

/** Items of pairs in the graph that are this near. */
function* nearRows({ indices, scores }: Nearest, k: number, cosine: number): Generator<number> {
  for (let i = 0; i < indices.length; i++)
    if (scores[i]! >= cosine) {
      yield Math.floor(i / k);
      yield indices[i]!;
    }
}

/** Items that are called duplicates of one of their neighbours. */
function itemsFound({ indices, scores }: Nearest, k: number, rule: NearRule, pictures: Pictures): number {
  let found = 0;
  for (let row = 0; row < indices.length / k; row++)
    for (let i = row * k; i < (row + 1) * k; i++) {
      const near =
        scores[i]! >= rule.cosine ||
        (rule.bits >= 0 && scores[i]! >= rule.withBits && samePicture(pictures, row, indices[i]!, rule.bits));
      if (!near) continue;
      found++;
      break;
    }
  return found;
}

/** Items that the rule calls duplicates wrongly, as far as can be foreseen: each condition may. */
function expectedWrong({ bits, cosine, share }: NearRule, count: number): number {
  return ((bits >= 0 ? 1 : 0) + (cosine <= 1 ? 1 : 0)) * share * count;
}

/** What was called a duplicate and how far that can be trusted, in sentences. */
export function explain(near: FoundNear | null, count: number, threshold: number | undefined): string[] {
  if (near === null) return ['Files are duplicates when they are equal to the byte.'];
  if (threshold !== undefined)
    return [
      `Two items are duplicates when the cosine of their vectors is at least ${threshold}, as was asked for.`,
    ];
  const { rule, calibration, items, seen } = near;
  if (calibration === null || (rule.bits < 0 && rule.cosine > 1))
    return [
      'There are too few items to measure how near different pictures come; only equal files were looked for.',
    ];
  const cosine = `the cosine of their vectors is at least ${rule.cosine.toFixed(4)}`;
  const sentences = [
    seen
      ? `Two pictures are duplicates when at most ${rule.bits} of 256 bits of their looks differ and ${cosine.replace(rule.cosine.toFixed(4), rule.withBits.toFixed(4))}, or when that cosine alone is at least ${rule.cosine.toFixed(4)}.`
      : `The pictures cannot be read, so the vectors alone decide: two items are duplicates when ${cosine}.`,
  ];
  const wrong = expectedWrong(rule, count);
  const expected = wrong < 1 ? 'less than one' : `about ${countText(Math.round(wrong))}`;
  sentences.push(
    `Different pictures come that near by chance for ${expected} of the ${countText(count)} items here; ${countText(items)} have a duplicate.`,
  );
  const recall = recallOf(rule, calibration.copies);
  const shares = COPY_KINDS.flatMap((kind) =>
    recall[kind] === undefined ? [] : [`${Math.round(100 * recall[kind])} % of the ${kind}`],
  );
  if (shares.length > 0)
    sentences.push(
      `Of copies that were made of its pictures for a trial, this finds ${shares.join(', ')} ones.`,
    );
  return sentences;
}
