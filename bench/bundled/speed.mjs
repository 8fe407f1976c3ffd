// Images per second from JPEG files, the time of a text query, and how large the files are.
import { copyFileSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { loadEmbedder } from '../../dist/embedding/index.js';
import { here, installPeers, median, Peer, photographs, rounds, scratch, threads } from '../lib.mjs';
import { TEACHER } from './data.mjs';
import { box, bundled } from './vectors.mjs';

const FILES = 48;
const BATCH = 8;
const QUERIES = 50;

/** Interleaved rounds of every model and the peer, each in a process of its own. */
export async function speed() {
  const files = await photographs(640, 480, FILES);
  const own = ['mini-cnn', 'mini-clip'].map(bundled).filter(Boolean);
  const ours = [...own, TEACHER].map(({ name, folder }) => ({ name, folder, script: 'ours.mjs' }));
  const sides = [...ours, ...transformersJs()].map(({ name, folder, script }) => ({
    name,
    peer: new Peer(process.execPath, [
      path.join(here, 'peers', script),
      name,
      folder,
      String(threads),
      String(BATCH),
    ]),
    seconds: [],
  }));
  for (const { peer } of sides) await peer.answer();
  for (const { peer } of sides) await peer.ask(files.slice(0, BATCH)); // warm
  for (let r = 0; r < rounds; r++)
    for (const { peer, seconds } of sides) seconds.push((await peer.ask(files)).seconds);
  await Promise.all(sides.map(({ peer }) => peer.end()));
  const perSecond = ({ name, seconds }) => {
    const [middle, ...ends] = [median(seconds), Math.max(...seconds), Math.min(...seconds)];
    const [slow, fast] = ends.map((s) => (FILES / s).toFixed(1));
    return { name, text: `${(FILES / middle).toFixed(1)} [${slow}, ${fast}]` };
  };
  const shown = sides.map(perSecond);
  const beside = shown.slice(own.length).map(({ name, text }) => `${name} ${text}`);
  return [
    ...shown
      .slice(0, own.length)
      .map(({ name, text }) => [
        name,
        'images/s from 0.3-megapixel JPEGs, end to end',
        text,
        beside.join('; '),
        '',
        '≥ 60',
      ]),
    ...(await textQuery()),
  ];
}

/** The teacher's file in the folders that @huggingface/transformers wants; nothing where it cannot be installed. */
function transformersJs() {
  try {
    installPeers();
  } catch (error) {
    console.error(`@huggingface/transformers is not measured: ${error.message}`);
    return [];
  }
  const folder = path.join(scratch, 'vit-ti-16');
  mkdirSync(path.join(folder, 'onnx'), { recursive: true });
  const file = readdirSync(TEACHER.folder).find((name) => name.endsWith('.onnx'));
  const copy = path.join(folder, 'onnx', 'model.onnx');
  if (!existsSync(copy)) copyFileSync(path.join(TEACHER.folder, file), copy);
  copyFileSync(
    path.join(TEACHER.folder, 'preprocessor_config.json'),
    path.join(folder, 'preprocessor_config.json'),
  );
  writeFileSync(path.join(folder, 'config.json'), JSON.stringify({ model_type: 'vit' }));
  return [{ name: `${TEACHER.name} in transformers.js`, folder, script: 'transformers-js.mjs' }];
}

/** A text to its vector, with the model loaded and warm. */
async function textQuery() {
  const model = bundled('mini-clip');
  if (!model) return [];
  const embedder = await loadEmbedder(model.folder, { threads });
  const ask = async (n) => {
    const started = performance.now();
    await embedder.embedTexts([`a photo of ${n} dogs that run along the beach`]);
    return performance.now() - started;
  };
  for (let n = 0; n < 5; n++) await ask(n); // warm
  const times = [];
  for (let n = 5; n < 5 + QUERIES; n++) times.push(await ask(n));
  await embedder.close();
  times.sort((a, b) => a - b);
  const measured = `${median(times).toFixed(1)} [${times[0].toFixed(1)}, ${times.at(-1).toFixed(1)}]`;
  return [['mini-clip', `ms for a text query, warm, median of ${QUERIES}`, measured, '', '', '≤ 10']];
}

/** Rows of every bundled file and its bytes, and how much they are together. */
export function sizes() {
  const rows = [];
  let total = 0;
  for (const entry of readdirSync(box, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = path.join(entry.parentPath, entry.name);
    const { size } = statSync(file);
    total += size;
    rows.push([path.relative(box, file).replaceAll(path.sep, '/'), size.toLocaleString('en')]);
  }
  rows.sort(([a], [b]) => (a < b ? -1 : 1));
  return { rows: [...rows, ['together', total.toLocaleString('en')]], megabytes: total / 1e6 };
}
