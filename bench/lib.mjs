// What the benchmarks share: peers as child processes, photographs to measure on, medians, tables.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import sharp from 'sharp';

export const here = import.meta.dirname;
export const python = process.env.AFTERIMAGE_PYTHON ?? 'python3';
export const threads = Number(process.env.BENCH_THREADS ?? (await import('node:os')).availableParallelism());
export const rounds = Number(process.env.BENCH_ROUNDS ?? 5);
export const scratch = process.env.BENCH_DIR ?? mkdtempSync(path.join(tmpdir(), 'afterimage-bench-'));
mkdirSync(scratch, { recursive: true });

export const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

/** Results of the work for each item, one after the other: each has all cores. */
export async function inTurn(list, work) {
  const results = [];
  for (const item of list) results.push(await work(item));
  return results;
}

/** Whether Python has these packages. */
export function pythonHas(...packages) {
  try {
    execFileSync(python, ['-c', packages.map((p) => `import ${p}`).join(';')], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** A peer that answers one JSON line for one JSON line. */
export class Peer {
  constructor(command, args) {
    this.child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }
  async answer() {
    for (;;) {
      const { value, done } = await this.lines.next();
      if (done) throw new Error(`${this.child.spawnargs.join(' ')} ended without an answer`);
      if (value.startsWith('{')) return JSON.parse(value);
    }
  }
  ask(question) {
    this.child.stdin.write(`${JSON.stringify(question)}\n`);
    return this.answer();
  }
  end() {
    this.child.stdin.end();
    return new Promise((resolve) => this.child.once('exit', resolve));
  }
}

/** Installs the peers from the registry on the first run; those with native parts of their own are built for this Node. */
export function installPeers() {
  const there = (name, ...parts) => existsSync(path.join(here, 'node_modules', ...name.split('/'), ...parts));
  const packages = ['@huggingface/transformers', '@tensorflow/tfjs-backend-wasm', 'usearch', 'hnswlib-node'];
  const npm = (...args) =>
    execFileSync(process.platform === 'win32' ? 'npm.cmd' : 'npm', args, { cwd: here, stdio: 'inherit' });
  if (!packages.every((name) => there(name))) npm('install', '--ignore-scripts', '--no-package-lock');
  if (there('hnswlib-node', 'build', 'Release', 'addon.node')) return;
  try {
    npm('rebuild', 'hnswlib-node');
  } catch (error) {
    console.error(`hnswlib-node cannot be built: ${error.message}`);
  }
}

/**
 * JPEG photographs (quality 90) of exactly width × height, made from those in AFTERIMAGE_PHOTOS or, by default, from
 * the samples: enlarged with the cubic kernel, with fine noise so that they compress like a camera's.
 */
export async function photographs(width, height, count) {
  const source = process.env.AFTERIMAGE_PHOTOS ?? path.join(here, '..', 'samples');
  const originals = readdirSync(source)
    .filter((f) => /\.(jpe?g|webp|png)$/i.test(f))
    .sort();
  const folder = path.join(scratch, `photos-${width}x${height}`);
  mkdirSync(folder, { recursive: true });
  const noise = await sharp({
    create: {
      width,
      height,
      channels: 3,
      background: '#000',
      noise: { type: 'gaussian', mean: 128, sigma: 6 },
    },
  })
    .png({ compressionLevel: 0 })
    .toBuffer();
  const files = [];
  for (let i = 0; i < count; i++) {
    const file = path.join(folder, `${i}.jpg`);
    files.push(file);
    if (existsSync(file)) continue;
    await sharp(path.join(source, originals[i % originals.length]))
      .rotate(90 * Math.floor(i / originals.length))
      .resize(width, height, { fit: 'cover' })
      .toColourspace('srgb')
      .removeAlpha()
      .composite([{ input: noise, blend: 'soft-light' }])
      .jpeg({ quality: 90 })
      .toFile(file);
  }
  return files;
}

/** A Markdown table with aligned columns. */
export function table(head, rows) {
  const cells = [head, ...rows].map((r) => r.map(String));
  const widths = head.map((_, i) => Math.max(...cells.map((r) => r[i].length)));
  const line = (r) => `| ${r.map((c, i) => c.padEnd(widths[i])).join(' | ')} |`;
  return [
    line(cells[0]),
    `|${widths.map((w) => '-'.repeat(w + 2)).join('|')}|`,
    ...cells.slice(1).map(line),
  ].join('\n');
}
