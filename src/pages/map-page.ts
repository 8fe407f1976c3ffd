/**
 * @file A map as a page: one HTML file with points, columns, small pictures and a script inside, which needs no network
 * and no server. The script is built from `web/map/`.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { UsageError } from '../errors.js';
import { writeAtomically } from '../models/cache.js';
import { CELL, COLUMNS, packAtlases, spreadOver } from './map-page-atlas.js';
import { Blocks, encodeColumn, type MapColumn } from './map-page-blocks.js';
import { MAP_MARK, type MapPayload } from './map-page-payload.js';
import { escapeHtml, linkTo } from './page.js';

/** Reduced vectors that words can be compared with; see `PayloadWords` for what they mean. */
export interface MapWords {
  dimension: number;
  words: readonly string[];
  items: Int8Array;
  itemScales: Float32Array;
  vectors: Int8Array;
  wordScales: Float32Array;
  offsets: Float32Array;
  agreement: number;
}

/** What {@link writeMapPage} shows. Arrays have one entry for each item. */
export interface MapPageData {
  title: string;
  /** Names and values, for "About this map". */
  facts: readonly (readonly [string, string])[];
  ids: readonly string[];
  /** Paths or addresses, to be opened by a click. */
  files: readonly string[];
  x: Float32Array;
  y: Float32Array;
  columns: readonly MapColumn[];
  /** The column that gives the colours at first. @default none */
  color?: string | undefined;
  /** For the search box. @default substrings of ids and columns alone */
  words?: MapWords | undefined;
}

/** Options of {@link writeMapPage}. */
export interface MapPageOptions {
  /**
   * Items that have their picture inside; of larger sets so many are chosen, spread over the map, and all others' pictures
   * are loaded from their files when they are pointed at. One takes some 2 kB. @default 5000
   */
  pictures?: number | undefined;
  /** Told of pictures that are made. */
  onProgress?: ((progress: { done: number; failed: number; total: number }) => void) | undefined;
  /** Ends it; what was there before stays. */
  signal?: AbortSignal | undefined;
}

/** What was written. */
export interface MapPageSummary {
  /** Bytes of the page. */
  bytes: number;
  /** Pictures inside, and files that could not be read. */
  pictures: number;
  missing: number;
}

/** Pictures inside, where nothing else is said. */
export const PICTURES = 5000;

/**
 * Writes the page. Positions are float32, columns have dictionaries, pictures of at most 64 pixels lie in WebP atlases:
 * 5,000 items make some 10 MB.
 * @throws UsageError when the file is there and no map, cannot be written, or arrays differ in length; the reason of `signal`.
 */
export async function writeMapPage(
  file: string,
  data: MapPageData,
  options: MapPageOptions = {},
): Promise<MapPageSummary> {
  const { pictures: most = PICTURES, onProgress, signal } = options;
  await assertReplaceable(file);
  const n = data.ids.length;
  for (const [what, length] of [
    ['files', data.files.length],
    ['x', data.x.length],
    ['y', data.y.length],
    ...data.columns.map(({ name, cells }) => [name, cells.length] as const),
  ] as const)
    if (length !== n) throw new UsageError(`map: expected ${n} entries of ${what} but received ${length}`);
  if (!Number.isInteger(most) || most < 0)
    throw new UsageError(`pictures: expected a whole number of at least 0 but received ${most}`);
  const blocks = new Blocks();
  const chosen = spreadOver(data.x, data.y, most);
  const atlases = await packAtlases(data.files, chosen, {
    signal,
    onProgress: onProgress && ((done) => onProgress({ done, failed: 0, total: chosen.length })),
  });
  const prefix = commonStart(data.ids);
  const names = data.ids.map((id) => id.slice(prefix.length));
  const { words } = data;
  const payload: MapPayload = {
    version: 1,
    title: data.title,
    count: n,
    facts: data.facts.map(([name, value]) => [name, value]),
    names,
    prefix,
    ...linksOf(file, data.files, names),
    x: blocks.add(data.x),
    y: blocks.add(data.y),
    columns: data.columns.map((column) => encodeColumn(column, blocks)),
    color: data.color ?? null,
    pictures:
      atlases.images.length === 0
        ? null
        : {
            cell: CELL,
            columns: COLUMNS,
            atlases: atlases.images.map((image) => blocks.add(image)),
            slots: blocks.add(atlases.slots),
            sizes: blocks.add(atlases.sizes),
          },
    words: words
      ? {
          dimension: words.dimension,
          words: [...words.words],
          items: blocks.add(words.items),
          itemScales: blocks.add(words.itemScales),
          vectors: blocks.add(words.vectors),
          wordScales: blocks.add(words.wordScales),
          offsets: blocks.add(words.offsets),
          agreement: words.agreement,
        }
      : null,
  };
  const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
${MAP_MARK}
<title>${escapeHtml(data.title)}</title>
<body>
<noscript>This map is drawn by a script that lies in this page; it needs JavaScript, and no network.</noscript>
${blocks.html()}
<script type="application/json" id="map">${JSON.stringify(payload).replaceAll('<', '\\u003c')}</script>
<script>${(await script()).replaceAll('</script', '<\\/script')}</script>
</body>
</html>
`;
  signal?.throwIfAborted();
  try {
    await writeAtomically(file, page);
  } catch (cause) {
    throw new UsageError(`${file}: it cannot be written (${(cause as Error).message})`, { cause });
  }
  const pictures = chosen.length - atlases.missing;
  return { bytes: Buffer.byteLength(page), pictures, missing: atlases.missing };
}

/**
 * A map may be drawn anew over an older one; any other file stays.
 * @throws UsageError when there is something else.
 */
export async function assertReplaceable(file: string): Promise<void> {
  const there = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw new UsageError(`${file}: it cannot be written (${error.message})`, { cause: error });
  });
  if (there !== undefined && !there.slice(0, 1000).includes(MAP_MARK))
    throw new UsageError(`${file} is there, and it is not a map`, { hint: 'name another file' });
}

function script(): Promise<string> {
  return readFile(fileURLToPath(new URL('../web/map.js', import.meta.url)), 'utf8');
}

/** What all texts begin with, up to and with a separator. */
function commonStart(texts: readonly string[]): string {
  let common = texts[0] ?? '';
  for (const text of texts) while (!text.startsWith(common)) common = common.slice(0, -1);
  return common.slice(0, Math.max(common.lastIndexOf('/'), common.lastIndexOf('\\')) + 1);
}

/** Links from the page to the files: relative ones to what lies beside or below it, so that both can be moved together. */
function linksOf(
  page: string,
  files: readonly string[],
  names: readonly string[],
): Pick<MapPayload, 'base' | 'links'> {
  const links = files.map(linkTo);
  const common = commonStart(links);
  const folder = `${linkTo(path.dirname(path.resolve(page)))}/`.replace(/\/\/$/, '/');
  const base = common.startsWith(folder) ? common.slice(folder.length) : common;
  const ends = links.map((link) => link.slice(common.length));
  return { base, links: ends.every((end, i) => end === encodeURI(names[i]!)) ? null : ends };
}
