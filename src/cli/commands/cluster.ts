/** @file `afterimage cluster`: which items of a collection belong together. */
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ClusterReport, VectorSet } from '../../analysis/index.js';
import { UsageError } from '../../errors.js';
import { count } from '../../units.js';
import { defineCommand } from '../command.js';
import { onInterrupt } from '../interrupt.js';
import { openSource, SOURCE_HELP, SOURCE_OPTIONS } from '../source-options.js';
import { table } from '../table.js';
import { note, print, showStatus } from '../terminal.js';

export const cluster = defineCommand({
  name: 'cluster',
  usage: '[SOURCE] [--k N|auto] [--method NAME] [options]',
  summary: 'Finds groups of items that belong together, names them, and shows what stands for each.',
  details:
    `${SOURCE_HELP} The table has a line for each cluster, the largest first: its name, its size, how close its items lie ` +
    'about its centre (cohesion, a cosine), and how much nearer to it than to the next cluster (silhouette). Names are the words ' +
    'that tell a cluster from the others, where the model has text. Without --k several numbers of clusters are compared.',
  arity: [0, 1],
  options: {
    k: { type: 'string', short: 'k', value: 'N|auto', group: 'method', help: 'how many (auto by default)' },
    method: {
      type: 'string',
      choices: ['kmeans', 'agglomerative', 'hdbscan'],
      value: 'NAME',
      group: 'method',
      help: 'kmeans (by default), agglomerative, or hdbscan, which finds dense parts and leaves the rest',
    },
    linkage: {
      type: 'string',
      choices: ['ward', 'average', 'complete', 'single'],
      value: 'NAME',
      group: 'method',
      help: 'for agglomerative: ward (by default), average, complete or single',
    },
    distance: {
      type: 'number',
      min: 0,
      group: 'method',
      help: 'for agglomerative, instead of --k: merge nothing farther apart',
    },
    'min-size': {
      type: 'integer',
      min: 2,
      group: 'method',
      help: 'for hdbscan: the fewest items that are a cluster',
    },
    reduce: {
      type: 'string',
      choices: ['none', 'pca', 'umap'],
      value: 'NAME',
      group: 'method',
      help: 'fewer numbers first: none, pca or umap (for hdbscan umap, else none)',
    },
    dimensions: {
      type: 'integer',
      group: 'method',
      help: 'how many they are then (10 for umap, 50 for pca)',
    },
    seed: { type: 'integer', min: 0, group: 'method', help: 'of the random starts (0 by default)' },
    label: { type: 'string', value: 'COLUMN', group: 'names', help: 'compare the clusters with this column' },
    names: {
      type: 'string',
      value: 'FILE',
      group: 'names',
      help: 'words to choose names from, one a line, before the built-in ones',
    },
    'only-names': { type: 'boolean', group: 'names', help: 'no name that is not in that file' },
    captions: {
      type: 'string',
      value: 'COLUMN',
      group: 'names',
      help: 'take names from what this column speaks of, too',
    },
    'no-names': { type: 'boolean', group: 'names', help: 'numbers only' },
    save: {
      type: 'string',
      value: 'COLUMN',
      group: 'output',
      help: 'keep cluster, number (COLUMN_id) and distance to the centre (COLUMN_distance) in the collection',
    },
    out: {
      type: 'string',
      short: 'o',
      value: 'FILE',
      group: 'output',
      help: 'write these as CSV, a line an item',
    },
    sheet: {
      type: 'string',
      value: 'FILE',
      group: 'output',
      help: 'write a page that shows the clusters (.html)',
    },
    open: { type: 'boolean', group: 'output', help: 'show that page' },
    json: { type: 'boolean', group: 'output', help: 'print one JSON document' },
    ...SOURCE_OPTIONS,
  },
  examples: [
    ['afterimage cluster photos/ --open', 'as many clusters as come back, on a page'],
    ['afterimage cluster shop/ --k 10 --label folder --save kind', 'beside the folders; kept in columns'],
    ['afterimage cluster vectors.parquet --method hdbscan --out clusters.csv', 'dense parts and noise'],
  ],
  async run(values, [source]) {
    const { json, out, save, sheet, open, quiet, method, linkage, distance, seed, label } = values;
    const clusters = numberOf(values.k);
    const reduce = reductionOf(values.reduce, values.dimensions);
    const names = await namesOf(values);
    using interrupt = onInterrupt(() => undefined);
    await using set = await openSource(source, values, { signal: interrupt.stop });
    const { clusterColumns, clusterSet, writeClusters } = await import('../../analysis/index.js');
    const report = await clusterSet(set, {
      method,
      clusters,
      linkage,
      distance,
      minClusterSize: values['min-size'],
      reduce,
      label,
      names,
      seed,
      signal: interrupt.stop,
      onProgress: (what, done, total) => {
        if (!quiet) showStatus(`${what}: ${count(done)} of ${count(total)}`);
      },
      onWarning: (message) => note(`warning: ${message}`),
    }).finally(() => showStatus(''));
    await print(json ? JSON.stringify(document(set, report)) : await tables(report));
    if (out !== undefined) await writeCsv(out, set, report);
    if (save !== undefined) {
      await set.save(clusterColumns(report, save));
      if (!quiet) note(`kept in the columns ${save}, ${save}_id and ${save}_distance`);
    }
    if (sheet !== undefined || open) {
      const file = sheet ?? path.join(await mkdtemp(path.join(tmpdir(), 'afterimage-')), 'clusters.html');
      await writeClusters(file, set, report);
      if (!quiet || sheet === undefined) note(`the page is ${file}`);
      if (open) await (await import('../open-file.js')).openFile(file);
    }
    return 0;
  },
});

