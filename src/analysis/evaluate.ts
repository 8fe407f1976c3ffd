/** @file How good vectors are for what the data know: classes, captions. */
import type { EmbeddingIdentity } from '../embedding/identity.js';
import { AfterimageError, UsageError } from '../errors.js';
import { plural } from '../units.js';
import { classItems, splitOf } from './classify-items.js';
import { type Captions, captionScores, captionsOf, captionsWithin } from './evaluate-captions.js';
import { type LabelledItems, labelScores, type MeasureOptions, zeroShotScores } from './evaluate-labels.js';
import { mapScores } from './evaluate-map.js';
import type { Score } from './score.js';
import { type Labels, labelsOf } from './targets.js';
import type { VectorSet } from './vector-set.js';

/** Options of {@link evaluateSet}. */
export interface EvaluateOptions extends Omit<MeasureOptions, 'note'> {
  /** The column with the classes. @default 'folder', where the items lie in two folders or more */
  label?: string | undefined;
  /** A column that says what to learn from and what to measure (see `splitOf`). @default each is measured by the others */
  split?: string | undefined;
  /** A column: items with equal cells are drawn together for the intervals, and do not judge one another. */
  group?: string | undefined;
  /** A table of captions. @default the set's own column `caption` or `text` */
  captions?: string | undefined;
  /** Its column with the captions. @default caption, captions, text, sentence, description or title */
  captionColumn?: string | undefined;
  /** Its column that names the images. @default id, path, file, filename or image */
  captionIdColumn?: string | undefined;
  /**
   * Measures a map, too: that of the columns `projection_x` and `projection_y` where they are there, else a UMAP that is
   * made for it. Needs neither classes nor captions. @default false
   */
  map?: boolean | undefined;
  /** Only these items. @default all */
  ids?: ReadonlySet<string> | undefined;
}

/** What {@link evaluateSet} measured. */
export interface Evaluation {
  source: string;
  identity: EmbeddingIdentity | null;
  /** Vectors, and numbers in each. */
  items: number;
  dimension: number;
  /** The classes, where there are some. */
  labels?: { column: string; names: string[]; items: number; train: number; test: number };
  captions?: { texts: number; images: number };
  scores: Score[];
  /** What was left out or done otherwise, and why. */
  notes: string[];
}

/**
 * Measures all that the data allow, each number with a 95 % bootstrap interval. With classes: precision, recall,
 * MAP and others of a search among the vectors, votes of neighbours, a linear probe, k-means clusters against the classes,
 * and zero-shot classification where the embedding has text. With captions: how texts and images find each other.
 * With `map`: how faithful a map is. The network runs for texts only. Vectors are compared by cosine.
 *
 * @throws UsageError when there are neither classes nor captions, when a column is not there or has one class, or
 *   captions are about no image; ModelError when captions are named and the model has no text tower.
 */
export async function evaluateSet(set: VectorSet, options: EvaluateOptions = {}): Promise<Evaluation> {
  const notes: string[] = [];
  const note = (text: string) => void notes.push(text);
  const measure: MeasureOptions = { ...options, note };
  const captions = await findCaptions(set, options, note);
  const result: Evaluation = {
    source: set.source,
    identity: set.identity,
    items: options.ids ? set.ids.filter((id) => options.ids!.has(id)).length : set.count,
    dimension: set.dimension,
    scores: [],
    notes,
  };
  const labels = await findLabels(set, options, captions !== undefined || options.map === true);
  const embedder = await textEmbedder(set, options, note);
  if (labels) {
    const items = await labelled(set, labels, options, note);
    const { train, test } = items.split ?? { train: items.labels, test: items.labels };
    result.labels = {
      column: labels.column,
      names: [...items.names],
      items: items.labels.length,
      train: train.length,
      test: test.length,
    };
    result.scores.push(...(await labelScores(items, measure)));
    if (embedder) result.scores.push(...(await zeroShotScores(embedder, items, measure)));
  }
  if (captions && embedder) {
    result.captions = { texts: captions.texts.length, images: new Set(captions.rows).size };
    result.scores.push(...(await captionScores(set, embedder, captions, measure)));
  }
  if (options.map) {
    const among = Int32Array.from(set.ids.keys()).filter((row) => options.ids?.has(set.ids[row]!) ?? true);
    result.scores.push(...(await mapScores(set, among, measure, note)));
  }
  return result;
}

async function findCaptions(
  set: VectorSet,
  { captions, captionColumn, captionIdColumn, ids }: EvaluateOptions,
  note: (text: string) => void,
): Promise<Captions | undefined> {
  const found = captions
    ? await captionsOf(set, { file: captions, column: captionColumn, idColumn: captionIdColumn }, note)
    : await captionsWithin(set);
  if (found === undefined || ids === undefined) return found;
  const kept = found.rows.map((row) => ids.has(set.ids[row]!));
  const within = {
    texts: found.texts.filter((_, i) => kept[i]),
    rows: found.rows.filter((_, i) => kept[i]),
  };
  if (within.texts.length === 0)
    throw new UsageError(
      `${set.source}: no caption is about one of the ${plural(ids.size, 'item')} to measure`,
    );
  return within;
}

/** The classes; undefined where none were named, there are none, and something else is to be measured. */
async function findLabels(
  set: VectorSet,
  { label }: EvaluateOptions,
  others: boolean,
): Promise<Labels | undefined> {
  try {
    return await labelsOf(set, label);
  } catch (error) {
    if (label === undefined && error instanceof UsageError) {
      if (others) return undefined;
      throw new UsageError(`${set.source}: there are neither classes nor captions to measure with`, {
        hint: `${error.message}; name a column with --label, or a table with --captions`,
        cause: error,
      });
    }
    throw error;
  }
}

async function labelled(
  set: VectorSet,
  labels: Labels,
  { split, group, ids }: EvaluateOptions,
  note: (text: string) => void,
): Promise<LabelledItems> {
  const among = ids && [...set.ids.keys()].filter((row) => ids.has(set.ids[row]!));
  const {
    rows,
    labels: classes,
    names,
    groups,
    vectors,
    warnings,
  } = await classItems(set, labels, group, among);
  for (const warning of warnings) note(warning);
  if (split === undefined) return { vectors, labels: classes, names, groups, split: undefined };
  const sides = await splitOf(set, split);
  const place = new Map(Array.from(rows, (row, i) => [row, i]));
  const within = (side: Int32Array) =>
    Int32Array.from([...side].flatMap((row) => (place.has(row) ? [place.get(row)!] : [])));
  const parts = { train: within(sides.train), test: within(sides.test) };
  for (const [side, of] of Object.entries(parts))
    if (of.length === 0)
      throw new UsageError(
        `${set.source}: no item with a ${labels.column} is on the side "${side}" of ${split}`,
      );
  return { vectors, labels: classes, names, groups, split: parts };
}

/** The embedder, if it has text; undefined, with a note, where texts cannot be had and nobody asked for them. */
async function textEmbedder(set: VectorSet, { captions }: EvaluateOptions, note: (text: string) => void) {
  try {
    const embedder = await set.embedder();
    if (!embedder.hasText && captions === undefined) {
      note(`${embedder.identity.model} has no text tower: nothing was measured with texts`);
      return undefined;
    }
    await embedder.embedTexts([]); // refused here when captions are named
    return embedder;
  } catch (error) {
    if (captions !== undefined || !(error instanceof AfterimageError)) throw error;
    note(`nothing was measured with texts: ${error.message}`);
    return undefined;
  }
}
