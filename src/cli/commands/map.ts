/** @file `afterimage map`: a set as a page with a map. */
import type { SetMap, WrittenMap } from '../../analysis/index.js';
import { UsageError } from '../../errors.js';
import { bytes, count, duration, plural } from '../../units.js';
import { defineCommand } from '../command.js';
import { onInterrupt } from '../interrupt.js';
import { openFile } from '../open-file.js';
import { ProgressLine } from '../progress.js';
import { openSource, SOURCE_HELP, SOURCE_OPTIONS } from '../source-options.js';
import { dim, note, print, showStatus } from '../terminal.js';

export const map = defineCommand({
  name: 'map',
  usage: '[SOURCE] [--out FILE.html] [--method NAME] [--color COLUMN] [options]',
  summary: 'Draws images as a map, on which like lies beside like: one page to zoom, search and colour.',
  details:
    `${SOURCE_HELP} The page is one file and needs no network. It holds a small picture of each item (of more than 5,000 ` +
    'items, so many spread over the map), some 2 kB each; larger ones are loaded from their files. How faithful the map is ' +
    'is printed with it: trustworthiness falls with neighbours on the map that are none in truth, continuity with ' +
    'neighbours that it tears apart; 1 is perfect. An older map is replaced, any other file is not.',
  arity: [0, 1],
  options: {
    out: {
      type: 'string',
      short: 'o',
      value: 'FILE',
      group: 'output',
      help: 'the page (map.html in the current folder by default)',
    },
    method: {
      type: 'string',
      choices: ['umap', 'tsne', 'pca'],
      value: 'NAME',
      group: 'map',
      help: 'umap (by default), tsne, or pca, which is fast and coarse',
    },
    neighbors: {
      type: 'integer',
      min: 2,
      group: 'map',
      help: 'umap: neighbours that are kept near (15 by default); more show the whole, fewer the details',
    },
    'min-distance': {
      type: 'number',
      min: 0,
      group: 'map',
      help: 'umap: how near points may lie, 0 to 1 (0.1 by default)',
    },
    seed: { type: 'integer', min: 0, group: 'map', help: 'of what is drawn at random (0 by default)' },
    color: {
      type: 'string',
      value: 'COLUMN',
      group: 'page',
      help: 'what gives the colours: a column, or clusters (by default the folder, where images are sorted into some)',
    },
    clusters: { type: 'integer', group: 'page', help: 'how many clusters (at most 10 by default)' },
    title: { type: 'string', group: 'page', help: 'the heading of the page' },
    pictures: {
      type: 'integer',
      min: 0,
      group: 'page',
      help: 'items with a picture inside the page (5000 by default)',
    },
    'no-words': {
      type: 'boolean',
      group: 'page',
      help: 'no search by meaning, and clusters have numbers for names',
    },
    save: {
      type: 'boolean',
      group: 'output',
      help: 'keep projection_x and projection_y as columns of the collection, for "afterimage export" and embedding-atlas',
    },
    open: { type: 'boolean', group: 'output', help: 'show the page in the browser' },
    json: { type: 'boolean', group: 'output', help: 'print a JSON object' },
    ...SOURCE_OPTIONS,
  },
  examples: [
    ['afterimage map photos/ --open', 'a map of the collection in photos/, or of the images there'],
    [
      'afterimage map vectors.parquet -o shop.html --color category --table shop.csv',
      'coloured by a table’s column',
    ],
    ['afterimage map --method tsne --clusters 20', 'another method, finer clusters'],
    ['afterimage map --save', 'keep the places; "afterimage export map.parquet" hands them on'],
  ],
  async run(values, [source]) {
    const { out = 'map.html', json, quiet, color } = values;
    const { mapSet, saveMap, writeMap } = await import('../../analysis/index.js');
    const { assertReplaceable } = await import('../../pages/map-page.js');
    await assertReplaceable(out);
    using interrupt = onInterrupt(() => {
      if (!quiet) note('stopping; no map is written');
    });
    const signal = interrupt.stop;
    const show = process.stderr.isTTY && !quiet;
    try {
      await using set = await openSource(source, values, { signal });
      if (color !== undefined && color !== 'clusters') await set.column(color);
      if (values.save && set.kind !== 'collection')
        throw new UsageError(`--save keeps places in a collection, and ${set.source} is none`, {
          hint: '"afterimage index FOLDER" and "afterimage import FILE" make one',
        });
      const drawn = await mapSet(set, {
        method: values.method,
        neighbours: values.neighbors,
        minDistance: values['min-distance'],
        clusters: values.clusters,
        seed: values.seed,
        signal,
        onProgress: show
          ? (done, total) => showStatus(`map: ${Math.floor((100 * done) / total)} %`)
          : undefined,
      });
      if (values.save) await saveMap(set, drawn);
      showStatus('');
      const line = show ? new ProgressLine('pictures: ') : undefined;
      const page = await writeMap(set, drawn, out, {
        title: values.title,
        color,
        words: !values['no-words'],
        pictures: values.pictures,
        signal,
        onProgress: line && ((progress) => line.update(progress)),
        onWarning: (message) => note(message),
      }).finally(() => line?.end());
      if (json) await print(JSON.stringify({ out, items: set.count, ...summaryOf(drawn), ...page }));
      else await report(out, set.count, drawn, page);
      if (values.open && !(await openFile(out))) note(`open ${out} in a browser; there is no desktop here`);
      return 0;
    } finally {
      showStatus('');
    }
  },
});

function summaryOf({ method, quality, clusters, seconds, shares }: SetMap) {
  return { method, ...quality, clusters: clusters.count, ...(shares && { shares }), seconds };
}

async function report(out: string, items: number, drawn: SetMap, page: WrittenMap): Promise<void> {
  const { quality, method, settings, shares } = drawn;
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  await print(
    `${out}: ${plural(items, 'item')}, ${bytes(page.bytes)}, ${plural(page.pictures, 'picture')} inside`,
  );
  await print(
    `${[method, settings].filter(Boolean).join(', ')}: trustworthiness ${quality.trustworthiness.toFixed(3)}, ` +
      `continuity ${quality.continuity.toFixed(3)}, ${percent(quality.neighbourhoodPreservation)} of the ` +
      `${quality.k} nearest neighbours kept`,
  );
  if (shares) await print(`it shows ${shares.map(percent).join(' + ')} of the variance`);
  const search =
    page.agreement === undefined
      ? 'the search box finds names and columns'
      : `the search box knows ${count(page.words)} words, and shares ${percent(page.agreement)} of its first 20 hits with full vectors`;
  await print(dim(`coloured by ${page.color}; ${search}`));
  if (page.missing > 0) note(`${plural(page.missing, 'picture')} cannot be read`);
  await print(dim(`${duration(drawn.seconds)} for the map`));
}
