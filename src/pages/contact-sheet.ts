/** @file A page that shows queries, each with what was found beside it. */
import { escapeHtml, pageHtml, pictureHtml, pictures, type Tile } from './page.js';

/** One line of the page: a query, an image or words, and what was found. */
export interface SheetRow {
  query: Tile | string;
  found: Tile[];
}

const HEIGHT = 112;

const STYLE = `
body { max-width: 80rem; }
section { display: flex; align-items: center; gap: .75rem; padding: .75rem 0; border-top: 1px solid var(--line); flex-wrap: wrap; }
figure > div { border-radius: 4px; background-size: cover; }
figcaption { font-size: 12px; color: var(--faint); }
q { width: 12rem; font-size: 16px; }
section > b { color: var(--faint); }
section > figure:first-child > div { outline: 3px solid var(--mark); outline-offset: 1px; }`;

/**
 * Makes the page: one file, thumbnails inside, no script. A picture that occurs several times is stored once; those that cannot be read are shown as missing.
 * @param subtitle one line below the title
 */
export async function contactSheet(
  title: string,
  subtitle: string,
  rows: readonly SheetRow[],
): Promise<string> {
  const tiles = rows.flatMap((r) => (typeof r.query === 'string' ? r.found : [r.query, ...r.found]));
  const files = tiles.map(({ file }) => file);
  const made = [...(await pictures(files, 2 * HEIGHT, HEIGHT))];
  const places = new Map(made.map(([file, picture], i) => [file, picture && `p${i}`]));
  const styles = made.flatMap(([, picture], i) =>
    picture
      ? `.p${i} { width: ${picture.width}px; height: ${picture.height}px; background-image: url(${picture.src}); }`
      : [],
  );
  const tile = ({ file, caption }: Tile) => {
    const place = places.get(file);
    const label = escapeHtml(caption);
    const picture = place
      ? `<div class="${place}" role="img" aria-label="${label}"></div>`
      : pictureHtml(undefined, caption);
    return `<figure>${picture}<figcaption>${label}</figcaption></figure>`;
  };
  const asked = (query: SheetRow['query']) =>
    typeof query === 'string' ? `<q>${escapeHtml(query)}</q>` : tile(query);
  const lines = rows.map((r) => `<section>${asked(r.query)}<b>→</b>${r.found.map(tile).join('')}</section>`);
  return pageHtml(title, [STYLE, ...styles].join('\n'), subtitle, `<main>\n${lines.join('\n')}\n</main>`);
}
