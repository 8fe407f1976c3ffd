/**
 * @file Which pictures are near enough to be called duplicates, measured on the collection itself: how near different
 * pictures come by chance (so that few are called duplicates wrongly), and how near copies come that are made of some
 * of them (so that no more is asked for than copies reach).
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { identityKey } from '../embedding/identity.js';
import { decodeImage, readSource } from '../image/index.js';
import { hashDistance, perceptualHash } from '../image/perceptual-hash.js';
import { cropLikeness, miniature } from '../image/perceptual-hash-crop.js';
import { writeAtomically } from '../models/cache.js';
import { Random } from '../random.js';
import type { Nearest } from '../vectors/exact-search.js';
import { quantile } from '../vectors/metrics/bootstrap.js';
import { distanceOfShare, type NearestNull, nearestNull } from '../vectors/near-pairs-null.js';
import { duplicatesFolder } from './duplicates-memory.js';
import { HASH_SIZE, type Pictures } from './duplicates-pictures.js';
import type { VectorSet } from './vector-set.js';

/** How copies are made. The first three leave the picture whole. */
export const COPY_KINDS = ['compressed', 'reduced', 'brightened', 'cropped'] as const;
export type CopyKind = (typeof COPY_KINDS)[number];
const COPIES: Record<CopyKind, (image: Sharp, width: number, height: number) => Sharp> = {
  compressed: (image) => image.jpeg({ quality: 50 }),
  reduced: (image, width) =>
    image.resize({ width: Math.max(16, Math.round(width / 2)) }).webp({ quality: 80 }),
  brightened: (image) => image.modulate({ brightness: 1.2 }).jpeg({ quality: 85 }),
  cropped: (image, width, height) =>
    image
      .extract({
        left: Math.round(0.04 * width),
        top: Math.round(0.1 * height),
        width: Math.max(1, Math.round(0.85 * width)),
        height: Math.max(1, Math.round(0.85 * height)),
      })
      .jpeg({ quality: 85 }),
};

/** A copy that was made and compared with its original. */
export interface MadeCopy {
  kind: CopyKind;
  cosine: number;
  /** Bits of 256. */
  bits: number;
  /** How well the one is a part of the other, −1..1. */
  part: number;
}

/** What was measured, kept beside the collection. */
export interface Calibration {
  version: 1;
  /** Items of the collection at the time. */
  count: number;
  /** Angles in radians to the nearest different item; null where there were too few to tell. */
  angles: NearestNull | null;
  /** Bits of 256 to the most similar of the near neighbours; null where pictures could not be read. */
  bits: NearestNull | null;
  /** 1 less how well a picture is a part of one of its near neighbours, or they of it. */
  parts: NearestNull | null;
  copies: MadeCopy[];
}

/** Items that are measured, and where no pictures can be read, so that the vectors alone are. */
const SAMPLE = 600;
const SAMPLE_UNSEEN = 20_000;
/** Pictures that copies are made of. */
const ORIGINALS = 60;
/** While angles are measured, items whose pictures are this near by chance in one of a thousand are copies. */
const SAME_PICTURE = 1e-3;
/** Neighbours of which an item may be a part. */
export const PART_RANKS = 3;
/** How much the collection may grow or shrink before it is measured again, as a share. */
const DRIFT = 0.1;

/**
 * Measures a collection, or takes what was measured before.
 * @param graph `k` neighbours of every item, by cosine
 */
