// How much of the machine the network gets: end to end against the network alone, and against the best matrix product.

import { loadEmbedder } from '../dist/embedding/index.js';
import { Graph, openSession, ops } from '../dist/graph/index.js';
import { makeModel } from './images.mjs';
import { median, photographs, pythonHas, rounds, threads } from './lib.mjs';

export const title = 'End to end against the network alone';
/** Multiply-adds of one image at 224 × 224, from the layers' shapes. */
const GIGA_MACS = { resnet50: 4.09, 'vit-b16': 17.56, 'clip-vit-b32': 4.41 };
const BATCH = 8;
const FILES = 48;

async function seconds(work) {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

/** The best rate of one float32 matrix product that the engine reaches here, in GFLOP/s. */
async function bestMatMul() {
  let best = 0;
  for (const n of [512, 1024, 2048]) {
    const g = new Graph('matmul');
    const w = g.constant(new Float32Array(n * n).fill(0.5), [n, n], 'float32');
    g.output('y', ops.matmul(g.input('x', ['N', n]), w));
    const session = await openSession(g, () => undefined, { inline: true, threads });
    const x = { data: new Float32Array(n * n).fill(0.25), dims: [n, n] };
    for (let r = 0; r < 12; r++)
      best = Math.max(best, (2 * n ** 3) / (await seconds(() => session.run({ x }))) / 1e9);
    await session.release();
  }
  return best;
}

export async function run() {
  if (!pythonHas('torch', 'transformers', 'onnx', 'PIL'))
    return { skipped: 'needs Python with torch, transformers and onnx to make the models' };
  const peak = await bestMatMul();
  const files = (await photographs(640, 480, 16)).flatMap((f) => Array.from({ length: FILES / 16 }, () => f));
  const rows = [];
  for (const name of Object.keys(GIGA_MACS)) {
    const folder = makeModel(name);
    const embedder = await loadEmbedder(folder, { threads, batchSize: BATCH });
    const { session } = await embedder.model.openImage(embedder.identity.output, { threads });
    const alone = async () => {
      for (let i = 0; i < FILES; i += BATCH)
        await session.run({
          [embedder.model.imageInput]: {
            data: new Float32Array(BATCH * 3 * 224 * 224).fill(0.1),
            dims: [BATCH, 3, 224, 224],
          },
        });
    };
    await embedder.embedImages(files.slice(0, BATCH));
    await alone();
    const whole = [];
    const network = [];
    for (let r = 0; r < rounds; r++) {
      whole.push(await seconds(() => embedder.embedImages(files)));
      network.push(await seconds(alone));
    }
    await session.release();
    await embedder.close();
    const rate = (2 * GIGA_MACS[name] * FILES) / median(network);
    const ratio = median(whole.map((w, i) => network[i] / w));
    rows.push([
      name,
      (FILES / median(whole)).toFixed(1),
      (FILES / median(network)).toFixed(1),
      ratio.toFixed(2),
      rate.toFixed(0),
      peak.toFixed(0),
      (rate / peak).toFixed(2),
    ]);
    console.error(rows.at(-1).join('  '));
  }
  return {
    head: [
      'model',
      'end to end, images/s',
      'network alone',
      'ratio',
      'network, GFLOP/s',
      'best MatMul, GFLOP/s',
      'ratio',
    ],
    rows,
    note: `${threads} threads, 0.3-megapixel JPEGs, batches of ${BATCH}, median of ${rounds} interleaved rounds of ${FILES} images; GFLOP counted as two for each multiply-add of convolutions and linear layers.`,
  };
}
