/** @file A page that shows queries with what was found; one file, thumbnails inside, no script. */
import sharp from 'sharp';

/** A picture and its caption. */
export interface Tile {
  file: string;
  caption: string;
}

/** One line of the page: a query, an image or words, and what was found. */
export interface SheetRow {
  query: Tile | string;
  found: Tile[];
}

const HEIGHT = 112;

/** Makes the page. Pictures that occur several times are stored once. */
export async function contactSheet(
  title: string,
  subtitle: string,
  rows: readonly SheetRow[],
): Promise<string> {
  const tiles = rows.flatMap((r) => (typeof r.query === 'string' ? r.found : [r.query, ...r.found]));
  const files = [...new Set(tiles.map((t) => t.file))];
  const styles = await Promise.all(files.map(async (file, i) => `.p${i}{${await thumbnail(file)}}`));
  const tile = ({ file, caption }: Tile) =>
    `<figure><div class="p${files.indexOf(file)}" role="img" aria-label="${escapeHtml(caption)}"></div>` +
    `<figcaption>${escapeHtml(caption)}</figcaption></figure>`;
  const asked = (query: SheetRow['query']) =>
    typeof query === 'string' ? `<q>${escapeHtml(query)}</q>` : tile(query);
  const lines = rows.map((r) => `<section>${asked(r.query)}<b>→</b>${r.found.map(tile).join('')}</section>`);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeHtml(title)}</title>
<style>
:root { color-scheme: light dark; font: 14px/1.4 system-ui, sans-serif; }
body { margin: 2rem auto; max-width: 76rem; padding: 0 1rem; }
section { display: flex; align-items: center; gap: .75rem; padding: .75rem .25rem; border-top: 1px solid #8884; flex-wrap: wrap; }
figure { margin: 0; }
figure div { height: ${HEIGHT}px; border-radius: 4px; background-size: cover; }
figcaption { font-size: 12px; opacity: .75; }
q { width: 12rem; font-size: 16px; }
section > figure:first-child div { outline: 3px solid #2a7; outline-offset: 1px; }
${styles.join('\n')}
</style>
<h1>${escapeHtml(title)}</h1>
<p>${escapeHtml(subtitle)}</p>
${lines.join('\n')}
</html>
`;
}

async function thumbnail(file: string): Promise<string> {
  const { data, info } = await sharp(file)
    .rotate()
    .resize({ height: HEIGHT, width: 2 * HEIGHT, fit: 'inside' })
    .flatten({ background: '#fff' })
    .webp({ quality: 75 })
    .toBuffer({ resolveWithObject: true });
  const width = Math.round((info.width * HEIGHT) / info.height);
  return `width:${width}px;background-image:url(data:image/webp;base64,${data.toString('base64')})`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
}
