/** @file From vectors with a number each to what predicts it: chosen by cross-validation, beside what images would not be needed for. */
import { UsageError } from '../errors.js';
import { Random } from '../random.js';
import { plural } from '../units.js';
import { folds as foldsOf } from '../vectors/folds.js';
import { bootstrapMean, quantile } from '../vectors/metrics/bootstrap.js';
import { regressionDifference, regressionIntervals } from '../vectors/metrics/regression.js';
import { toUnit, type Vectors } from '../vectors/vectors.js';
import { cellsOfItems, type ItemOptions, itemsOf } from './items.js';
import {
  type FittedRegression,
  fitRegressions,
  type RegressionCandidate,
  type RegressionMethodOptions,
  regressionCandidates,
} from './regress-candidates.js';
import {
  closeAll,
  meanOfOthers,
  permutedR2,
  r2,
  rowsOfFold,
  type ValidationRun,
  validateIntervals,
  validateRegression,
} from './regress-cv.js';
import type { FeatureSource } from './regress-features.js';
import {
  inputColumns,
  type RegressionInput,
  type RegressionItems,
  regressionItems,
  someItems,
} from './regress-items.js';
import { type Coverage, type Examples, Regression, type RegressionReport } from './regression.js';
import type { VectorSet } from './vector-set.js';

export interface FitRegressionOptions extends ItemOptions, RegressionMethodOptions {
  /** The column to predict. */
  target: string;
  /** Columns to predict from beside the images: texts are taken as names. @default none */
  columns?: readonly string[] | undefined;
  /** Columns whose cells are names although they are numbers, such as a postal code. @default none */
  categories?: readonly string[] | undefined;
  /** How the images of an item become one vector. @default 'concat' where their roles are known, else 'mean' */
  pool?: 'mean' | 'concat' | undefined;
  /** `log` fits the logarithm: for prices, counts and whatever differs by factors. Errors are still told in the unit. @default 'none' */
  transform?: 'none' | 'log' | undefined;
  /** A column: items with equal cells are never both learned from and tested on. */
  group?: string | undefined;
  /** @default 5 */
  folds?: number | undefined;
  /** How often images are dealt to other items to see what images that say nothing would reach. @default 20 */
  permutations?: number | undefined;
  /** How often intervals are to hold the number, in 0..1. @default 0.9 */
  level?: number | undefined;
  /** How many items are kept, to show the nearest beside predictions. @default 20000 */
  keep?: number | undefined;
  /** Draws of the bootstrap. @default as of `bootstrap` */
  resamples?: number | undefined;
  /** @default 0 */
  seed?: number | undefined;
  signal?: AbortSignal | undefined;
  /** After each fit of a fold, in words what is being done. */
  onProgress?: ((done: number, total: number, what: string) => void) | undefined;
  onWarning?: ((message: string) => void) | undefined;
}

/**
 * Fits what predicts a number from images, and from other columns beside them, and measures it by cross-validation beside
 * what the columns alone, the images alone, the mean, and images of other items reach, so that the gain from images is
 * seen. Every candidate is fitted on all folds but one; what is reported of a fold comes from what was best on the others.
 *
 * Intervals are of CV+ (`CrossConformal`); their coverage is measured by the same on the other folds.
 *
 * @throws UsageError when a column is not there, the target is no number, is the same for all, or is not above 0 where
 *   its logarithm is to be fitted, images of one item differ in a column, or there are fewer items or groups than folds.
 */
