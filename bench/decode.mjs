// Decoding and resizing JPEG photographs, ours beside Pillow's, one thread each, taking turns on the same files:
//   AFTERIMAGE_PYTHON=python3 node bench/decode.mjs
// Both start from the bytes in memory and end at 8-bit RGB whose shorter side is 224, bicubic; the pixels are equal.
// `run()` returns rows for a runner that collects them.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { decodeImage, resize } from '../dist/image/index.js';

const ROUNDS = 7;
const FILES = 4;

// A synthetic photograph: smooth colour, hard edges, sensor grain; quality 90, as cameras write them. Then a loop
// that answers "SHORT FILE" with milliseconds and a checksum. `mode`: with or without the copy of convert("RGB").
const PEER = `
import io, sys, time, zlib
import numpy as np
from PIL import Image
import PIL
folder = sys.argv[1]
def picture(width, height, seed):
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    a = np.stack([x / width, y / height, 1 - x / width], -1) * 180 + 30
    for _ in range(60):
        cx, cy, r = rng.uniform(0, width), rng.uniform(0, height), rng.uniform(0.01, 0.12) * width
        x0, x1, y0, y1 = int(max(0, cx - r)), int(min(width, cx + r)), int(max(0, cy - r)), int(min(height, cy + r))
        inside = (x[y0:y1, x0:x1] - cx) ** 2 + (y[y0:y1, x0:x1] - cy) ** 2 < r * r
        a[y0:y1, x0:x1][inside] = rng.uniform(0, 255, 3)
    a += rng.standard_normal(a.shape[:2], dtype=np.float32)[..., None] * 5
    return Image.fromarray(np.clip(a, 0, 255).astype(np.uint8))
for name, w, h in (("12", 4000, 3000), ("0.3", 640, 480)):
    for i in range(${FILES}):
        picture(w, h, i).save(f"{folder}/{name}-{i}.jpg", quality=90)
print(PIL.__version__, flush=True)
for line in sys.stdin:
    mode, file = line.split()
    data = open(f"{folder}/{file}", "rb").read()
    start = time.perf_counter()
    image = Image.open(io.BytesIO(data))
    if mode == "convert":
        image = image.convert("RGB")
    w, h = image.size
    size = (224, int(224 * h / w)) if w <= h else (int(224 * w / h), 224)
    image = image.resize(size, Image.Resampling.BICUBIC)
    ms = (time.perf_counter() - start) * 1000
    print(ms, zlib.crc32(image.tobytes()), flush=True)
`;

/** Measures; returns rows `{ name, ours, peer, ratio, unit }` (ratio above 1: ours is faster), or [] without Pillow. */
export async function run({ rounds = ROUNDS, log = () => {} } = {}) {
  const folder = await mkdtemp(path.join(tmpdir(), 'afterimage-bench-'));
  const python = process.env.AFTERIMAGE_PYTHON ?? 'python3';
  const peer = spawn(python, ['-c', PEER, folder], { stdio: ['pipe', 'pipe', 'ignore'] });
  try {
    const lines = createInterface({ input: peer.stdout })[Symbol.asyncIterator]();
    const failed = once(peer, 'error').then(() => ({ done: true }));
    const hello = await Promise.race([lines.next(), failed]);
    if (hello.done) {
      log(`skipped: ${python} has no Pillow and numpy; set AFTERIMAGE_PYTHON`);
      return [];
    }
    log(`Pillow ${hello.value}`);
    const ask = async (mode, file) => {
      peer.stdin.write(`${mode} ${file}\n`);
      const [ms, crc] = (await lines.next()).value.split(' ').map(Number);
      return { ms, crc };
    };

    const rows = [];
    for (const [size, each] of [
      ['12', 1],
      ['0.3', 10],
    ]) {
      const files = Array.from({ length: FILES }, (_, i) => `${size}-${i}.jpg`);
      const times = { ours: [], convert: [], plain: [] };
      for (let round = -1; round < rounds; round++) {
        const sums = { ours: 0, convert: 0, plain: 0 };
        for (let turn = 0; turn < each; turn++) {
          for (const file of files) {
            const mine = await ours(path.join(folder, file));
            const theirs = await ask('convert', file);
            const plain = await ask('plain', file);
            if (mine.crc !== undefined && mine.crc !== theirs.crc)
              throw new Error(`${file}: the pixels differ`);
            sums.ours += mine.ms;
            sums.convert += theirs.ms;
            sums.plain += plain.ms;
          }
        }
        if (round < 0) continue; // warming up
        for (const key of Object.keys(sums)) times[key].push(sums[key] / (each * files.length));
      }
      const name = `JPEG ${size} megapixels to 224, bicubic`;
      rows.push(row(`${name}; Pillow with convert("RGB")`, times.ours, times.convert));
      rows.push(row(`${name}; Pillow without`, times.ours, times.plain));
    }
    return rows;
  } finally {
    peer.kill();
    await rm(folder, { recursive: true, force: true });
  }
}

async function ours(file) {
  const data = await readFile(file);
  const start = performance.now();
  const image = await decodeImage(data);
  const { width: w, height: h } = image;
  const small =
    w <= h
      ? resize(image, 224, Math.floor((224 * h) / w), 'bicubic')
      : resize(image, Math.floor((224 * w) / h), 224, 'bicubic');
  const ms = performance.now() - start;
  const { crc32 } = await import('node:zlib'); // Node 22 and later; elsewhere pixels go unchecked here
  return { ms, crc: crc32?.(small.data) };
}

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

function row(name, mine, theirs) {
  return {
    name,
    ours: median(mine),
    peer: median(theirs),
    ratio: median(mine.map((ms, i) => theirs[i] / ms)),
    unit: 'ms',
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const rows = await run({ log: console.log });
  for (const { name, ours: a, peer: b, ratio, unit } of rows) {
    console.log(
      `${name.padEnd(66)} ours ${a.toFixed(1)} ${unit}  Pillow ${b.toFixed(1)} ${unit}  ratio ${ratio.toFixed(2)}`,
    );
  }
}
