/** @file Small real images and folders of them, for the tests of data sets. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import type { DataSet, DataSetOptions } from '#src/training/data/dataset.js';
import { openDataSet } from '#src/training/data/dataset.js';
import { assembleDataSet } from '#src/training/data/dataset-assemble.js';

/** A PNG of one colour: the same number, the same bytes. */
export function png(seed: number, size = 8): Promise<Buffer> {
  const background = { r: seed & 255, g: (seed >> 8) & 255, b: (seed * 37) & 255 };
  return sharp({ create: { width: size, height: size, channels: 3, background } })
    .png()
    .toBuffer();
}

/** A folder that is gone after the tests. */
export class Disk {
  private constructor(readonly root: string) {}

  static async create(): Promise<Disk> {
    return new Disk(await mkdtemp(path.join(os.tmpdir(), 'data-set-')));
  }

  /** Puts files down; a number becomes an image of that colour. */
  async write(files: Record<string, number | string | Uint8Array>): Promise<void> {
    for (const [name, content] of Object.entries(files)) {
      const file = this.path(name);
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(file, typeof content === 'number' ? await png(content) : content);
    }
  }

  path(name: string): string {
    return path.join(this.root, name);
  }

  open(name: string, options?: DataSetOptions): Promise<DataSet> {
    return openDataSet(this.path(name), options);
  }

  remove(): Promise<void> {
    return rm(this.root, { recursive: true });
  }
}

/** Labels by id. */
export function labelsOf(set: DataSet): Record<string, string | undefined> {
  return Object.fromEntries(set.items.map(({ id, label }) => [id, label]));
}

/** Labelled items without files: `sizes[c]` of class `c`, each with the group that `group` gives it. */
export function labelled(sizes: readonly number[], group?: (item: number) => string): DataSet {
  const items = sizes.flatMap((size, c) =>
    Array.from({ length: size }, (_, i) => {
      const id = `c${String(c).padStart(3, '0')}/${String(i).padStart(4, '0')}.png`;
      return { id, input: id, label: `c${String(c).padStart(3, '0')}` };
    }),
  );
  const grouped = items.map((item, i) => (group ? { ...item, group: group(i) } : item));
  return assembleDataSet('labelled', grouped, { given: null, unreadable: [], warnings: [] });
}

/** The message and hint of the error that a promise or call ends with. */
export async function refusal(work: Promise<unknown> | (() => unknown)): Promise<string> {
  try {
    await (typeof work === 'function' ? work() : work);
  } catch (error) {
    const { name, message, hint } = error as { name: string; message: string; hint?: string };
    return `${name}: ${message} | ${hint ?? ''}`;
  }
  throw new Error('expected an error');
}
