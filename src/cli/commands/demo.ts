/** @file `afterimage demo`: the main job on the packaged samples. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Embeddings, Neighbour } from '../../embedding/index.js';
import { UsageError } from '../../errors.js';
import { defineCommand } from '../command.js';
import type { Search } from '../demo/words.js';
import { downloadProgress } from '../download.js';
import { MODEL_OPTIONS, noteDefaultModel } from '../model-options.js';
import { programName, quote } from '../quote.js';
import { table } from '../table.js';
import { bold, dim, note, print } from '../terminal.js';
import { bytes, duration, plural, rate } from '../units.js';

/** Images beside each query on the page. */
const ON_PAGE = 4;
/** Samples that have their like among the others. */
const QUERIES = [
  'cat-running-1',
  'emoji-car',
  'emoji-strawberry',
  'emoji-face-happy',
  'mountains-alpine',
  'cat-portrait',
];

export const demo = defineCommand({
  name: 'demo',
  usage: '[--model NAME] [--out FOLDER]',
  summary: 'Embeds the sample images, shows what is similar, and searches them in words.',
  details:
    'With the bundled model it needs no network. A model without a text tower shows what is similar, and no more.',
  arity: [0, 0],
  options: {
    model: MODEL_OPTIONS.model,
    out: {
      type: 'string',
      short: 'o',
      value: 'FOLDER',
      help: 'where the files go (./afterimage-demo by default)',
    },
  },
  examples: [
    ['afterimage demo', 'a few seconds'],
    ['afterimage demo --model clip-vit-b32', 'the same with the published CLIP'],
  ],
  async run({ model: name, out = 'afterimage-demo' }) {
    if (name === undefined) noteDefaultModel();
    const { embedToFile, loadEmbedder, nearestNeighbours, readEmbeddings, SAMPLES } = await import(
      '../../embedding/index.js'
    );
    const { scored, showLabels, showSearches } = await import('../demo/words.js');
    const begin = performance.now();
    await using embedder = await loadEmbedder(name, {
      onDownload: downloadProgress(),
      onWarning: (message) => note(`warning: ${message}`),
    });
    const start = (performance.now() - begin) / 1000;
    const place = await makeFolder(out);
    await writeFile(place.damaged, await damagedImage(SAMPLES));

    let step = 1;
    const heading = (text: string) => print(`${step === 1 ? '' : '\n'}${bold(`${step++}. ${text}`)}`);
    await heading('Embed the sample images, and one that is damaged on purpose');
    const inputs = [SAMPLES, place.damaged];
    const summary = await embedToFile({ inputs }, place.vectors, {
      model: embedder,
      errors: place.errors,
      overwrite: true,
      onFailure: ({ id, reason, stage }) => print(`   failed: ${path.basename(id)}: ${reason} (${stage})`),
    });
    const { model, dimension } = summary.identity;
    await print(`   ${plural(summary.embedded, 'image')} → ${dimension} numbers each, with ${model}`);
    await print(
      dim(
        `   ${duration(start)} to open the model, ${duration(summary.seconds)} for the images (${rate((summary.embedded + summary.failed) / summary.seconds)})`,
      ),
    );

    await heading('Read the file back and find the nearest neighbours (cosine)');
    const stored = await readEmbeddings(place.vectors);
    const samples = { names: stored.ids.map((id) => path.parse(id).name), vectors: rowsOf(stored) };
    const { names, vectors } = samples;
    const queries = [...names.keys()].filter((i) => QUERIES.includes(names[i]!));
    const found = nearestNeighbours(vectors, 3, queries);
    const rows = found.map((neighbours, q) => [
      names[queries[q]!]!,
      ...neighbours.map((n) => scored(n, samples)),
    ]);
    await print(table(['query', 'nearest', 'second', 'third'], rows, '   '));

    const searches: Search[] = [];
    if (embedder.hasText) {
      await heading('Search them in words (cosine of text and image)');
      searches.push(...(await showSearches(embedder, samples, ON_PAGE)));
      await heading('Name them: which label fits best (zero-shot)');
      await showLabels(embedder, samples);
    } else await print(dim(`   ${model} knows no words: no searches, no labels`));

    const { contactSheet } = await import('../sheet/contact-sheet.js');
    const tile = (i: number, caption: string) => ({ file: stored.ids[i]!, caption });
    const tiles = (list: Neighbour[]) => list.map((n) => tile(n.index, scored(n, samples)));
    const page = await contactSheet(
      `Afterimage: ${embedder.hasText ? 'found by words, and ' : ''}nearest neighbours`,
      `${plural(names.length, 'sample image')}, ${model}, cosine similarity`,
      [
        ...searches.map((search) => ({ query: search.text, found: tiles(search.found) })),
        ...nearestNeighbours(vectors, ON_PAGE).map((list, i) => ({
          query: tile(i, names[i]!),
          found: tiles(list),
        })),
      ],
    );
    await writeFile(place.page, page);

    await heading('What is on the disk');
    const kept: [string, string][] = [
      [place.vectors, 'the vectors; pandas and DuckDB read it'],
      [place.errors, 'what failed, and why'],
      [
        place.page,
        `all of it as a page (${bytes(page.length)}): ${pathToFileURL(path.resolve(place.page)).href}`,
      ],
    ];
    for (const [file, what] of kept) await print(`   ${file}\n   ${dim(`  ${what}`)}`);

    await print(`\n${bold('Next')}`);
    for (const line of [
      'embed photo.jpg',
      'embed photos/ --out vectors.parquet',
      'models list',
      `precision ${quote(path.relative('', SAMPLES) || SAMPLES)}`,
      'doctor',
    ])
      await print(`   ${programName()} ${line}`);
    return 0;
  },
});

interface Place {
  vectors: string;
  errors: string;
  page: string;
  damaged: string;
}

/** @throws UsageError for a folder that holds other things than an earlier demo's. */
async function makeFolder(folder: string): Promise<Place> {
  const place = {
    vectors: path.join(folder, 'vectors.parquet'),
    errors: path.join(folder, 'errors.jsonl'),
    page: path.join(folder, 'neighbours.html'),
    damaged: path.join(folder, 'damaged.jpg'),
  };
  await mkdir(folder, { recursive: true });
  const ours = new Set(Object.values(place).map((file) => path.basename(file)));
  const foreign = (await readdir(folder)).find((name) => !ours.has(name.replace(/\.(partial|writing)$/, '')));
  if (foreign !== undefined)
    throw new UsageError(`${folder} holds other files, such as ${foreign}`, {
      hint: 'name another folder with --out',
    });
  return place;
}

/** The first bytes of a photograph: a header that promises a picture, and nothing after it. */
async function damagedImage(samples: string): Promise<Buffer> {
  const name = (await readdir(samples, { recursive: true })).sort().find((n) => /\.jpe?g$/i.test(n));
  if (name === undefined)
    throw new UsageError(`no sample images in ${samples}`, { hint: 'reinstall the package' });
  return (await readFile(path.join(samples, name))).subarray(0, 700);
}

function rowsOf({ vectors, dimension, ids }: Embeddings): Float32Array[] {
  return ids.map((_, i) => vectors.subarray(i * dimension, (i + 1) * dimension));
}
