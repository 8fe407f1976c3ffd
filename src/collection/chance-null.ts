/**
 * @file What chance scores: from it, the probability that a hit is more than that.
 *
 * How far a hit stands out from the query's other scores says little: "a chessboard" has a best photograph among dogs,
 * too, and a concept that every item shows stands out nowhere. So the null distribution is taken over queries.
 *
 * A text is compared with a bank of texts of many kinds, of which few fit any one item. Each item has its own mean and
 * deviation over the bank (some items are near to every text: hubs, Radovanović et al. 2010; compare the cohort
 * normalisation of speaker verification, Auckenthaler et al. 2000), taken half way to those of all items. The best
 * standardised score that a text of the bank reaches in the collection is what chance reaches; since the bank's upper
 * part may fit the collection, its width is that of the lower half. It grows with the number of items as the greatest
 * of normal numbers does, √(2 ln n).
 *
 * An image has no such bank: those of the collection itself are its like. It is compared with how near the items are to
 * their nearest (the nearest-neighbour score of conformal anomaly detection, Laxhammar & Falkman 2011).
 *
 * Both comparisons become probabilities by a logistic curve (Platt 1999), fitted to queries of which half were known to
 * fit; `tools/calibrate` has the measurements.
 */

/** Where a probability of 0.5 lies, in widths from the level, and how steep the curve is there. */
interface Curve {
  middle: number;
  slope: number;
}
const TEXT: Curve = { middle: 1.19, slope: 2.7 };
const LIKENESS: Curve = { middle: -1.6, slope: 1.8 };

/** One standard deviation below the median of a normal distribution. */
const LOW = 0.1587;
/** From this cosine on, two pictures are the same. */
const SAME = 0.999;
/** Items whose nearest are looked for. */
const PROBES = 256;
/** With fewer items nothing is known of how near they are to each other. */
const FEWEST = 10;

/** What texts score that are not meant for the collection. */
export interface TextNull {
  /** The vectors of the bank, of unit length, row by row. */
  bank: Float32Array;
  /** Mean of all cosines of the bank and the sample. */
  mean: number;
  /** Their standard deviation. */
  deviation: number;
  /** Median over the bank of the best standardised score in the sample. */
  level: number;
  /** How far below it that of one in six texts lies. */
  width: number;
  /** Items in the sample. */
  rows: number;
}

/** How near the items are to their nearest. */
export interface LikenessNull {
  /** Median of the cosine to the nearest within the sample. */
  level: number;
  /** How far below it that of one in six items lies. */
  width: number;
  /** What the median gains for each 1 that √(2 ln n) gains; measured between a quarter of the sample and all of it. */
  growth: number;
  /** Items in the sample. */
  rows: number;
}

/**
 * Measures what chance reaches for texts.
 * @param bank unit vectors of texts of many kinds, row by row; about 250
 * @param sample unit vectors of items drawn at random, row by row; about 2,000, or all of a small collection
 */
export function textNull(bank: Float32Array, sample: Float32Array, dimension: number): TextNull {
  const texts = bank.length / dimension;
  const rows = sample.length / dimension;
  const cosines = new Float64Array(rows * texts);
  const items: Moments[] = [];
  let sum = 0;
  let squares = 0;
  for (let i = 0; i < rows; i++) {
    const own = cosines.subarray(i * texts, (i + 1) * texts);
    const item = momentsOf(bank, sample.subarray(i * dimension, (i + 1) * dimension), own);
    items.push(item);
    sum += item.mean;
    squares += item.deviation ** 2 + item.mean ** 2;
  }
  const mean = rows === 0 ? 0 : sum / rows;
  const deviation = rows === 0 ? 0 : Math.sqrt(Math.max(0, squares / rows - mean ** 2));
  const best = new Float64Array(texts).fill(Number.NEGATIVE_INFINITY);
  for (let i = 0; i < rows; i++)
    for (let t = 0; t < texts; t++)
      best[t] = Math.max(best[t]!, standardised(cosines[i * texts + t]!, items[i]!, { mean, deviation }));
  return { bank, mean, deviation, ...lowerHalf(best), rows };
}

/**
 * The probability that a text's score with an item is more than chance.
 * @param cosine of the text and the item
 * @param item the item's vector, of unit length
 * @param total how many items were searched
 * @returns 0..1; 0 where nothing can be said, because the bank's scores do not differ
 */
