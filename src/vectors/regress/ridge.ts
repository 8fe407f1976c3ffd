/**
 * @file Ridge regression: least squares with a penalty α‖w‖² on the weights and none on the intercept, as scikit-learn's
 * `Ridge`. With more rows than columns the normal equations are solved, else their dual; all α from one decomposition.
 *
 * @see Hoerl & Kennard 1970, Ridge regression: biased estimation for nonorthogonal problems
 */
import type { Vectors } from '../vectors.js';
import { type Products, transposed } from './products.js';
import { solveShifted } from './shifted.js';

/** A weighted sum of the features. */
export interface LinearMap {
  coefficients: Float64Array;
  intercept: number;
}

/** Rows that are multiplied with themselves at a time. */
const BLOCK = 4096;

/** A map for each α. Features and targets have been checked. */
export async function ridge(
  { data, dimension }: Vectors,
  targets: ArrayLike<number>,
  alphas: readonly number[],
  products: Products,
): Promise<LinearMap[]> {
  const count = targets.length;
  const means = meansOf(data, dimension);
  const mean = meanOf(targets);
  const centred = (first: number, end: number) => {
    const block = Float64Array.from(data.subarray(first * dimension, end * dimension));
    for (let i = 0, k = 0; i < block.length; i++, k = k + 1 === dimension ? 0 : k + 1) block[i]! -= means[k]!;
    return block;
  };
  const y = Float64Array.from({ length: count }, (_, i) => targets[i]! - mean);
  const finish = (coefficients: Float64Array): LinearMap => ({
    coefficients,
    intercept: mean - coefficients.reduce((sum, w, k) => sum + w * means[k]!, 0),
  });
  if (count > dimension) {
    const gram = new Float64Array(dimension * dimension);
    const rhs = new Float64Array(dimension);
    for (let first = 0; first < count; first += BLOCK) {
      const end = Math.min(count, first + BLOCK);
      const columns = transposed(centred(first, end), dimension);
      const [part, along] = [
        await products.rows(columns, columns, end - first),
        await products.rows(columns, y.subarray(first, end), end - first),
      ];
      for (let i = 0; i < gram.length; i++) gram[i]! += part[i]!;
      for (let i = 0; i < dimension; i++) rhs[i]! += along[i]!;
    }
    return solveShifted(gram, rhs, alphas).map(finish);
  }
  const x = centred(0, count);
  const gram = await products.rows(x, x, dimension);
  return solveShifted(gram, y, alphas).map((dual) => {
    const coefficients = new Float64Array(dimension);
    for (let i = 0; i < count; i++)
      for (let k = 0; k < dimension; k++) coefficients[k]! += dual[i]! * x[i * dimension + k]!;
    return finish(coefficients);
  });
}

/** The value of a map for each row. */
export function applyLinear({ coefficients, intercept }: LinearMap, data: Float32Array): Float64Array {
  const width = coefficients.length;
  return Float64Array.from({ length: data.length / width }, (_, row) => {
    let sum = intercept;
    for (let k = 0, at = row * width; k < width; k++, at++) sum += coefficients[k]! * data[at]!;
    return sum;
  });
}

export function meanOf(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / values.length;
}

function meansOf(data: Float32Array, width: number): Float64Array {
  const sums = new Float64Array(width);
  for (let i = 0, k = 0; i < data.length; i++, k = k + 1 === width ? 0 : k + 1) sums[k]! += data[i]!;
  return sums.map((sum) => sum / (data.length / width));
}
