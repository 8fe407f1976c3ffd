/** @file Rows of small pictures with captions in a terminal that can show them. */
import sharp from 'sharp';
import { inParallel, type Thumbnail, thumbnail } from '../pages/thumbnail.js';
import { print, visible } from './terminal.js';
import { itermPicture, kittyPicture, sixelPicture } from './thumbnails-escapes.js';
import { type Protocol, type TerminalPictures, terminalPictures } from './thumbnails-terminal.js';

/** Options of {@link showThumbnails}. */
export interface ThumbnailOptions {
  /** Pictures beside each other. @default as many as fit, each about 26 characters wide */
  columns?: number | undefined;
  /** Lines of text that a picture takes. @default 8 */
  height?: number | undefined;
}

/** Characters between two pictures. */
const GAP = 2;
const USUAL_WIDTH = 26;

/**
 * Prints the pictures of hits in rows, each with its caption below, the first line of it cut to the picture's width.
 * Files that cannot be read leave their place empty.
 * @returns false when the terminal cannot show pictures: nothing is printed then.
 * @throws UsageError when AFTERIMAGE_IMAGES holds no known protocol.
 */
export async function showThumbnails(
  hits: readonly { file: string; caption: string }[],
  options: ThumbnailOptions = {},
): Promise<boolean> {
  const terminal = await terminalPictures();
  if (terminal === undefined) return false;
  const { height = 8 } = options;
  const room = (process.stdout.columns ?? 80) - 1; // a picture in the last column would break the line
  const columns = Math.min(
    options.columns ?? Math.floor(room / USUAL_WIDTH),
    Math.floor(room / 4),
    hits.length,
  );
  const width = Math.floor(room / Math.max(1, columns));
  for (let i = 0; i < hits.length; i += Math.max(1, columns)) {
    const row = hits.slice(i, i + Math.max(1, columns));
    const strip = await stripOf(row, width, height, terminal);
    await print(`${await drawn(terminal.protocol, strip, width * row.length - GAP, height)}\n`);
    await print(
      `${row
        .map(({ caption }) => fitted(caption, width))
        .join('')
        .trimEnd()}\n\n`,
    );
  }
  return true;
}

/** One picture of a row's pictures beside each other, transparent between them; a PNG. */
async function stripOf(
  hits: readonly { file: string }[],
  width: number,
  height: number,
  { cell }: TerminalPictures,
): Promise<Buffer> {
  const box = { width: (width - GAP) * cell.width, height: height * cell.height };
  const found = await inParallel(hits, ({ file }) => thumbnail(file, box));
  const placed = await Promise.all(
    found.map(async (small: Thumbnail | undefined, i) => {
      if (small === undefined) return [];
      return [
        {
          input: await small.image.png().toBuffer(),
          left: i * width * cell.width,
          top: box.height - small.height,
        },
      ];
    }),
  );
  const whole = { width: (width * hits.length - GAP) * cell.width, height: box.height };
  return sharp({ create: { ...whole, channels: 4, background: '#0000' } })
    .composite(placed.flat())
    .png()
    .toBuffer();
}

async function drawn(protocol: Protocol, png: Buffer, columns: number, rows: number): Promise<string> {
  switch (protocol) {
    case 'kitty':
      return kittyPicture(png, columns, rows);
    case 'iterm':
      return itermPicture(png, columns, rows);
    case 'sixel':
      return sixelPicture(png);
    default:
      return protocol satisfies never;
  }
}

/** The first line of a text, cut or filled to `width` characters with the gap. */
function fitted(text: string, width: number): string {
  const line = text.split('\n')[0]!;
  const most = width - GAP;
  const cut = visible(line) > most ? `${[...line].slice(0, most - 1).join('')}…` : line;
  return cut + ' '.repeat(width - visible(cut));
}
