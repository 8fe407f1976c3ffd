/** @file The parts that all pages share: one file that works from the disk, without scripts, light and dark. */
import { pathToFileURL } from 'node:url';
import { inParallel, thumbnail } from './thumbnail.js';

/** A picture and its caption. */
export interface Tile {
  /** A path or a URL. */
  file: string;
  /** Lines of text. */
  caption: string;
}

/** A small picture within a page, or undefined where there is none to show. */
export type Picture = { src: string; width: number; height: number } | undefined;

/** The pictures of the files, each made once, as data within the page; at most `width` × `height` pixels of the page. */
export async function pictures(
  files: readonly string[],
  width: number,
  height: number,
): Promise<Map<string, Picture>> {
  const all = [...new Set(files)];
  const made = await inParallel(all, async (file): Promise<Picture> => {
    const small = await thumbnail(file, { width: 2 * width, height: 2 * height }); // for dense screens
    if (small === undefined) return undefined;
    const data = await small.image.webp({ quality: 72, smartSubsample: true }).toBuffer();
    return {
      src: `data:image/webp;base64,${data.toString('base64')}`,
      width: Math.max(1, Math.round(small.width / 2)),
      height: Math.max(1, Math.round(small.height / 2)),
    };
  });
  return new Map(all.map((file, i) => [file, made[i]]));
}

/** A picture, or a place that says that there is none. */
export function pictureHtml(picture: Picture, label: string): string {
  if (picture === undefined)
    return `<div class="missing" role="img" aria-label="${escapeHtml(`no picture: ${label}`)}">no picture</div>`;
  const { src, width, height } = picture;
  return `<img src="${src}" width="${width}" height="${height}" alt="${escapeHtml(label)}" decoding="async">`;
}

/**
 * A whole page.
 * @param style rules beside those that all pages have
 * @param main HTML
 */
export function pageHtml(title: string, style: string, subtitle: string, main: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<style>
:root { color-scheme: light dark; font: 14px/1.45 system-ui, sans-serif;
  --page: light-dark(#fff, #16181b); --ink: light-dark(#1b1d20, #e6e7e9); --faint: light-dark(#5d636b, #9aa1aa);
  --card: light-dark(#f4f5f6, #202327); --line: light-dark(#dfe1e4, #33373d); --mark: light-dark(#16775a, #4fc09a); }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem clamp(1rem, 3vw, 2.5rem) 3rem; background: var(--page); color: var(--ink); }
h1 { font-size: 1.45rem; line-height: 1.25; margin: 0; overflow-wrap: anywhere; }
header { margin-bottom: 1.25rem; }
header p { margin: .25rem 0 0; color: var(--faint); }
figure { margin: 0; }
img { display: block; border-radius: 4px; max-width: 100%; object-fit: cover; }
.missing { display: grid; place-items: center; width: 112px; height: 112px; color: var(--faint); font-size: 12px;
  border: 1px dashed var(--line); border-radius: 4px; }
a { color: inherit; text-decoration: none; }
a:hover { text-decoration: underline; }
:focus-visible { outline: 3px solid var(--mark); outline-offset: 2px; border-radius: 6px; }
${style}
</style>
<header><h1>${escapeHtml(title)}</h1><p>${escapeHtml(subtitle)}</p></header>
${main}
</html>
`;
}

/** Where a page finds a file or an address. */
export function linkTo(file: string): string {
  return /^(https?|file|data):/i.test(file) ? file : pathToFileURL(file).href;
}

/** Text within a page. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
}
