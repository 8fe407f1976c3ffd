/** @file One interface for what predicts a number from features, however it was fitted. */
import { UsageError } from '../../errors.js';
import { allFinite, type Vectors } from '../vectors.js';

export const REGRESSION_METHODS = ['ridge', 'kernel-ridge', 'knn', 'trees', 'svr'] as const;
export type RegressionMethod = (typeof REGRESSION_METHODS)[number];

/** A method with what it leaves open; options of other methods are not looked at. */
export interface RegressorOptions {
  method: RegressionMethod;
  /** ridge, kernel-ridge: the penalty on weights, scikit-learn's `alpha`, above 0. @default 1 */
  alpha?: number | undefined;
  /** kernel-ridge, svr: of exp(−γ‖a − b‖²). @default 1 / the number of features */
  gamma?: number | undefined;
  /** svr: the price of errors. @default 1 */
  c?: number | undefined;
  /** svr: errors that cost nothing, in the targets' unit. @default 0.1 */
  epsilon?: number | undefined;
  /** svr: how far optimality may be missed. @default 1e-3 */
  tolerance?: number | undefined;
  /** knn: how many are asked. @default 5 */
  neighbours?: number | undefined;
  /** knn: how they count. @default 'distance' */
  weights?: 'uniform' | 'distance' | undefined;
  /** trees: at most so many. @default 100 */
  trees?: number | undefined;
  /** trees: the share of each tree's values that is added. @default 0.1 */
  rate?: number | undefined;
  /** trees: leaves of each. @default 31 */
  leaves?: number | undefined;
  /** trees: examples in a leaf at least. @default 20 */
  minLeaf?: number | undefined;
  /** trees: L2 penalty on the values of leaves. @default 0 */
  l2?: number | undefined;
  /** trees: the share of the features that each may use. @default 1 */
  columnShare?: number | undefined;
  /** trees: stop when the error on a tenth of the examples, not learned from, has not fallen for so many trees. */
  patience?: number | undefined;
  /** trees: @default 0 */
  seed?: number | undefined;
}

/** What can be written to a file: JSON and tensors. */
export interface SavedRegressor {
  config: Record<string, unknown>;
  tensors: Record<string, { shape: number[]; data: Float32Array }>;
}

/** Predicts a number for each row of features. Close it when done. */
export interface Regressor {
  readonly method: RegressionMethod;
  /** Features of a row. */
  readonly dimension: number;
  /** One number for each row. @throws UsageError for rows of another length, or NaN where the method cannot take it */
  predict(features: Vectors): Promise<Float64Array>;
  save(): SavedRegressor;
  close(): Promise<void>;
}

/** @throws UsageError for rows of another length than `dimension`, or with numbers that the method cannot take. */
export function checkFeatures(
  { data, dimension }: Vectors,
  expected: number,
  method: RegressionMethod,
): void {
  if (dimension !== expected || !(dimension >= 1) || data.length % dimension !== 0)
    throw new UsageError(
      `features: expected rows of ${expected} numbers but received ${data.length} numbers in rows of ${dimension}`,
    );
  if (method !== 'trees' && !allFinite(data))
    throw new UsageError(`features: expected finite numbers for ${method} but received NaN or infinity`, {
      hint: 'fill in what is missing, or take trees, which know missing values',
    });
}
