/** @file How one item is like another, by what is known of both. */
import type { Vectors } from '../vectors/vectors.js';
import type { DuplicateKind } from './duplicates.js';
import { bitsBetween, type NearRule, partBetween } from './duplicates-calibration.js';
import { pairKey } from './duplicates-memory.js';
import type { Pictures } from './duplicates-pictures.js';
import type { VectorSet } from './vector-set.js';

/** Of 256 bits; what is near by its vector is called the same picture within these. */
const SAME_PICTURE_BITS = 16;

/** Compares the items of a set. */
export class Likeness {
  /** The vectors at unit length. */
  readonly unit: Vectors;
  /** Correlations are dear, and asked for again. */
  private readonly parts = new Map<number, number>();

  constructor(
    set: VectorSet,
    private readonly pictures: Pictures,
    /** Pairs of contents that a person has said are no duplicates. */
    private readonly not: ReadonlySet<string>,
  ) {
    this.unit = set.unit();
  }

  cosine(a: number, b: number): number {
    const { data, dimension } = this.unit;
    let sum = 0;
    for (let d = 0; d < dimension; d++) sum += data[a * dimension + d]! * data[b * dimension + d]!;
    return Math.min(1, sum);
  }

  /** How two items are alike; undefined for what is no duplicate. @param rule null where equal bytes alone count */
  kind(rule: NearRule | null, a: number, b: number): DuplicateKind | undefined {
    const [first, second] = [this.pictures.contentOf(a), this.pictures.contentOf(b)];
    if (first !== undefined && second !== undefined) {
      if (first === second) return 'exact';
      if (this.not.has(pairKey(first, second))) return undefined;
    }
    return rule === null ? undefined : this.near(rule, a, b, this.cosine(a, b), true);
  }

  /**
   * How two items are alike by the rule, whatever their bytes and a person say.
   * @param parts whether the one may be a part of the other
   */
  near(rule: NearRule, a: number, b: number, cosine: number, parts: boolean): DuplicateKind | undefined {
    const bits = bitsBetween(this.pictures, a, b) ?? Number.POSITIVE_INFINITY;
    if (bits <= rule.bits && cosine >= rule.withBits) return 'same-picture';
    // Sums of products differ in their last bits with the order in which they are added.
    if (cosine >= rule.cosine - 1e-6) return bits <= SAME_PICTURE_BITS ? 'same-picture' : 'near';
    const part = parts && rule.part <= 1 && cosine >= rule.withPart && this.part(a, b) >= rule.part;
    return part ? 'cropped' : undefined;
  }

  private part(a: number, b: number): number {
    const key = Math.min(a, b) * (this.unit.data.length / this.unit.dimension) + Math.max(a, b);
    const known = this.parts.get(key) ?? partBetween(this.pictures, a, b) ?? -1;
    this.parts.set(key, known);
    return known;
  }
}