export async function calibrate(
  set: VectorSet,
  graph: Nearest,
  pictures: Pictures,
  { seed = 0, signal }: { seed?: number | undefined; signal?: AbortSignal | undefined } = {},
): Promise<Calibration> {
  const folder = duplicatesFolder(set);
  const file =
    folder && set.identity ? path.join(folder, `near-${identityKey(set.identity)}.json`) : undefined;
  const kept = await read(file);
  if (kept && Math.abs(kept.count - set.count) <= DRIFT * kept.count) return kept;

  const k = graph.indices.length / set.count;
  const rows = new Random(seed, 'duplicates').shuffle(Array.from({ length: set.count }, (_, i) => i));
  const neighbours = (row: number) => graph.indices.subarray(row * k, (row + 1) * k);
  const seen = rows.slice(0, SAMPLE);
  await pictures.measure(seen.flatMap((row) => [row, ...neighbours(row)]));
  const distances = seen.flatMap((row) => {
    const own = [...neighbours(row)].flatMap((other) => bitsBetween(pictures, row, other) ?? []);
    return own.length === k ? own.sort((a, b) => a - b) : [];
  });
  const bits = nearestNull(distances, k);
  const same = bits ? distanceOfShare(bits, SAME_PICTURE) : -1;
  const fewest = Math.ceil(k / 2);
  const angles = rows.slice(0, bits ? SAMPLE : SAMPLE_UNSEEN).flatMap((row) => {
    const own = [...neighbours(row)].flatMap((other, i) => {
      const copy = (bitsBetween(pictures, row, other) ?? 257) <= same;
      return copy ? [] : [Math.acos(Math.min(1, graph.scores[row * k + i]!))];
    });
    return own.length < fewest ? [] : own.slice(0, fewest);
  });
  const parts = seen.slice(0, SAMPLE / 2).flatMap((row) => {
    const others = [...neighbours(row)].filter((other) => (bitsBetween(pictures, row, other) ?? 0) > same);
    const own = others.slice(0, Math.min(PART_RANKS, fewest));
    const distances = own.map((other) => 1 - partBetween(pictures, row, other)!);
    return own.length < Math.min(PART_RANKS, fewest) ? [] : distances.sort((a, b) => a - b);
  });
  const originals = rows.filter((row) => pictures?.get(row)).slice(0, ORIGINALS);
  const made: Calibration = {
    version: 1,
    count: set.count,
    angles: nearestNull(angles, fewest) ?? null,
    bits: bits ?? null,
    parts: nearestNull(parts, Math.min(PART_RANKS, fewest)) ?? null,
    copies: await makeCopies(set, originals, pictures, signal),
  };
  if (file && bits) await writeAtomically(file, JSON.stringify(made)).catch(() => undefined); // a read-only folder
  return made;
}

/** What was measured before; undefined where there is nothing that can be read: it is measured again. */
async function read(file: string | undefined): Promise<Calibration | undefined> {
  try {
    const kept = file && (JSON.parse(await readFile(file, 'utf8')) as Partial<Calibration>);
    return kept && kept.version === 1 ? (kept as Calibration) : undefined;
  } catch {
    return undefined;
  }
}

/** How many of 256 bits two pictures differ in; undefined where one of them is not known. */
export function bitsBetween(pictures: Pictures, a: number, b: number): number | undefined {
  const [first, second] = [pictures.get(a), pictures.get(b)];
  return first && second ? hashDistance(first.look, second.look) : undefined;
}

/** How well one picture is a part of another, −1..1; undefined where one of them is not known. */
export function partBetween(pictures: Pictures, a: number, b: number): number | undefined {
  const [first, second] = [pictures.get(a), pictures.get(b)];
  return first && second ? cropLikeness(first.small, second.small) : undefined;
}

/** Makes copies of pictures and compares them; none where the embedder of the vectors cannot be opened. */
async function makeCopies(
  set: VectorSet,
  rows: readonly number[],
  pictures: Pictures,
  signal: AbortSignal | undefined,
): Promise<MadeCopy[]> {
  const embedder = rows.length === 0 ? undefined : await set.embedder().catch(() => undefined);
  if (embedder === undefined) return [];
  const unit = set.unit();
  const jobs = rows.flatMap((row) => COPY_KINDS.map((kind) => ({ row, kind })));
  const looks: Pick<MadeCopy, 'bits' | 'part'>[] = [];
  const inputs = async function* () {
    for (const [i, { row, kind }] of jobs.entries()) {
      const bytes = await readSource(set.file(row)).catch(() => undefined);
      if (!(bytes instanceof Uint8Array)) continue;
      const { data, width, height } = await decodeImage(bytes);
      const upright = sharp(data, { raw: { width, height, channels: 3 }, limitInputPixels: false });
      const input = await COPIES[kind](upright, width, height).toBuffer();
      const copy = await decodeImage(input);
      const { look, small } = pictures.get(row)!;
      looks[i] = {
        bits: hashDistance(look, perceptualHash(copy, HASH_SIZE)),
        part: cropLikeness(small, miniature(copy)),
      };
      yield { id: String(i), input };
    }
  };
  const made: MadeCopy[] = [];
  for await (const result of embedder.streamImages(inputs(), { signal })) {
    if (!('vector' in result)) continue;
    const { row, kind } = jobs[Number(result.id)]!;
    let [product, square] = [0, 0];
    for (let d = 0; d < unit.dimension; d++) {
      product += result.vector[d]! * unit.data[row * unit.dimension + d]!;
      square += result.vector[d]! ** 2;
    }
    made.push({ kind, cosine: product / Math.sqrt(square), ...looks[Number(result.id)]! });
  }
  return made;
}

