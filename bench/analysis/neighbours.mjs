// Neighbour graphs of 50,000 × 512 vectors: exact beside scikit-learn, and through cells with its recall, on clusters and on
// vectors without any; each in a process of its own. BENCH_NEIGHBOURS_ROWS takes another number of vectors.
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { here, inTurn, pythonHas, scratch, threads } from '../lib.mjs';
import { sheets } from './synthetic.mjs';

const D = 512;
const K = 15;
const ROWS = Number(process.env.BENCH_NEIGHBOURS_ROWS ?? 50_000);
const run = promisify(execFile);

async function measured(command, script, ...args) {
  const { stdout } = await run(command, [path.join(here, 'peers', script), ...args.map(String)], {
    env: { ...process.env, OMP_NUM_THREADS: String(threads) },
  });
  return JSON.parse(stdout.trim().split('\n').at(-1));
}

export async function neighbours({ python, log }) {
  const sets = {
    '40 clusters': sheets(ROWS, D),
    'no clusters': sheets(ROWS, D, { clusters: 1, latent: 16, noise: 0.02 }),
  };
  const peer = pythonHas('sklearn', 'threadpoolctl');
  if (!peer) log('neighbours: no scikit-learn: set AFTERIMAGE_PYTHON');
  const rows = [];
  await inTurn(Object.entries(sets), async ([name, data]) => {
    const file = path.join(scratch, 'neighbours.f32');
    writeFileSync(file, data);
    const add = (label, { cpu, seconds, megabytes, recall = 1, probes }) =>
      rows.push([
        name,
        label,
        cpu.toFixed(1),
        seconds.toFixed(1),
        megabytes.toFixed(0),
        recall.toFixed(3),
        probes || '',
      ]);
    for (const [kind, label] of [
      ['exact', 'exact'],
      ['cells', 'through cells'],
    ]) {
      log(`neighbours: ${name}, ${label}`);
      add(label, await measured(process.execPath, 'neighbours.mjs', kind, file, D, K, threads));
    }
    if (!peer) return;
    log(`neighbours: ${name}, scikit-learn`);
    add('scikit-learn, brute', await measured(python, 'neighbours.py', file, D, K, threads));
  });
  return {
    head: [`graph of ${ROWS} × ${D}, k = ${K}`, 'by', 'CPU s', 's', 'peak MB', 'recall', 'cells asked'],
    rows,
    note: `${threads} threads, each in a process of its own; the vectors are ${((ROWS * D * 4) / 1e6).toFixed(0)} MB. Recall is measured afterwards on 512 vectors against all; 0.95 was asked for.`,
  };
}
