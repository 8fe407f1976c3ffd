/** @file Fitting what predicts a number from features: one method, or a family of options that share their work. */
import { UsageError } from '../../errors.js';
import type { SessionOptions } from '../../graph/index.js';
import type { Vectors } from '../vectors.js';
import { kernel, linear, nearest, trees } from './fitted.js';
import { kernelRidge } from './kernel.js';
import { Products } from './products.js';
import { checkFeatures, type RegressionMethod, type Regressor, type RegressorOptions } from './regressor.js';
import { ridge } from './ridge.js';
import { supportVectors } from './svr.js';
import { boost } from './trees.js';

/**
 * Fits a regressor.
 *
 * @param features a row for each example. Trees take NaN for what is missing; all others are linear in the features, or
 *   compare them, so bring them to one scale.
 * @throws UsageError when there are fewer than two examples, the targets are not finite or all the same, features are
 *   not finite (but for trees), or an option is out of range.
 */
export async function fitRegressor(
  features: Vectors,
  targets: ArrayLike<number>,
  options: RegressorOptions,
  session?: SessionOptions,
): Promise<Regressor> {
  const [regressor] = await fitEach(features, targets, [options], session);
  return regressor!;
}

/**
 * A regressor for each of the options, in their order. Those that differ in `alpha` alone cost hardly more than one.
 * @throws as {@link fitRegressor}.
 */
export async function fitEach(
  features: Vectors,
  given: ArrayLike<number>,
  options: readonly RegressorOptions[],
  session?: SessionOptions,
): Promise<Regressor[]> {
  for (const one of options) {
    checkOptions(one);
    checkExamples(features, given, one.method);
  }
  const targets = Float64Array.from(given);
  const fitted = new Map<RegressorOptions, Regressor>();
  const { dimension } = features;
  const products = new Products(session);
  try {
    for (const family of familiesOf(options, dimension)) {
      const { method, alpha: _, ...shared } = family[0]!;
      const gamma = shared.gamma ?? 1 / dimension;
      const alphas = family.map(({ alpha = 1 }) => alpha);
      const add = (i: number, regressor: Regressor) => fitted.set(family[i]!, regressor);
      switch (method) {
        case 'ridge':
          for (const [i, map] of (await ridge(features, targets, alphas, products)).entries())
            add(i, linear(map));
          break;
        case 'kernel-ridge':
          for (const [i, map] of (await kernelRidge(features, targets, gamma, alphas, products)).entries())
            add(i, kernel(method, map));
          break;
        case 'svr': {
          const { c = 1, epsilon = 0.1, tolerance } = shared;
          const found = await supportVectors(features, targets, { c, epsilon, gamma, tolerance }, products);
          add(0, kernel(method, found));
          break;
        }
        case 'knn': {
          const { neighbours = 5, weights = 'distance' } = shared;
          add(0, await nearest(features, targets, neighbours, weights));
          break;
        }
        case 'trees':
          add(0, trees(boost(features, targets, shared), dimension));
          break;
        default:
          method satisfies never;
      }
    }
    return options.map((one) => fitted.get(one)!);
  } finally {
    await products.close();
  }
}

/** Options of one method that differ in alpha alone are fitted together. */
function familiesOf(options: readonly RegressorOptions[], dimension: number): RegressorOptions[][] {
  const families = new Map<string, RegressorOptions[]>();
  for (const one of options) {
    const { method, gamma = 1 / dimension } = one;
    const key =
      method === 'ridge' ? method : method === 'kernel-ridge' ? `${method} ${gamma}` : JSON.stringify(one);
    families.set(key, [...(families.get(key) ?? []), one]);
  }
  return [...families.values()];
}

function checkOptions(options: RegressorOptions): void {
  const above0 = ['alpha', 'gamma', 'c', 'tolerance', 'rate'] as const;
  for (const name of above0) {
    const value = options[name];
    if (value !== undefined && !(value > 0 && Number.isFinite(value)))
      throw new UsageError(`${name}: expected a number above 0 but received ${value}`);
  }
  for (const name of ['neighbours', 'trees', 'leaves', 'minLeaf', 'patience'] as const) {
    const value = options[name];
    if (value !== undefined && !(Number.isInteger(value) && value >= 1))
      throw new UsageError(`${name}: expected a whole number of at least 1 but received ${value}`);
  }
  for (const name of ['epsilon', 'l2'] as const) {
    const value = options[name];
    if (value !== undefined && !(value >= 0 && Number.isFinite(value)))
      throw new UsageError(`${name}: expected a number of at least 0 but received ${value}`);
  }
  const { columnShare } = options;
  if (columnShare !== undefined && !(columnShare > 0 && columnShare <= 1))
    throw new UsageError(`columnShare: expected a number above 0 and at most 1 but received ${columnShare}`);
}

/** @throws UsageError for features and targets that nothing can be learned from. */
function checkExamples(features: Vectors, targets: ArrayLike<number>, method: RegressionMethod): void {
  checkFeatures(features, features.dimension, method);
  const rows = features.data.length / features.dimension;
  if (rows !== targets.length)
    throw new UsageError(`targets: expected one for each of ${rows} rows but received ${targets.length}`);
  if (rows < 2) throw new UsageError(`expected at least two examples but received ${rows}`);
  let same = true;
  for (let i = 0; i < rows; i++) {
    if (!Number.isFinite(targets[i]))
      throw new UsageError(`targets: expected finite numbers but received ${targets[i]} for row ${i}`);
    same &&= targets[i] === targets[0];
  }
  if (same)
    throw new UsageError(`targets: expected different numbers but all ${rows} are ${targets[0]}`, {
      hint: 'there is nothing to predict',
    });
}
