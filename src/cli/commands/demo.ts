/** @file `afterimage demo`: the main job on the packaged samples: a collection, searched by image and in words. */
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Collection, SearchHit } from '../../collection/index.js';
import { COLLECTION_FOLDER } from '../../collection/locate.js';
import { type ItemFailure, UsageError } from '../../errors.js';
import type { SheetRow } from '../../pages/contact-sheet.js';
import { bytes, duration, plural } from '../../units.js';
import { defineCommand } from '../command.js';
import type { Search } from '../demo/words.js';
import { downloadProgress } from '../download.js';
import { MODEL_OPTIONS, noteDefaultModel } from '../model-options.js';
import { programName, quote } from '../quote.js';
import { table } from '../table.js';
import { bold, dim, note, print } from '../terminal.js';

/** Images beside each query on the page. */
const ON_PAGE = 4;
/** Samples that have their like among the others. */
const QUERIES = [
  'cat-running-1.jpg',
  'emoji-car.png',
  'emoji-strawberry.png',
  'emoji-face-happy.png',
  'mountains-alpine.jpg',
  'cat-portrait.jpg',
];

export const demo = defineCommand({
  name: 'demo',
  usage: '[--model NAME] [--out FOLDER]',
  summary: 'Makes the sample images searchable, shows what is similar, and searches them in words.',
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
    const { exportCollection, indexFolder, openCollection, similar } = await import(
      '../../collection/index.js'
    );
    const { loadEmbedder, SAMPLES } = await import('../../embedding/index.js');
    const { scored, showLabels, showSearches } = await import('../demo/words.js');
    await using embedder = await loadEmbedder(name, {
      onDownload: downloadProgress(),
      onWarning: (message) => note(`warning: ${message}`),
    });
    const place = await makeFolder(out);
    await copySamples(SAMPLES, place.photos);

    let step = 1;
    const heading = (text: string) => print(`${step === 1 ? '' : '\n'}${bold(`${step++}. ${text}`)}`);
    await heading('Index a folder of images, one of which is damaged on purpose');
    const folder = path.join(place.photos, COLLECTION_FOLDER);
    await using photos = await openCollection(folder, { create: true, root: place.photos, embedder });
    const onFailure = ({ id, reason, stage }: ItemFailure) => print(`   failed: ${id}: ${reason} (${stage})`);
    const { spaces: first, seconds } = await indexFolder(photos, { onFailure });
    const { model, dimension } = embedder.identity;
    const { items } = first[0]!;
    await print(
      `   ${plural(items, 'image')} → ${dimension} numbers each, with ${model} (${duration(seconds)})`,
    );
    const again = await indexFolder(photos);
    await print(
      dim(`   once more: ${again.spaces[0]!.embedded} are embedded again (${duration(again.seconds)})`),
    );

    await heading('Find what is similar (cosine)');
    const likes = async (id: string, limit: number) => (await similar(photos, { id }, { limit })).hits;
    const rows: string[][] = [];
    for (const id of QUERIES) rows.push([path.parse(id).name, ...(await likes(id, 3)).map(scored)]);
    await print(table(['query', 'nearest', 'second', 'third'], rows, '   '));

    const searches: Search[] = [];
    if (embedder.hasText) {
      await heading('Search in words (cosine of text and image)');
      searches.push(...(await showSearches(photos, ON_PAGE)));
      await heading('Name them: which label fits best (zero-shot)');
      await showLabels(photos);
    } else await print(dim(`   ${model} knows no words: no searches, no labels`));

    const { contactSheet } = await import('../../pages/contact-sheet.js');
    const tiles = (found: SearchHit[]) => found.map((hit) => ({ file: hit.file, caption: scored(hit) }));
    const sheet = searches.map(({ text, found }): SheetRow => ({ query: text, found: tiles(found) }));
    for (const id of await idsOf(photos)) {
      const query = { file: photos.fileOf(id), caption: path.parse(id).name };
      sheet.push({ query, found: tiles(await likes(id, ON_PAGE)) });
    }
    const page = await contactSheet(
      `Afterimage: ${embedder.hasText ? 'found by words, and ' : ''}nearest neighbours`,
      `${plural(items, 'sample image')}, ${model}, cosine similarity`,
      sheet,
    );
    await writeFile(place.page, page);
    await exportCollection(photos, place.vectors, { overwrite: true });

    await heading('What is on the disk');
    const url = pathToFileURL(path.resolve(place.page)).href;
    const kept: [string, string][] = [
      [folder, 'the collection: vectors, columns, what failed and why'],
      [place.vectors, 'the same as a file; pandas and DuckDB read it'],
      [place.page, `all of the above as a page (${bytes(page.length)}): ${url}`],
    ];
    for (const [file, what] of kept) await print(`   ${file}\n   ${dim(`  ${what}`)}`);

    await print(`\n${bold('Next')}`);
    const here = quote(place.photos);
    for (const line of [
      ...(embedder.hasText ? [`search "a cup of coffee" --collection ${here}`] : []),
      'index photos/',
      'models list',
      'doctor',
    ])
      await print(`   ${programName()} ${line}`);
    return 0;
  },
});

interface Place {
  photos: string;
  vectors: string;
  page: string;
}

/** @throws UsageError for a folder that holds other things than an earlier demo's. */
async function makeFolder(folder: string): Promise<Place> {
  const place = {
    photos: path.join(folder, 'photos'),
    vectors: path.join(folder, 'vectors.parquet'),
    page: path.join(folder, 'neighbours.html'),
  };
  await mkdir(folder, { recursive: true });
  const ours = new Set(Object.values(place).map((file) => path.basename(file)));
  const foreign = (await readdir(folder)).find((name) => !ours.has(name.replace(/\.(partial|writing)$/, '')));
  if (foreign !== undefined)
    throw new UsageError(`${folder} holds other files, such as ${foreign}`, {
      hint: 'name another folder with --out',
    });
  await mkdir(place.photos, { recursive: true });
  return place;
}

/** The samples, and the first bytes of a photograph: a header that promises a picture, and nothing after it. */
async function copySamples(samples: string, photos: string): Promise<void> {
  const names = (await readdir(samples)).filter((name) => /\.(jpe?g|png)$/i.test(name)).sort();
  const photograph = names.find((name) => /\.jpe?g$/i.test(name));
  if (photograph === undefined)
    throw new UsageError(`no sample images in ${samples}`, { hint: 'reinstall the package' });
  for (const name of names) await copyFile(path.join(samples, name), path.join(photos, name));
  const start = (await readFile(path.join(samples, photograph))).subarray(0, 700);
  await writeFile(path.join(photos, 'damaged.jpg'), start);
}

/** All items in the order of their names. */
async function idsOf(photos: Collection): Promise<string[]> {
  const { items } = await photos.tablesOf(photos.space());
  const ids: string[] = [];
  for await (const batch of items.scan()) ids.push(...batch.ids);
  return ids.sort();
}
