/**
 * @file One panel of a picture of curves, as SVG: title, axes, grid, lines, and a legend beside it with last values.
 */
import { type Axis, linearAxis, logAxis } from './curves-axis.js';

export type Point = readonly [x: number, y: number];

/** A curve. */
export interface Series {
  name: string;
  colour: string;
  points: readonly Point[];
  /** `faint`: noise behind a smoothed curve, without a place in the legend. `marked`: a dot at every point. */
  style?: 'faint' | 'marked' | undefined;
}

/** Curves over the same axes. */
export interface Panel {
  title: string;
  series: readonly Series[];
  scale: 'linear' | 'log';
  /** Of the plot without title and ticks, in pixels. */
  height: number;
  /** Ends of the vertical axis that is known beforehand. */
  limits?: readonly [number, number] | undefined;
}

/** Where plots lie in a picture, in pixels. */
export const FRAME = { width: 960, left: 76, right: 196, title: 36, ticks: 30 };
const INK = '#1f2933';
const QUIET = '#616e7c';
const GRID = '#e4e7eb';

/**
 * Draws a panel with its upper edge at `top`.
 * @param x horizontal range of all panels.
 * @param mark a place on the horizontal axis to draw a line at.
 */
export function drawPanel(panel: Panel, x: readonly [number, number], top: number, mark?: number): string {
  const left = FRAME.left;
  const right = FRAME.width - FRAME.right;
  const upper = top + FRAME.title;
  const lower = upper + panel.height;
  const whole = Math.floor(x[1] - x[0]); // ticks at whole epochs where there are several
  const horizontal = linearAxis(x, [left, right], whole < 2 ? 10 : Math.min(10, whole), false);
  const vertical = verticalAxis(panel, [lower, upper]);
  const clip = `plot${Math.round(top)}`;
  const grid = vertical.ticks.map(
    ({ value, label }) =>
      `<path d="M${left} ${px(vertical.at(value))}H${right}" stroke="${GRID}"/>` +
      text(left - 10, vertical.at(value) + 4, label, { anchor: 'end', fill: QUIET }),
  );
  const columns = horizontal.ticks.map(
    ({ value, label }) =>
      `<path d="M${px(horizontal.at(value))} ${lower}v5" stroke="${QUIET}"/>` +
      text(horizontal.at(value), lower + 19, label, { anchor: 'middle', fill: QUIET }),
  );
  const marked =
    mark === undefined
      ? ''
      : `<path d="M${px(horizontal.at(mark))} ${upper}V${lower}" stroke="${QUIET}" stroke-dasharray="3 4"/>`;
  const curves = panel.series.map((series) => curve(series, horizontal, vertical));
  return [
    text(left, upper - 13, panel.title, { weight: 600, size: 14 }),
    ...grid,
    ...columns,
    marked,
    `<clipPath id="${clip}"><rect x="${left}" y="${upper - 4}" width="${right - left + 4}" height="${panel.height + 8}"/></clipPath>`,
    `<g clip-path="url(#${clip})">${curves.join('')}</g>`,
    `<path d="M${left} ${upper}V${lower}H${right}" stroke="${QUIET}" fill="none"/>`,
    legend(panel, right + 22, upper + 8),
  ].join('\n');
}

/** A line of text; `size` in pixels. */
export function text(
  x: number,
  y: number,
  content: string,
  { anchor = 'start', fill = INK, size = 12, weight = 400 } = {},
): string {
  const safe = content.replace(/[&<>]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[c]!);
  return `<text x="${px(x)}" y="${px(y)}" text-anchor="${anchor}" fill="${fill}" font-size="${size}" font-weight="${weight}">${safe}</text>`;
}

function verticalAxis({ series, scale, limits, height }: Panel, pixels: readonly [number, number]): Axis {
  const seen = series.flatMap((s) => extremes(s, scale));
  const range = limits ?? ([Math.min(...seen), Math.max(...seen)] as const);
  return scale === 'log' ? logAxis(range, pixels) : linearAxis(range, pixels, height / 36, true);
}

/** What of a curve must be seen: on a linear axis, one part in a hundred of the noise at either end need not. */
function extremes({ points, style }: Series, scale: Panel['scale']): number[] {
  const values = points.map(([, y]) => y).sort((a, b) => a - b);
  if (values.length === 0) return [];
  const edge = style === 'faint' && scale === 'linear' ? 0.01 : 0;
  return [edge, 1 - edge].map((q) => values[Math.round(q * (values.length - 1))]!);
}

function curve({ points, colour, style }: Series, x: Axis, y: Axis): string {
  const d = points.map(([a, b], i) => `${i === 0 ? 'M' : 'L'}${px(x.at(a))} ${px(y.at(b))}`).join('');
  const isFaint = style === 'faint';
  const line = `<path d="${d}" fill="none" stroke="${colour}" stroke-width="${isFaint ? 1 : 2}" stroke-linejoin="round" stroke-linecap="round"${isFaint ? ' stroke-opacity="0.3"' : ''}/>`;
  if (style !== 'marked' || points.length > 80) return line;
  const radius = points.length > 30 ? 2.2 : 3;
  const dots = points
    .map(([a, b]) => `<circle cx="${px(x.at(a))}" cy="${px(y.at(b))}" r="${radius}"/>`)
    .join('');
  return `${line}<g fill="${colour}">${dots}</g>`;
}

function legend({ series }: Panel, x: number, y: number): string {
  return series
    .filter(({ style, points }) => style !== 'faint' && points.length > 0)
    .map(({ name, colour, points }, i) => {
      const at = y + 20 * i;
      const last = Number(points.at(-1)![1].toPrecision(4));
      return (
        `<path d="M${x} ${at - 4}h16" stroke="${colour}" stroke-width="3" stroke-linecap="round"/>` +
        text(x + 24, at, name) +
        text(FRAME.width - 16, at, short(last), { anchor: 'end', fill: QUIET })
      );
    })
    .join('');
}

function short(value: number): string {
  return value !== 0 && Math.abs(value) < 1e-3
    ? value.toExponential(1)
    : String(Number(value.toPrecision(4)));
}

function px(value: number): string {
  return String(Math.round(value * 100) / 100);
}
