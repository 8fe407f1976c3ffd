/** @file What predicts a number from images and columns, with all that belongs to it, in memory and as a file. */
import type { EmbeddingIdentity } from '../embedding/identity.js';
import { FormatError } from '../errors.js';
import type { SessionOptions } from '../graph/index.js';
import { toFloat16 } from '../models/weights/index.js';
import { ExactSearch } from '../vectors/exact-search.js';
import type { Estimate } from '../vectors/metrics/bootstrap.js';
import type { RegressionMetrics } from '../vectors/metrics/regression.js';
import { CrossConformal, type Interval } from '../vectors/regress/conformal.js';
import { toUnit, type Vectors } from '../vectors/vectors.js';
import { FittedRegression, type RegressionCandidate } from './regress-candidates.js';
import type { TriedRegression } from './regress-cv.js';
import type { FeatureSource } from './regress-features.js';
import type { RegressionInput } from './regress-items.js';
import { assertFits, loadFitted, restoreNaN, saveFitted } from './saved.js';
import type { VectorSet } from './vector-set.js';

/** How near predictions are to the targets. */
export interface RegressionReport {
  /** Items. */
  count: number;
  /** In the targets' unit. */
  metrics: RegressionMetrics<Estimate>;
  /** R² of the logarithms, where these are fitted. */
  logR2: Estimate | null;
}

/** How often intervals hold the target, and how wide they are. */
export interface Coverage {
  /** As wanted. */
  level: number;
  /** As measured on items that were not learned from. */
  measured: Estimate;
  /** The median of high − low, in the targets' unit. */
  width: number;
}

/** How a regression came about, and what was measured on the way. */
export interface RegressionSummary {
  source: string;
  /** The column that is predicted, and whether its logarithm is what is fitted. */
  target: string;
  transform: 'none' | 'log';
  group: string | null;
  input: RegressionInput;
  /** Items that were learned from, and their images. */
  items: number;
  images: number;
  folds: number;
  tried: TriedRegression[];
  chosen: RegressionCandidate;
  /** Measured on folds that the models had not seen: from everything; and as far as there are columns, from either. */
  crossValidated: {
    all: RegressionReport;
    images: RegressionReport | null;
    columns: RegressionReport | null;
    /** The mean of the others. */
    mean: RegressionReport;
  };
  /** What the images add to the columns, or to the mean where there are none: differences. */
  gain: RegressionMetrics<Estimate>;
  /** The same procedure with the images dealt to other items; null when it was not asked for. */
  permuted: {
    /** R² with the images as they are (of the logarithms where these are fitted), and with each permutation. */
    r2: number;
    r2s: number[];
    /** The share of all of these, this one included, that are as good. */
    p: number;
  } | null;
  coverage: Coverage;
  warnings: string[];
  /** ISO 8601. */
  made: string;
}

/** Items that were learned from, kept to be shown beside predictions. */
export interface Examples {
  ids: readonly string[];
  /** In the targets' unit. */
  targets: Float64Array;
  /** Unit vectors. */
  vectors: Vectors;
}

interface RegressionParts {
  identity: EmbeddingIdentity | null;
  dimension: number;
  summary: RegressionSummary;
  model: FittedRegression;
  /** A model for each fold, which has not seen it, and |target − prediction| of the fold's items. */
  foldModels: readonly FittedRegression[];
  residuals: readonly Float64Array[];
  /** None where they are not kept. */
  examples: Examples | undefined;
}

/** Predicts a number from the vectors of one model, fitted by `fitRegression` or read by `loadRegression`. Close it when done. */
export class Regression {
  private search: Promise<ExactSearch> | undefined;
  private readonly conformal: CrossConformal;

  constructor(
    private readonly parts: RegressionParts,
    /** The file that it was read from, for messages. */
    readonly file = 'the regression',
  ) {
    this.conformal = new CrossConformal(parts.residuals, parts.summary.coverage.level);
  }

  get identity(): EmbeddingIdentity | null {
    return this.parts.identity;
  }
  /** Numbers per vector of an image. */
  get dimension(): number {
    return this.parts.dimension;
  }
  get summary(): RegressionSummary {
    return this.parts.summary;
  }
  get examples(): Examples | undefined {
    return this.parts.examples;
  }

  /** @throws IdentityError, FormatError when the vectors are of another model or length than it was fitted to */
  assertFits(set: VectorSet): void {
    assertFits(this.file, this, set);
  }

