// Compares networks at full size with PyTorch: `npm run parity [-- NAME...]`, by default resnet50, vit-b16 and
// clip-vit-b32. Python (AFTERIMAGE_PYTHON, default python3; needs torch, timm, transformers, Pillow) makes a network
// with seeded random weights in a temporary folder and writes what it computes: from fixed inputs (io.safetensors,
// io.text.safetensors), and from JPEG files and texts through the publisher's preprocessing (e2e.json,
// e2e.safetensors). The same folder is then loaded here as any local model is. Exits with 1 when a result is further
// off than the tolerance, with 2 when Python is not there. test/fixtures/models/make_full.py says what a folder holds.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadEmbedder } from '../dist/embedding/index.js';
import { applyTransform, decodeImage } from '../dist/image/index.js';
import { loadModel, openWeights, readTensor } from '../dist/models/index.js';

const RELATIVE = 1e-4;
const COSINE = 0.999999;
/** Made by make_full.py; every other name is one of make_full_transformers.py. */
const CONVOLUTIONAL = /^(resnet|vgg|inception|mobilenet)/;

const python = process.env.AFTERIMAGE_PYTHON ?? 'python3';
const fixtures = path.join(import.meta.dirname, '..', 'test', 'fixtures', 'models');
const names = process.argv.slice(2);
let failures = 0;

/** `max|a − b| / max|b|`, and the least cosine over rows of `width`. */
function compare(a, b, width) {
  let difference = 0;
  let largest = 0;
  let cosine = 1;
  for (let row = 0; row < b.length; row += width) {
    let [ab, aa, bb] = [0, 0, 0];
    for (let i = row; i < row + width; i++) {
      difference = Math.max(difference, Number.isFinite(a[i]) ? Math.abs(a[i] - b[i]) : Infinity);
      largest = Math.max(largest, Math.abs(b[i]));
      ab += a[i] * b[i];
      aa += a[i] * a[i];
      bb += b[i] * b[i];
    }
    cosine = Math.min(cosine, ab / Math.sqrt(aa * bb));
  }
  return { relative: difference / largest, cosine };
}

function report(model, step, output, shape, actual, expected) {
  const { relative, cosine } = compare(actual, expected, shape.at(-1));
  const ok = actual.length === expected.length && relative <= RELATIVE && cosine >= COSINE;
  if (!ok) failures++;
  const cells = [
    model.padEnd(22),
    step.padEnd(16),
    output.padEnd(12),
    `[${shape.join(', ')}]`.padEnd(18),
    relative.toExponential(1).padStart(8),
    cosine.toFixed(9).padStart(12),
  ];
  console.log(`${cells.join('  ')}  ${ok ? 'ok' : 'FAILED'}`);
}

/** The tensors of a file by name: `{ shape, data }`. */
async function readAll(file) {
  const source = await openWeights(file);
  const tensors = new Map();
  for (const [name, { shape, dtype, offset, length }] of source.tensors) {
    const data =
      dtype === 'I64'
        ? new BigInt64Array(new Uint8Array((await readFile(file)).subarray(offset, offset + length)).buffer)
        : await readTensor(source, name);
    tensors.set(name, { shape: [...shape], data });
  }
  return tensors;
}

const outputsOf = (io) =>
  [...io].filter(([n]) => n.startsWith('output.')).map(([n, t]) => [n.slice('output.'.length), t]);

/** The inputs of a session, copied, since running moves them. */
function feedsFor(session, io) {
  return Object.fromEntries(
    session.inputs.map(({ name }) => {
      const { data, shape } = io.get(`input.${name}`);
      return [name, { data: data.slice(), dims: shape }];
    }),
  );
}

async function compareNetwork(name, folder) {
  const model = await loadModel(folder);
  const io = await readAll(path.join(folder, 'io.safetensors'));
  for (const [output, { shape, data }] of outputsOf(io)) {
    const { session } = await model.openImage(output);
    const results = await session.run(feedsFor(session, io));
    report(name, 'network', output, shape, results[output].data, data);
    await session.release();
  }
  const textFile = path.join(folder, 'io.text.safetensors');
  if (!existsSync(textFile)) return;
  const text = await readAll(textFile);
  const { session, output } = await model.openText();
  const results = await session.run(feedsFor(session, text));
  const { shape, data } = text.get(`output.${output}`);
  report(name, 'text network', output, shape, results[output].data, data);
  await session.release();
}

async function compareEndToEnd(name, folder) {
  const file = path.join(folder, 'e2e.json');
  if (!existsSync(file)) return;
  const { images, texts } = JSON.parse(await readFile(file, 'utf8'));
  const expected = await readAll(path.join(folder, 'e2e.safetensors'));
  const files = images.map((f) => path.join(folder, f));

  const { transform } = await loadModel(folder);
  const prepare = async (f) => applyTransform(await decodeImage(await readFile(f)), transform);
  const { shape, data } = expected.get('pixel_values');
  report(name, 'from JPEG', 'pixel_values', shape, concat(await Promise.all(files.map(prepare))), data);

  for (const [output, { shape, data }] of outputsOf(expected)) {
    const embedder = await loadEmbedder(folder, { output, normalize: false });
    report(name, 'from JPEG', output, shape, concat(await embedder.embedImages(files)), data);
    const wanted = expected.get('text.projection');
    if (texts && wanted && embedder.hasText)
      report(name, 'from text', output, wanted.shape, concat(await embedder.embedTexts(texts)), wanted.data);
    await embedder.close();
  }
}

function concat(rows) {
  const joined = new Float32Array(rows.length * rows[0].length);
  rows.forEach((row, i) => {
    joined.set(row, i * row.length);
  });
  return joined;
}

console.log(
  `${'model'.padEnd(22)}  ${'step'.padEnd(16)}  ${'output'.padEnd(12)}  ${'shape'.padEnd(18)}  ${'error'.padStart(8)}  ${'cosine'.padStart(12)}`,
);
for (const name of names.length > 0 ? names : ['resnet50', 'vit-b16', 'clip-vit-b32']) {
  const folder = await mkdtemp(path.join(tmpdir(), 'afterimage-parity-'));
  try {
    const script = CONVOLUTIONAL.test(name) ? 'make_full.py' : 'make_full_transformers.py';
    try {
      execFileSync(python, [path.join(fixtures, script), name, folder], {
        stdio: ['ignore', 'ignore', 'pipe'],
      });
    } catch (error) {
      console.error(`${python} ${script} ${name}: ${error.stderr?.toString().trim() || error.message}`);
      if (error.code === 'ENOENT' || /ModuleNotFoundError/.test(error.stderr?.toString()))
        console.error(
          'Set AFTERIMAGE_PYTHON to a Python with torch, timm, transformers, open_clip and Pillow.',
        );
      process.exitCode = 2;
      break;
    }
    await compareNetwork(name, folder);
    await compareEndToEnd(name, folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
if (failures > 0) {
  console.error(
    `${failures} results differ by more than ${RELATIVE} (relative) or have a cosine below ${COSINE}`,
  );
  process.exitCode = 1;
}
