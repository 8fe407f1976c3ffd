/**
 * @file Principal components of any number of vectors, in one pass and bounded memory: the numeric engine multiplies
 * blocks of vectors with themselves, their sums are kept in float64, and the eigenvectors of the covariance follow.
 * Components have the sign that scikit-learn's `PCA` gives them: the entry of largest magnitude is positive.
 *
 * @see Pearson 1901, On lines and planes of closest fit to systems of points in space
 */
import { UsageError } from '../../errors.js';
import { Graph, openSession, ops } from '../../graph/index.js';
import { largestEigen } from './eigen.js';
import { symmetricEigen } from './symmetric-eigen.js';

/** A flat map of vectors to fewer dimensions. */
export interface PrincipalComponents {
  /** The vectors' mean. */
  mean: Float64Array;
  /** Directions of unit length, the one of most variance first; zeros where there is no further variance. */
  components: Float64Array[];
  /** The variance along each of them (of a sample: divided by `count − 1`). */
  variances: number[];
  /** The share of all variance that lies along each of them, 0..1. */
  shares: number[];
  /** Vectors seen. */
  count: number;
}

/** What is less than this part of the largest variance is none. */
const NOTHING = 1e-13;
/** Vectors in one product. */
const BLOCK = 4096;

/**
 * The principal components of vectors.
 * @param batches vectors one after the other, any number of whole vectors in each batch
 * @param dimension numbers per vector
 * @param count how many components. @default 2
 * @throws UsageError when a batch is no whole number of vectors.
 */
export async function principalComponents(
  batches: AsyncIterable<Float32Array> | Iterable<Float32Array>,
  dimension: number,
  count = 2,
): Promise<PrincipalComponents> {
  const graph = new Graph('gram');
  const x = graph.input('x', ['N', dimension]);
  graph.output('gram', ops.gemm(x, x, null, { transposeA: true }));
  const session = await openSession(graph, () => {
    throw new UsageError('a product of inputs has no weights');
  });
  const d = dimension;
  const sums = new Float64Array(d);
  const products = new Float64Array(d * d);
  // Near the mean the products are small, and float32 holds them well; that of the first vectors is near enough.
  let near: Float64Array | undefined;
  let rows = 0;
  try {
    for await (const batch of batches) {
      if (batch.length % d !== 0)
        throw new UsageError(`expected vectors of ${d} numbers but received ${batch.length} numbers in all`);
      for (let from = 0; from < batch.length; from += BLOCK * d) {
        const block = batch.slice(from, from + BLOCK * d);
        near ??= meanOf(block, d);
        for (let i = 0, k = 0; i < block.length; i++, k = k + 1 === d ? 0 : k + 1) {
          const value = block[i]! - near[k]!;
          block[i] = value;
          sums[k]! += value;
        }
        const n = block.length / d;
        rows += n;
        const { gram } = await session.run({ x: { data: block, dims: [n, d] } });
        const part = gram!.data as Float32Array;
        for (let i = 0; i < part.length; i++) products[i]! += part[i]!;
      }
    }
  } finally {
    await session.release();
  }
  return fromMoments(products, sums, near ?? new Float64Array(d), rows, count);
}

/** Coordinates of a vector along the components. */
export function projectVector({ mean, components }: PrincipalComponents, vector: Float32Array): number[] {
  return components.map((component) => {
    let sum = 0;
    for (let k = 0; k < component.length; k++) sum += (vector[k]! - mean[k]!) * component[k]!;
    return sum;
  });
}

/** From sums about the point `near` to the components. */
function fromMoments(
  products: Float64Array,
  sums: Float64Array,
  near: Float64Array,
  rows: number,
  count: number,
): PrincipalComponents {
  const d = near.length;
  const shift = sums.map((sum) => sum / Math.max(1, rows));
  let total = 0;
  for (let i = 0; i < d; i++) {
    for (let j = 0; j < d; j++)
      products[i * d + j] = (products[i * d + j]! - rows * shift[i]! * shift[j]!) / Math.max(1, rows - 1);
    total += products[i * d + i]!;
  }
  const { values, vectors } = 8 * count > d ? symmetricEigen(products, d) : largestEigen(products, d, count);
  values.length = vectors.length = Math.min(count, values.length);
  for (let i = vectors.length; i < count; i++) {
    values.push(0);
    vectors.push(new Float64Array(d));
  }
  return {
    mean: near.map((value, k) => value + shift[k]!),
    components: vectors.map((vector, i) =>
      values[i]! > NOTHING * values[0]! ? withSign(vector) : new Float64Array(d),
    ),
    variances: values.map((value) => Math.max(0, value)),
    shares: values.map((value) => (total > 0 ? Math.max(0, value) / total : 0)),
    count: rows,
  };
}

/** The sign that scikit-learn gives: the entry of largest magnitude is positive. */
export function withSign(vector: Float64Array): Float64Array {
  let largest = 0;
  for (const value of vector) if (Math.abs(value) > Math.abs(largest)) largest = value;
  return largest < 0 ? vector.map((value) => -value) : vector;
}

function meanOf(block: Float32Array, d: number): Float64Array {
  const mean = new Float64Array(d);
  for (let i = 0; i < block.length; i++) mean[i % d]! += block[i]!;
  return mean.map((sum) => sum / (block.length / d));
}
