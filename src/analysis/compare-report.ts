/** @file A comparison of models as rows of text, and as a page with plots. */
import { type ComparePage, comparePage, type Plot } from '../pages/compare-page.js';
import { bytes, count, plural, rate } from '../units.js';
import type { Comparison } from './compare.js';

/** What the marks in the table say. */
const MARKS = '* best, ≈ not to be told apart from it (95 % paired bootstrap)';

/** The comparison as a table: a row for each model, and what its marks say. */
export function comparisonRows({ models, measures }: Comparison): {
  headings: string[];
  rows: string[][];
  legend: string;
} {
  const rows = models.map((model) => {
    const cells = measures.map(({ part, name, best, alike }) => {
      const score = model.scores.find((s) => s.part === part && s.name === name);
      if (score === undefined) return '–';
      const mark = best === model.name ? '*' : alike.includes(model.name) ? '≈' : ' ';
      return `${score.value.toFixed(3)}${mark} ${score.low.toFixed(2)}–${score.high.toFixed(2)}`;
    });
    return [
      model.name,
      ...cells,
      rate(model.imagesPerSecond),
      count(model.dimension),
      bytes(model.weights),
      bytes(model.memory),
    ];
  });
  const headings = ['model', ...measures.map(({ title }) => title), 'images', 'numbers', 'weights', 'memory'];
  return { headings, rows, legend: MARKS };
}

/** A page of the comparison: one file, without scripts. */
export function comparisonPage(comparison: Comparison): string {
  const { images, items, models, refused, verdict } = comparison;
  const { headings, rows, legend } = comparisonRows(comparison);
  const page: ComparePage = {
    title: `${plural(models.length, 'model')} on ${images}`,
    subtitle: `${plural(items, 'image')}, the same for every model; bars and ranges are 95 % bootstrap intervals`,
    verdict,
    plots: plotsOf(comparison),
    headings,
    rows,
    notes: [
      legend,
      'images: read, decoded and embedded in a second, as measured on this machine during this run or an earlier one; memory: the most that the process took meanwhile',
      ...models.flatMap(({ name, notes }) =>
        notes.map((text) => (text.startsWith(name) ? text : `${name}: ${text}`)),
      ),
      ...refused.map(({ name, reason }) => `${name} was left out: ${reason}`),
    ],
  };
  return comparePage(page);
}

/** Quality against speed and size: by the first measure of classes, and the first of captions. */
function plotsOf({ models, measures }: Comparison): Plot[] {
  const leading = [
    measures.find(({ part }) => part !== 'text → image'),
    measures.find(({ part }) => part === 'text → image'),
  ];
  return leading.flatMap((measure) => {
    if (measure === undefined) return [];
    const { part, name, title, best, alike } = measure;
    const found = models.flatMap((model) => {
      const score = model.scores.find((s) => s.part === part && s.name === name);
      return score ? [{ model, score }] : [];
    });
    const points = (x: (model: Comparison['models'][number]) => number) =>
      found.map(({ model, score }) => ({
        name: model.name.split(/[\\/]/).at(-1)!,
        x: x(model),
        y: score.value,
        low: score.low,
        high: score.high,
        marked: model.name === best || alike.includes(model.name),
      }));
    return [
      {
        title: `${title} and speed`,
        x: { label: 'images a second', show: rate },
        y: { label: title },
        points: points((model) => model.imagesPerSecond),
      },
      {
        title: `${title} and size`,
        x: { label: 'weights on the disk', show: bytes },
        y: { label: title },
        points: points((model) => model.weights),
      },
    ];
  });
}
