/** @file Scores as people read them: a line each, with the interval and what it means. */
import type { Score } from '../analysis/index.js';
import { table } from './table.js';
import { bold } from './terminal.js';

/** The scores under their parts. */
export function scoreTables(scores: readonly Score[]): string {
  const parts = [...new Set(scores.map(({ part }) => part))];
  return parts
    .map((part) => {
      const rows = scores
        .filter((score) => score.part === part)
        .map(({ name, value, low, high, of, meaning }) => {
          const show = shown(name);
          return [name, show(value), `${show(low)} – ${show(high)}`, String(of), meaning];
        });
      return `${bold(part)}\n${table(['measure', 'value >', '95 % interval', 'of >', 'what it means'], rows, '  ')}`;
    })
    .join('\n\n');
}

/** Scores without what their intervals were drawn from. */
export function plainScores(scores: readonly Score[]): Omit<Score, 'each'>[] {
  return scores.map(({ each: _, ...score }) => score);
}

function shown(name: string): (value: number) => string {
  return (value) => (name === 'median rank' ? value.toFixed(1).replace(/\.0$/, '') : value.toFixed(3));
}
