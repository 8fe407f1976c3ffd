/** @file Folders of small pictures for training: classes that differ, with noise, from a seed. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { Random } from '#src/random.js';

/** A folder for one test file, and its removal. */
export function scratch(): { folder: string; remove: () => void } {
  const folder = mkdtempSync(path.join(tmpdir(), 'afterimage-training-'));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/**
 * Writes `classes` folders of `each` pictures: discs, squares and stripes of a class's own colour and place, with
 * noise. Returns the paths relative to `folder`.
 */
export async function writePictures(
  folder: string,
  { classes, each, side = 32 }: { classes: number; each: number; side?: number },
): Promise<string[]> {
  const names: string[] = [];
  for (let c = 0; c < classes; c++) {
    mkdirSync(path.join(folder, `class${c}`), { recursive: true });
    for (let i = 0; i < each; i++) {
      const name = `class${c}/${i}.png`;
      await sharp(picture(c, i, side), { raw: { width: side, height: side, channels: 3 } })
        .png()
        .toFile(path.join(folder, name));
      names.push(name);
    }
  }
  return names;
}

function picture(kind: number, number: number, side: number): Uint8Array {
  const random = new Random(7, kind, number);
  const data = new Uint8Array(side * side * 3);
  const x0 = side * random.uniform(0.35, 0.65);
  const y0 = side * random.uniform(0.35, 0.65);
  const r = side * random.uniform(0.2, 0.35);
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++) {
      const inside =
        kind % 3 === 0
          ? Math.hypot(x - x0, y - y0) < r
          : kind % 3 === 1
            ? Math.max(Math.abs(x - x0), Math.abs(y - y0)) < r
            : (x + y + number) % 8 < 4;
      for (let c = 0; c < 3; c++) {
        const level = inside ? ((kind >> c) & 1 ? 220 : 120) : 40;
        data[(y * side + x) * 3 + c] = level + random.uniform(-25, 25);
      }
    }
  return data;
}
