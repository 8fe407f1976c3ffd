/**
 * @file Labels and captions without training: texts compete for an image by their cosines (Radford et al. 2021,
 * arXiv:2103.00020), and where it is asked for, "none of these" competes with them.
 */
import { UsageError } from '../errors.js';
import { normalQuantile } from '../vectors/normal.js';
import { cosineSimilarity, normalizeRows } from '../vectors/vectors.js';
import { BACKGROUND_TEXTS } from './background-texts.js';
import type { Embedder } from './embedder.js';

/**
 * The sentences that a label is put into, in the manner of Radford et al. 2021, section 3.1.4. Beside the first alone
 * they raise mini-clip from 0.825 to 0.833 on 372 clothes of ten kinds, and from 0.59 to 0.66 on 276 rooms of four.
 */
export const LABEL_TEMPLATES: readonly string[] = [
  'a photo of a {}.',
  'a picture of a {}.',
  'a close-up photo of a {}.',
  'a bad photo of a {}.',
  'a photo of my {}.',
];

/** How often the best of all labels may beat "none of these" by chance. */
const CHANCE = 0.1;
/** CLIP's upper limit, for models that do not say how sharp their softmax is. */
const LARGEST_SCALE = 100;

/** Texts that compete for images, as vectors. */
export interface TextBank {
  /** The labels or captions, each once. */
  texts: readonly string[];
  /** One unit vector for each. */
  vectors: readonly Float32Array[];
  /** What cosines are multiplied by before the softmax, as the model learned it. */
  scale: number;
  /** With it "none of these" competes, too. */
  none?: NoneOfThese;
}

/** What it takes to say that no text of a bank fits; {@link classify} says how well that does, and where it does not. */
export interface NoneOfThese {
  /** Unit vectors of texts that have nothing to do with those of the bank. */
  background: readonly Float32Array[];
  /** A text must lie so many standard deviations above the mean of the background's cosines. */
  deviations: number;
}

/** Options of {@link labelBank}. */
export interface LabelBankOptions {
  /**
   * Sentences with `{}` in the place of the label; a label that has an article of its own ("an owl") replaces that of
   * the sentence. A label's vector is the mean of the sentences' unit vectors, at unit length.
   * @default LABEL_TEMPLATES
   */
  templates?: readonly string[] | undefined;
  /**
   * Let "none of these" compete; useless against siblings of the labels, see {@link classify}. `true` takes the background from {@link BACKGROUND_TEXTS}; other texts may suit a
   * special collection better.
   * @default false
   */
  none?: boolean | readonly string[] | undefined;
}

/** A text with its chance among those it competed with. */
export interface Choice {
  /** Null for "none of these". */
  text: string | null;
  /** Cosine to the image; for "none of these" the cosine that a text would have had to exceed. */
  score: number;
  /** Softmax over all texts of the bank; the sum over them, and "none of these", is 1. */
  probability: number;
}

/**
 * Makes labels ready to be compared with images.
 * @throws UsageError for no labels, or a template without `{}`; ModelError when the model has no text tower.
 */
export async function labelBank(
  embedder: Embedder,
  labels: readonly string[],
  options: LabelBankOptions = {},
): Promise<TextBank> {
  const { templates = LABEL_TEMPLATES, none = false } = options;
  const texts = [...new Set(labels.map((label) => label.trim()).filter((label) => label !== ''))];
  if (texts.length === 0) throw new UsageError('labels: expected at least one but received none');
  if (templates.length === 0) throw new UsageError('templates: expected at least one but received none');
  for (const template of templates)
    if (!template.includes('{}'))
      throw new UsageError(`template: expected a sentence with {} but received "${template}"`, {
        hint: 'the label takes the place of {}, as in "a photo of a {}."',
      });
  const vectors = await ensembles(embedder, texts, templates);
  const bank: TextBank = { texts, vectors, scale: await scaleOf(embedder) };
  if (none === false) return bank;
  const others = await ensembles(embedder, none === true ? BACKGROUND_TEXTS : none, templates);
  return { ...bank, none: noneOfThese(vectors, others) };
}

/** Makes captions, which are sentences of their own, ready to be compared with images. @throws as {@link labelBank}. */
export function captionBank(embedder: Embedder, captions: readonly string[]): Promise<TextBank> {
  return labelBank(embedder, captions, { templates: ['{}'] });
}

