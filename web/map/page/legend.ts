/** @file The legend: kinds that can be clicked to see them alone, or the scale of numbers. */
import { STEPS } from '../palette.js';
import type { Coloring } from './coloring.js';
import { formatNumber } from './data.js';
import { el } from './dom.js';

/** Lines at once; the rest is counted. */
const MOST_LINES = 200;

/** Makes the legend. @param toggle told of the kinds that are to be seen alone; empty: all */
export function legendOf(coloring: Coloring, toggle: (alone: ReadonlySet<number>) => void): HTMLElement {
  const { kinds, scale, palette } = coloring;
  if (scale) {
    const colors = palette.slice(0, STEPS).join(',');
    const end = (value: number, sign: string) => `${sign}${formatNumber(value, scale.time)}`;
    const [low, high] = [end(scale.low, scale.below ? '≤ ' : ''), end(scale.high, scale.above ? '≥ ' : '')];
    return el(
      'div',
      { class: 'scale', role: 'img', 'aria-label': `colours from ${low} to ${high}` },
      el('div', { class: 'bar', style: `background:linear-gradient(90deg, ${colors})` }),
      el('div', { class: 'ends' }, el('span', {}, low), el('span', {}, high)),
      ...(scale.missing > 0
        ? [
            el(
              'p',
              { class: 'missing faint' },
              `grey: ${scale.missing.toLocaleString('en-US')} without a value`,
            ),
          ]
        : []),
    );
  }
  const alone = new Set<number>();
  const list = el('ul', { class: 'legend' });
  for (const [i, { text, color, count }] of (kinds ?? []).slice(0, MOST_LINES).entries()) {
    const button = el(
      'button',
      {
        type: 'button',
        'aria-pressed': 'false',
        click: (event) => {
          const several =
            (event as MouseEvent).shiftKey || (event as MouseEvent).metaKey || (event as MouseEvent).ctrlKey;
          const was = alone.has(i);
          if (!several) alone.clear();
          if (was) alone.delete(i);
          else alone.add(i);
          for (const [j, other] of [...list.children].entries())
            other.firstElementChild!.setAttribute('aria-pressed', String(alone.has(j)));
          list.classList.toggle('some', alone.size > 0);
          toggle(alone);
        },
      },
      el('i', { style: `background:${color}` }),
      el('span', { title: text }, text),
      el('b', {}, count.toLocaleString('en-US')),
    );
    list.append(el('li', {}, button));
  }
  if (kinds && kinds.length > MOST_LINES)
    list.append(el('li', { class: 'faint' }, `and ${kinds.length - MOST_LINES} more`));
  return list;
}
