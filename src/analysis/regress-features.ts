/**
 * @file What numbers are predicted from: vectors of images and other columns, side by side on one scale that is learned
 * from the examples alone.
 */
import { UsageError } from '../errors.js';
import type { Vectors } from '../vectors/vectors.js';

/** A column beside the images, a cell for each item. */
export interface FeatureColumn {
  name: string;
  /** Numbers, NaN where there is none; or names, null where there is none. */
  cells: Float64Array | readonly (string | null)[];
}

/** Everything that is known of items. */
export interface FeatureSource {
  count: number;
  /** One for each item, NaN in parts that are missing; undefined where images are not looked at. */
  images?: Vectors | undefined;
  columns: readonly FeatureColumn[];
}

/** How one column becomes numbers. */
type ColumnScale =
  | { name: string; mean: number; scale: number }
  /** One number for each name, 1 where it is the item's; the mean is taken off. A name that is not known is 0 in all. */
  | { name: string; names: string[]; means: number[] };

/** How the images' vectors become numbers: centred, and as a whole scaled to a mean squared length of 1. */
interface ImageScale {
  mean: Float32Array;
  scale: number;
}

/** Names that fewer examples have say nothing of the next item. */
const LEAST = 2;

/** The scale of all features, learned from examples. */
export class FeatureScale {
  private constructor(
    readonly images: ImageScale | undefined,
    readonly columns: readonly ColumnScale[],
  ) {}

  /** Learns it from some of the items. @param rows which */
  static learn(source: FeatureSource, rows: ArrayLike<number>): FeatureScale {
    return new FeatureScale(
      source.images && imageScale(source.images, rows),
      source.columns.map(({ name, cells }) =>
        cells instanceof Float64Array ? numberScale(name, cells, rows) : nameScale(name, cells, rows),
      ),
    );
  }

  /**
   * The features of some of the items, a row for each: the images', times a weight, then the columns'.
   * @param missing what stands for a number that is not there: 0, which is the mean of the examples, or NaN
   */
  apply(
    source: FeatureSource,
    rows: ArrayLike<number>,
    weight: number,
    missing: 0 | typeof Number.NaN,
  ): Vectors {
    const wide = this.images?.mean.length ?? 0;
    const dimension = wide + this.columns.reduce((sum, c) => sum + ('names' in c ? c.names.length : 1), 0);
    const data = new Float32Array(rows.length * dimension);
    const filled = (x: number) => (Number.isNaN(x) ? missing : x);
    if (this.images) {
      const { mean, scale } = this.images;
      const own = source.images!.data;
      for (let i = 0; i < rows.length; i++)
        for (let d = 0; d < wide; d++)
          data[i * dimension + d] = filled((own[rows[i]! * wide + d]! - mean[d]!) * scale * weight);
    }
    let at = wide;
    for (const [c, column] of this.columns.entries()) {
      const { cells } = source.columns[c]!;
      for (let i = 0; i < rows.length; i++) {
        const cell = cells[rows[i]!]!;
        const to = i * dimension + at;
        if ('names' in column)
          for (const [n, name] of column.names.entries())
            data[to + n] = cell === null ? missing : Number(cell === name) - column.means[n]!;
        else data[to] = filled(((cell as number) - column.mean) * column.scale);
      }
      at += 'names' in column ? column.names.length : 1;
    }
    return { data, dimension };
  }

  /** What {@link FeatureScale.load} takes: JSON, and the mean of the images' vectors. */
  save(): {
    config: { scale: number | null; columns: readonly ColumnScale[] };
    mean: Float32Array | undefined;
  } {
    return {
      config: { scale: this.images?.scale ?? null, columns: this.columns },
      mean: this.images?.mean,
    };
  }

  static load(
    { scale, columns }: ReturnType<FeatureScale['save']>['config'],
    mean: Float32Array | undefined,
  ): FeatureScale {
    return new FeatureScale(mean && scale !== null ? { mean, scale } : undefined, columns);
  }
}

function imageScale({ data, dimension }: Vectors, rows: ArrayLike<number>): ImageScale {
  const sums = new Float64Array(dimension);
  const counts = new Float64Array(dimension);
  for (let i = 0; i < rows.length; i++)
    for (let d = 0; d < dimension; d++) {
      const x = data[rows[i]! * dimension + d]!;
      if (Number.isNaN(x)) continue;
      sums[d]! += x;
      counts[d]!++;
    }
  const mean = Float32Array.from(sums, (sum, d) => (counts[d]! > 0 ? sum / counts[d]! : 0));
  let squares = 0;
  for (let i = 0; i < rows.length; i++)
    for (let d = 0; d < dimension; d++) {
      const x = data[rows[i]! * dimension + d]! - mean[d]!;
      if (!Number.isNaN(x)) squares += x * x;
    }
  return { mean, scale: squares > 0 ? Math.sqrt(rows.length / squares) : 0 };
}

function numberScale(name: string, cells: Float64Array, rows: ArrayLike<number>): ColumnScale {
  let [sum, count] = [0, 0];
  for (let i = 0; i < rows.length; i++) {
    const x = cells[rows[i]!]!;
    if (Number.isNaN(x)) continue;
    sum += x;
    count++;
  }
  const mean = count > 0 ? sum / count : 0;
  let squares = 0;
  for (let i = 0; i < rows.length; i++) {
    const x = cells[rows[i]!]! - mean;
    if (!Number.isNaN(x)) squares += x * x;
  }
  // A column that hardly differs from its mean is rounding, not knowledge.
  const deviation = Math.sqrt(squares / Math.max(1, count));
  return { name, mean, scale: deviation > 1e-12 * Math.abs(mean) ? 1 / deviation : 0 };
}

function nameScale(name: string, cells: readonly (string | null)[], rows: ArrayLike<number>): ColumnScale {
  const counts = new Map<string, number>();
  let known = 0;
  for (let i = 0; i < rows.length; i++) {
    const cell = cells[rows[i]!]!;
    if (cell === null) continue;
    counts.set(cell, (counts.get(cell) ?? 0) + 1);
    known++;
  }
  const names = [...counts.keys()].filter((cell) => counts.get(cell)! >= LEAST).sort();
  return { name, names, means: names.map((cell) => counts.get(cell)! / known) };
}

/** @throws UsageError when nothing is left that differs between items */
export function checkFeatureSource({ images, columns }: FeatureSource): void {
  if (images === undefined && columns.length === 0)
    throw new UsageError('expected images or columns to predict from but received neither');
}