function numberOf(k: string | undefined): number | 'auto' | undefined {
  if (k === undefined || k === 'auto') return k;
  if (/^[1-9]\d*$/.test(k)) return Number(k);
  throw new UsageError(`--k: expected a whole number of at least 1, or auto, but received "${k}"`);
}

function reductionOf(method: 'none' | 'pca' | 'umap' | undefined, dimensions: number | undefined) {
  if (method === 'none' || method === undefined) {
    if (dimensions !== undefined)
      throw new UsageError('--dimensions says how many numbers --reduce leaves; add --reduce pca or umap');
    return method;
  }
  return { method, dimensions };
}

async function namesOf(values: {
  readonly names: string | undefined;
  readonly captions: string | undefined;
  readonly 'only-names': boolean;
  readonly 'no-names': boolean;
}) {
  const { names: file, captions } = values;
  if (values['no-names']) return false;
  if (file === undefined && values['only-names'])
    throw new UsageError('--only-names needs the names: add --names FILE');
  if (file === undefined && captions === undefined) return undefined;
  const names = file === undefined ? [] : await linesOf(file);
  return { names, only: values['only-names'], captions };
}

async function linesOf(file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch((cause: Error) => {
    throw new UsageError(`--names: ${file} cannot be read (${cause.message})`, { cause });
  });
  return text.split(/\r?\n/);
}

async function tables(report: ClusterReport): Promise<string> {
  const { clusterTitle, notesOf } = await import('../../analysis/index.js');
  const { clusters, choice, agreement } = report;
  const parts: string[] = [];
  if (choice)
    parts.push(
      table(
        ['clusters >', 'silhouette >', 'stability >', ''],
        choice.table.map((row) => [
          String(row.clusters),
          row.silhouette.toFixed(3),
          row.stability.toFixed(2),
          row.clusters === choice.clusters ? 'taken' : '',
        ]),
      ),
    );
  const rows = clusters.map((one) => [
    String(one.id),
    clusterTitle(one),
    count(one.rows.length),
    one.cohesion.toFixed(3),
    one.silhouette?.toFixed(3) ?? '',
    String(one.outliers.length),
    ...(agreement ? [one.label ? `${one.label.name} (${Math.round(100 * one.label.share)} %)` : ''] : []),
  ]);
  const headings = ['id >', 'name', 'size >', 'cohesion >', 'silhouette >', 'outliers >'];
  if (rows.length > 0)
    parts.push(table(agreement ? [...headings, `mostly (${agreement.column})`] : headings, rows));
  return [...parts, notesOf(report).join('\n')].filter((part) => part !== '').join('\n\n');
}

function document(set: VectorSet, report: ClusterReport) {
  const { clusters, assignments, distances, ...rest } = report;
  const item = (row: number) => ({ id: set.ids[row], path: set.file(row) });
  return {
    source: set.source,
    model: set.identity?.model ?? null,
    ...rest,
    clusters: clusters.map(({ id, name, rows, cohesion, silhouette, label, representatives, outliers }) => ({
      id,
      name: name?.text ?? null,
      margin: name?.margin ?? null,
      size: rows.length,
      cohesion,
      silhouette,
      label,
      representatives: representatives.map(item),
      outliers: outliers.map(item),
    })),
    items: set.ids.map((id, row) => ({
      id,
      cluster: assignments[row]! < 0 ? null : assignments[row],
      distance: Number.isNaN(distances[row]!) ? null : distances[row],
    })),
  };
}

async function writeCsv(file: string, set: VectorSet, report: ClusterReport): Promise<void> {
  const { clusterColumns } = await import('../../analysis/index.js');
  const { csvCell } = await import('../../embedding/formats/csv.js');
  const { writeAtomically } = await import('../../models/cache.js');
  const columns = clusterColumns(report, 'cluster');
  const lines = set.ids.map((id, row) =>
    [id, ...columns.map(({ cells }) => String(cells[row] ?? ''))].map(csvCell).join(','),
  );
  const head = ['id', ...columns.map(({ name }) => name)].join(',');
  await writeAtomically(file, `${[head, ...lines].join('\n')}\n`).catch((cause: Error) => {
    throw new UsageError(`${file}: it cannot be written (${cause.message})`, { cause });
  });
}
