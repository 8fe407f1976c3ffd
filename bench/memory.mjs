// Peak memory over 1,000 and over 10,000 images, each in a process of its own.
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { here, photographs, threads } from './lib.mjs';

export const title = 'Peak memory';
const COUNTS = [1000, 10_000];

export async function run() {
  const [file] = await photographs(640, 480, 1);
  const folder = path.dirname(file);
  await photographs(640, 480, 16);
  const peaks = COUNTS.map((n) => {
    const out = execFileSync(process.execPath, [path.join(here, 'peers', 'soak.mjs'), folder, String(n)], {
      encoding: 'utf8',
    });
    return JSON.parse(out);
  });
  const base = peaks[0].peak;
  return {
    head: ['images', 'peak RSS, MiB', 'against 1,000', 'images/s'],
    rows: peaks.map((p, i) => [
      COUNTS[i].toLocaleString('en'),
      (p.peak / 2 ** 20).toFixed(0),
      (p.peak / base).toFixed(3),
      p.rate.toFixed(0),
    ]),
    note: `The bundled model, ${threads} threads, 0.3-megapixel JPEGs through streamImages; peak of the whole process, worker threads included.`,
  };
}
