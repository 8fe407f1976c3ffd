/** @file Which of several models is best by a measure, and which cannot be told apart from it. */
import { bootstrapMean, type Estimate } from '../vectors/metrics/bootstrap.js';
import type { Score, ScorePart } from './score.js';

/** By what models are compared, the first first. */
export const COMPARED: readonly { part: ScorePart; name: string; title: string }[] = [
  { part: 'classification', name: 'linear probe', title: 'linear probe' },
  { part: 'classification', name: '1-nn', title: '1-NN' },
  { part: 'retrieval', name: 'map@r', title: 'MAP@R' },
  { part: 'zero-shot', name: 'top-1', title: 'zero-shot' },
  { part: 'text → image', name: 'recall@1', title: 'text → image r@1' },
  { part: 'text → image', name: 'recall@10', title: 'text → image r@10' },
];

/** A measure over all models that have it. */
export interface ComparedMeasure {
  part: ScorePart;
  name: string;
  title: string;
  /** The model with the largest number. */
  best: string;
  /** Models whose difference to it may be chance: its 95 % interval by paired bootstrap holds 0. */
  alike: string[];
  /** For each other model by how much the best is ahead. */
  ahead: ({ model: string } & Estimate)[];
}

/**
 * Compares models that were measured on the same items.
 * The best is compared with each other one by itself: of many models, one in forty differs by chance.
 */
export function compareScores(
  models: readonly { name: string; scores: readonly Score[] }[],
  options: { resamples?: number | undefined; seed?: number | undefined } = {},
): ComparedMeasure[] {
  return COMPARED.flatMap(({ part, name, title }) => {
    const found = models.flatMap((model) => {
      const score = model.scores.find((s) => s.part === part && s.name === name);
      return score?.each && !Number.isNaN(score.value)
        ? [{ model: model.name, each: score.each, value: score.value }]
        : [];
    });
    if (found.length === 0) return [];
    const best = found.reduce((a, b) => (b.value > a.value ? b : a));
    const ahead = found
      .filter((other) => other !== best && other.each.values.length === best.each.values.length)
      .map(({ model, each }) => {
        const differences = best.each.values.map((value, i) => value - each.values[i]!);
        return { model, ...bootstrapMean(differences, { ...options, groups: best.each.groups }) };
      });
    const alike = ahead.filter(({ low }) => low <= 0).map(({ model }) => model);
    return [{ part, name, title, best: best.model, alike, ahead }];
  });
}

/** The comparison in a sentence for classes, and one for captions. */
export function verdictOf(measures: readonly ComparedMeasure[]): string {
  const leading = [
    measures.find(({ part }) => part !== 'text → image'),
    measures.find(({ part }) => part === 'text → image'),
  ];
  const sentences = leading.flatMap((measure) => {
    if (measure === undefined) return [];
    const { best, alike, ahead, title } = measure;
    const by = `By ${title} ${best}`;
    if (ahead.length === 0) return [`${by} is the only model that could be measured.`];
    const worse = ahead.length - alike.length;
    if (alike.length === 0)
      return [
        `${by} is best; ${worse === 1 ? 'the other is' : `the other ${worse} are`} worse beyond chance.`,
      ];
    const rest =
      worse === 0 ? '' : `; ${worse === 1 ? 'the other is' : `the other ${worse} are`} worse beyond chance`;
    return [`${by} is ahead, but ${listed(alike)} cannot be told apart from it on these images${rest}.`];
  });
  return sentences.join(' ') || 'No model could be measured.';
}

function listed(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}
