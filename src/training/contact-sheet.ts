/**
 * @file A picture of originals beside their reconstructions, with what each is and how well it came back.
 */
import path from 'node:path';
import sharp from 'sharp';
import { UsageError } from '../errors.js';
import type { RgbImage } from '../image/index.js';
import { writeAtomically } from '../models/cache.js';
import type { Reconstruction } from './reconstruct.js';

/** How a sheet is drawn. */
export interface ContactSheetOptions {
  /** Pairs in a row. @default as many as make the sheet about as wide as high */
  columns?: number | undefined;
  /** Above the pairs. @default none */
  title?: string | undefined;
}

/** Small pictures are enlarged, by whole numbers and without smoothing, to at least this side. */
const LEAST_SIDE = 96;
const GAP = 12;
/** Between an original and its reconstruction. */
const SEAM = 2;
const CAPTION = 18;
const TITLE = 34;
const FONT = 'DejaVu Sans, Verdana, Helvetica, Arial, sans-serif';
/** About the width of a letter, in parts of the font's size. */
const LETTER = 0.6;

/** Formats by the ending of the file. */
const FORMATS: Readonly<Record<string, 'png' | 'webp' | 'jpeg'>> = {
  '.png': 'png',
  '.webp': 'webp',
  '.jpg': 'jpeg',
  '.jpeg': 'jpeg',
};

/** The format that a file's name asks for. @throws UsageError for an ending that is none. */
export function sheetFormat(file: string): 'png' | 'webp' | 'jpeg' {
  const format = FORMATS[path.extname(file).toLowerCase()];
  if (!format)
    throw new UsageError(`${file}: expected a name that ends in ${Object.keys(FORMATS).join(', ')}`);
  return format;
}

/**
 * Writes the sheet: left of each pair the original, right the reconstruction.
 * @throws UsageError for no pairs, or an ending that is no format.
 */
export async function writeContactSheet(
  file: string,
  pairs: readonly Reconstruction[],
  options: ContactSheetOptions = {},
): Promise<void> {
  const format = sheetFormat(file);
  const canvas = drawSheet(pairs, options);
  const { data, width, height } = canvas.image;
  const picture = sharp(data, { raw: { width, height, channels: 3 } }).composite([
    { input: Buffer.from(canvas.captions), left: 0, top: 0 },
  ]);
  // A quality would reduce a PNG to a palette.
  await writeAtomically(
    file,
    await picture.toFormat(format, format === 'png' ? {} : { quality: 90 }).toBuffer(),
  );
}

function drawSheet(pairs: readonly Reconstruction[], options: ContactSheetOptions) {
  const first = pairs[0];
  if (!first) throw new UsageError('contact sheet: expected at least one image');
  const { width: w, height: h } = first.original;
  const scale = Math.max(1, Math.ceil(LEAST_SIDE / Math.min(w, h)));
  const cell = { width: 2 * w * scale + SEAM, height: h * scale + CAPTION };
  const square = Math.sqrt((pairs.length * (cell.height + GAP)) / (cell.width + GAP));
  const columns = Math.min(pairs.length, options.columns ?? Math.max(1, Math.round(square)));
  const rows = Math.ceil(pairs.length / columns);
  const top = GAP + (options.title ? TITLE : 0);
  const width = GAP + columns * (cell.width + GAP);
  const height = top + rows * (cell.height + GAP);
  const image: RgbImage = { width, height, data: new Uint8Array(3 * width * height).fill(255) };
  const texts: string[] = [];
  if (options.title) texts.push(text(GAP, TITLE - 4, 18, options.title, width - 2 * GAP));
  pairs.forEach((pair, i) => {
    const x = GAP + (i % columns) * (cell.width + GAP);
    const y = top + Math.floor(i / columns) * (cell.height + GAP);
    paste(image, pair.original, x, y, scale);
    paste(image, pair.reconstruction, x + w * scale + SEAM, y, scale);
    const decibels = `${pair.psnr.toFixed(1)} dB`;
    texts.push(text(x, y + cell.height - 4, 12, `${decibels}  ${path.basename(pair.id)}`, cell.width));
  });
  const captions = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${texts.join('')}</svg>`;
  return { image, captions };
}

/** Copies a picture, each pixel as a square of `scale`. */
function paste(to: RgbImage, from: RgbImage, left: number, top: number, scale: number): void {
  for (let y = 0; y < from.height * scale; y++) {
    const row = Math.floor(y / scale) * from.width;
    let at = 3 * ((top + y) * to.width + left);
    for (let x = 0; x < from.width * scale; x++) {
      const pixel = 3 * (row + Math.floor(x / scale));
      for (let c = 0; c < 3; c++) to.data[at++] = from.data[pixel + c]!;
    }
  }
}

/** A line of text that is cut to a width. */
function text(x: number, baseline: number, size: number, content: string, width: number): string {
  const most = Math.floor(width / (size * LETTER));
  const shown = content.length > most ? `${content.slice(0, most - 1)}…` : content;
  const printable = shown.replace(/\p{Cc}/gu, '\uFFFD'); // XML has no such characters
  const escaped = printable.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
  return `<text x="${x}" y="${baseline}" font-family="${FONT}" font-size="${size}" fill="#222">${escaped}</text>`;
}
