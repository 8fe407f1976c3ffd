/** @file A page that shows models side by side: quality against speed and against size, and all numbers in a table. */
import { escapeHtml, pageHtml } from './page.js';

/** A model in a plot. */
export interface PlotPoint {
  name: string;
  x: number;
  /** Quality, with the ends of its interval. */
  y: number;
  low: number;
  high: number;
  /** The best, or not to be told apart from it. */
  marked: boolean;
}

/** Quality against something that costs. */
export interface Plot {
  title: string;
  /** What x is, and how a number of it is written. The axis is logarithmic. */
  x: { label: string; show(value: number): string };
  y: { label: string };
  points: readonly PlotPoint[];
}

export interface ComparePage {
  title: string;
  subtitle: string;
  verdict: string;
  plots: readonly Plot[];
  /** A row for each model under these headings; the first cell is its name. */
  headings: readonly string[];
  rows: readonly (readonly string[])[];
  /** Lines below the table. */
  notes: readonly string[];
}

/** The whole page, without scripts. */
export function comparePage(page: ComparePage): string {
  const head = page.headings.map((h) => `<th scope="col">${escapeHtml(h)}</th>`).join('');
  const rows = page.rows.map(
    ([name, ...cells]) =>
      `<tr><th scope="row">${escapeHtml(name!)}</th>${cells.map((c) => `<td>${escapeHtml(c)}</td>`).join('')}</tr>`,
  );
  const notes = page.notes.map((text) => `<li>${escapeHtml(text)}</li>`).join('\n');
  return pageHtml(
    page.title,
    STYLE,
    page.subtitle,
    `<p class="verdict">${escapeHtml(page.verdict)}</p>
<div class="plots">${page.plots.map(plotHtml).join('\n')}</div>
<div class="scroll"><table><thead><tr>${head}</tr></thead><tbody>
${rows.join('\n')}
</tbody></table></div>
<ul class="notes">${notes}</ul>`,
  );
}

const STYLE = `.verdict { font-size: 1.1rem; max-width: 60rem; margin: 0 0 1.25rem; padding: .6rem .9rem; background: var(--card);
  border-left: 3px solid var(--mark); border-radius: 4px; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)); gap: 1rem; max-width: 1240px; }
.plots svg { width: 100%; height: auto; background: var(--card); border-radius: 6px; font: 12px system-ui, sans-serif; }
.plots text { fill: var(--ink); } .plots .faint { fill: var(--faint); }
.grid { stroke: var(--line); } .bar, .dot { stroke: var(--faint); } .dot { fill: var(--faint); }
.marked .bar, .marked .dot { stroke: var(--mark); } .marked .dot { fill: var(--mark); }
.scroll { overflow-x: auto; margin-top: 1.25rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .8rem .35rem 0; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--line); }
th:first-child { text-align: left; } thead th { color: var(--faint); font-weight: 500; }
.notes { color: var(--faint); padding-left: 1.1rem; }`;

const [WIDTH, HEIGHT] = [600, 380];
const FRAME = { left: 62, right: 24, top: 42, bottom: 52 };

