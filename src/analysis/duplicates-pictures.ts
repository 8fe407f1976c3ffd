/**
 * @file What is known of pictures when they are compared: the bytes' hash, the perceptual hash, size and sharpness.
 * What was measured is kept by the bytes' hash in one file of the collection, line by line, so that a second search
 * reads no picture.
 */
import { createHash } from 'node:crypto';
import { appendFile, mkdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { ImageError, type ItemFailure } from '../errors.js';
import { decodeImage, readSource } from '../image/index.js';
import { perceptualHash, sharpness } from '../image/perceptual-hash.js';
import { MINIATURE, miniature } from '../image/perceptual-hash-crop.js';
import { inParallel } from '../pages/thumbnail.js';
import { duplicatesFolder } from './duplicates-memory.js';
import type { VectorSet } from './vector-set.js';

/** What was measured in one picture. */
export interface Picture {
  /** SHA-256 of the file's bytes. */
  content: string;
  /** 256 bits. */
  look: Uint8Array;
  /** In grey, 32 × 32 pixels. */
  small: Uint8Array;
  sharpness: number;
  /** Pixels, upright. */
  width: number;
  height: number;
  format: string;
}

/** Bits of the perceptual hash a side: 256 bits tell product pictures apart that 64 do not. */
export const HASH_SIZE = 16;
/** Pictures are decoded at no less than twice this, where the format allows: a 12-megapixel JPEG takes 0.4 of the time. */
const TARGET_SIZE = 256;
const FILE = 'pictures-1.tsv';
/** Pictures that are measured before they are written down. */
const TOGETHER = 256;

/** Reads and measures pictures of a set, each once. */
export class Pictures {
  private readonly known = new Map<number, Picture | null>();
  /** Content hashes that the collection knows of its items, once something was measured. */
  private contents: readonly unknown[] = [];
  private kept: Map<string, Picture> | undefined;
  readonly failures: ItemFailure[] = [];

  constructor(
    private readonly set: VectorSet,
    private readonly signal?: AbortSignal | undefined,
    private readonly onProgress?: ((done: number, total: number) => void) | undefined,
  ) {}

  /** What is known of an item; undefined where it was not measured or cannot be read. */
  get(row: number): Picture | undefined {
    return this.known.get(row) ?? undefined;
  }

  /** SHA-256 of an item's bytes, where it is known. */
  contentOf(row: number): string | undefined {
    const content = this.contents[row] ?? this.known.get(row)?.content;
    return typeof content === 'string' ? content : undefined;
  }

  /** Measures these items, as far as they are not known; those that cannot be read are noted as failures. */
  async measure(rows: Iterable<number>): Promise<void> {
    const left = [...new Set(rows)].filter((row) => !this.known.has(row)).sort((a, b) => a - b);
    if (left.length === 0) return;
    if (this.kept === undefined) {
      this.kept = await this.read();
      this.contents = await contentsOf(this.set);
    }
    const { kept } = this;
    const missing = left.filter((row) => {
      const picture = kept.get(String(this.contents[row]));
      if (picture) this.known.set(row, picture);
      return picture === undefined;
    });
    for (let from = 0; from < missing.length; from += TOGETHER) {
      this.signal?.throwIfAborted();
      const lines = await inParallel(missing.slice(from, from + TOGETHER), async (row) => {
        const picture = await this.measureOne(row);
        this.known.set(row, picture);
        if (picture === null || kept.has(picture.content)) return '';
        kept.set(picture.content, picture);
        return `${lineOf(picture)}\n`;
      });
      await this.keep(lines.join(''));
      this.onProgress?.(Math.min(from + TOGETHER, missing.length), missing.length);
    }
  }

  private async measureOne(row: number): Promise<Picture | null> {
    const file = this.set.file(row);
    try {
      const bytes = await readSource(file);
      if (!(bytes instanceof Uint8Array)) return null;
      const image = await decodeImage(bytes, { source: file, mode: 'fast', targetSize: TARGET_SIZE });
      const turned = image.orientation >= 5;
      return {
        content: createHash('sha256').update(bytes).digest('hex'),
        look: perceptualHash(image, HASH_SIZE),
        small: miniature(image),
        sharpness: sharpness(image),
        width: turned ? image.originalHeight : image.originalWidth,
        height: turned ? image.originalWidth : image.originalHeight,
        format: image.format,
      };
    } catch (error) {
      if (!(error instanceof ImageError)) throw error;
      this.failures.push({ id: this.set.ids[row]!, stage: error.stage, reason: error.reason });
      return null;
    }
  }

  private async read(): Promise<Map<string, Picture>> {
    const folder = duplicatesFolder(this.set);
    const text = folder && (await readFile(path.join(folder, FILE), 'utf8').catch(() => undefined));
    const pictures = (text ?? '').split('\n').flatMap((line) => pictureOf(line) ?? []);
    return new Map(pictures.map((picture) => [picture.content, picture]));
  }

  /** A collection that cannot be written is measured again the next time. */
  private async keep(lines: string): Promise<void> {
    const folder = duplicatesFolder(this.set);
    if (folder === undefined || lines === '') return;
    await mkdir(folder, { recursive: true })
      .then(() => appendFile(path.join(folder, FILE), lines))
      .catch(() => undefined);
  }
}

/** Content hashes where the collection has them: of the files as they were when they were indexed. */
async function contentsOf(set: VectorSet): Promise<readonly unknown[]> {
  if (!set.columns.some(({ name }) => name === 'hash')) return [];
  return (await set.column('hash')).cells;
}

function lineOf({ content, look, small, sharpness, width, height, format }: Picture): string {
  const [hash, pixels] = [Buffer.from(look).toString('hex'), Buffer.from(small).toString('base64')];
  return [content, hash, sharpness.toPrecision(6), width, height, format, pixels].join('\t');
}

/** Undefined for a line that was cut off. */
function pictureOf(line: string): Picture | undefined {
  const [content, look, sharp, width, height, format, pixels] = line.split('\t');
  const small = Uint8Array.from(Buffer.from(pixels ?? '', 'base64'));
  if (small.length !== MINIATURE * MINIATURE) return undefined;
  return {
    content: content!,
    look: Uint8Array.from(Buffer.from(look!, 'hex')),
    small,
    sharpness: Number(sharp),
    width: Number(width),
    height: Number(height),
    format: format!,
  };
}

/** Items of equal bytes: `[first, other]` rows, two for each pair. Of files, those of one length alone are read. */
export async function equalFiles(set: VectorSet, pictures: Pictures): Promise<number[]> {
  const contents = await contentsOf(set);
  const rows = set.ids.map((_, row) => row);
  const unknown = rows.filter((row) => typeof contents[row] !== 'string');
  const hashes = new Map<number, string>();
  const lengths = await inParallel(
    unknown,
    async (row) => (await stat(set.file(row)).catch(() => undefined))?.size,
  );
  const byLength = new Map<number, number[]>();
  for (const [i, row] of unknown.entries()) {
    const length = lengths[i];
    if (length === undefined) continue;
    byLength.set(length, [...(byLength.get(length) ?? []), row]);
  }
  const alike = [...byLength.values()].filter((list) => list.length > 1).flat();
  await inParallel(alike, async (row) => {
    const bytes = await readSource(set.file(row)).catch(() => undefined);
    if (bytes instanceof Uint8Array) hashes.set(row, createHash('sha256').update(bytes).digest('hex'));
    else pictures.failures.push({ id: set.ids[row]!, stage: 'read', reason: 'the file cannot be read' });
  });
  const first = new Map<string, number>();
  const pairs: number[] = [];
  for (const row of rows) {
    const hash = hashes.get(row) ?? contents[row];
    if (typeof hash !== 'string') continue;
    const other = first.get(hash);
    if (other === undefined) first.set(hash, row);
    else pairs.push(other, row);
  }
  return pairs;
}
