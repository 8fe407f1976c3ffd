/** @file A map of a set as a page: which columns it shows, what gives the colours, and which words it can be searched by. */
import path from 'node:path';
import { AfterimageError, UsageError } from '../errors.js';
import { type MapPageSummary, type MapWords, writeMapPage } from '../pages/map-page.js';
import type { MapColumn } from '../pages/map-page-blocks.js';
import { count, plural } from '../units.js';
import { toUnit } from '../vectors/vectors.js';
import { nameClusters } from './cluster-names.js';
import type { SetMap } from './map.js';
import { type EmbeddedWords, embedWords, reduceWords, wordsOf } from './map-words.js';
import type { VectorSet } from './vector-set.js';

/** Options of {@link writeMap}. */
export interface WriteMapOptions {
  /** @default the name of the set's file or folder */
  title?: string | undefined;
  /** A column, or `clusters`. @default `folder` where it tells classes apart, else `clusters` */
  color?: string | undefined;
  /** Make words searchable and name clusters by them, where the model embeds texts. @default true */
  words?: boolean | undefined;
  /** Items with their picture inside the page. @default 5000 */
  pictures?: number | undefined;
  /** Told of pictures that are made. */
  onProgress?: ((progress: { done: number; failed: number; total: number }) => void) | undefined;
  /** Told when the page can be searched by names alone, and why. */
  onWarning?: ((message: string) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/** What was written. */
export interface WrittenMap extends MapPageSummary {
  /** What gives the colours at first. */
  color: string;
  /** Words that can be searched by meaning; 0 for none. */
  words: number;
  /** The share of the first 20 hits that the page has in common with full vectors, 0..1. */
  agreement?: number;
}

/** The column of clusters, on the page and for `color`. */
const CLUSTERS = 'clusters';
/** Columns that say nothing on a map. */
const HIDDEN = new Set([
  'hash',
  'path',
  'size',
  'format',
  'orientation',
  'modified',
  'indexed',
  'projection_x',
  'projection_y',
  CLUSTERS,
]);
/** A folder column with more names than these is no column of classes. */
const MOST_CLASSES = 60;

/**
 * Writes a map as a page, which needs no network.
 * @throws UsageError when there is no such column, or the file cannot be written or is something else than a map.
 */
export async function writeMap(
  set: VectorSet,
  map: SetMap,
  file: string,
  options: WriteMapOptions = {},
): Promise<WrittenMap> {
  const { signal, onProgress, pictures, onWarning } = options;
  const wanted = options.color === undefined || options.color === CLUSTERS ? undefined : options.color;
  const columns = await columnsOf(set, wanted);
  const unit = set.unit();
  const embedded = options.words === false ? undefined : await tryWords(set, onWarning);
  signal?.throwIfAborted();
  const words: MapWords | undefined = embedded && (await reduceWords(unit, embedded));
  const { assignments, centroids } = map.clusters;
  const means = toUnit({ data: centroids, dimension: set.dimension }).data;
  const centres = Array.from({ length: map.clusters.count }, (_, i) =>
    means.subarray(i * set.dimension, (i + 1) * set.dimension),
  );
  const found = embedded ? await nameClusters(set, centres) : [];
  const names = centres.map((_, i) => found[i]?.text ?? `cluster ${i + 1}`);
  columns.push({ name: CLUSTERS, cells: Array.from(assignments, (cluster) => names[cluster]!) });
  const color = wanted ?? (options.color === undefined && hasClasses(columns) ? 'folder' : CLUSTERS);
  const done = await writeMapPage(
    file,
    {
      title: options.title ?? path.basename(path.resolve(set.source)).replace(/^\.afterimage$/, 'Collection'),
      facts: factsOf(set, map),
      ids: set.ids,
      files: set.ids.map((_, row) => set.file(row)),
      x: map.x,
      y: map.y,
      columns,
      color,
      words,
    },
    { pictures, onProgress, signal },
  );
  return { ...done, color, words: words?.words.length ?? 0, ...(words && { agreement: words.agreement }) };
}

/** Columns that tell items apart, and the one that is wanted. */
async function columnsOf(set: VectorSet, wanted: string | undefined): Promise<MapColumn[]> {
  const names = ['folder', ...set.columns.map(({ name }) => name).filter((name) => name !== 'folder')];
  const shown = names.filter((name) => !HIDDEN.has(name));
  if (wanted !== undefined && !shown.includes(wanted)) shown.push(wanted);
  const columns: MapColumn[] = [];
  for (const name of shown) {
    const { cells } = await set.column(name);
    const values = new Set(cells.map((cell) => (cell instanceof Date ? cell.getTime() : cell)));
    values.delete(null);
    if (name === wanted && values.size === 0)
      throw new UsageError(`${set.source}: no item has a ${name}`, { hint: 'colour by another column' });
    if (name === wanted || values.size > 1) columns.push({ name, cells });
  }
  return columns;
}

function hasClasses(columns: readonly MapColumn[]): boolean {
  const folder = columns.find(({ name }) => name === 'folder');
  return folder !== undefined && new Set(folder.cells).size <= MOST_CLASSES;
}

/** The words of a set whose model embeds texts; of another none, and the reason. */
async function tryWords(
  set: VectorSet,
  onWarning: WriteMapOptions['onWarning'],
): Promise<EmbeddedWords | undefined> {
  const without = (why: string) => void onWarning?.(`the page finds names and columns, not meanings: ${why}`);
  try {
    const embedder = await set.embedder();
    if (!embedder.hasText) return without(`${embedder.identity.model} embeds no texts`);
    return await embedWords(embedder, await wordsOf(set));
  } catch (error) {
    if (error instanceof AfterimageError) return without(error.message);
    throw error;
  }
}

function factsOf(set: VectorSet, map: SetMap): [string, string][] {
  const { quality } = map;
  const method = { umap: 'UMAP', tsne: 't-SNE', pca: 'principal components' }[map.method];
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  return [
    ['method', [method, map.settings].filter(Boolean).join(', ')],
    ['items', count(set.count)],
    [
      'vectors',
      `${set.identity?.model ?? 'of a model that is not named'}, ${plural(set.dimension, 'number')} each`,
    ],
    ['trustworthiness', quality.trustworthiness.toFixed(3)],
    ['continuity', quality.continuity.toFixed(3)],
    ['neighbours kept', `${percent(quality.neighbourhoodPreservation)} of the ${quality.k} nearest`],
    ['measured on', plural(quality.sampled, 'item')],
    ...(map.shares ? [['variance shown', map.shares.map(percent).join(' + ')] as [string, string]] : []),
    ['clusters', `${map.clusters.count}, by k-means among the vectors`],
  ];
}
