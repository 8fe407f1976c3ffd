/** @file A page that shows what a search has found: a grid of pictures, each with its score, its path and a link. */
import path from 'node:path';
import { UsageError } from '../errors.js';
import { writeAtomically } from '../models/cache.js';
import { plural } from '../units.js';
import { escapeHtml, linkTo, pageHtml, pictureHtml, pictures, type Tile } from './page.js';

const WIDTH = 224;
const HEIGHT = 168;

const STYLE = `
ol { list-style: none; margin: 0; padding: 0; display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(${WIDTH + 16}px, 1fr)); }
li { background: var(--card); border: 1px solid var(--line); border-radius: 8px; content-visibility: auto; contain-intrinsic-size: auto ${HEIGHT + 80}px; }
li a { display: block; padding: 8px; height: 100%; }
.frame { display: grid; place-items: center; height: ${HEIGHT}px; }
li .missing { width: 100%; height: 100%; }
.rank { float: right; color: var(--faint); font-variant-numeric: tabular-nums; }
.caption { margin-top: 8px; font-weight: 600; font-variant-numeric: tabular-nums; white-space: pre-line; overflow-wrap: anywhere; }
.path { color: var(--faint); font-size: 12px; overflow-wrap: anywhere; }
li a:hover { text-decoration: none; } li:hover { border-color: var(--mark); }
@media print { li { break-inside: avoid; } }`;

/**
 * Writes a page with the hits of a search, the best first: one file with thumbnails inside, which works from the disk
 * and without a script. A picture that is gone or cannot be read has an empty frame; the link is there all the same.
 * @param query what was searched for, in words
 * @param hits each with its file (a path or a URL) and what is said of it: score, probability
 * @throws UsageError when the file cannot be written.
 */
export async function writeResultSheet(
  file: string,
  title: string,
  query: string,
  hits: readonly Tile[],
): Promise<void> {
  const made = await pictures(
    hits.map((hit) => hit.file),
    WIDTH,
    HEIGHT,
  );
  const common = commonFolder(hits.map((hit) => hit.file));
  const items = hits.map((hit, i) => {
    const name = common === '' ? hit.file : hit.file.slice(common.length);
    return (
      `<li><a href="${escapeHtml(linkTo(hit.file))}" title="${escapeHtml(hit.file)}">` +
      `<div class="frame">${pictureHtml(made.get(hit.file), name)}</div>` +
      `<div class="caption"><span class="rank">${i + 1}</span>${escapeHtml(hit.caption)}</div>` +
      `<div class="path">${escapeHtml(name)}</div></a></li>`
    );
  });
  const where = common === '' ? '' : ` in ${common}`;
  const subtitle =
    hits.length === 0 ? 'nothing was found' : `${title}: ${plural(hits.length, 'image')}${where}`;
  const page = pageHtml(query, STYLE, subtitle, `<main><ol>\n${items.join('\n')}\n</ol></main>`);
  try {
    await writeAtomically(file, page);
  } catch (cause) {
    throw new UsageError(`${file}: it cannot be written (${(cause as Error).message})`, { cause });
  }
}

/** The folder that holds all files, with its separator; empty where there is none. */
function commonFolder(files: readonly string[]): string {
  if (files.length === 0) return '';
  let common = `${path.dirname(files[0]!)}${path.sep}`;
  for (const file of files)
    while (common !== '' && !file.startsWith(common)) {
      const above = path.dirname(common);
      if (above === common || above === '.') common = '';
      else common = above.endsWith(path.sep) ? above : above + path.sep;
    }
  return path.isAbsolute(common) ? common : '';
}
