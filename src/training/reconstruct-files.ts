/**
 * @file Images through an autoencoder and back in one call: a contact sheet, and the error of every image.
 */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { csvCell } from '../embedding/formats/csv.js';
import { writeFailure } from '../embedding/formats/files.js';
import type { Progress } from '../embedding/index.js';
import { type ItemFailure, UsageError } from '../errors.js';
import { type ExpandOptions, expandInputs } from '../image/index.js';
import { writeAtomically } from '../models/cache.js';
import { sheetFormat, writeContactSheet } from './contact-sheet.js';
import { type AutoencoderOptions, loadAutoencoder, type Reconstruction } from './reconstruct.js';

/** Options of {@link reconstructFiles}. */
export interface ReconstructOptions {
  /** The contact sheet to write: `.png`, `.webp` or `.jpg`. @default none */
  sheet?: string | undefined;
  /** Images on the sheet. @default 24 */
  count?: number | undefined;
  /** Show the images that come back worst, worst first, instead of the first ones. @default false */
  worst?: boolean | undefined;
  /** A file for id, mse and psnr of every image, the worst first: `.csv` or `.jsonl`. @default none */
  scores?: string | undefined;
  /** A folder for what came back, as PNG files numbered like the input. @default none */
  images?: string | undefined;
  /** Replace files that are there. @default false */
  overwrite?: boolean | undefined;
  /** How inputs are expanded. */
  expand?: ExpandOptions | undefined;
  /** How the network is opened. */
  autoencoder?: AutoencoderOptions | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: Progress) => void) | undefined;
  onFailure?: ((failure: ItemFailure) => void) | undefined;
}

/** What came back. */
export interface ReconstructSummary {
  images: number;
  failed: number;
  /** Mean over the images of the mean squared error of numbers in 0..1; NaN without images. */
  mse: number;
  /** Mean over the images, in dB. */
  psnr: number;
}

/**
 * Reconstructs all images that the inputs name, in bounded memory.
 * @param inputs files, folders, globs, archives, URLs: see `expandInputs`
 * @param model an autoencoder, as for `loadAutoencoder`; by default the bundled one
 * @throws UsageError when a file to write is there already, ModelError for another kind of network, the signal's reason.
 */
export async function reconstructFiles(
  inputs: Iterable<string | URL>,
  model: string | undefined,
  options: ReconstructOptions = {},
): Promise<ReconstructSummary> {
  const { sheet, count = 24, worst = false, scores, images: folder, overwrite = false, signal } = options;
  if (sheet !== undefined) sheetFormat(sheet);
  if (scores !== undefined && !/\.(csv|jsonl)$/i.test(scores))
    throw new UsageError(`${scores}: expected a name that ends in .csv or .jsonl`);
  for (const file of [sheet, scores, folder]) if (file !== undefined && !overwrite) await refuseFile(file);
  await using network = await loadAutoencoder(model, options.autoencoder);
  const rows: Score[] = [];
  const shown: Reconstruction[] = [];
  const sums = { images: 0, failed: 0, mse: 0, psnr: 0 };
  const items = expandInputs(inputs, options.expand);
  for await (const result of network.reconstruct(items, { signal, onProgress: options.onProgress })) {
    if ('failure' in result) {
      sums.failed++;
      options.onFailure?.(result.failure);
      continue;
    }
    const { id, mse, psnr } = result;
    sums.images++;
    sums.mse += mse;
    sums.psnr += psnr;
    if (scores !== undefined) rows.push({ id, mse, psnr });
    if (folder !== undefined) await writeImage(folder, result);
    keep(shown, result, count, worst);
  }
  const { images, failed } = sums;
  const summary = { images, failed, mse: sums.mse / images, psnr: sums.psnr / images };
  if (scores !== undefined && images > 0) await writeScores(scores, rows);
  if (sheet !== undefined && images > 0) await writeContactSheet(sheet, shown);
  return summary;
}

/** Keeps the first `most`, or those with the largest error, worst first. */
function keep(kept: Reconstruction[], next: Reconstruction, most: number, worst: boolean): void {
  const at = worst ? kept.findIndex((r) => r.mse < next.mse) : -1;
  kept.splice(at < 0 ? kept.length : at, 0, next);
  if (kept.length > most) kept.pop();
}

async function refuseFile(file: string): Promise<void> {
  const there = await stat(file).then(
    () => true,
    () => false,
  );
  if (there)
    throw new UsageError(`${file}: there is something of this name already`, {
      hint: 'choose another name, or say that it is to be overwritten',
    });
}

/** How well one image came back. */
type Score = Pick<Reconstruction, 'id' | 'mse' | 'psnr'>;

/** The worst first: outliers are what one looks for. */
async function writeScores(file: string, scores: Score[]): Promise<void> {
  scores.sort((a, b) => b.mse - a.mse);
  const lines = /\.csv$/i.test(file)
    ? ['id,mse,psnr', ...scores.map(({ id, mse, psnr }) => `${csvCell(id)},${mse},${psnr}`)]
    : scores.map((score) => JSON.stringify(score));
  await writeAtomically(file, `${lines.join('\n')}\n`).catch((error) => {
    throw writeFailure(file, error);
  });
}

async function writeImage(folder: string, { index, id, reconstruction }: Reconstruction): Promise<void> {
  const { data, width, height } = reconstruction;
  const name = path.parse(id).name.replace(/[^\p{L}\p{N}._-]+/gu, '_');
  const file = path.join(folder, `${String(index).padStart(6, '0')}-${name}.png`);
  const png = await sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
  await writeAtomically(file, png).catch((error) => {
    throw writeFailure(file, error);
  });
}