export async function fitRegression(set: VectorSet, options: FitRegressionOptions): Promise<Regression> {
  const { target, transform = 'none', level = 0.9, permutations = 20, seed = 0, session, signal } = options;
  if (!Number.isInteger(permutations) || permutations < 0)
    throw new UsageError(`permutations: expected a whole number of at least 0 but received ${permutations}`);
  if (!(level > 0 && level < 1))
    throw new UsageError(`level: expected a number between 0 and 1 but received ${level}`);
  const input = await inputOf(set, options);
  const { found, raw, warnings } = await labelledItems(set, input, target, transform);
  const { items, source } = found;
  for (const warning of warnings) options.onWarning?.(warning);
  const groups = options.group === undefined ? undefined : await groupsOfItems(set, found, options.group);
  const assignment = foldsOf(items.ids.length, { folds: options.folds, groups, seed });
  const folds = options.folds ?? 5;
  const fitted = transform === 'log' ? raw.map(Math.log) : raw;
  const back = transform === 'log' ? (x: number) => Math.exp(x) : (x: number) => x;
  const measure = {
    groups,
    seed,
    resamples: options.resamples,
  };
  const candidatesFor = (own: FeatureSource) =>
    regressionCandidates(options, own, Math.floor((own.count * (folds - 1)) / folds));
  const candidates = candidatesFor(source);
  const both = source.columns.length > 0;
  const steps = folds * (1 + (both ? 2 : 0) + permutations + 2);
  let done = 0;
  const run = (what: string): ValidationRun => ({
    session,
    seed,
    signal,
    onFold: () => options.onProgress?.(done++, steps, what),
  });
  const validate = (own: FeatureSource, what: string) =>
    validateRegression(own, fitted, assignment, own === source ? candidates : candidatesFor(own), run(what));

  const all = await validate(source, 'everything');
  const alone = {
    images: both ? await validate({ ...source, columns: [] }, 'images alone') : undefined,
    columns: both ? await validate({ ...source, images: undefined }, 'columns alone') : undefined,
  };
  const mean = meanOfOthers(fitted, assignment);
  const observed = r2(fitted, all.predictions);
  const r2s = await permutedR2(
    source,
    fitted,
    assignment,
    candidates,
    permutations,
    run('images of other items'),
  );
  const bounds = await validateIntervals(source, fitted, assignment, all.chosen, level, run('intervals'));
  const { models, model } = await fitAll(source, fitted, assignment, all.best, run('all items'));
  options.onProgress?.(steps, steps, 'all items');

  const report = (predictions: Float64Array): RegressionReport =>
    reportOf(raw, predictions.map(back), transform, measure);
  const columnsAlone = alone.columns?.predictions;
  return new Regression({
    identity: set.identity,
    dimension: set.dimension,
    model,
    foldModels: models,
    residuals: Array.from({ length: folds }, (_, fold) =>
      Float64Array.from(
        rowsOfFold(assignment, (f) => f === fold),
        (item) => Math.abs(fitted[item]! - all.byBest[item]!),
      ),
    ),
    examples:
      (options.keep ?? 20_000) > 0 ? keptExamples(found, raw, options.keep ?? 20_000, seed) : undefined,
    summary: {
      source: set.source,
      target,
      transform,
      group: options.group ?? null,
      input,
      items: items.ids.length,
      images: items.images.reduce((sum, own) => sum + own.length, 0),
      folds,
      tried: all.tried,
      chosen: all.best,
      crossValidated: {
        all: report(all.predictions),
        images: alone.images ? report(alone.images.predictions) : null,
        columns: columnsAlone ? report(columnsAlone) : null,
        mean: report(mean),
      },
      gain: regressionDifference(raw, (columnsAlone ?? mean).map(back), all.predictions.map(back), measure),
      permuted:
        permutations > 0
          ? { r2: observed, r2s, p: (1 + r2s.filter((x) => x >= observed).length) / (1 + permutations) }
          : null,
      coverage: coverageOf(raw, bounds.low.map(back), bounds.high.map(back), level, measure),
      warnings,
      made: new Date().toISOString(),
    },
  });
}

async function inputOf(set: VectorSet, options: FitRegressionOptions): Promise<RegressionInput> {
  const { item, role, columns = [], categories = [], target } = options;
  const beside = await inputColumns(set, columns, categories);
  if (beside.some(({ name }) => name === target))
    throw new UsageError(`${target}: it is what is to be predicted, and cannot be predicted from itself`);
  const { roles } = await itemsOf(set, options);
  const pool = options.pool ?? (roles.length > 1 ? 'concat' : 'mean');
  return { item, role, pool, roles: pool === 'concat' ? roles : [], columns: beside };
}