export function textChance(known: TextNull, cosine: number, item: Float32Array, total: number): number {
  const own = momentsOf(known.bank, item);
  const level = known.level + greatestOf(total) - greatestOf(known.rows);
  return curve(TEXT, (standardised(cosine, own, known) - level) / known.width);
}

/**
 * Measures how near items are to their nearest. Copies of an item do not count.
 * @param sample unit vectors of items drawn at random, row by row, in any order
 */
export function likenessNull(sample: Float32Array, dimension: number): LikenessNull {
  const rows = sample.length / dimension;
  if (rows < FEWEST) return { level: 0, width: 0, growth: 0, rows };
  const probes = Math.min(rows, PROBES);
  const nearest: number[] = [];
  const ofQuarter: number[] = [];
  for (let probe = 0; probe < probes; probe++) {
    const i = Math.floor((probe * rows) / probes);
    let best = -1;
    let bestOfQuarter = -1;
    for (let j = 0; j < rows; j++) {
      if (i === j) continue;
      const cosine = dot(sample, i * dimension, sample, j * dimension, dimension);
      if (cosine >= SAME) continue;
      if (cosine > best) best = cosine;
      if (j % 4 === 0 && cosine > bestOfQuarter) bestOfQuarter = cosine;
    }
    nearest.push(best);
    ofQuarter.push(bestOfQuarter);
  }
  const { level, width } = lowerHalf(nearest);
  const growth = Math.max(0, (level - quantile(ofQuarter, 0.5)) / (greatestOf(rows) - greatestOf(rows / 4)));
  return { level, width, growth, rows };
}

/**
 * The probability that an image is as near to an item as items of the collection are to each other.
 * @param cosine of the two
 * @param total how many items were searched
 * @returns 0..1; 1 for the same picture; else 0 where the collection has fewer than 10 items
 */
export function likenessChance(known: LikenessNull, cosine: number, total: number): number {
  if (cosine >= SAME) return 1;
  if (known.rows < FEWEST) return 0;
  const gained = known.growth * (greatestOf(total) - greatestOf(known.rows));
  const level = Math.min(SAME, known.level + gained);
  return curve(LIKENESS, (cosine - level) / known.width);
}

interface Moments {
  mean: number;
  deviation: number;
}

/** Mean and standard deviation of an item's cosines to the bank; the cosines are written to `cosines`. */
function momentsOf(bank: Float32Array, item: Float32Array, cosines?: Float64Array): Moments {
  const dimension = item.length;
  const texts = bank.length / dimension;
  let sum = 0;
  let squares = 0;
  for (let t = 0; t < texts; t++) {
    const cosine = dot(bank, t * dimension, item, 0, dimension);
    if (cosines) cosines[t] = cosine;
    sum += cosine;
    squares += cosine * cosine;
  }
  const mean = sum / texts;
  return { mean, deviation: Math.sqrt(Math.max(0, squares / texts - mean ** 2)) };
}

/** Half by the item's own moments and half by those of all. */
function standardised(cosine: number, own: Moments, all: Moments): number {
  return (cosine - (own.mean + all.mean) / 2) / ((own.deviation + all.deviation) / 2);
}

/** About the greatest of n standard normal numbers. */
function greatestOf(n: number): number {
  return Math.sqrt(2 * Math.log(Math.max(1, n)));
}

function curve({ middle, slope }: Curve, x: number): number {
  return Number.isFinite(x) ? 1 / (1 + Math.exp(-slope * (x - middle))) : 0;
}

function lowerHalf(values: ArrayLike<number>): { level: number; width: number } {
  const level = quantile(values, 0.5);
  const width = level - quantile(values, LOW);
  return { level, width: width > 1e-6 ? width : 0 };
}

/** With linear interpolation between the values. */
function quantile(values: ArrayLike<number>, q: number): number {
  const sorted = Float64Array.from(values).sort();
  const at = q * (sorted.length - 1);
  const low = Math.floor(at);
  const below = sorted[low] ?? 0;
  return below + (at - low) * ((sorted[low + 1] ?? below) - below);
}

function dot(a: Float32Array, startA: number, b: Float32Array, startB: number, length: number): number {
  let sum = 0;
  for (let d = 0; d < length; d++) sum += a[startA + d]! * b[startB + d]!;
  return sum;
}