function plotHtml({ title, x, y, points }: Plot): string {
  const xs = points.map((p) => Math.log10(p.x));
  const [x0, x1] = widened(Math.min(...xs), Math.max(...xs), 0.18, 0.15);
  const [y0, y1] = widened(
    Math.min(...points.map((p) => p.low)),
    Math.max(...points.map((p) => p.high)),
    0.08,
    0.02,
  );
  const right = WIDTH - FRAME.right;
  const bottom = HEIGHT - FRAME.bottom;
  const atX = (v: number) => FRAME.left + ((Math.log10(v) - x0) / (x1 - x0)) * (right - FRAME.left);
  const atY = (v: number) => bottom - ((v - y0) / (y1 - y0)) * (bottom - FRAME.top);
  const text = (px: number, py: number, content: string, anchor: string, style = 'faint') =>
    `<text x="${px.toFixed(1)}" y="${py.toFixed(1)}" text-anchor="${anchor}" class="${style}">${escapeHtml(content)}</text>`;
  const line = (a: number, b: number, c: number, d: number, style: string) =>
    `<line x1="${a.toFixed(1)}" y1="${b.toFixed(1)}" x2="${c.toFixed(1)}" y2="${d.toFixed(1)}" class="${style}"/>`;
  const step = niceStep((y1 - y0) / 5);
  const marks: string[] = [];
  for (let v = Math.ceil(y0 / step) * step; v <= y1; v += step)
    marks.push(
      line(FRAME.left, atY(v), right, atY(v), 'grid'),
      text(FRAME.left - 8, atY(v) + 4, v.toFixed(step < 0.01 ? 3 : 2), 'end'),
    );
  for (const v of logTicks(10 ** x0, 10 ** x1))
    marks.push(
      line(atX(v), FRAME.top, atX(v), bottom, 'grid'),
      text(atX(v), bottom + 18, x.show(v), 'middle'),
    );
  const names = placedNames(
    points.map((p) => ({ name: p.name, x: atX(p.x), y: atY(p.y), top: atY(p.high), bottom: atY(p.low) })),
  );
  const dots = points.map((p, i) => {
    const [px, py] = [atX(p.x), atY(p.y)];
    const label = names[i]!;
    const about = `${p.name}: ${p.y.toFixed(3)} (${p.low.toFixed(3)} to ${p.high.toFixed(3)}), ${x.show(p.x)}`;
    return `<g class="${p.marked ? 'marked' : ''}"><title>${escapeHtml(about)}</title>
${line(px, atY(p.low), px, atY(p.high), 'bar')}<circle cx="${px.toFixed(1)}" cy="${py.toFixed(1)}" r="5" class="dot"/>
${text(label.x, label.y, p.name, label.anchor, 'name')}</g>`;
  });
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeHtml(title)}">
${text(FRAME.left, 24, title, 'start', 'name')}
${marks.join('\n')}
${text((FRAME.left + right) / 2, HEIGHT - 10, x.label, 'middle')}
<text x="16" y="${(FRAME.top + bottom) / 2}" text-anchor="middle" class="faint" transform="rotate(-90 16 ${(FRAME.top + bottom) / 2})">${escapeHtml(y.label)}</text>
${dots.join('\n')}
</svg>`;
}

/** A place on the plot, and what fills it. */
interface Box {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

/** Where names stand: beside their dots, above or below their bars, on no other name, dot or bar where that can be. */
function placedNames(dots: readonly { name: string; x: number; y: number; top: number; bottom: number }[]) {
  const taken: Box[] = dots.map(({ x, top, bottom }) => ({ left: x - 6, right: x + 6, top, bottom }));
  return dots.map(({ name, x, y, top, bottom }) => {
    const width = 7 * name.length;
    const places = [
      { x: x + 10, y: y + 4, anchor: 'start', left: x + 10 },
      { x: x - 10, y: y + 4, anchor: 'end', left: x - 10 - width },
      { x, y: top - 6, anchor: 'middle', left: x - width / 2 },
      { x, y: bottom + 14, anchor: 'middle', left: x - width / 2 },
      ...[18, -14, 32, -28].map((away) => ({ x: x + 10, y: y + away, anchor: 'start', left: x + 10 })),
    ].map((place) => ({
      ...place,
      box: { left: place.left, right: place.left + width, top: place.y - 11, bottom: place.y + 3 },
    }));
    const free = ({ box }: { box: Box }) =>
      box.right <= WIDTH - 4 &&
      box.left >= FRAME.left &&
      taken.every(
        (t) => t.right <= box.left || box.right <= t.left || t.bottom <= box.top || box.bottom <= t.top,
      );
    const place = places.find(free) ?? places[0]!;
    taken.push(place.box);
    return place;
  });
}

/** A range with room at both ends, and some even where it is a point. */
function widened(low: number, high: number, share: number, least: number): [number, number] {
  const room = Math.max((high - low) * share, least);
  return [low - room, high + room];
}

/** 1, 2 or 5 times a power of ten, at least `step`. */
function niceStep(step: number): number {
  const power = 10 ** Math.floor(Math.log10(step));
  return [1, 2, 5, 10].map((n) => n * power).find((s) => s >= step - 1e-12)!;
}

/** Powers of ten with 2 and 5 between them where there are few. */
function logTicks(low: number, high: number): number[] {
  const ticks: number[] = [];
  const many = Math.log10(high / low) > 2.5;
  for (let power = 10 ** Math.floor(Math.log10(low)); power <= high; power *= 10)
    for (const n of many ? [1] : [1, 2, 5]) if (n * power >= low && n * power <= high) ticks.push(n * power);
  return ticks;
}
