// Decoding and resizing JPEG photographs, ours beside Pillow's, one thread each, taking turns on the same files. Both
// start from the bytes in memory and end at 8-bit RGB whose shorter side is 224, bicubic; the pixels must be equal.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { decodeImage, resize } from '../dist/image/index.js';
import { here, median, Peer, photographs, python, pythonHas, rounds } from './lib.mjs';

export const title = 'Decoding and resizing a JPEG to 224, bicubic';
const SIZES = [
  { label: '0.3 MP', width: 640, height: 480, count: 16 },
  { label: '12 MP', width: 4000, height: 3000, count: 4 },
];

async function ours(files) {
  let seconds = 0;
  const sha256 = [];
  for (const file of files) {
    const data = await readFile(file);
    const start = performance.now();
    const image = await decodeImage(data);
    const { width: w, height: h } = image;
    const size = w <= h ? [224, Math.floor((224 * h) / w)] : [Math.floor((224 * w) / h), 224];
    const small = resize(image, ...size, 'bicubic');
    seconds += (performance.now() - start) / 1000;
    sha256.push(createHash('sha256').update(small.data).digest('hex'));
  }
  return { seconds, sha256 };
}

export async function run() {
  if (!pythonHas('PIL')) return { skipped: 'needs Python with pillow (AFTERIMAGE_PYTHON)' };
  const modes = ['convert', 'plain'];
  const peers = modes.map((mode) => new Peer(python, [path.join(here, 'peers', 'pillow.py'), mode]));
  const versions = [];
  for (const peer of peers) versions.push((await peer.answer()).ready);
  const rows = [];
  for (const { label, width, height, count } of SIZES) {
    const files = await photographs(width, height, count);
    const seconds = { ours: [], convert: [], plain: [] };
    for (let r = -1; r < rounds; r++) {
      const mine = await ours(files);
      const theirs = [];
      for (const peer of peers) theirs.push(await peer.ask(files));
      if (theirs.some((t) => t.sha256.join() !== mine.sha256.join())) throw new Error('the pixels differ');
      if (r < 0) continue; // warming up
      seconds.ours.push(mine.seconds);
      for (const [i, mode] of modes.entries()) seconds[mode].push(theirs[i].seconds);
    }
    const ms = (who) => ((median(seconds[who]) / count) * 1000).toFixed(1);
    const ratio = (who) => `${median(seconds.ours.map((s, i) => seconds[who][i] / s)).toFixed(2)} ×`;
    rows.push([label, ms('ours'), ms('convert'), ratio('convert'), ms('plain'), ratio('plain')]);
  }
  await Promise.all(peers.map((p) => p.end()));
  return {
    head: [
      'photographs',
      'ours, ms',
      'Pillow with convert("RGB"), ms',
      'ratio',
      'Pillow without, ms',
      'ratio',
    ],
    rows,
    note: `${versions[0]}; one thread each, median of ${rounds} interleaved rounds, every pixel equal.`,
  };
}