  /** A number for each of the rows, with its interval. */
  async predict(
    source: FeatureSource,
    rows: ArrayLike<number>,
  ): Promise<{ values: Float64Array; intervals: Interval[] }> {
    const { model, foldModels, summary } = this.parts;
    const back = summary.transform === 'log' ? Math.exp : (x: number) => x;
    const values = (await model.predict(source, rows)).map(back);
    const said: Float64Array[] = [];
    for (const one of foldModels) said.push(await one.predict(source, rows));
    const intervals = Array.from({ length: rows.length }, (_, i) => {
      const { low, high } = this.conformal.interval(said.map((own) => own[i]!));
      return { low: back(low), high: back(high) };
    });
    return { values, intervals };
  }

  /** A search over the examples, opened when it is first asked for; undefined where none is kept. */
  searchExamples(session?: SessionOptions): Promise<ExactSearch> | undefined {
    const { examples } = this.parts;
    if (examples === undefined) return undefined;
    const { data, dimension } = examples.vectors;
    this.search ??= ExactSearch.open(data, dimension, { session });
    return this.search;
  }

  /**
   * Writes the file, whole or not at all. Examples take 2 bytes a number and their ids.
   * @throws WeightsError when the disk refuses.
   */
  async save(file: string): Promise<void> {
    const { identity, dimension, summary, model, foldModels, residuals, examples } = this.parts;
    const models = [model, ...foldModels].map((one) => one.save());
    const { item } = summary.input;
    await saveFitted(file, {
      kind: 'regressor',
      identity,
      dimension,
      config: {
        summary: { ...summary, input: { ...summary.input, item: undefined } },
        item: item instanceof RegExp ? { pattern: item.source, flags: item.flags } : (item ?? null),
        models: models.map(({ config }) => config),
        ids: examples?.ids ?? null,
        // In full precision; safetensors has what is long.
        targets: examples && Array.from(examples.targets),
        residuals: residuals.map((own) => Array.from(own)),
      },
      tensors: {
        ...Object.fromEntries(
          models.flatMap(({ tensors }, m) =>
            Object.entries(tensors).map(([name, tensor]) => [`${m}.${name}`, tensor]),
          ),
        ),
        ...(examples && {
          examples: {
            dtype: 'F16' as const,
            shape: [examples.ids.length, examples.vectors.dimension],
            data: toFloat16(examples.vectors.data),
          },
        }),
      },
    });
  }

  /** Frees the memory. */
  async close(): Promise<void> {
    for (const model of [this.parts.model, ...this.parts.foldModels]) await model.close();
    await (await this.search?.catch(() => undefined))?.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

interface RegressionConfig {
  summary: RegressionSummary;
  item: string | { pattern: string; flags: string } | null;
  models: Record<string, unknown>[];
  ids: string[] | null;
  targets?: number[];
  residuals: number[][];
}

/**
 * Reads a regression, which predicts as it did when it was saved.
 * @throws WeightsError when the file is missing or damaged, FormatError when it is something else.
 */
export async function loadRegression(file: string): Promise<Regression> {
  const { identity, dimension, config, tensors, shapes } = await loadFitted(file, 'regressor');
  const { summary, item, models, ids, targets, residuals } = config as unknown as RegressionConfig;
  if (!summary || !models || !residuals)
    throw new FormatError(file, 'it holds nothing that predicts a number');
  const { all, images, columns, mean } = summary.crossValidated;
  for (const report of [all, images, columns, mean]) if (report) restoreNaN(report.metrics);
  restoreNaN(summary.gain);
  const fitted: FittedRegression[] = [];
  for (const [m, own] of models.entries())
    fitted.push(
      await FittedRegression.load(
        own,
        Object.fromEntries(
          Object.entries(tensors)
            .filter(([name]) => name.startsWith(`${m}.`))
            .map(([name, data]) => [name.slice(`${m}.`.length), data]),
        ),
      ),
    );
  return new Regression(
    {
      identity,
      dimension,
      summary: {
        ...summary,
        input: {
          ...summary.input,
          item:
            item === null || typeof item === 'string'
              ? (item ?? undefined)
              : new RegExp(item.pattern, item.flags),
        },
      },
      model: fitted[0]!,
      foldModels: fitted.slice(1),
      residuals: residuals.map((own) => Float64Array.from(own)),
      examples:
        ids === null
          ? undefined
          : {
              ids,
              targets: Float64Array.from(targets!),
              vectors: toUnit({ data: tensors.examples!, dimension: shapes.examples![1]! }),
            },
    },
    file,
  );
}
