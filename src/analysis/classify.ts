/** @file From labelled vectors to a classifier: chosen by cross-validation, fitted to all, ready to be saved. */
import { UsageError } from '../errors.js';
import { plural } from '../units.js';
import type { Classifier } from '../vectors/classify/classifier.js';
import { folds as foldsOf } from '../vectors/folds.js';
import { type ClassificationReport, classificationReport } from '../vectors/metrics/classification.js';
import type { Vectors } from '../vectors/vectors.js';
import { fitCandidate } from './classify-candidates.js';
import { type CrossValidationOptions, sessionFor, validateItems } from './classify-cv.js';
import { Head } from './classify-head.js';
import { classItems, splitOf } from './classify-items.js';
import { measureNovelty, pickImages } from './classify-training-images.js';
import { groupsOf, type Labels, labelsOf, rowsOf } from './targets.js';
import type { VectorSet } from './vector-set.js';

export interface FitHeadOptions extends CrossValidationOptions {
  /** The column of the classes. @default 'folder' */
  label?: string | undefined;
  /**
   * A column that says which items are for training and which for the test (see `splitOf`); `id` or `path` takes it from
   * the folders. The head learns from the former alone and is measured on the latter, too. @default all are for training
   */
  split?: string | undefined;
  /** How many training images the head keeps, to show the nearest and to know what it has not seen. @default 20000 */
  keep?: number | undefined;
  /** The share of the training images that are not to look unlike the others. @default 0.99 */
  quantile?: number | undefined;
  /** The neighbour whose distance says so. @default 5 */
  noveltyNeighbours?: number | undefined;
}

/**
 * Fits a classifier: compares the candidates by cross-validation, measures, takes the best over all folds, and fits it to
 * all items that are for training.
 *
 * The measured figures are those of `crossValidate`; those of the head itself, which has learned from more items, are not
 * expected to be worse. The head belongs to the model whose vectors the set has.
 *
 * @throws UsageError when the column is not there, fewer than two classes have two items, or there are fewer items or
 *   groups than folds.
 */
export async function fitHead(set: VectorSet, options: FitHeadOptions = {}): Promise<Head> {
  const { label = 'folder', group, split, folds = 5, seed = 0, keep = 20_000 } = options;
  const labels = await labelsOf(set, label);
  const sides = split === undefined ? undefined : await splitOf(set, split);
  const items = await classItems(set, labels, group, sides?.train);
  for (const warning of items.warnings) options.onWarning?.(warning);
  const validated = await validateItems(items, options);
  const session = sessionFor(items, options);
  const classifier = await fitCandidate(items, undefined, validated.best, { ...options, session });
  try {
    const { images, picked } = pickImages(items, set.ids, keep, seed);
    const picks = (values: Int32Array | undefined) => values && Int32Array.from(picked, (i) => values[i]!);
    const groups = picks(items.groups);
    const parts = Math.min(folds, groups ? new Set(groups).size : picked.length);
    const novelty =
      keep > 0 && parts > 1
        ? await measureNovelty(
            images,
            foldsOf(picked.length, { folds: parts, labels: images.labels, groups, seed }),
            groups,
            { k: options.noveltyNeighbours ?? 5, quantile: options.quantile ?? 0.99, session },
          )
        : null;
    const tested = sides && (await measured(classifier, items.names, set, labels, sides.test, options));
    for (const warning of tested?.warnings ?? []) options.onWarning?.(warning);
    return new Head({
      identity: set.identity,
      dimension: set.dimension,
      classifier,
      images: keep > 0 ? images : undefined,
      summary: {
        source: set.source,
        label,
        group: group ?? null,
        items: items.labels.length,
        names: items.names,
        folds,
        repeats: options.repeats ?? 1,
        classWeights: options.classWeights ?? null,
        tried: validated.tried,
        score: validated.score,
        chosen: validated.best,
        crossValidated: validated.report,
        tested: tested?.report ?? null,
        novelty,
        warnings: [...items.warnings, ...(tested?.warnings ?? [])],
        made: new Date().toISOString(),
      },
    });
  } catch (error) {
    await classifier.close();
    throw error;
  }
}

/** What {@link evaluateHead} found. */
export interface HeadEvaluation {
  report: ClassificationReport;
  /** The rows of the set that it was measured on. */
  rows: Int32Array;
  /** What each of them was taken for: `[rows × classes]`. */
  probabilities: Float32Array;
  /** What was left out, in words. */
  warnings: string[];
}

/** Options of {@link evaluateHead}. */
export interface EvaluateHeadOptions extends Pick<FitHeadOptions, 'label' | 'group' | 'resamples' | 'seed'> {}

/**
 * Measures a head on items whose classes are known. Items of classes that it does not know are left out and told.
 * @throws IdentityError, FormatError for vectors of another model; UsageError when the column is not there or no item is
 *   of a class that the head knows.
 */
export async function evaluateHead(
  head: Head,
  set: VectorSet,
  options: EvaluateHeadOptions = {},
): Promise<HeadEvaluation> {
  head.assertFits(set);
  const labels = await labelsOf(set, options.label ?? head.summary.label);
  return measured(head.classifier, head.names, set, labels, Int32Array.from(set.ids.keys()), options);
}

async function measured(
  classifier: Classifier,
  names: readonly string[],
  set: VectorSet,
  labels: Labels,
  among: Int32Array,
  { group, resamples, seed }: EvaluateHeadOptions,
): Promise<HeadEvaluation> {
  const places = Int32Array.from(labels.names, (name) => names.indexOf(name));
  const rows = among.filter((row) => labels.labels[row]! >= 0 && places[labels.labels[row]!]! >= 0);
  const unknown = labels.names.filter(
    (_, c) => places[c] === -1 && among.some((row) => labels.labels[row] === c),
  );
  const known = Int32Array.from(rows, (row) => places[labels.labels[row]!]!);
  if (rows.length === 0)
    throw new UsageError(`${set.source}: no item is of a class that the head knows`, {
      hint: `it knows ${names.join(', ')}; the column ${labels.column} has ${labels.names.join(', ')}`,
    });
  const warnings: string[] = [];
  if (rows.length < among.length)
    warnings.push(
      `not measured: ${plural(among.length - rows.length, 'item')} without a class that was learned` +
        (unknown.length > 0 ? ` (${unknown.slice(0, 5).join(', ')}${unknown.length > 5 ? ', …' : ''})` : ''),
    );
  const probabilities = await predictRows(classifier, set.unit(), rows);
  const groups = group === undefined ? undefined : await groupsOf(set, group);
  const report = classificationReport(known, probabilities, names.length, {
    groups: groups && Int32Array.from(rows, (row) => groups[row]!),
    resamples,
    seed,
  });
  return { report, rows, probabilities, warnings };
}

/** The probabilities of some rows, a block at a time. */
async function predictRows(classifier: Classifier, unit: Vectors, rows: Int32Array): Promise<Float32Array> {
  const result = new Float32Array(rows.length * classifier.classes);
  for (let first = 0; first < rows.length; first += BLOCK) {
    const data = rowsOf(unit, rows.subarray(first, first + BLOCK));
    result.set(await classifier.predict({ data, dimension: unit.dimension }), first * classifier.classes);
  }
  return result;
}

/** Rows that are copied at a time. */
const BLOCK = 16_384;
