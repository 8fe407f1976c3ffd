/** @file What a regression says of each item of a set, beside the examples that are most like it, and how right that is. */
import { UsageError } from '../errors.js';
import type { SessionOptions } from '../graph/index.js';
import type { Nearest } from '../vectors/exact-search.js';
import type { ItemOptions } from './items.js';
import { comparable, coverageOf, groupsOfItems, labelledItems, reportOf } from './regress.js';
import { type RegressionInput, regressionItems } from './regress-items.js';
import type { Coverage, Regression, RegressionReport } from './regression.js';
import type { VectorSet } from './vector-set.js';

export interface PredictNumbersOptions extends ItemOptions {
  /** The nearest examples of each. @default 0 */
  neighbours?: number | undefined;
  session?: SessionOptions | undefined;
}

/** An item that was learned from, beside a prediction. */
export interface ExampleNeighbour {
  id: string;
  /** What it has where the prediction is made. */
  target: number;
  /** Cosine of what is compared: the images' vectors, pooled as the regression does. */
  score: number;
}

/** What is said of one item. */
export interface NumberPrediction {
  id: string;
  /** The rows of its images in the set. */
  images: readonly number[];
  value: number;
  /** The ends of the interval that holds the number as often as `summary.coverage` says. */
  low: number;
  high: number;
  /** Best first; an item of the same id is not among them. */
  neighbours: ExampleNeighbour[];
}

/** Items that are predicted at a time. */
const BLOCK = 4096;

/**
 * Predictions in the order of the items' names.
 * @throws IdentityError, FormatError when the vectors are of another model; UsageError when a column is not there that the
 *   regression looks at, or neighbours are asked of one that keeps no examples.
 */
export async function* predictNumbers(
  regression: Regression,
  set: VectorSet,
  options: PredictNumbersOptions = {},
): AsyncGenerator<NumberPrediction> {
  regression.assertFits(set);
  const { neighbours = 0, session } = options;
  if (!Number.isInteger(neighbours) || neighbours < 0)
    throw new UsageError(`neighbours: expected a whole number of at least 0 but received ${neighbours}`);
  if (neighbours > 0 && regression.examples === undefined)
    throw new UsageError(`${regression.file}: it keeps none of the items that it was fitted to`, {
      hint: 'fit it anew, with keep above 0',
    });
  const { items, source } = await regressionItems(set, inputFor(regression, options));
  const search = neighbours > 0 ? await regression.searchExamples(session) : undefined;
  const { data, dimension } = source.images!;
  for (let first = 0; first < source.count; first += BLOCK) {
    const rows = Array.from({ length: Math.min(BLOCK, source.count - first) }, (_, i) => first + i);
    const { values, intervals } = await regression.predict(source, rows);
    // One more than is wanted, since an item may be among those that were learned from.
    const width = search ? Math.min(search.count, neighbours + 1) : 0;
    const block = data.subarray(first * dimension, (first + rows.length) * dimension);
    const near = await search?.search(comparable({ data: block, dimension }).data, width);
    for (const [i, row] of rows.entries()) {
      const id = items.ids[row]!;
      yield {
        id,
        images: items.images[row]!,
        value: values[i]!,
        ...intervals[i]!,
        neighbours: near ? others(near, i, width, regression, id).slice(0, neighbours) : [],
      };
    }
  }
}

/** What {@link evaluateRegression} found. */
export interface RegressionEvaluation {
  report: RegressionReport;
  coverage: Coverage;
  /** What was left out, in words. */
  warnings: string[];
}

export interface EvaluateRegressionOptions extends ItemOptions {
  /** The column of the numbers. @default that which it was fitted to */
  target?: string | undefined;
  /** A column: items with equal cells are drawn together for the intervals. */
  group?: string | undefined;
  /** @default 1000 */
  resamples?: number | undefined;
  /** @default 0 */
  seed?: number | undefined;
}

/**
 * Measures a regression on items whose numbers are known.
 * @throws as {@link predictNumbers}, and UsageError when no item has a number or fewer than two have.
 */
export async function evaluateRegression(
  regression: Regression,
  set: VectorSet,
  options: EvaluateRegressionOptions = {},
): Promise<RegressionEvaluation> {
  regression.assertFits(set);
  const { transform, coverage, target } = regression.summary;
  const input = inputFor(regression, options);
  const { found, raw, warnings } = await labelledItems(set, input, options.target ?? target, transform);
  const { values, intervals } = await regression.predict(
    found.source,
    Array.from(raw, (_, i) => i),
  );
  const groups = options.group === undefined ? undefined : await groupsOfItems(set, found, options.group);
  const measure = { groups, resamples: options.resamples, seed: options.seed };
  const [low, high] = (['low', 'high'] as const).map((end) =>
    Float64Array.from(intervals, (interval) => interval[end]),
  );
  return {
    report: reportOf(raw, values, transform, measure),
    coverage: coverageOf(raw, low!, high!, coverage.level, measure),
    warnings,
  };
}

function inputFor({ summary }: Regression, { item, role }: ItemOptions): RegressionInput {
  const { input } = summary;
  return { ...input, item: item ?? input.item, role: role ?? input.role };
}

function others(
  { indices, scores }: Nearest,
  row: number,
  width: number,
  { examples }: Regression,
  id: string,
): ExampleNeighbour[] {
  const { ids, targets } = examples!;
  const result: ExampleNeighbour[] = [];
  for (let i = row * width; i < (row + 1) * width; i++) {
    const place = indices[i]!;
    if (ids[place] !== id) result.push({ id: ids[place]!, target: targets[place]!, score: scores[i]! });
  }
  return result;
}
