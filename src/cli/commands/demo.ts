/** @file `afterimage demo`: the main job on the packaged samples, offline. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Embeddings } from '../../embedding/index.js';
import { UsageError } from '../../errors.js';
import { defineCommand } from '../command.js';
import { programName, quote } from '../quote.js';
import { table } from '../table.js';
import { bold, dim, print } from '../terminal.js';
import { bytes, duration, plural, rate } from '../units.js';

const NEIGHBOURS = 3;
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
  usage: '[--out FOLDER]',
  summary: 'Embeds the sample images with the bundled model and shows what is similar. Needs no network.',
  arity: [0, 0],
  options: {
    out: {
      type: 'string',
      short: 'o',
      value: 'FOLDER',
      help: 'where the files go (./afterimage-demo by default)',
    },
  },
  examples: [['afterimage demo', 'a few seconds']],
  async run({ out = 'afterimage-demo' }) {
    const { embedToFile, nearestNeighbours, readEmbeddings, SAMPLES } = await import(
      '../../embedding/index.js'
    );
    const place = await makeFolder(out);
    await writeFile(place.damaged, await damagedImage(SAMPLES));

    await print(bold('1. Embed the sample images, and one that is damaged on purpose'));
    const inputs = [SAMPLES, place.damaged];
    const begin = performance.now();
    const summary = await embedToFile({ inputs }, place.vectors, {
      errors: place.errors,
      overwrite: true,
      onFailure: ({ id, reason, stage }) => print(`   failed: ${path.basename(id)}: ${reason} (${stage})`),
    });
    const start = (performance.now() - begin) / 1000 - summary.seconds;
    const { model, dimension } = summary.identity;
    await print(`   ${plural(summary.embedded, 'image')} → ${dimension} numbers each, with ${model}`);
    await print(
      dim(
        `   ${duration(start)} to open the model, ${duration(summary.seconds)} for the images (${rate((summary.embedded + summary.failed) / summary.seconds)})`,
      ),
    );

    await print(`\n${bold('2. Read the file back and find the nearest neighbours (cosine)')}`);
    const stored = await readEmbeddings(place.vectors);
    const vectors = rowsOf(stored);
    const named = (i: number) => path.parse(stored.ids[i]!).name;
    const queries = [...stored.ids.keys()].filter((i) => QUERIES.includes(named(i)));
    const found = nearestNeighbours(vectors, NEIGHBOURS, queries);
    const rows = found.map((neighbours, q) => [
      named(queries[q]!),
      ...neighbours.map(({ index, score }) => `${score.toFixed(2)} ${named(index)}`),
    ]);
    await print(table(['query', 'nearest', 'second', 'third'], rows, '   '));

    const { contactSheet } = await import('../demo/contact-sheet.js');
    const tile = (i: number, caption: string) => ({ file: stored.ids[i]!, caption });
    const sheet = await contactSheet(
      'Afterimage: nearest neighbours',
      `${plural(stored.ids.length, 'sample image')}, ${model}, cosine similarity`,
      nearestNeighbours(vectors, NEIGHBOURS + 1).map((neighbours, i) => ({
        query: tile(i, named(i)),
        found: neighbours.map(({ index, score }) => tile(index, `${score.toFixed(2)} ${named(index)}`)),
      })),
    );
    await writeFile(place.page, sheet);

    await print(`\n${bold('3. What is on the disk')}`);
    const kept: [string, string][] = [
      [place.vectors, 'the vectors; pandas and DuckDB read it'],
      [place.errors, 'what failed, and why'],
      [
        place.page,
        `all neighbours as a page (${bytes(sheet.length)}): ${pathToFileURL(path.resolve(place.page)).href}`,
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
