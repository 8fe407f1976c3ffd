// Images per second end to end from JPEG files: Afterimage, @huggingface/transformers in Node, PyTorch with Pillow.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import {
  here,
  installPeers,
  median,
  Peer,
  photographs,
  python,
  pythonHas,
  rounds,
  scratch,
  threads,
} from './lib.mjs';

export const title = 'Images per second, end to end from JPEG';
const MODELS = (process.env.BENCH_MODELS ?? 'resnet50,vit-b16,clip-vit-b32').split(',');
const SIZES = [
  { label: '0.3 MP', width: 640, height: 480, count: 48 },
  { label: '12 MP', width: 4000, height: 3000, count: 16 },
];
const BATCH = 8;

/** Full-size weights with seeded numbers and the usual ONNX export of them, once. */
export function makeModel(name) {
  const folder = path.join(scratch, 'models', name);
  if (!existsSync(path.join(folder, 'onnx', 'model.onnx'))) {
    mkdirSync(folder, { recursive: true });
    execFileSync(python, [path.join(here, 'peers', 'pytorch.py'), 'make', name, folder], {
      stdio: ['ignore', 'ignore', 'ignore'],
    });
  }
  return folder;
}

export async function run() {
  if (!pythonHas('torch', 'transformers', 'onnx', 'PIL'))
    return { skipped: 'needs Python with torch, transformers, onnx and pillow (AFTERIMAGE_PYTHON)' };
  installPeers();
  const rows = [];
  const versions = new Set();
  for (const name of MODELS) {
    const folder = makeModel(name);
    const args = [name, folder, String(threads), String(BATCH)];
    const peers = {
      ours: new Peer(process.execPath, [path.join(here, 'peers', 'ours.mjs'), ...args]),
      'transformers.js': new Peer(process.execPath, [
        path.join(here, 'peers', 'transformers-js.mjs'),
        ...args,
      ]),
      PyTorch: new Peer(python, [path.join(here, 'peers', 'pytorch.py'), 'serve', ...args]),
    };
    for (const peer of Object.values(peers)) versions.add((await peer.answer()).ready);
    for (const size of SIZES) {
      const files = await photographs(size.width, size.height, size.count);
      const seconds = { ours: [], 'transformers.js': [], PyTorch: [] };
      for (const peer of Object.values(peers)) await peer.ask(files.slice(0, 2)); // warm
      for (let r = 0; r < rounds; r++)
        for (const [who, peer] of Object.entries(peers)) seconds[who].push((await peer.ask(files)).seconds);
      const perSecond = (who) => (files.length / median(seconds[who])).toFixed(1);
      const ratio = (who) => `${median(seconds.ours.map((s, i) => seconds[who][i] / s)).toFixed(2)} ×`;
      const row = [
        name,
        size.label,
        perSecond('ours'),
        perSecond('transformers.js'),
        ratio('transformers.js'),
        perSecond('PyTorch'),
        ratio('PyTorch'),
      ];
      console.error(row.join('  '));
      rows.push(row);
    }
    await Promise.all(Object.values(peers).map((p) => p.end()));
  }
  return {
    head: ['model', 'photographs', 'ours', 'transformers.js', 'ratio', 'PyTorch', 'ratio'],
    rows,
    note: `${threads} threads, batches of ${BATCH}, float32, the same seeded weights for all (safetensors for Afterimage and PyTorch; for transformers.js the usual export to ONNX), median of ${rounds} interleaved rounds of 48 or 16 files. ${[...versions].join('; ')}.`,
  };
}