/** Items whose number is known, with their numbers. */
export async function labelledItems(
  set: VectorSet,
  input: RegressionInput,
  target: string,
  transform: 'none' | 'log',
): Promise<{ found: RegressionItems; raw: Float64Array; warnings: string[] }> {
  const every = await regressionItems(set, input);
  const cells = await cellsOfItems(set, every.items, target);
  const text = cells.find((cell) => typeof cell === 'string');
  if (text !== undefined)
    throw new UsageError(`${set.source}: the column ${target} holds texts, not numbers`, {
      hint: `such as ${JSON.stringify(text)}; "afterimage classify" learns classes`,
    });
  const numbers = cells.map((cell) => (cell === null ? Number.NaN : Number(cell)));
  const rows = numbers.flatMap((x, i) => (Number.isFinite(x) ? [i] : []));
  if (rows.length === 0) throw new UsageError(`${set.source}: no item has a number in ${target}`);
  const low = rows.find((i) => numbers[i]! <= 0);
  if (transform === 'log' && low !== undefined)
    throw new UsageError(
      `${every.items.ids[low]}: expected a ${target} above 0 to take its logarithm but found ${numbers[low]}`,
    );
  const warnings = [...every.warnings];
  const lost = numbers.length - rows.length;
  if (lost > 0) warnings.push(`left out: ${plural(lost, 'item')} without a ${target}`);
  return {
    found: lost > 0 ? someItems(every, rows) : every,
    raw: Float64Array.from(rows, (i) => numbers[i]!),
    warnings,
  };
}

/** How near predictions are to the targets, both in the unit. */
export function reportOf(
  targets: Float64Array,
  predictions: Float64Array,
  transform: 'none' | 'log',
  options: Parameters<typeof regressionIntervals>[2],
): RegressionReport {
  return {
    count: targets.length,
    metrics: regressionIntervals(targets, predictions, options),
    logR2:
      transform === 'log'
        ? regressionIntervals(targets.map(Math.log), predictions.map(Math.log), options).r2
        : null,
  };
}

/** How often intervals hold the targets. */
export function coverageOf(
  targets: Float64Array,
  low: Float64Array,
  high: Float64Array,
  level: number,
  options: Parameters<typeof bootstrapMean>[1],
): Coverage {
  const held = targets.map((target, i) => Number(low[i]! <= target && target <= high[i]!));
  const widths = low.map((x, i) => high[i]! - x).sort();
  return { level, measured: bootstrapMean(held, options), width: quantile(widths, 0.5) };
}

/** A model that has seen all, and one for each fold that has not seen it. */
async function fitAll(
  source: FeatureSource,
  targets: Float64Array,
  assignment: Int32Array,
  best: RegressionCandidate,
  run: ValidationRun,
): Promise<{ model: FittedRegression; models: FittedRegression[] }> {
  const fold = new Set(assignment);
  const models: FittedRegression[] = [];
  try {
    for (let f = -1; f < fold.size; f++) {
      if (f >= 0) run.onFold?.();
      run.signal?.throwIfAborted();
      models.push(
        ...(await fitRegressions(
          source,
          targets,
          rowsOfFold(assignment, (own) => own !== f),
          [best],
          run,
        )),
      );
    }
  } catch (error) {
    await closeAll(models);
    throw error;
  }
  return { model: models[0]!, models: models.slice(1) };
}

/** Items to be shown beside predictions: all where they are few enough, else a random share. */
function keptExamples(
  { items, source }: RegressionItems,
  targets: Float64Array,
  most: number,
  seed: number,
): Examples {
  const rows = Array.from(items.ids, (_, i) => i);
  const picked =
    rows.length > most
      ? new Random(seed, 'examples')
          .shuffle(rows)
          .slice(0, most)
          .sort((a, b) => a - b)
      : rows;
  const { data, dimension } = source.images!;
  const own = new Float32Array(picked.length * dimension);
  for (const [i, row] of picked.entries())
    own.set(data.subarray(row * dimension, (row + 1) * dimension), i * dimension);
  return {
    ids: picked.map((i) => items.ids[i]!),
    targets: Float64Array.from(picked, (i) => targets[i]!),
    vectors: comparable({ data: own, dimension }),
  };
}

/** Unit vectors of items, 0 where a role is missing. */
export function comparable({ data, dimension }: Vectors): Vectors {
  return toUnit({ data: data.map((x) => (Number.isNaN(x) ? 0 : x)), dimension });
}

/** The group of each item. @throws as `cellsOfItems` */
export async function groupsOfItems(
  set: VectorSet,
  { items }: RegressionItems,
  column: string,
): Promise<Int32Array> {
  const cells = await cellsOfItems(set, items, column);
  const places = new Map<string, number>();
  return Int32Array.from(cells, (cell, i) => {
    const key = cell === null ? `\u0000${i}` : String(cell);
    if (!places.has(key)) places.set(key, places.size);
    return places.get(key)!;
  });
}
