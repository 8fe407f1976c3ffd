/**
 * @file Principal components of vectors of many numbers, whose covariance would be too large: a few random directions are
 * multiplied by it again and again, which turns them towards the components, without its ever being formed.
 *
 * @see Halko, Martinsson & Tropp 2011, Finding structure with randomness, algorithm 4.4
 */
import { UsageError } from '../../errors.js';
import { Graph, openSession, ops } from '../../graph/index.js';
import { Random } from '../../random.js';
import { countOf, type Vectors } from '../vectors.js';
import { type PrincipalComponents, withSign } from './pca.js';
import { symmetricEigen } from './symmetric-eigen.js';

export interface RandomizedOptions {
  /** Multiplications: more are more exact where the variances lie close together. @default 7 */
  iterations?: number | undefined;
  /** Directions besides the wanted ones. @default 10 */
  oversamples?: number | undefined;
  /** @default 0 */
  seed?: number | undefined;
}

/** Vectors in one product. */
const BLOCK = 4096;

/**
 * The first principal components of vectors in memory: those of large variance nearly exactly, the last ones less so.
 * @throws UsageError when `count` is not from 1 to the lesser of the dimension and the number of vectors.
 */
export async function randomizedComponents(
  vectors: Vectors,
  count: number,
  options: RandomizedOptions = {},
): Promise<PrincipalComponents> {
  const { iterations = 7, oversamples = 10, seed = 0 } = options;
  const { data, dimension: d } = vectors;
  const rows = countOf(vectors, 'components');
  const most = Math.min(d, rows);
  if (!Number.isInteger(count) || count < 1 || count > most)
    throw new UsageError(`components: expected a whole number from 1 to ${most} but received ${count}`);
  const width = Math.min(most, count + oversamples);
  const mean = new Float64Array(d);
  for (let i = 0, k = 0; i < data.length; i++, k = k + 1 === d ? 0 : k + 1) mean[k]! += data[i]!;
  for (let k = 0; k < d; k++) mean[k]! /= rows;

  const graph = new Graph('components');
  const x = graph.input('x', ['N', d]);
  const basis = graph.input('basis', [d, width]);
  const along = ops.gemm(x, basis, null);
  graph.output('image', ops.gemm(x, along, null, { transposeA: true }));
  graph.output('gram', ops.gemm(along, along, null, { transposeA: true }));
  const session = await openSession(graph, () => {
    throw new UsageError('a product of inputs has no weights');
  });
  let total = 0;
  /** The covariance times the basis, and what it is within the basis; both times the number of vectors. */
  const multiply = async (columns: Float64Array[]) => {
    const flat = new Float32Array(d * width);
    columns.forEach((column, j) => {
      for (let k = 0; k < d; k++) flat[k * width + j] = column[k]!;
    });
    const image = new Float64Array(d * width);
    const gram = new Float64Array(width * width);
    total = 0;
    for (let from = 0; from < data.length; from += BLOCK * d) {
      const block = data.slice(from, from + BLOCK * d);
      for (let i = 0, k = 0; i < block.length; i++, k = k + 1 === d ? 0 : k + 1) {
        const value = block[i]! - mean[k]!;
        block[i] = value;
        total += value * value;
      }
      const n = block.length / d;
      const done = await session.run({
        x: { data: block, dims: [n, d] },
        basis: { data: flat.slice(), dims: [d, width] },
      });
      const [one, two] = [done.image!.data as Float32Array, done.gram!.data as Float32Array];
      for (let i = 0; i < one.length; i++) image[i]! += one[i]!;
      for (let i = 0; i < two.length; i++) gram[i]! += two[i]!;
    }
    return { image, gram };
  };
  try {
    const random = new Random(seed, 'components');
    let columns = orthonormal(
      Array.from({ length: width }, () => new Float64Array(d).map(() => random.normal())),
    );
    for (let i = 0; i < iterations; i++) {
      const { image } = await multiply(columns);
      columns = orthonormal(
        columns.map((_, j) => Float64Array.from({ length: d }, (_, k) => image[k * width + j]!)),
      );
    }
    const { values, vectors: turned } = symmetricEigen((await multiply(columns)).gram, width);
    const components = turned.slice(0, count).map((weights) => {
      const sum = new Float64Array(d);
      columns.forEach((column, j) => {
        for (let k = 0; k < d; k++) sum[k]! += weights[j]! * column[k]!;
      });
      return withSign(sum);
    });
    const kept = values.slice(0, count).map((value) => Math.max(0, value));
    return {
      mean,
      components,
      variances: kept.map((value) => value / Math.max(1, rows - 1)),
      shares: kept.map((value) => (total > 0 ? value / total : 0)),
      count: rows,
    };
  } finally {
    await session.release();
  }
}

/** Gram and Schmidt's columns, twice against rounding; those that depend on the others become zero. */
function orthonormal(columns: Float64Array[]): Float64Array[] {
  const basis: Float64Array[] = [];
  for (const column of columns) {
    const before = Math.sqrt(dot(column, column));
    for (let pass = 0; pass < 2; pass++)
      for (const other of basis) {
        const along = dot(column, other);
        for (let k = 0; k < column.length; k++) column[k]! -= along * other[k]!;
      }
    const length = Math.sqrt(dot(column, column));
    const scale = length > 1e-12 * before ? 1 / length : 0;
    basis.push(column.map((value) => value * scale));
  }
  return basis;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += a[k]! * b[k]!;
  return sum;
}
