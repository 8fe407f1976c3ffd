/** @file The regressors that are compared: which there are, and how one of them is fitted to items. */
import { UsageError } from '../errors.js';
import type { SessionOptions } from '../graph/index.js';
import { fitEach } from '../vectors/regress/fit.js';
import { loadRegressor } from '../vectors/regress/fitted.js';
import { REGRESSION_METHODS, type RegressionMethod, type Regressor } from '../vectors/regress/regressor.js';
import type { Vectors } from '../vectors/vectors.js';
import { FeatureScale, type FeatureSource } from './regress-features.js';

/** A method with what it leaves open. */
export interface RegressionCandidate {
  method: RegressionMethod;
  /** Of `ridge` and `kernel-ridge`: the penalty. Features and targets are scaled to a standard deviation of about 1. */
  alpha?: number;
  /** Of `kernel-ridge` and `svr`: γ in units of 1 / the mean squared length of the features. */
  gamma?: number;
  /** Of `svr`: the price of errors. */
  c?: number;
  /** Of `knn`. */
  neighbours?: number;
  /** How much the images count beside the columns: the length of their features, where each number's deviation is 1. */
  imageWeight?: number;
}

/** What is tried, and where it is computed. */
export interface RegressionMethodOptions {
  /** `auto` compares ridge, kernel-ridge, knn and trees. @default 'ridge' */
  method?: RegressionMethod | 'auto' | undefined;
  /** Values to try. @default 0.01 to 1000 by tens (kernel-ridge 0.01 to 1) */
  alpha?: readonly number[] | undefined;
  /** Numbers of neighbours to try, of `knn`. @default 3, 5, 10, 20, 40 */
  neighbours?: readonly number[] | undefined;
  /** How much images count beside other columns, to be tried. @default 0.3, 1, 3 */
  imageWeight?: readonly number[] | undefined;
  session?: SessionOptions | undefined;
}

const ALPHAS = { ridge: [0.01, 0.1, 1, 10, 100, 1000], 'kernel-ridge': [0.01, 0.03, 0.1, 0.3, 1] };
const GAMMAS = [0.1, 0.3, 1];
const PRICES = [1, 10, 100];
const NEIGHBOURS = [3, 5, 10, 20, 40];
const WEIGHTS = [0.3, 1, 3];

/** More examples than that are too many to compare each with each. */
const KERNEL_MOST = 5000;

/**
 * @param examples how many there are to learn from
 * @throws UsageError for a method that is not known, or when nothing is left to try.
 */
export function regressionCandidates(
  { method = 'ridge', alpha, neighbours, imageWeight }: RegressionMethodOptions,
  source: FeatureSource,
  examples: number,
): RegressionCandidate[] {
  if (method !== 'auto' && !REGRESSION_METHODS.includes(method))
    throw new UsageError(
      `method: expected auto or one of ${REGRESSION_METHODS.join(', ')} but received ${method}`,
    );
  const automatic: RegressionMethod[] = ['ridge', 'knn', 'trees'];
  if (examples <= KERNEL_MOST) automatic.push('kernel-ridge');
  const methods = method === 'auto' ? automatic : [method];
  const both = source.images !== undefined && source.columns.length > 0;
  const most = Math.max(1, examples);
  const tried: Record<RegressionMethod, RegressionCandidate[]> = {
    ridge: (alpha ?? ALPHAS.ridge).map((a) => ({ method: 'ridge', alpha: a })),
    'kernel-ridge': GAMMAS.flatMap((gamma) =>
      (alpha ?? ALPHAS['kernel-ridge']).map(
        (a): RegressionCandidate => ({ method: 'kernel-ridge', gamma, alpha: a }),
      ),
    ),
    svr: GAMMAS.flatMap((gamma) => PRICES.map((c): RegressionCandidate => ({ method: 'svr', gamma, c }))),
    knn: (neighbours ?? NEIGHBOURS.filter((k) => k <= most)).map((k) => ({ method: 'knn', neighbours: k })),
    trees: [{ method: 'trees' }],
  };
  const own = methods.flatMap((name) => tried[name]);
  if (own.length === 0)
    throw new UsageError(`${method}: expected at least one value to try but received none`);
  if (!both) return own;
  // Trees do not care how large a feature is.
  return own.flatMap((one) =>
    one.method === 'trees'
      ? [one]
      : (imageWeight ?? WEIGHTS).map((weight) => ({ ...one, imageWeight: weight })),
  );
}