/**
 * The texts of a bank that fit each image best, the likeliest first.
 *
 * "None of these" stands for the cosine that the best of as many unrelated texts would exceed in one of ten images by
 * chance: mean + z · deviation of the image's own cosines to the background, taken as normal. That follows the image
 * (some are near to every text), and the number of labels (among more, one is sooner near). Measured with mini-clip
 * as areas under the ROC curve and as shares that were accepted and rejected rightly: clothes and photographs of
 * Flickr8k 0.999, 1.00 and 0.95; rooms and Flickr8k 0.961, 0.85 and 0.94; dogs and photographs without 0.945, 0.73
 * and 0.96; over ten such tasks the mean area is 0.909 (`tools/calibrate`). The rule and its constant were chosen on
 * these very tasks, some of whose pictures mini-clip was trained on, and siblings of the labels are beyond it: of
 * clothes of five kinds that no label names it rejects one in twenty. Beside it were tried, with another background,
 * the largest share among the labels, a comparison with empty texts ("a photo", "something"), and the share of all
 * background texts together (Jiang et al. 2024, arXiv:2403.20078): all had smaller mean areas.
 *
 * @param vectors of images, or of anything else in the texts' space; zero vectors have no direction: NaN
 * @param topK how many texts of each. @default all
 */
export function classify(
  vectors: readonly Float32Array[],
  bank: TextBank,
  options: { topK?: number | undefined; scale?: number | undefined } = {},
): Choice[][] {
  const { topK, scale = bank.scale } = options;
  return vectors.map((vector) => {
    const choices: Choice[] = bank.texts.map((text, i) => ({
      text,
      score: cosineSimilarity(vector, bank.vectors[i]!),
      probability: 0,
    }));
    if (bank.none) choices.push({ text: null, score: threshold(vector, bank.none), probability: 0 });
    choices.sort((a, b) => b.score - a.score);
    const weights = choices.map(({ score }) => Math.exp(scale * (score - choices[0]!.score)));
    const sum = weights.reduce((all, weight) => all + weight, 0);
    for (const [i, choice] of choices.entries()) choice.probability = weights[i]! / sum;
    return choices.slice(0, topK);
  });
}

/** The mean of a label's sentences, at unit length, for each label. */
async function ensembles(
  embedder: Embedder,
  labels: readonly string[],
  templates: readonly string[],
): Promise<Float32Array[]> {
  const sentences = labels.flatMap((label) => templates.map((template) => fill(template, label)));
  const embedded = await embedder.embedTexts(sentences);
  return labels.map((_, i) =>
    meanDirection(embedded.slice(i * templates.length, (i + 1) * templates.length)),
  );
}

/** The label in the place of `{}`, and of the article before it where it brings one. */
function fill(template: string, label: string): string {
  const place = /^(an?|the|my|some) /i.test(label) ? /(\b(an?|the|my|some) )?\{\}/i : /\{\}/;
  return template.replace(place, () => label);
}

/** The mean of unit vectors, at unit length. */
export function meanDirection(vectors: readonly Float32Array[]): Float32Array {
  const sum = new Float32Array(vectors[0]!.length);
  for (const vector of vectors) {
    const unit = Float32Array.from(vector);
    normalizeRows(unit, unit.length);
    for (let i = 0; i < sum.length; i++) sum[i]! += unit[i]!;
  }
  normalizeRows(sum, sum.length);
  return sum;
}

/**
 * Takes from the background what is too near to a label: nearer than all but one in a hundred of the background's
 * own pairs are to each other. "A dog" says nothing against the label "dog". {@link classify} has the figures; they are
 * of the tasks on which the rule was chosen, partly on pictures that mini-clip was trained on, and it does not tell
 * labels from their siblings.
 * @throws UsageError when fewer than ten texts are left.
 */
export function noneOfThese(
  labels: readonly Float32Array[],
  background: readonly Float32Array[],
): NoneOfThese {
  const pairs = background.flatMap((a, i) => background.slice(0, i).map((b) => cosineSimilarity(a, b)));
  const limit = pairs.sort((a, b) => a - b)[Math.floor(0.99 * pairs.length)] ?? 1;
  const unlike = background.filter((text) => labels.every((label) => cosineSimilarity(label, text) < limit));
  if (unlike.length < 10)
    throw new UsageError(
      `none of these: expected ten or more texts unlike the labels but received ${unlike.length}`,
    );
  return { background: unlike, deviations: normalQuantile((1 - CHANCE) ** (1 / labels.length)) };
}

/** The cosine that a label has to exceed to be more than none of these. */
function threshold(vector: Float32Array, { background, deviations }: NoneOfThese): number {
  const cosines = background.map((text) => cosineSimilarity(vector, text));
  const mean = cosines.reduce((sum, cosine) => sum + cosine, 0) / cosines.length;
  const variance = cosines.reduce((sum, cosine) => sum + (cosine - mean) ** 2, 0) / cosines.length;
  return mean + deviations * Math.sqrt(variance);
}

async function scaleOf({ model }: Embedder): Promise<number> {
  return (await model.logitScale())?.scale ?? LARGEST_SCALE;
}
