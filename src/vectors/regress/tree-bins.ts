/** @file Columns of numbers as at most 255 bins each, from which trees are grown; NaN has a bin of its own. */

/** The bin of values that are missing. */
export const MISSING = 255;
/** Bins of each column in a histogram. */
export const BINS = 256;

export interface Bins {
  /** The bin of each cell, column by column: `[columns × rows]`. */
  cells: Uint8Array;
  rows: number;
  /** Of each column the bounds between its bins, rising: a value is in the first bin whose bound is not below it. */
  bounds: Float32Array[];
  /** Whether a column has missing values. */
  missing: boolean[];
}

/** Bins between neighbouring values where there are few, else of about equal numbers of rows. */
export function binned(data: Float32Array, width: number): Bins {
  const rows = data.length / width;
  const cells = new Uint8Array(rows * width);
  const bounds: Float32Array[] = [];
  const missing: boolean[] = [];
  const column = new Float32Array(rows);
  for (let k = 0; k < width; k++) {
    for (let i = 0; i < rows; i++) column[i] = data[i * width + k]!;
    const sorted = column.filter((value) => !Number.isNaN(value)).sort();
    const between = boundsOf(sorted);
    for (let i = 0; i < rows; i++) cells[k * rows + i] = binOf(between, column[i]!);
    bounds.push(between);
    missing.push(sorted.length < rows);
  }
  return { cells, rows, bounds, missing };
}

function boundsOf(sorted: Float32Array): Float32Array {
  const distinct = sorted.filter((value, i) => i === 0 || value !== sorted[i - 1]);
  if (distinct.length <= MISSING) return distinct.subarray(1).map((value, i) => middle(distinct[i]!, value));
  const bounds: number[] = [];
  for (let b = 1; b < MISSING; b++) {
    const at = (b / MISSING) * (sorted.length - 1);
    const bound = middle(sorted[Math.floor(at)]!, sorted[Math.ceil(at)]!);
    if (bound > (bounds.at(-1) ?? Number.NEGATIVE_INFINITY)) bounds.push(bound);
  }
  return Float32Array.from(bounds);
}

/** In float32, and below the larger one unless they are equal. */
function middle(low: number, high: number): number {
  const value = Math.fround(low + (high - low) / 2);
  return value < high ? value : low;
}

function binOf(bounds: Float32Array, value: number): number {
  if (Number.isNaN(value)) return MISSING;
  let [low, high] = [0, bounds.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (value <= bounds[middle]!) high = middle;
    else low = middle + 1;
  }
  return low;
}
