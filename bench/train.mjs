// One training step beside PyTorch's and that of the fastest trainer that installs in Node, in processes that take turns.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { here, installPeers, Peer, python, pythonHas, rounds, threads } from './lib.mjs';

export const title = 'Training: time and memory of a step';

/** Steps in a turn: a second or so. TensorFlow.js runs where a step of its takes less than a minute. */
const TASKS = [
  { task: 'autoencoder', label: 'autoencoder, batch 32', px: 64, steps: 40, tfjs: 1 },
  { task: 'head', label: 'Linear 1000 → 128, 256 pairs', px: 0, steps: 100, tfjs: 3 },
  { task: 'resnet18', label: 'ResNet-18, batch 16', px: 64, steps: 6, tfjs: 1 },
  { task: 'resnet18', label: 'ResNet-18, batch 16', px: 128, steps: 3 },
  { task: 'resnet18', label: 'ResNet-18, batch 16', px: 224, steps: 2 },
  { task: 'resnet18 in parts', label: 'ResNet-18, 4 × batch 4', px: 224, steps: 2 },
];

const fastest = (turns) => Math.min(...turns.flatMap((t) => t.seconds));
const milliseconds = (s) => (s * 1000).toFixed(s < 0.1 ? 1 : 0);
const megabytes = (turns) => (Math.max(...turns.map((t) => t.peak)) / 2 ** 20).toFixed(0);

export async function run() {
  const hasPython = pythonHas('torch');
  if (!hasPython) console.error('PyTorch is left out: AFTERIMAGE_PYTHON has no torch');
  installPeers();
  const hasTfjs = existsSync(path.join(here, 'node_modules', '@tensorflow', 'tfjs-backend-wasm'));
  if (!hasTfjs) console.error('TensorFlow.js is left out: it is not installed');
  const rows = [];
  let version = '';
  const chosen = process.env.BENCH_TASKS?.split(',');
  for (const { task, label, px, steps, tfjs } of TASKS) {
    if (chosen && !chosen.includes(`${task}${px || ''}`)) continue;
    const args = [task, String(px), String(threads)];
    const file = (name) => path.join(here, 'peers', name);
    const peers = [
      { name: 'ours', peer: new Peer(process.execPath, [file('train-ours.mjs'), ...args]), steps },
    ];
    if (hasPython)
      peers.push({ name: 'torch', peer: new Peer(python, [file('train-pytorch.py'), ...args]), steps });
    if (hasTfjs && tfjs)
      peers.push({
        name: 'tfjs',
        peer: new Peer(process.execPath, [file('train-tfjs.mjs'), ...args]),
        steps: tfjs,
      });
    const turns = {};
    for (const { name, peer } of peers) {
      const { ready } = await peer.answer();
      if (name === 'torch') version = ready;
      turns[name] = [];
    }
    for (let r = 0; r < rounds; r++)
      for (const { name, peer, steps: n } of peers)
        if (name !== 'tfjs' || r < 2) turns[name].push(await peer.ask(n));
    for (const { peer } of peers) await peer.end();
    const [ours, torch, other] = ['ours', 'torch', 'tfjs'].map((name) => turns[name] && fastest(turns[name]));
    rows.push([
      px ? `${label}, ${px} px` : label,
      milliseconds(ours),
      torch ? milliseconds(torch) : '–',
      torch ? (ours / torch).toFixed(2) : '–',
      other ? milliseconds(other) : '–',
      other ? `${(other / ours).toFixed(0)} ×` : '–',
      megabytes(turns.ours),
      torch ? megabytes(turns.torch) : '–',
    ]);
    console.error(rows.at(-1).join('  '));
  }
  return {
    head: [
      'step',
      'ms',
      'PyTorch, ms',
      'ours / PyTorch',
      'TensorFlow.js, ms',
      'against it',
      'peak RSS, MiB',
      "PyTorch's",
    ],
    rows,
    note: `Forward, backward and Adam on ${threads} threads; the fastest of ${rounds} turns. Batch norm takes the batch's statistics. ${version ? `PyTorch ${version} with its fused Adam. ` : ''}TensorFlow.js 4.22 on its WebAssembly backend (SIMD, one thread, as it runs in Node), its missing kernel for the weights' gradients composed of its others.`,
  };
}
