/** @file Folders of pictures for tests of collections. */
import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';

/** A folder that is deleted afterwards. */
export async function temporaryFolder(): Promise<{ folder: string } & AsyncDisposable> {
  const folder = await mkdtemp(path.join(tmpdir(), 'afterimage-'));
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}

/** A small picture that is different for every seed; its file always has the same size. */
export function picture(seed: number): Promise<Buffer> {
  const data = Buffer.alloc(48 * 32 * 3);
  let state = seed + 1;
  for (let i = 0; i < data.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    data[i] = (((seed * 37) % 200) + (state >>> 26) + ((i * (1 + (seed % 5))) >> 6)) & 255;
  }
  return sharp(data, { raw: { width: 48, height: 32, channels: 3 } })
    .png({ compressionLevel: 0 })
    .toBuffer();
}

/** Writes a file whose time lies well back, so that its time alone proves that it is unchanged. */
export async function put(file: string, bytes: Uint8Array, time = '2024-05-06T07:08:09Z'): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, bytes);
  await utimes(file, new Date(time), new Date(time));
}