/** From which nearness on pictures are called duplicates. */
export interface NearRule {
  /** The same picture: at most so many of 256 bits differ, and the cosine is at least `withBits`; −1 for never. */
  bits: number;
  withBits: number;
  /** Or the one is a part of the other: a correlation of at least this, and the cosine is at least `withPart`. Above 1 for never. */
  part: number;
  withPart: number;
  /** Or the cosine alone is at least this; above 1 for never. */
  cosine: number;
  /** The share of items that are called duplicates wrongly, by each of the three conditions. */
  share: number;
}

/** Copies that keep the picture whole: of these, so many in a hundred may be missed. */
const MISSED = 0.01;
/** More bits than copies need, as a margin. */
const MARGIN_BITS = 4;

/**
 * The rule for a share of wrong duplicates.
 *
 * Each limit is as near as different pictures come by chance in this share of the items; but where they stay further
 * apart, no laxer than nearly all copies need.
 */
export function ruleFor({ angles, bits, parts, copies }: Calibration, share: number): NearRule {
  const whole = copies.filter(({ kind }) => kind !== 'cropped');
  const cropped = copies.filter(({ kind }) => kind === 'cropped');
  const reached = (of: readonly MadeCopy[], what: 'cosine' | 'bits' | 'part', part: number) =>
    quantile(Float64Array.from(of, (copy) => copy[what]).sort(), part);
  const byChance = angles ? Math.cos(distanceOfShare(angles, share)) : 2;
  const tried = copies.length > 0;
  const most = tried ? MARGIN_BITS + reached(whole, 'bits', 1 - MISSED) : UNTRIED.bits;
  const least = tried ? reached(cropped, 'part', MISSED) : UNTRIED.part;
  return {
    bits: Math.floor(bits ? Math.min(most, distanceOfShare(bits, share)) : -1),
    withBits: Math.min(byChance, tried ? reached(whole, 'cosine', MISSED) : UNTRIED.cosine),
    part: parts ? Math.max(least, 1 - distanceOfShare(parts, share)) : 2,
    withPart: Math.min(byChance, tried ? reached(cropped, 'cosine', MISSED) : UNTRIED.cosine),
    cosine: Math.max(byChance, tried ? reached(copies, 'cosine', MISSED) : -1),
    share,
  };
}

/** What copies need where none could be made, since the model of the vectors is not here. */
const UNTRIED = { bits: 24, part: 0.97, cosine: 0.8 };

/** Of the copies of each kind that were made, the share that the rule finds. */
export function recallOf(rule: NearRule, copies: readonly MadeCopy[]): Partial<Record<CopyKind, number>> {
  const found = ({ cosine, bits, part }: MadeCopy) =>
    cosine >= rule.cosine ||
    (bits <= rule.bits && cosine >= rule.withBits) ||
    (part >= rule.part && cosine >= rule.withPart);
  return Object.fromEntries(
    COPY_KINDS.flatMap((kind) => {
      const own = copies.filter((copy) => copy.kind === kind);
      return own.length === 0 ? [] : [[kind, own.filter(found).length / own.length]];
    }),
  );
}
