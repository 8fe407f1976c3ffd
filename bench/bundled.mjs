// What the bundled models can do, on data that they were not trained on. The data (AFTERIMAGE_DATA, or ../shared) is not
// part of the project; without it the section is skipped. BENCH_LIMIT tries it on a few images, BENCH_BUNDLED chooses
// parts, BENCH_BUNDLE another folder of models, and BENCH_SHEETS a folder for pictures of searches.
import { clip } from './bundled/clip.mjs';
import { limit, missing } from './bundled/data.mjs';
import { agreement, clothes, siamese } from './bundled/likeness.mjs';
import { reconstruction } from './bundled/reconstruction.mjs';
import { sizes, speed } from './bundled/speed.mjs';
import { bundled } from './bundled/vectors.mjs';
import { inTurn, pythonHas, rounds, table, threads } from './lib.mjs';

export const title = 'The bundled models';
const MODELS = [
  'mini-cnn',
  'mini-vit',
  'mini-clip',
  'mini-autoencoder',
  'mini-autoencoder-128',
  'mini-siamese',
];
const PARTS = { clothes, agreement, clip, reconstruction, siamese, speed };
const MOST_MEGABYTES = 30;

export async function run() {
  const lacking = missing();
  if (lacking)
    return { skipped: `${lacking} is not there; name the folder of the data with AFTERIMAGE_DATA` };
  const chosen = process.env.BENCH_BUNDLED?.split(',') ?? Object.keys(PARTS);
  const unknown = chosen.find((name) => !(name in PARTS));
  if (unknown)
    throw new Error(`BENCH_BUNDLED: expected some of ${Object.keys(PARTS)} but received ${unknown}`);
  const rows = (
    await inTurn(chosen, async (name) => {
      const found = await PARTS[name]();
      for (const row of found) console.error(row.join('  '));
      return found;
    })
  ).flat();
  const absent = MODELS.filter((name) => !bundled(name));
  const files = sizes();
  const notes = [
    'Measured with 95 % percentile bootstrap intervals over the queries, 10,000 rounds, the captions of a photograph together; ratios and differences from the same draws.',
    'Photographs: those of Flickr8k in bench/peers/bundled/flickr8k-held-out.txt. Pictures of Tiny-ImageNet: every twentieth in the order of its archives, named by the first of its class\'s names after "a photo of a".',
    pythonHas('sklearn')
      ? 'Linear probe: multinomial logistic regression on standardised features, C chosen on the validation part.'
      : 'Linear probes were left out: Python with scikit-learn was not found (AFTERIMAGE_PYTHON).',
    `Images per second: median of ${rounds} interleaved rounds of 48 files [slowest, fastest], ${threads} ${threads > 1 ? 'threads' : 'thread'}, batches of 8; a text query: [fastest, slowest].`,
    absent.length > 0 ? `Not in the box yet: ${absent.join(', ')}.` : '',
    chosen.length < Object.keys(PARTS).length ? `Only these parts: ${chosen.join(', ')}.` : '',
    Number.isFinite(limit) ? `A trial with at most ${limit} images of each part: no figure counts.` : '',
  ];
  return {
    head: ['model', 'measure', 'measured', 'beside it', 'compared', 'asked'],
    rows,
    note: `${notes.filter(Boolean).join(' ')}\n\n${table(['file', 'bytes'], files.rows)}\n\n${files.megabytes.toFixed(1)} MB of the ${MOST_MEGABYTES} MB that there may be.`,
  };
}
