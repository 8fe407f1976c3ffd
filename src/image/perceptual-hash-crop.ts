/**
 * @file Whether one picture is a part of another: the best correlation of the one, as a whole, with any window of the
 * other, both in miniature. Perceptual hashes do not survive cropping; this does.
 */
import { resize } from './resample.js';
import type { RgbImage } from './types.js';

/** Pixels of a miniature a side, whatever the picture's shape. */
export const MINIATURE = 32;
/** Places a side at which miniatures are compared: roughly, to find the window, and finely. */
const [ROUGH, FINE] = [8, 16];
/** Windows have at least this share of the picture a side, in steps, and nearly its shape. */
const [LEAST, STEP] = [0.6, 0.05];
/** Windows that are looked at more closely, unless all correlate less than this. */
const [CLOSER, HOPELESS] = [3, 0.75];

/** A picture in grey, squeezed to 32 × 32 pixels. */
export function miniature(image: RgbImage): Uint8Array {
  const { data } = resize(image, MINIATURE, MINIATURE, 'bilinear');
  return Uint8Array.from(
    { length: MINIATURE * MINIATURE },
    (_, i) => (data[3 * i]! * 19595 + data[3 * i + 1]! * 38470 + data[3 * i + 2]! * 7471 + 0x8000) >> 16,
  );
}

/**
 * How well one picture can be seen as a part of the other: the correlation coefficient, −1..1, of the one with the
 * window of the other where it is greatest; of the two ways round the better one. Windows have 60 to 100 % of the
 * picture a side. Unrelated photographs reach 0.6 to 0.9, crops more than 0.95. 0 for a picture of one colour.
 *
 * @param a, b miniatures
 */
export function cropLikeness(a: Uint8Array, b: Uint8Array): number {
  return Math.max(partLikeness(a, b), partLikeness(b, a));
}

/** A part's values at the middle of each of `side × side` fields, less their mean. */
interface Part {
  values: Float64Array;
  square: number;
  side: number;
}

/** Of `whole`'s windows, the one that is most like `part`. */
function partLikeness(whole: Uint8Array, part: Uint8Array): number {
  const smooth = blurred(whole);
  const [rough, fine] = [partAt(part, ROUGH), partAt(part, FINE)];
  const best: { likeness: number; window: Window }[] = [];
  for (let i = 0; i <= (1 - LEAST) / STEP + 0.5; i++)
    for (let j = Math.max(0, i - 2); j <= Math.min((1 - LEAST) / STEP + 0.5, i + 2); j++) {
      const [width, height] = [1 - STEP * i, 1 - STEP * j];
      const columns = Math.max(1, Math.round(((1 - width) * MINIATURE) / 2));
      const rows = Math.max(1, Math.round(((1 - height) * MINIATURE) / 2));
      for (let x = 0; x <= columns; x++)
        for (let y = 0; y <= rows; y++) {
          const window: Window = [((1 - width) * x) / columns, ((1 - height) * y) / rows, width, height];
          const likeness = correlation(smooth, rough, window);
          if (best.length === CLOSER && likeness <= best[CLOSER - 1]!.likeness) continue;
          best.push({ likeness, window });
          best.sort((p, q) => q.likeness - p.likeness);
          best.length = Math.min(best.length, CLOSER);
        }
    }
  if (best[0]!.likeness < HOPELESS) return best[0]!.likeness;
  return Math.max(...best.map(({ window }) => climb(whole, fine, window)));
}

/** Left, top, width and height, as shares of the picture. */
type Window = [number, number, number, number];

/** Moves and stretches a window as long as it becomes more like the part. */
function climb(whole: ArrayLike<number>, part: Part, start: Window): number {
  let [window, likeness] = [start, correlation(whole, part, start)];
  for (let step = 0.03; step > 0.006; step /= 2)
    for (let better = true; better; ) {
      better = false;
      for (let way = 0; way < 8; way++) {
        const next: Window = [...window];
        next[way >> 1]! += way & 1 ? step : -step;
        const [left, top, width, height] = next;
        if (Math.min(left, top) < -0.02 || Math.max(left + width, top + height) > 1.02) continue;
        if (Math.min(width, height) < LEAST - 0.1) continue;
        const found = correlation(whole, part, next);
        if (found <= likeness + 1e-5) continue;
        [window, likeness, better] = [next, found, true];
      }
    }
  return likeness;
}

/** The correlation coefficient of a part with a window of the whole, interpolated between pixels. */
function correlation(whole: ArrayLike<number>, { values, square, side }: Part, window: Window): number {
  const [left, top, width, height] = window;
  let [sum, squares, product] = [0, 0, 0];
  for (let j = 0; j < side; j++) {
    const y = within((top + (height * (j + 0.5)) / side) * MINIATURE - 0.5);
    const row = Math.floor(y);
    for (let i = 0; i < side; i++) {
      const x = within((left + (width * (i + 0.5)) / side) * MINIATURE - 0.5);
      const column = Math.floor(x);
      const at = row * MINIATURE + column;
      const above = whole[at]! + (x - column) * (whole[at + 1]! - whole[at]!);
      const below =
        whole[at + MINIATURE]! + (x - column) * (whole[at + MINIATURE + 1]! - whole[at + MINIATURE]!);
      const value = above + (y - row) * (below - above);
      sum += value;
      squares += value * value;
      product += value * values[j * side + i]!;
    }
  }
  const own = squares - (sum * sum) / (side * side);
  return own < side * side || square < side * side ? 0 : product / Math.sqrt(own * square);
}

function within(place: number): number {
  return Math.min(MINIATURE - 1.001, Math.max(0, place));
}

function partAt(picture: Uint8Array, side: number): Part {
  const values = new Float64Array(side * side);
  const field = MINIATURE / side;
  let mean = 0;
  for (let i = 0; i < picture.length; i++) {
    const [x, y] = [i % MINIATURE, Math.floor(i / MINIATURE)];
    values[Math.floor(y / field) * side + Math.floor(x / field)]! += picture[i]! / field ** 2;
    mean += picture[i]! / picture.length;
  }
  let square = 0;
  for (let i = 0; i < values.length; i++) {
    values[i]! -= mean;
    square += values[i]! ** 2;
  }
  return { values, square, side };
}

/** Means of 3 × 3 pixels. */
function blurred(picture: Uint8Array): Float32Array {
  const result = new Float32Array(picture.length);
  for (let y = 0; y < MINIATURE; y++)
    for (let x = 0; x < MINIATURE; x++) {
      let [sum, count] = [0, 0];
      for (let v = Math.max(0, y - 1); v <= Math.min(MINIATURE - 1, y + 1); v++)
        for (let u = Math.max(0, x - 1); u <= Math.min(MINIATURE - 1, x + 1); u++) {
          sum += picture[v * MINIATURE + u]!;
          count++;
        }
      result[y * MINIATURE + x] = sum / count;
    }
  return result;
}
