/** @file A page that shows clusters: for each its name, size and figures, what stands for it, and what hardly fits. */
import { UsageError } from '../errors.js';
import { writeAtomically } from '../models/cache.js';
import { count, plural } from '../units.js';
import { escapeHtml, linkTo, type Picture, pageHtml, pictureHtml, pictures, type Tile } from './page.js';

/** One cluster of the page. */
export interface ClusterTiles {
  title: string;
  size: number;
  /** Figures with their names, such as "cohesion": "0.87". */
  figures: readonly (readonly [name: string, value: string])[];
  /** What stands for it; the first is shown larger. */
  representatives: readonly Tile[];
  /** What lies farthest from its centre. */
  leastTypical: readonly Tile[];
}

/** What stands over the clusters. */
export interface ClusterSheet {
  title: string;
  subtitle: string;
  /** Sentences and figures about all of them. */
  notes: readonly string[];
  clusters: readonly ClusterTiles[];
}

const LARGE = 208;
const SMALL = 100;

const STYLE = `
body { max-width: 92rem; }
.notes { margin: 0 0 1rem; padding: 0; list-style: none; color: var(--faint); max-width: 75ch; }
nav { display: flex; flex-wrap: wrap; gap: .4rem; margin-bottom: 1.5rem; }
nav a { display: flex; gap: .5rem; align-items: baseline; padding: .2rem .6rem; background: var(--card); border: 1px solid var(--line); border-radius: 99px; }
nav small, .figures, h3 { color: var(--faint); font-variant-numeric: tabular-nums; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 1rem; margin-bottom: 1rem; scroll-margin-top: .5rem; }
h2 { font-size: 1.15rem; margin: 0; overflow-wrap: anywhere; }
.head { display: flex; flex-wrap: wrap; align-items: baseline; gap: .25rem 1rem; margin-bottom: .25rem; }
.bar { height: 4px; border-radius: 2px; background: var(--line); margin-bottom: .85rem; }
.bar i { display: block; height: 100%; border-radius: 2px; background: var(--mark); }
.body { display: grid; grid-template-columns: 1fr minmax(11rem, 19rem); gap: 1.5rem; }
.typical { display: grid; align-content: start; grid-template-columns: repeat(auto-fill, minmax(${SMALL}px, 1fr)); gap: 6px; }
.typical a:first-child { grid-area: span 2 / span 2; }
h3 { font-size: 12px; font-weight: 600; margin: 0 0 6px; }
.odd { display: grid; grid-template-columns: repeat(3, 1fr); gap: 6px; }
section a { display: block; aspect-ratio: 1; }
section img, section .missing { width: 100%; height: 100%; }
section a:hover img { outline: 3px solid var(--mark); outline-offset: -3px; }
@media (max-width: 720px) { .body { grid-template-columns: 1fr; } .odd { grid-template-columns: repeat(6, 1fr); } }
@media print { section { break-inside: avoid; } }`;

/**
 * Writes the page: one file with thumbnails inside, without a script.
 * @throws UsageError when the file cannot be written.
 */
export async function writeClusterSheet(file: string, sheet: ClusterSheet): Promise<void> {
  const { title, subtitle, notes, clusters } = sheet;
  const first = clusters.flatMap(({ representatives }) => representatives.slice(0, 1));
  const others = clusters.flatMap((c) => [...c.representatives.slice(1), ...c.leastTypical]);
  const large = await pictures(files(first), LARGE, LARGE);
  const small = await pictures(files(others), Math.round(1.3 * SMALL), Math.round(1.3 * SMALL));
  const most = Math.max(1, ...clusters.map(({ size }) => size));
  const sections = clusters.map(({ title: name, size, figures, representatives, leastTypical }, i) => {
    const shown = figures.map(([what, value]) => `${escapeHtml(what)} ${escapeHtml(value)}`).join(' · ');
    const typical = representatives.map((tile, n) => tileHtml(tile, n === 0 ? large : small));
    const odd = leastTypical.map((tile) => tileHtml(tile, small));
    return (
      `<section id="c${i}"><div class="head"><h2>${escapeHtml(name)}</h2>` +
      `<span class="figures">${plural(size, 'image')} · ${shown}</span></div>` +
      `<div class="bar"><i style="width:${((100 * size) / most).toFixed(1)}%"></i></div>` +
      `<div class="body"><div class="typical">${typical.join('')}</div>` +
      (odd.length > 0 ? `<div><h3>least typical</h3><div class="odd">${odd.join('')}</div></div>` : '') +
      '</div></section>'
    );
  });
  const links = clusters.map(
    ({ title: name, size }, i) => `<a href="#c${i}">${escapeHtml(name)} <small>${count(size)}</small></a>`,
  );
  const list = notes.map((note) => `<li>${escapeHtml(note)}</li>`).join('');
  const main = `<ul class="notes">${list}</ul><nav>${links.join('')}</nav><main>\n${sections.join('\n')}\n</main>`;
  await writeAtomically(file, pageHtml(title, STYLE, subtitle, main)).catch((cause: Error) => {
    throw new UsageError(`${file}: it cannot be written (${cause.message})`, { cause });
  });
}

const files = (tiles: readonly Tile[]): string[] => tiles.map((tile) => tile.file);

function tileHtml({ file, caption }: Tile, made: ReadonlyMap<string, Picture>): string {
  const label = escapeHtml(caption);
  return `<a href="${escapeHtml(linkTo(file))}" title="${label}">${pictureHtml(made.get(file), caption)}</a>`;
}
