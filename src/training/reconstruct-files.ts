/**
 * @file Images through an autoencoder and back in one call: a contact sheet, and the error of every image.
 */
import { type FileHandle, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Progress } from '../embedding/index.js';
import { type ItemFailure, UsageError } from '../errors.js';
import { type ExpandOptions, expandInputs } from '../image/index.js';
import { temporaryName } from '../models/cache.js';
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
  /** A file for a JSON line `{id, mse, psnr}` of every image. @default none */
  scores?: string | undefined;
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
 * @param model an autoencoder, as for `loadAutoencoder`
 * @throws UsageError when a file to write is there already, ModelError for another kind of network, the signal's reason.
 */
export async function reconstructFiles(
  inputs: Iterable<string | URL>,
  model: string,
  options: ReconstructOptions = {},
): Promise<ReconstructSummary> {
  const { sheet, count = 24, worst = false, scores, overwrite = false, signal } = options;
  if (sheet !== undefined) sheetFormat(sheet);
  for (const file of [sheet, scores]) if (file !== undefined && !overwrite) await refuseFile(file);
  await using network = await loadAutoencoder(model, options.autoencoder);
  const rows = scores === undefined ? undefined : await ScoreFile.open(scores);
  const shown: Reconstruction[] = [];
  const sums = { images: 0, failed: 0, mse: 0, psnr: 0 };
  try {
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
      await rows?.add(`${JSON.stringify({ id, mse, psnr })}\n`);
      keep(shown, result, count, worst);
    }
    await rows?.finish();
  } finally {
    await rows?.close();
  }
  const { images, failed } = sums;
  const summary = { images, failed, mse: sums.mse / images, psnr: sums.psnr / images };
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
    throw new UsageError(`${file}: a file is there already`, {
      hint: 'choose another name, or say that it is to be overwritten',
    });
}

/** Lines that appear under their file's name when all are there. */
class ScoreFile {
  private constructor(
    private readonly file: string,
    private readonly temporary: string,
    private readonly handle: FileHandle,
  ) {}

  static async open(file: string): Promise<ScoreFile> {
    await mkdir(path.dirname(file), { recursive: true });
    const temporary = temporaryName(file);
    return new ScoreFile(file, temporary, await open(temporary, 'wx'));
  }

  async add(line: string): Promise<void> {
    await this.handle.write(line);
  }

  async finish(): Promise<void> {
    await this.handle.sync();
    await rename(this.temporary, this.file);
  }

  async close(): Promise<void> {
    await this.handle.close();
    await rm(this.temporary, { force: true });
  }
}