/** What predicts a target from what is known of items. Close it when done. */
export class FittedRegression {
  constructor(
    private readonly scale: FeatureScale,
    private readonly weight: number,
    /** Of the targets that it was fitted to. */
    private readonly targets: { mean: number; deviation: number },
    private readonly regressor: Regressor,
  ) {}

  /** One number for each of the rows. */
  async predict(source: FeatureSource, rows: ArrayLike<number>): Promise<Float64Array> {
    const { mean, deviation } = this.targets;
    const features = featuresFor(this.scale, source, rows, this.regressor.method, this.weight);
    return (await this.regressor.predict(features)).map((x) => mean + deviation * x);
  }

  save(): {
    config: Record<string, unknown>;
    tensors: Record<string, { shape: number[]; data: Float32Array }>;
  } {
    const regressor = this.regressor.save();
    const { config, mean } = this.scale.save();
    return {
      config: { regressor: regressor.config, scale: config, weight: this.weight, targets: this.targets },
      tensors: { ...regressor.tensors, ...(mean && { [MEAN]: { shape: [mean.length], data: mean } }) },
    };
  }

  static async load(
    config: Record<string, unknown>,
    tensors: Readonly<Record<string, Float32Array>>,
  ): Promise<FittedRegression> {
    const { regressor, scale, weight, targets } = config as {
      regressor: Record<string, unknown>;
      scale: Parameters<typeof FeatureScale.load>[0];
      weight: number;
      targets: { mean: number; deviation: number };
    };
    return new FittedRegression(
      FeatureScale.load(scale, tensors[MEAN]),
      weight,
      targets,
      await loadRegressor(regressor, tensors),
    );
  }

  async close(): Promise<void> {
    await this.regressor.close();
  }
}

const MEAN = 'imageMean';

/**
 * Fits candidates to some of the items, in their order. Those that differ in a penalty alone cost hardly more than one.
 * @throws UsageError when the targets are all the same.
 */
export async function fitRegressions(
  source: FeatureSource,
  targets: Float64Array,
  rows: Int32Array,
  candidates: readonly RegressionCandidate[],
  { session, seed }: { session?: SessionOptions | undefined; seed?: number | undefined } = {},
): Promise<FittedRegression[]> {
  const scale = FeatureScale.learn(source, rows);
  const own = standardised(targets, rows);
  const fitted = new Map<RegressionCandidate, FittedRegression>();
  const kinds = new Map<string, RegressionCandidate[]>();
  for (const candidate of candidates) {
    const kind = `${candidate.method === 'trees'} ${candidate.imageWeight ?? 1}`;
    kinds.set(kind, [...(kinds.get(kind) ?? []), candidate]);
  }
  for (const family of kinds.values()) {
    const weight = family[0]!.imageWeight ?? 1;
    const features = featuresFor(scale, source, rows, family[0]!.method, weight);
    const unit = 1 / (meanSquare(features) || 1);
    const options = family.map(({ imageWeight: _, gamma = 1, ...one }) => ({
      ...one,
      gamma: gamma * unit,
      seed,
    }));
    const regressors = await fitEach(features, own.values, options, session);
    for (const [i, regressor] of regressors.entries())
      fitted.set(family[i]!, new FittedRegression(scale, weight, own, regressor));
  }
  return candidates.map((candidate) => fitted.get(candidate)!);
}

function featuresFor(
  scale: FeatureScale,
  source: FeatureSource,
  rows: ArrayLike<number>,
  method: RegressionMethod,
  weight: number,
): Vectors {
  return scale.apply(source, rows, weight, method === 'trees' ? Number.NaN : 0);
}

function standardised(
  targets: Float64Array,
  rows: Int32Array,
): { mean: number; deviation: number; values: Float64Array } {
  let sum = 0;
  for (const row of rows) sum += targets[row]!;
  const mean = sum / rows.length;
  let squares = 0;
  for (const row of rows) squares += (targets[row]! - mean) ** 2;
  const deviation = Math.sqrt(squares / rows.length) || 1;
  return { mean, deviation, values: Float64Array.from(rows, (row) => (targets[row]! - mean) / deviation) };
}

function meanSquare({ data, dimension }: Vectors): number {
  let sum = 0;
  for (const x of data) if (!Number.isNaN(x)) sum += x * x;
  return (sum * dimension) / data.length;
}
