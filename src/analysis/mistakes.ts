/** @file Labels that are probably wrong. */
import { confidentMistakes } from '../vectors/label-mistakes.js';
import { neighbourDistances } from '../vectors/outliers.js';
import { type CrossValidation, type CrossValidationOptions, crossValidate } from './classify-cv.js';
import { groupsOf, labelsOf } from './targets.js';
import type { VectorSet } from './vector-set.js';

/** Options of {@link findMistakes}. */
export interface FindMistakesOptions extends CrossValidationOptions {
  /** The column with the labels. @default 'folder' */
  label?: string | undefined;
  /** Neighbours that are asked, too. @default 10 */
  k?: number | undefined;
}

/** An item whose label is in doubt. */
export interface DoubtfulLabel {
  id: string;
  row: number;
  given: string;
  suggested: string;
  /** What a classifier that had not seen the item gives its label and the suggested one, 0..1. */
  confidence: number;
  suggestedConfidence: number;
  /** The share of its nearest neighbours that have its label, and that have the suggested one, 0..1. */
  agreeing: number;
  suggesting: number;
}

export interface MistakeReport {
  /** The most doubtful first. */
  items: DoubtfulLabel[];
  /** Labelled items that were looked at. */
  count: number;
  /** How good the classifier is that found them. */
  accuracy: CrossValidation['report']['accuracy'];
}

/**
 * Finds labels that are probably wrong: a classifier that did not see the item says so with confidence (confident
 * learning on cross-validated probabilities), and what its nearest neighbours are called is told beside.
 *
 * @throws UsageError as `crossValidate`.
 */
export async function findMistakes(
  set: VectorSet,
  options: FindMistakesOptions = {},
): Promise<MistakeReport> {
  const labels = await labelsOf(set, options.label);
  const { k = Math.min(10, set.count - 1) } = options;
  const found = await crossValidate(set, labels, { ...options, repeats: 1 });
  const { names, rows, probabilities } = found;
  const groups = options.group === undefined ? undefined : await groupsOf(set, options.group);
  const width = Math.min(set.count - 1, groups ? k + largestGroup(groups) - 1 : k);
  const { session, signal } = options;
  const { indices } = await neighbourDistances(set, { k: width, session, signal });
  /** The share of the nearest that are called so; those of its own group are not asked. */
  const among = (row: number, name: string) => {
    let [same, asked] = [0, 0];
    for (let at = row * width; at < (row + 1) * width && asked < k; at++) {
      if (groups && groups[indices[at]!] === groups[row]) continue;
      asked++;
      if (labels.names[labels.labels[indices[at]!]!] === name) same++;
    }
    return asked === 0 ? 0 : same / asked;
  };
  const items = confidentMistakes(probabilities, found.labels, names.length).map((mistake) => {
    const row = rows[mistake.item]!;
    const [given, suggested] = [names[mistake.given]!, names[mistake.suggested]!];
    return {
      id: set.ids[row]!,
      row,
      given,
      suggested,
      confidence: mistake.confidence,
      suggestedConfidence: probabilities[mistake.item * names.length + mistake.suggested]!,
      agreeing: among(row, given),
      suggesting: among(row, suggested),
    };
  });
  return { items, count: rows.length, accuracy: found.report.accuracy };
}

function largestGroup(groups: Int32Array): number {
  const sizes = new Map<number, number>();
  for (const group of groups) sizes.set(group, (sizes.get(group) ?? 0) + 1);
  let most = 0;
  for (const size of sizes.values()) most = Math.max(most, size);
  return most;
}
